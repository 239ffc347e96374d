#include "os/recorded_process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "os/process_list.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

using os::RecordedProcess;

class RecordedProcessTest : public ::testing::Test {
 protected:
  std::filesystem::path file() const { return directory_ / "record"; }

  const testing::TempDir directory_;
};

TEST_F(RecordedProcessTest, WhatWasRecordedIsFoundAgainAndEndsByASignal) {
  testing::Process sleeper({.argv = {"sleep", "600"}});
  RecordedProcess::Write(file(), sleeper.pid());
  const auto found = RecordedProcess::Read(file());
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->number(), sleeper.pid());
  found->Signal(SIGTERM);
  EXPECT_EQ(sleeper.Wait().exit_status, 128 + SIGTERM);
  EXPECT_FALSE(found->IsAlive());
}

// As if the number had gone to another process: it is alive, and was started at another time.
TEST_F(RecordedProcessTest, AnotherProcessOfTheSameNumberIsNeitherFoundNorSignalled) {
  testing::Process other({.argv = {"sleep", "600"}});
  testing::WriteFile(
      file(), std::to_string(other.pid()) + " " + std::to_string(os::StartTimeOf(other.pid()).value() - 1) + "\n");
  const auto found = RecordedProcess::Read(file());
  ASSERT_TRUE(found.has_value());
  EXPECT_FALSE(found->IsAlive());
  found->Signal(SIGKILL);
  EXPECT_TRUE(other.Running());
}

TEST_F(RecordedProcessTest, AChildThatHasEndedIsCollected) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  const RecordedProcess recorded = RecordedProcess::Write(file(), child);
  EXPECT_TRUE(testing::WaitUntil([&] { return !recorded.IsAlive(); }));
  EXPECT_EQ(waitpid(child, nullptr, WNOHANG), -1) << "it was waited for";
}

TEST_F(RecordedProcessTest, WhatIsNoRecordIsNone) {
  EXPECT_FALSE(RecordedProcess::Read(file()).has_value());
  for (const char* text : {"", "x", "17", "-1 5", "0 0"}) {
    testing::WriteFile(file(), text);
    EXPECT_FALSE(RecordedProcess::Read(file()).has_value()) << text;
  }
}

}  // namespace
}  // namespace rotv
