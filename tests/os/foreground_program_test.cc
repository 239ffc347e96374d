#include "os/foreground_program.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include "storage/error.h"

namespace rotv::os {
namespace {

Environment Path() { return {{"PATH", std::getenv("PATH")}}; }

int Bash(const std::string& script, const Environment& more = {}) {
  Environment environment = Path();
  environment.insert(more.begin(), more.end());
  return RunInForeground({"bash", "-c", script}, environment);
}

TEST(ForegroundProgramTest, ReturnsTheStatusLikeAShell) {
  EXPECT_EQ(Bash("exit 7"), 7);
  EXPECT_EQ(Bash("kill -KILL $$"), 128 + SIGKILL);
  EXPECT_EQ(Bash("[[ $A == 'b c' && -z ${HOME+set} ]]", {{"A", "b c"}}), 0);
}

TEST(ForegroundProgramTest, AProgramThatIsNotThereIsAnError) {
  try {
    RunInForeground({"/nothing/here", "x"}, Path());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCannotStart);
    EXPECT_STREQ(error.what(), "/nothing/here cannot be run: No such file or directory");
  }
}

TEST(ForegroundProgramTest, SignalsToUsReachTheProgramAndNotUs) {
  for (const char* name : {"HUP", "INT", "QUIT", "TERM", "USR1", "USR2"}) {
    // bash waits in `wait`, which a signal ends; the sleep ends with the pipe's other side.
    const std::string script =
        std::string("trap 'kill $!; exit 9' ") + name + "; sleep 60 & kill -" + name + " $PPID; wait; exit 1";
    EXPECT_EQ(Bash(script), 9) << name;
  }
}

TEST(ForegroundProgramTest, HandlersAreAsBeforeAfterwards) {
  static volatile std::sig_atomic_t got = 0;
  auto* const before = std::signal(SIGUSR1, [](int) { got = 1; });
  EXPECT_EQ(Bash("trap 'kill $!; exit 9' USR1; sleep 60 & kill -USR1 $PPID; wait"), 9);
  EXPECT_EQ(got, 0);
  std::raise(SIGUSR1);
  EXPECT_EQ(got, 1);
  std::signal(SIGUSR1, before);
}

TEST(ForegroundProgramTest, WhatWasIgnoredStaysIgnored) {
  auto* const before = std::signal(SIGHUP, SIG_IGN);  // As nohup does.
  EXPECT_EQ(Bash("kill -HUP $PPID; kill -HUP $$; exit 3"), 3);
  std::signal(SIGHUP, before);
}

}  // namespace
}  // namespace rotv::os
