// Starts from places whose names or rights are unusual.

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/e2e/start/start_fixture.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;

class OddPlacesTest : public StartTest {
 protected:
  // Starts, asks the application, and stops; all in this home.
  void ExpectWorksIn(const fs::path& home) {
    const auto rotv = [&](const std::vector<std::string>& arguments) {
      Command command = RotvCommand(arguments);
      command.argv[2] = home;  // The argument of --home.
      return RunCommand(command);
    };
    const Result started = rotv({"start"});
    EXPECT_TRUE(started.ok()) << started.err << rotv({"logs"}).out;
    EXPECT_EQ(Get("/count/places"), "100");
    // The second one starts from the warm cluster of the first.
    for (const char* command : {"stop", "start", "status", "stop"}) {
      const Result result = rotv({command});
      EXPECT_TRUE(result.ok()) << command << ": " << result.err;
    }
  }
};

TEST_F(OddPlacesTest, AHomeWithCharactersThatMeanSomethingElsewhere) {
  ExpectWorksIn(rotv_.directory() / "a, b'c\"d$(e)\\f\ng");
}

// The server runs as another user, to whom it is closed.
TEST_F(OddPlacesTest, ATemporaryDirectoryOfRootAlone) {
  const fs::path own = rotv_.directory() / "private";
  fs::create_directory(own);
  fs::permissions(own, fs::perms::owner_all);
  variables_["TMPDIR"] = own;
  ExpectWorksIn(rotv_.home());
}

}  // namespace
}  // namespace rotv::testing
