#include "os/background_program.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::os {
namespace {

TEST(BackgroundProgramTest, ItHasASessionOfItsOwnAndWritesBothOutputsToTheLog) {
  const testing::TempDir directory;
  testing::WriteFile(directory / "log", "old");
  pid_t process = 0;
  const char* script = "echo $A; echo error >&2; cat";
  ASSERT_EQ(StartInBackground({.argv = {"sh", "-c", script},
                               .environment = {{"A", "value"}, {"PATH", "/usr/bin:/bin"}},
                               .log = directory / "log"},
                              &process),
            0);
  EXPECT_EQ(getsid(process), process);
  int status = 0;
  ASSERT_EQ(waitpid(process, &status, 0), process);
  EXPECT_TRUE(testing::ReadFile(directory / "log").starts_with("value\nerror\n"));
}

TEST(BackgroundProgramTest, WhyItCannotStartIsGivenBack) {
  const testing::TempDir directory;
  pid_t process = 0;
  EXPECT_EQ(StartInBackground({.argv = {"/none"}, .environment = {}, .log = directory / "log"}, &process), ENOENT);
  std::filesystem::create_symlink(directory / "elsewhere", directory / "link");
  EXPECT_EQ(StartInBackground({.argv = {"true"}, .environment = {}, .log = directory / "link"}, &process), ELOOP);
  EXPECT_FALSE(std::filesystem::exists(directory / "elsewhere"));
}

}  // namespace
}  // namespace rotv::os
