#include "os/local_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "storage/error.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/sanitizers.h"

namespace rotv {
namespace {

struct Ran {
  os::CommandResult result;
  std::string out;
};

Ran RunIt(const os::ProgramCall& command) {
  const Interrupt interrupt;
  Ran ran;
  ran.result = os::RunLocalCommand(
      command, [&](std::string_view piece) { ran.out.append(piece); }, interrupt);
  return ran;
}

os::ProgramCall Shell(const std::string& script) { return {{"sh", "-c", script}, {}, ""}; }

TEST(LocalCommandTest, ReturnsOutputErrorsAndStatus) {
  const Ran ran = RunIt(Shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(ran.out, "out\n");
  EXPECT_EQ(ran.result.stderr_text, "err\n");
  EXPECT_EQ(ran.result.exit_status, 3);
}

TEST(LocalCommandTest, ASignalIs128PlusItsNumber) {
  EXPECT_EQ(RunIt(Shell("kill -9 $$")).result.exit_status, 128 + SIGKILL);
}

TEST(LocalCommandTest, AMissingProgramIs127) {
  const Ran ran = RunIt({{"no-such-program-anywhere"}, {}, ""});
  EXPECT_EQ(ran.result.exit_status, 127);
  EXPECT_THAT(ran.result.stderr_text, ::testing::HasSubstr("no-such-program-anywhere: command not found"));
}

TEST(LocalCommandTest, AProgramWithoutExecutePermissionIs126) {
  EXPECT_EQ(RunIt({{"/etc/passwd"}, {}, ""}).result.exit_status, 126);
}

// In a child without the right to more processes or files, which a test of ours would not get back.
ErrorCode CodeWithLimit(__rlimit_resource what) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    if (geteuid() == 0 && setuid(65534) != 0) _exit(99);
    if (setrlimit(what, &none) != 0) _exit(98);
    try {
      RunIt(Shell("true"));
    } catch (const Error& error) {
      _exit(static_cast<int>(error.code()));
    }
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return static_cast<ErrorCode>(WEXITSTATUS(status));
}

TEST(LocalCommandTest, AProcessOrAPipeThatTheKernelRefusesIsNoUsageError) {
  EXPECT_EQ(CodeWithLimit(RLIMIT_NPROC), ErrorCode::kCannotStart);
  // UBSan checks an object's type through a pipe of its own, and reports that it got none.
  if (testing::kAddressSanitizer) return;
  EXPECT_EQ(CodeWithLimit(RLIMIT_NOFILE), ErrorCode::kCannotStart);
}

TEST(LocalCommandTest, ThePasswordIsInAnUnnamedFileAndNotInArgumentsOrEnvironment) {
  os::ProgramCall command = Shell(
      "echo \"$A|$PATH\"; stat -L -c %a $PGPASSFILE; cat $PGPASSFILE; tr '\\0' ' ' < /proc/$$/cmdline; "
      "tr '\\0' ' ' < /proc/$$/environ");
  command.env["A"] = "x y";
  command.password = "s3:c\\ret";
  const Ran ran = RunIt(command);
  EXPECT_TRUE(ran.out.starts_with("x y|/")) << ran.out;
  const std::string line = "\n600\n*:*:*:*:s3\\:c\\\\ret\n";
  ASSERT_THAT(ran.out, ::testing::HasSubstr(line));
  EXPECT_EQ(ran.out.find("c\\", ran.out.find(line) + line.size()), std::string::npos) << ran.out;
}

TEST(LocalCommandTest, AProgramGetsWhatItNeedsAndNoSecretOfOurs) {
  setenv("SOME_TOKEN", "t0ken", 1);
  setenv("SSH_AUTH_SOCK", "/tmp/agent", 1);
  setenv("PGPASSWORD", "s3cret", 1);
  setenv("PGSERVICE", "prod", 1);
  setenv("PGSSLROOTCERT", "/tmp/ca", 1);
  const std::string out = RunIt({{"env"}, {}, ""}).out;
  for (const char* name : {"SOME_TOKEN", "SSH_AUTH_SOCK", "PGPASSWORD", "PGSERVICE"}) {
    EXPECT_THAT(out, ::testing::Not(::testing::HasSubstr(name))) << name;
    unsetenv(name);
  }
  for (const char* name : {"PATH=", "PGSSLROOTCERT=/tmp/ca"}) EXPECT_THAT(out, ::testing::HasSubstr(name)) << name;
  unsetenv("PGSSLROOTCERT");
}

TEST(LocalCommandTest, StandardInputIsEmpty) { EXPECT_EQ(RunIt({{"cat"}, {}, ""}).out, ""); }

TEST(LocalCommandTest, OnlyTheLast64KiBOfErrorsAreKept) {
  const Ran ran = RunIt(Shell("yes line | head -n 100000 >&2; echo last >&2"));
  EXPECT_EQ(ran.result.stderr_text.size(), 65536u);
  EXPECT_TRUE(ran.result.stderr_text.ends_with("line\nlast\n"));
}

TEST(LocalCommandTest, AWholeProgramComesToItsEndAndIsOutOfTheTerminalsReach) {
  const testing::TempDir directory;
  const std::string file = directory / "done";
  Interrupt interrupt;
  os::ProgramCall command = Shell("[ $(ps -o sid= -p $$) = $$ ] || exit 1; trap 'echo ended >>" + file +
                                  "' TERM; echo began; sleep 0.3; " + "echo done >>" + file);
  command.is_whole = true;
  EXPECT_THROW(os::RunLocalCommand(
                   command, [&](std::string_view) { interrupt.Request(); }, interrupt),
               Error);
  EXPECT_EQ(testing::ReadFile(file), "done\n");
}

TEST(LocalCommandTest, AnInterruptEndsTheProgram) {
  Interrupt interrupt;
  std::string pid;
  const auto take_pid = [&](std::string_view piece) {
    pid.append(piece);
    interrupt.Request();
  };
  try {
    os::RunLocalCommand(Shell("echo $$; exec tail -f /dev/null"), take_pid, interrupt);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInterrupted);
  }
  EXPECT_EQ(kill(std::stoi(pid), 0), -1) << "the program still runs";
}

TEST(LocalCommandTest, AReaderThatThrowsEndsTheProgramThatIgnoresSigterm) {
  std::string pid;
  const auto fail = [&](std::string_view piece) {
    pid.append(piece);
    throw std::runtime_error("the disk is full");
  };
  EXPECT_THROW(os::RunLocalCommand(Shell("trap '' TERM; echo $$; exec tail -f /dev/null"), fail, Interrupt()),
               std::runtime_error);
  EXPECT_EQ(kill(std::stoi(pid), 0), -1) << "the program still runs";
}

}  // namespace
}  // namespace rotv
