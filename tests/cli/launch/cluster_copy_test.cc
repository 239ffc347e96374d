#include "cli/launch/cluster_copy.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "storage/file_checksum.h"
#include "storage/handle.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

class ClusterCopyTest : public ::testing::Test {
 protected:
  ClusterCopyTest() {
    fs::create_directories(from_ / "base/5");
    for (const char* name : {"base", "base/5"}) files_.push_back({.name = name, .is_directory = true});
    Add("base/5/1259", std::string(3'000'000, 'x'));
    Add("base/5/empty", "");
    Add("PG_VERSION", "15\n");
  }

  void Add(const std::string& name, const std::string& text) {
    testing::WriteFile(from_ / name, text);
    files_.push_back({.name = name, .bytes = text.size(), .sum = ChecksumText(ChecksumOf(from_ / name))});
  }

  // Copies, and returns the line that the entrypoint reads.
  std::string Copy() {
    const ClusterCopy copy({.from = from_,
                            .files = files_,
                            .to = to_,
                            .pipe = home_ / "pipe",
                            .owner = geteuid() == 0 ? kSomebody : geteuid(),
                            .group = geteuid() == 0 ? kSomebody : getegid()},
                           "began");
    const FileDescriptor pipe(open((home_ / "pipe").c_str(), O_RDONLY | O_CLOEXEC));
    std::string line;
    for (char c = 0; read(pipe.get(), &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }

  static constexpr uid_t kSomebody = 12345;
  const testing::TempDir home_;
  const fs::path from_ = home_ / "from";
  const fs::path to_ = home_ / "to";
  std::vector<WarmFile> files_;
};

TEST_F(ClusterCopyTest, AllFilesAreThereForTheirOwnerOnly) {
  EXPECT_EQ(Copy(), "ok");
  EXPECT_TRUE(fs::exists(to_ / "began"));
  for (const WarmFile& file : files_) {
    struct stat status {};
    ASSERT_EQ(stat((to_ / file.name).c_str(), &status), 0) << file.name;
    EXPECT_EQ(status.st_mode & 0777, file.is_directory ? 0700U : 0600U) << file.name;
    EXPECT_EQ(status.st_uid, geteuid() == 0 ? kSomebody : geteuid()) << file.name;
    if (!file.is_directory) {
      EXPECT_EQ(testing::ReadFile(to_ / file.name), testing::ReadFile(from_ / file.name)) << file.name;
    }
  }
}

TEST_F(ClusterCopyTest, BytesThatAreNotThoseOfTheManifestAreNoticed) {
  std::string changed = testing::ReadFile(from_ / "base/5/1259");
  changed[2'000'000] = 'y';
  testing::WriteFile(from_ / "base/5/1259", changed);
  EXPECT_EQ(Copy(), "unusable the bytes of base/5/1259 have changed");
}

TEST_F(ClusterCopyTest, AMissingFileIsNoticed) {
  fs::remove(from_ / "base/5/empty");
  EXPECT_EQ(Copy(), "unusable base/5/empty cannot be read: No such file or directory");
}

}  // namespace
}  // namespace rotv::launch
