#include "cli/config/home.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "storage/error.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

using std::filesystem::path;

class HomeTest : public ::testing::Test {
 protected:
  static mode_t ModeOf(const path& file) {
    struct stat status {};
    EXPECT_EQ(stat(file.c_str(), &status), 0);
    return status.st_mode & 07777;
  }
  static std::string Complaint(const path& home) {
    try {
      config::OpenHome(home);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kDisk);
      EXPECT_FALSE(error.hint().empty());
      return error.what();
    }
    return "nothing";
  }

  const testing::TempDir temporary_;
  const path directory_ = temporary_.path();
};

TEST_F(HomeTest, TheOptionOverridesTheVariableWhichOverridesTheDefault) {
  os::Environment environment = {{"HOME", "/people/ada"}};
  EXPECT_EQ(config::ResolveHome("", environment), "/people/ada/.rotv");
  environment["ROTV_HOME"] = "/srv/rotv";
  EXPECT_EQ(config::ResolveHome("", environment), "/srv/rotv");
  EXPECT_EQ(config::ResolveHome("/other", environment), "/other");
}

TEST_F(HomeTest, TildeIsTheUsersHomeDirectory) {
  os::Environment environment = {{"HOME", "/people/ada"}};
  EXPECT_EQ(config::ResolveHome("~/x/y", environment), "/people/ada/x/y");
  EXPECT_EQ(config::ExpandTilde("~", environment), "/people/ada");
  EXPECT_EQ(config::ExpandTilde("~other/x", environment), "~other/x");
  EXPECT_EQ(config::ExpandTilde("a/~/b", environment), "a/~/b");
}

TEST_F(HomeTest, RelativeHomesBecomeAbsolute) {
  EXPECT_EQ(config::ResolveHome("state/", {}), std::filesystem::current_path() / "state");
}

TEST_F(HomeTest, MissingDirectoriesAreCreatedPrivate) {
  mode_t before = umask(0);
  config::OpenHome(directory_ / "a" / "b");
  umask(before);
  EXPECT_EQ(ModeOf(directory_ / "a"), 0700u);
  EXPECT_EQ(ModeOf(directory_ / "a" / "b"), 0700u);
}

TEST_F(HomeTest, OpeningTwiceChangesNothing) {
  config::OpenHome(directory_ / "a");
  ASSERT_EQ(chmod((directory_ / "a").c_str(), 0755), 0);
  config::OpenHome(directory_ / "a");
  EXPECT_EQ(ModeOf(directory_ / "a"), 0755u);
}

TEST_F(HomeTest, AFileInItsPlaceIsRefused) {
  std::ofstream(directory_ / "file") << "x";
  EXPECT_THAT(Complaint(directory_ / "file"), ::testing::HasSubstr("is not a directory"));
  EXPECT_THAT(Complaint(directory_ / "file" / "home"), ::testing::HasSubstr("cannot be"));
}

TEST_F(HomeTest, AHomeThatCannotBeCreatedIsRefused) {
  EXPECT_THAT(Complaint("/proc/rotv-home"), ::testing::HasSubstr("cannot be created"));
}

TEST_F(HomeTest, AHomeThatOthersCanWriteIsRefused) {
  ASSERT_EQ(chmod(directory_.c_str(), 0777), 0);
  EXPECT_THAT(Complaint(directory_), ::testing::HasSubstr("can be written by other users"));
}

TEST_F(HomeTest, AHomeOfAnotherUserIsRefused) {
  if (geteuid() != 0) {
    EXPECT_THAT(Complaint("/"), ::testing::HasSubstr("belongs to another user"));
    return;
  }
  ASSERT_EQ(chown(directory_.c_str(), 12345, 12345), 0);
  EXPECT_THAT(Complaint(directory_), ::testing::HasSubstr("belongs to another user"));
  ASSERT_EQ(chown(directory_.c_str(), 0, 0), 0);
}

}  // namespace
}  // namespace rotv
