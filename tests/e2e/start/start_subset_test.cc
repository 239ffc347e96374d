// Starts on a subset: what it was made for is all that it is ever used for.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/e2e/start/start_local_fixture.h"

namespace rotv::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

class StartSubsetTest : public StartLocalTest {
 protected:
  void Configure(const std::string& subset) {
    rotv_.Configure({});
    WriteFile(rotv_.config(), ReadFile(rotv_.config()) + "[subset]\n" + subset);
  }
  Json Start(const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"--json", "start", "--replace"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return Json::parse(MustRotv(all));
  }
};

TEST_F(StartSubsetTest, ASubsetIsNeverTakenForTheWholeNorForAnotherSubset) {
  Configure("\"public.places\" = { where = \"id <= 10\" }\n");
  const Json first = Start({"--subset"});
  EXPECT_EQ(first["subset"], true);
  EXPECT_EQ(first["from"], "seed");
  EXPECT_EQ(Get("/count/places"), "10");
  EXPECT_EQ(Get("/count/news"), "7") << "a small table";
  EXPECT_THAT(MustRotv({"status"}), HasSubstr("a subset of production as it was at "));

  EXPECT_EQ(Start({})["from"], "seed") << "a warm cluster of the same point, but of a subset";
  EXPECT_EQ(Get("/count/places"), "100");
  EXPECT_EQ(Rotv({"start", "--subset"}).exit_status, 2) << "all rows run";
  EXPECT_EQ(Start({"--subset"})["from"], "warm");
  EXPECT_EQ(Get("/count/places"), "10");
  EXPECT_EQ(MustRotv({"run", "--fresh", "--subset", "--", PostgresServer::BinDirectory() / "psql", "-XAtqc",
                      "SELECT count(*) FROM places"}),
            "10\n");
  EXPECT_THAT(MustRotv({"warm", "--list"}), HasSubstr("a subset of production at "));
  MustRotv({"psql", "-qc", "DELETE FROM places"});
  MustRotv({"restart"});
  EXPECT_EQ(Get("/count/places"), "10");

  Configure("\"public.places\" = { where = \"id <= 20\" }\n");
  const Result other = Rotv({"start", "--subset"});
  EXPECT_EQ(other.exit_status, 2) << "what runs was made by another section";
  EXPECT_THAT(other.err, HasSubstr("its subset was made by another [subset]"));
  EXPECT_EQ(Start({"--subset"})["from"], "seed");
  EXPECT_EQ(Get("/count/places"), "20");
  rotv_.server().Exec("INSERT INTO places VALUES (0, 'new'), (500, 'not in it')");
  EXPECT_EQ(Start({"--subset", "--pull"})["from"], "seed") << "a subset is not carried";
  EXPECT_EQ(Get("/count/places"), "21");
  EXPECT_EQ(Start({})["from"], "carried") << "subsets push out no cluster of all rows";
  EXPECT_EQ(Get("/count/places"), "102");

  Configure("small = 5\n");
  const Result refused = Rotv({"start", "--replace", "--subset"});
  EXPECT_EQ(refused.exit_status, 2);
  EXPECT_THAT(refused.err, HasSubstr("[subset] does not say where to start"));
  EXPECT_EQ(Get("/count/places"), "102") << "what ran goes on";
}

TEST_F(StartSubsetTest, ASeedThatWasTouchedIsNotTakenForThatOfAnotherSection) {
  Configure("\"public.places\" = { where = \"id <= 10\" }\n");
  MustRotv({"seed", "--subset"});
  const std::filesystem::path seed = rotv_.home() / "seed-data+subset.sql";
  MustRun({.argv = {"touch", "-d", "10 days ago", seed}});
  Start({"--subset"});
  EXPECT_EQ(Get("/count/places"), "10");
  Configure("\"public.places\" = { where = \"id <= 20\" }\n");
  Start({"--subset"});
  EXPECT_EQ(Get("/count/places"), "20");
}

TEST_F(StartSubsetTest, APersistentClusterHasTheRowsThatItHas) {
  Configure("\"public.places\" = { where = \"id <= 10\" }\n");
  std::filesystem::create_directory(rotv_.home());
  std::filesystem::permissions(rotv_.home(), std::filesystem::perms(0711));  // For root's server.
  Start({"--subset", "--persistent"});
  MustRotv({"stop"});
  Configure("\"public.places\" = { where = \"id <= 20\" }\n");
  for (int i = 0; i < 2; ++i) {
    const Result started = MustRun(RotvCommand({"start", "--subset", "--persistent"}));
    EXPECT_THAT(started.err, HasSubstr("--subset has no effect"));
    EXPECT_EQ(Get("/count/places"), "10");
  }
}

}  // namespace
}  // namespace rotv::testing
