// Compressed seeds, requested in each of the ways, contain the same text.

#include <gmock/gmock.h>

#include <fstream>

#include "tests/e2e/history/history_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

class CompressionTest : public HistoryTest {
 protected:
  std::string Unpacked(const std::string& program, const std::filesystem::path& file) const {
    return MustRun({.argv = {program, "-dc", file}}).out;
  }
  Result Materialize(const std::string& variable, const std::vector<std::string>& arguments = {}) const {
    std::vector<std::string> all = {"materialize", "--restrict", "never"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    Command command = rotv.SyncCommand(all);
    if (!variable.empty()) command.env["ROTV_SEED_COMPRESSION"] = variable;
    return RunCommand(command);
  }
};

TEST_F(CompressionTest, FollowsTheOptionTheVariableOrTheConfig) {
  rotv.MustSync({"baseline"});
  const std::string plain = SeedText({});
  ASSERT_TRUE(Materialize("", {"--compress", "zstd"}).ok());
  EXPECT_EQ(Unpacked("zstd", rotv.home() / "seed-data.sql.zst"), plain);
  ASSERT_TRUE(Materialize("gzip").ok());
  EXPECT_EQ(Unpacked("gzip", rotv.home() / "seed-data.sql.gz"), plain);
  // The option overrides the variable; a named file or pipe gets a format that psql reads.
  ASSERT_TRUE(Materialize("gzip", {"--compress", "none"}).ok());
  EXPECT_EQ(ReadFile(rotv.home() / "seed-data.sql"), plain);
  EXPECT_EQ(Materialize("gzip", {"--output", "-"}).out, plain);
  EXPECT_EQ(Unpacked("gzip",
                     [&] {
                       Materialize("zstd", {"--output", rotv.directory() / "x", "--compress", "gzip"});
                       return rotv.directory() / "x";
                     }()),
            plain);

  std::filesystem::remove(rotv.home() / "seed-data.sql.zst");
  std::ofstream(rotv.config(), std::ios::app) << "\n[app]\ncompression = \"zstd\"\n";
  ASSERT_TRUE(Materialize("").ok());
  EXPECT_EQ(Unpacked("zstd", rotv.home() / "seed-data.sql.zst"), plain);
  const Result wrong = Materialize("lz4");
  EXPECT_EQ(wrong.exit_status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("ROTV_SEED_COMPRESSION is \"lz4\"\nhint: it may be none, zstd or gzip"));
}

}  // namespace
}  // namespace rotv::testing
