#include "storage/atomic_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::ErrorOf;
using testing::RunRole;
using testing::TempDir;

constexpr size_t kLimit = 64 << 10;

const auto* const file_children = ::testing::AddGlobalTestEnvironment(new testing::ChildEnvironment({
    {"killed",
     [](const fs::path& path) {
       AtomicFile file(path);
       file.Write("half of the ne");
       raise(SIGKILL);
     }},
    {"disk full",
     [](const fs::path& path) {
       signal(SIGXFSZ, SIG_IGN);
       rlimit limit{kLimit, kLimit};
       setrlimit(RLIMIT_FSIZE, &limit);
       WriteFileAtomically(path, std::string(kLimit + 1, 'x'));
     }},
}));

std::vector<std::string> Names(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(AtomicFileTest, AppearsOnCommitAndIsPrivateToItsOwner) {
  TempDir directory;
  WriteFileAtomically(directory / "file", "content");
  EXPECT_EQ(ReadFile(directory / "file"), "content");
  EXPECT_EQ(fs::status(directory / "file").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(Names(directory.path()), std::vector<std::string>{"file"});
}

TEST(AtomicFileTest, TheOldFileStaysUntilTheCommit) {
  TempDir directory;
  WriteFileAtomically(directory / "file", "old");
  {
    AtomicFile file(directory / "file");
    file.Write("new, of ");
    file.Write("two pieces");
    EXPECT_EQ(ReadFile(directory / "file"), "old");
    file.Commit();
  }
  EXPECT_EQ(ReadFile(directory / "file"), "new, of two pieces");
}

TEST(AtomicFileTest, WithoutACommitNoFileRemains) {
  TempDir directory;
  { AtomicFile(directory / "file").Write("dropped"); }
  EXPECT_TRUE(fs::is_empty(directory.path()));
}

TEST(AtomicFileTest, OneThatIsThereStaysIfTheNewOneIsForAMissingOne) {
  TempDir directory;
  for (const bool is_first : {true, false}) {
    AtomicFile file(directory / "file");
    file.Write(is_first ? "first" : "second");
    EXPECT_EQ(file.CommitIfMissing(), is_first);
  }
  EXPECT_EQ(ReadFile(directory / "file"), "first");
  EXPECT_EQ(Names(directory.path()), std::vector<std::string>{"file"});
}

TEST(AtomicFileTest, FilesLeftByAKilledRunAreHarmless) {
  TempDir directory;
  WriteFileAtomically(directory / "file", "old");
  EXPECT_EQ(RunRole("killed", directory / "file").exit_status, 128 + SIGKILL);
  EXPECT_EQ(ReadFile(directory / "file"), "old");
  WriteFileAtomically(directory / "file", "new");
  EXPECT_EQ(ReadFile(directory / "file"), "new");
  EXPECT_EQ(Names(directory.path()), std::vector<std::string>{"file"});
}

// The file is in a directory where other users may create files too, such as /tmp.
TEST(AtomicFileTest, LinksAndFilesOfOthersAreNeitherFollowedNorChanged) {
  TempDir shared;
  TempDir elsewhere;
  fs::permissions(shared.path(), fs::perms::all | fs::perms::sticky_bit);
  WriteFileAtomically(elsewhere / "victim", "precious");
  for (const char* name : {"file.tmp", "file.rotv-000000.tmp", "file.new", "file~"}) {
    fs::create_symlink(elsewhere / "victim", shared / name);
  }
  ASSERT_EQ(mkfifo((shared / "file.rotv-111111.tmp").c_str(), 0666), 0);
  fs::create_directory(shared / "file.rotv-222222.tmp");
  const std::vector<std::string> laid_out = Names(shared.path());
  WriteFileAtomically(shared / "file", "content");
  EXPECT_EQ(ReadFile(shared / "file"), "content");
  EXPECT_EQ(ReadFile(elsewhere / "victim"), "precious");
  std::vector<std::string> left = Names(shared.path());
  std::erase(left, "file");
  EXPECT_EQ(left, laid_out);

  fs::create_symlink(elsewhere / "victim", shared / "new");
  WriteNewFile(shared / "new", "content");
  EXPECT_EQ(ReadFile(shared / "new"), "content");
  EXPECT_FALSE(fs::is_symlink(shared / "new"));
  fs::create_symlink(elsewhere / "victim", shared / "lock");
  EXPECT_EQ(ErrorOf([&] { OpenOrCreateFile(shared / "lock", O_RDWR | O_TRUNC); }).code(), ErrorCode::kDisk);
  EXPECT_EQ(ReadFile(elsewhere / "victim"), "precious");
}

TEST(AtomicFileTest, EveryWriterHasItsOwnTemporaryFile) {
  TempDir directory;
  AtomicFile first(directory / "file");
  const std::vector<std::string> one = Names(directory.path());
  AtomicFile second(directory / "file");
  EXPECT_EQ(one.size(), 1U);
  EXPECT_EQ(Names(directory.path()).size(), 2U);
  first.Write("first");
  first.Commit();
  second.Write("second");
  second.Commit();
  EXPECT_EQ(ReadFile(directory / "file"), "second");
  EXPECT_EQ(Names(directory.path()), std::vector<std::string>{"file"});
}

TEST(AtomicFileTest, ANameOfTheMaximumLengthWorks) {
  TempDir directory;
  const std::string name(255, 'n');
  WriteFileAtomically(directory / name, "content");
  EXPECT_EQ(ReadFile(directory / name), "content");
}

TEST(AtomicFileTest, AFullDiskIsReportedAndLeavesTheOldFile) {
  TempDir directory;
  WriteFileAtomically(directory / "file", "old");
  testing::Result result = RunRole("disk full", directory / "file");
  EXPECT_EQ(result.exit_status, static_cast<int>(ErrorCode::kDisk));
  EXPECT_THAT(result.err, ::testing::HasSubstr((directory / "file").string()));
  EXPECT_EQ(ReadFile(directory / "file"), "old");
  EXPECT_EQ(Names(directory.path()), std::vector<std::string>{"file"});
}

TEST(AtomicFileTest, AMissingDirectoryIsReportedWithAHint) {
  TempDir directory;
  Error error = ErrorOf([&] { WriteFileAtomically(directory.path() / "none" / "file", ""); });
  EXPECT_EQ(error.code(), ErrorCode::kDisk);
  EXPECT_THAT(error.hint(), ::testing::HasSubstr((directory / "none").string()));
}

TEST(AtomicFileTest, ADirectoryIsNotReplaced) {
  TempDir directory;
  fs::create_directory(directory / "file");
  EXPECT_EQ(ErrorOf([&] { AtomicFile file(directory / "file"); }).code(), ErrorCode::kDisk);
  EXPECT_EQ(Names(directory.path()), std::vector<std::string>{"file"});
}

TEST(AtomicFileTest, ASpecialFileIsNotReplaced) {
  TempDir directory;
  ASSERT_EQ(mkfifo((directory / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(ErrorOf([&] { AtomicFile file(directory / "pipe"); }).code(), ErrorCode::kDisk);
  EXPECT_TRUE(fs::is_fifo(directory / "pipe"));
  EXPECT_EQ(Names(directory.path()), std::vector<std::string>{"pipe"});
}

TEST(AtomicFileTest, AMissingFileCannotBeRead) {
  TempDir directory;
  EXPECT_EQ(ErrorOf([&] { ReadFile(directory / "none"); }).code(), ErrorCode::kDisk);
}

TEST(AtomicFileTest, AFileIsReadCompletely) {
  TempDir directory;
  std::string content(200000, 'x');
  content[65536] = '\0';
  WriteFileAtomically(directory / "file", content);
  EXPECT_EQ(ReadFile(directory / "file"), content);
  WriteFileAtomically(directory / "file", "");
  EXPECT_EQ(ReadFile(directory / "file"), "");
}

}  // namespace
}  // namespace rotv
