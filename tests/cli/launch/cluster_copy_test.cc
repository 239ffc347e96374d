#include "cli/launch/cluster_copy.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/error.h"
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
  std::string Copy(const std::optional<CloneRecord>& reused = {}) {
    fs::remove(home_ / "pipe");
    const ClusterCopy copy({.from = from_,
                            .files = files_,
                            .to = to_,
                            .pipe = home_ / "pipe",
                            .owner = geteuid() == 0 ? kSomebody : geteuid(),
                            .group = geteuid() == 0 ? kSomebody : getegid(),
                            .reused = reused},
                           "began");
    const FileDescriptor pipe(open((home_ / "pipe").c_str(), O_RDONLY | O_CLOEXEC));
    std::string line;
    for (char c = 0; read(pipe.get(), &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }

  ino_t InodeOf(const std::string& name) const {
    struct stat status {};
    EXPECT_EQ(lstat((to_ / name).c_str(), &status), 0) << name;
    return status.st_ino;
  }

  static constexpr uid_t kSomebody = 12345;
  const testing::TempDir home_{testing::TempDirName::kPlain, "/dev/shm"};  // Where databases are: on a tmpfs.
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

// What a server and its users may have done to a clone in between.
TEST_F(ClusterCopyTest, AnEarlierCloneKeepsOnlyWhatNobodyHasChanged) {
  Add("base/5/2", "written to");
  Add("base/5/3", "of another time");
  Add("base/5/4", "a link");
  Add("base/5/5", "two names");
  Add("base/5/6", "a directory");
  ASSERT_EQ(Copy(), "ok");
  const std::optional<CloneRecord> record = ReadCloneRecord(to_);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->cluster, from_);
  EXPECT_EQ(record->files.size(), 6U) << "relations alone";
  const ino_t same = InodeOf("base/5/1259");

  const auto time = fs::last_write_time(to_ / "base/5/2");
  testing::WriteFile(to_ / "base/5/2", "WRITTEN TO");
  fs::last_write_time(to_ / "base/5/2", time);
  fs::permissions(to_ / "base/5/3", fs::perms::owner_read);
  fs::remove(to_ / "base/5/4");
  testing::WriteFile(home_ / "outside", "is not touched");
  fs::create_symlink(home_ / "outside", to_ / "base/5/4");
  fs::create_hard_link(to_ / "base/5/5", home_ / "second name");
  fs::remove(to_ / "base/5/6");
  fs::create_directories(to_ / "base/5/6/more");
  testing::WriteFile(to_ / "base/5/more", "more");
  fs::create_directories(to_ / "base/6");
  fs::create_symlink(home_.path(), to_ / "base/6/link");
  fs::permissions(to_ / "base", fs::perms::all);
  fs::remove(to_ / "PG_VERSION");

  ASSERT_EQ(Copy(record), "ok");
  EXPECT_EQ(InodeOf("base/5/1259"), same);
  EXPECT_EQ(testing::ReadFile(home_ / "outside"), "is not touched");
  size_t there = 0;
  for (auto entry = fs::recursive_directory_iterator(to_); entry != fs::recursive_directory_iterator(); ++entry)
    ++there;
  EXPECT_EQ(there, files_.size() + 1) << "and the marker";
  for (const WarmFile& file : files_) {
    struct stat status {};
    ASSERT_EQ(lstat((to_ / file.name).c_str(), &status), 0) << file.name;
    EXPECT_EQ(status.st_mode, file.is_directory ? S_IFDIR | 0700U : S_IFREG | 0600U) << file.name;
    if (!file.is_directory) {
      EXPECT_EQ(testing::ReadFile(to_ / file.name), testing::ReadFile(from_ / file.name)) << file.name;
    }
  }
  // The next one knows all of them again.
  const std::optional<CloneRecord> next = ReadCloneRecord(to_);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->files.size(), 6U);
}

// In a process of its own, which may have no other.
TEST_F(ClusterCopyTest, ThatNoThreadCanBeStartedIsSaid) {
  fs::permissions(home_.path(), fs::perms::all);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    if ((geteuid() == 0 && setresuid(kSomebody, kSomebody, kSomebody) != 0) || setrlimit(RLIMIT_NPROC, &none) != 0) {
      _exit(1);
    }
    try {
      Copy();
    } catch (const Error& error) {
      const bool says = std::string(error.what()).find("no thread can be started") != std::string::npos;
      _exit(error.code() == ErrorCode::kCannotStart && says ? 0 : 2);
    }
    _exit(3);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace rotv::launch
