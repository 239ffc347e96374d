// Programs that may hang: their input, their time, and what ends with them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "os/process_list.h"
#include "os/run_program.h"
#include "storage/error.h"

namespace rotv {
namespace {

using std::chrono::milliseconds;

os::LimitedProgram Limited(const std::string& script, std::string_view input, milliseconds time) {
  return {.words = {"sh", "-c", script},
          .environment = {{"PATH", "/usr/bin:/bin"}, {"COLOUR", "red"}},
          .standard_input = input,
          .time_limit = time};
}

// The end of a process that is not our child cannot be waited for, only looked for.
bool IsGone(int process) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (os::IsAlive(process)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

// A process, and a child of it that ignores SIGTERM; both print their numbers. (tail -f would notice that nobody
// reads.)
constexpr const char* kStubbornPair = "sh -c 'trap \"\" TERM; echo $$; exec sleep 60' & echo $$; wait";

std::vector<int> Processes(const std::string& out) {
  std::istringstream words(out);
  std::vector<int> processes;
  for (int process = 0; words >> process;) processes.push_back(process);
  return processes;
}

TEST(LimitedProgramTest, ReadsItsInputAndHasItsEnvironmentAlone) {
  setenv("PGPASSWORD", "s3cret", 1);
  std::string out;
  const std::string input(1 << 20, 'x');  // More than a pipe takes.
  const os::LimitedEnd end =
      os::RunProgramLimited(Limited("wc -c; echo $COLOUR; env | grep -c PGPASSWORD; echo problem >&2; exit 7", input,
                                    std::chrono::minutes(1)),
                            Interrupt(), [&](std::string_view piece) { out += piece; });
  unsetenv("PGPASSWORD");
  EXPECT_EQ(out, "1048576\nred\n0\nproblem\n");
  EXPECT_EQ(end.exit_status, 7);
  EXPECT_FALSE(end.timed_out);
  // Whoever reads nothing of it is no problem.
  EXPECT_EQ(
      os::RunProgramLimited(Limited("true", input, std::chrono::minutes(1)), Interrupt(), [](auto) {}).exit_status, 0);
}

TEST(LimitedProgramTest, OnceItsTimeIsOverItEndsWithItsChildren) {
  std::string out;
  for (milliseconds limit(300); Processes(out).size() != 2 && limit < std::chrono::minutes(1); limit *= 3) {
    out.clear();  // Neither had begun, on a busy machine.
    const os::LimitedEnd end = os::RunProgramLimited(Limited(kStubbornPair, "", limit), Interrupt(),
                                                     [&](std::string_view piece) { out += piece; });
    EXPECT_TRUE(end.timed_out);
    EXPECT_EQ(end.exit_status, 124);
  }
  ASSERT_EQ(Processes(out).size(), 2U) << out;
  for (const int process : Processes(out)) EXPECT_TRUE(IsGone(process)) << out;
}

TEST(LimitedProgramTest, AnInterruptEndsItWithItsChildren) {
  Interrupt interrupt;
  std::string out;
  const auto take = [&](std::string_view piece) {
    out += piece;
    if (Processes(out).size() == 2) interrupt.Request();
  };
  EXPECT_THROW(os::RunProgramLimited(Limited(kStubbornPair, "", std::chrono::minutes(1)), interrupt, take), Error);
  ASSERT_EQ(Processes(out).size(), 2U) << out;
  for (const int process : Processes(out)) EXPECT_TRUE(IsGone(process)) << out;
}

TEST(LimitedProgramTest, OneThatClosesItsOutputsIsEndedToo) {
  const std::string script = "exec >/dev/null 2>&1; sleep 60";
  EXPECT_TRUE(os::RunProgramLimited(Limited(script, "", milliseconds(300)), Interrupt(), [](auto) {}).timed_out);
}

TEST(LimitedProgramTest, ItHasNoTerminalToAskOn) {
  std::string out;
  (void)os::RunProgramLimited(Limited("echo x >/dev/tty", "", std::chrono::minutes(1)), Interrupt(),
                              [&](std::string_view piece) { out += piece; });
  EXPECT_THAT(out, ::testing::HasSubstr("/dev/tty"));
}

TEST(LimitedProgramTest, MuchOutputDoesNotKeepItAlive) {
  const os::LimitedEnd end =
      os::RunProgramLimited(Limited("yes", "", milliseconds(200)), Interrupt(), [](std::string_view) {});
  EXPECT_TRUE(end.timed_out);
}

}  // namespace
}  // namespace rotv
