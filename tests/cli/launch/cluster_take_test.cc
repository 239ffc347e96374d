#include "cli/launch/cluster_take.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <map>
#include <string>
#include <vector>

#include "storage/file_checksum.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

class ClusterTakeTest : public ::testing::Test {
 protected:
  ClusterTakeTest() {
    for (const char* name : {"base/5", "pg_tblspc", "rotv-kept/global", "global"}) fs::create_directories(from_ / name);
    fs::create_directories(to_);
    testing::WriteFile(from_ / "base/5/1259", std::string(3'000'000, 'x'));
    testing::WriteFile(from_ / "base/5/empty", "");
    testing::WriteFile(from_ / "rotv-kept/PG_VERSION", "15\n");
    testing::WriteFile(from_ / "rotv-kept/global/pg_control", "as it was");
    testing::WriteFile(from_ / "global/pg_control", "as it is");
    AwaitFileTimeAfter(FileTimeNs());
  }

  bool Take() { return TakeCluster({.from = from_, .to = to_}, &files_, &record_, &bytes_, interrupt_); }

  const testing::TempDir home_;
  const fs::path from_ = home_ / "from";
  const fs::path to_ = home_ / "to";
  const Interrupt interrupt_;
  std::vector<WarmFile> files_;
  CloneRecord record_;
  std::atomic<uint64_t> bytes_ = 0;
};

TEST_F(ClusterTakeTest, TheFilesThatWerePutAsideCountForTheServersOwn) {
  ASSERT_TRUE(Take());
  EXPECT_EQ(testing::ReadFile(to_ / "global/pg_control"), "as it was");
  EXPECT_EQ(testing::ReadFile(to_ / "base/5/1259"), std::string(3'000'000, 'x'));
  std::map<std::string, WarmFile> by_name;
  for (const WarmFile& file : files_) by_name[file.name] = file;
  EXPECT_EQ(by_name.size(), 8U);
  EXPECT_EQ(by_name.at("base/5/1259").sum, ChecksumText(ChecksumOf(from_ / "base/5/1259")));
  EXPECT_EQ(by_name.at("base/5/1259").bytes, 3'000'000U);
  EXPECT_TRUE(by_name.at("global").is_directory);
  EXPECT_EQ(bytes_, 3'000'012U);
  // What runs on has these bytes, but not those of the files that were put aside.
  EXPECT_EQ(record_.files.size(), 2U);
  struct stat status {};
  ASSERT_EQ(stat((from_ / "base/5/1259").c_str(), &status), 0);
  EXPECT_TRUE(IsUnchanged(status, record_.files.at("base/5/1259")));
  testing::WriteFile(from_ / "base/5/1259", std::string(3'000'000, 'x'));
  ASSERT_EQ(stat((from_ / "base/5/1259").c_str(), &status), 0);
  EXPECT_FALSE(IsUnchanged(status, record_.files.at("base/5/1259")));
}

TEST_F(ClusterTakeTest, NeitherLinksNorPipesAreFollowed) {
  fs::create_symlink(home_ / "outside", from_ / "base/5/link");
  EXPECT_FALSE(Take());
  fs::remove(from_ / "base/5/link");
  fs::remove_all(to_);
  fs::create_directories(to_);
  ASSERT_EQ(mkfifo((from_ / "base/5/pipe").c_str(), 0600), 0);
  EXPECT_FALSE(Take());
  fs::remove(from_ / "base/5/pipe");
  fs::remove_all(to_);
  fs::create_directories(to_);
  fs::rename(from_ / "base", home_ / "base");
  fs::create_symlink(home_ / "base", from_ / "base");
  EXPECT_FALSE(Take());
}

}  // namespace
}  // namespace rotv::launch
