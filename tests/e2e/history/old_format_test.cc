// Stores that programs of formats 2 and 3 wrote: two tables, two pulls with a change of the schema between them, a
// snapshot of the first, and the seeds that those programs made of both points.
//
// Labels: asan

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::MustRun;
using testing::ReadFile;
using testing::Result;
using testing::RunCommand;

class OldFormatTest : public ::testing::TestWithParam<int> {
 protected:
  OldFormatTest() {
    const std::string archive =
        ROTV_SOURCE_DIR "/tests/e2e/history/store_of_format_" + std::to_string(GetParam()) + ".tar.gz";
    MustRun({.argv = {"tar", "-xzf", archive, "-C", directory_.path().string()}});
  }
  Result Sync(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {ROTV_SYNC_BINARY, "--home", directory_ / "home", "--config",
                                         (directory_ / "rotv.toml").string()});
    return RunCommand({.argv = arguments, .env = {{"HOME", directory_.path().string()}}, .unset_env = {"PG*"}});
  }
  void ExpectTheSameSeeds() const {
    const fs::path seed = directory_ / "seed.sql";
    for (const char* name : {"head", "before"}) {
      std::vector<std::string> arguments = {"materialize", "--restrict", "never", "--output", seed.string()};
      if (name == std::string("before")) arguments.insert(arguments.end(), {"--snapshot", name});
      const Result made = Sync(arguments);
      ASSERT_EQ(made.exit_status, 0) << made.err;
      EXPECT_EQ(ReadFile(seed), ReadFile(directory_ / (std::string(name) + ".sql"))) << name;
    }
  }
  fs::path Store() const {
    for (const auto& entry : fs::directory_iterator(directory_ / "home/sources/production")) {
      if (entry.path().filename().string().starts_with("store-")) return entry.path();
    }
    return {};
  }
  std::map<std::string, std::string> StoreFiles() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(Store())) files[entry.path().filename()] = ReadFile(entry.path());
    return files;
  }

  testing::TempDir directory_;
};

TEST_P(OldFormatTest, IsReadAsItIs) {
  const auto before = StoreFiles();
  ExpectTheSameSeeds();
  const Result log = Sync({"log"});
  EXPECT_THAT(log.out, ::testing::HasSubstr("public.people ~7 -1"));
  EXPECT_EQ(Sync({"check", "--read-data"}).exit_status, 0);
  EXPECT_EQ(StoreFiles(), before);
}

TEST_P(OldFormatTest, ACommandThatWritesBringsItToThePresentFormat) {
  const Result created = Sync({"snapshot", "create", "later"});
  ASSERT_EQ(created.exit_status, 0) << created.err;
  EXPECT_TRUE(fs::exists(Store() / "seal"));
  ExpectTheSameSeeds();
  const Result collected = Sync({"gc", "--keep-days", "0"});
  EXPECT_EQ(collected.exit_status, 0) << collected.err;
  EXPECT_EQ(Sync({"check", "--read-data"}).exit_status, 0);
  ExpectTheSameSeeds();
  const Result list = Sync({"snapshot", "list"});
  EXPECT_THAT(list.out, ::testing::AllOf(::testing::HasSubstr("before"), ::testing::HasSubstr("later")));
  // From now on the files are held against what was published.
  fs::remove(Store() / "seal");
  EXPECT_EQ(Sync({"status"}).exit_status, 7);
}

INSTANTIATE_TEST_SUITE_P(Formats, OldFormatTest, ::testing::Values(2, 3));

}  // namespace
}  // namespace rotv
