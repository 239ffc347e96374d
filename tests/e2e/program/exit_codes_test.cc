// The codes that say "wait" and "this machine cannot": each kind of failure is made for real, by a lock that another
// process holds, or by programs that are missing, that the kernel does not start, or that fail.

#include "tests/e2e/exit_codes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A `docker` for which an image is here, and no container; DOCKER_RUN is what it does to start one.
constexpr const char* kDocker = R"(#!/bin/sh
started=${0%/*}/started
case "$1 $2" in
"run --detach") eval "$DOCKER_RUN" ;;
"container inspect")
  [ -e "$started" ] || exit 1
  printf '[{"Config":{"Labels":{"rotv.home":"%s"}},"State":{"Status":"exited"}}]' "$ROTV_HOME" ;;
"logs "*) echo "boom" ;;
"rm "*) rm -f "$started" ;;
esac
)";

class ExitCodesTest : public ::testing::Test {
 protected:
  ExitCodesTest() {
    fs::create_directories(directory_ / "home/sources/production");
    fs::create_directories(directory_ / "home/run");
    fs::create_directories(directory_ / "home/pgdata");
    fs::create_directories(directory_ / "app");
    fs::create_directories(directory_ / "bin");
    fs::permissions(directory_ / "home", fs::perms(0711));  // Where PostgreSQL runs as another user.
    WriteFile(directory_ / "home/pgdata/PG_VERSION", "15\n");
    WriteFile(directory_ / "rotv.toml",
              "[sources.production]\nurl = \"postgresql://rotv@127.0.0.1:1/rotv\"\n[app]\ndirectory = \"app\"\n");
  }

  Command CommandOf(const std::string& program, std::vector<std::string> arguments) const {
    Command command{.argv = {program}, .unset_env = {"ROTV_*", "PG*", "XDG_*"}, .directory = directory_.path()};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.env["ROTV_HOME"] = directory_ / "home";
    command.env["ROTV_CONFIG"] = directory_ / "rotv.toml";
    return command;
  }
  std::string Bin() const { return directory_ / "bin"; }

  const TempDir directory_;
};

TEST_F(ExitCodesTest, ALockThatAnotherRunHoldsIsInUse) {
  struct Case {
    std::string lock;
    std::string program;
    std::vector<std::string> arguments;
    std::string told;
  };
  const std::string source = "source production is in use by another run: somebody";
  const std::string application = "another rotv is starting or stopping this application (process somebody)";
  const std::string store = "home/sources/production/lock";
  for (const Case& one : {Case{store, ROTV_SYNC_BINARY, {"pull"}, source},
                          {store, ROTV_SYNC_BINARY, {"baseline"}, source},
                          {store, ROTV_SYNC_BINARY, {"gc"}, source},
                          {store, ROTV_SYNC_BINARY, {"snapshot", "create", "x"}, source},
                          {store, ROTV_BINARY, {"--runtime", "local", "seed"}, source},
                          {"home/run/lock", ROTV_BINARY, {"--runtime", "local", "start"}, application},
                          {"home/run/lock", ROTV_BINARY, {"--runtime", "local", "stop"}, application}}) {
    WriteFile(directory_ / one.lock, "somebody");
    Process holder({.argv = {"flock", directory_ / one.lock, "sh", "-c", "echo held; sleep 600"}});
    ASSERT_TRUE(holder.WaitForOutput("held", std::chrono::seconds(30)));
    const Command command = CommandOf(one.program, one.arguments);
    const Result result = RunCommand(command);
    EXPECT_EQ(result.exit_status, kInUse) << Describe(command, result);
    EXPECT_THAT(result.err, HasSubstr(one.told));
    EXPECT_THAT(result.err, HasSubstr("hint: wait"));
    holder.SignalGroup(SIGKILL);
  }
}

TEST_F(ExitCodesTest, AProgramOrAContainerThatDoesNotStartIsNoUsageError) {
  struct Case {
    std::string program;  // Of ours.
    std::vector<std::string> arguments;
    std::string docker;  // What is in PATH under this name; empty: nothing.
    std::string run;     // What it does to start a container.
    std::string told;
  };
  const std::vector<std::string> start = {"--runtime", "docker", "start", "--persistent"};
  const std::string docker = kDocker;
  for (const Case& one :
       {Case{ROTV_BINARY, start, "", "", "docker is not installed on this machine"},
        {ROTV_BINARY, start, "#!/no/such/interpreter\n", "", "docker does not work here: docker: command not found"},
        {ROTV_BINARY, start, docker, "echo 'no space for it' >&2; exit 125", "cannot start the container: no space"},
        {ROTV_BINARY, start, docker, ": >\"$started\"", "the application ended while it was starting: boom"}}) {
    fs::remove(directory_ / "bin/docker");
    if (!one.docker.empty()) WriteFile(directory_ / "bin/docker", one.docker, 0755);
    Command command = CommandOf(one.program, one.arguments);
    command.env["PATH"] = Bin() + (one.docker.empty() ? "" : ":/usr/bin:/bin");
    command.env["DOCKER_RUN"] = one.run;
    const Result result = RunCommand(command);
    EXPECT_EQ(result.exit_status, kCannotStart) << Describe(command, result);
    EXPECT_THAT(result.err, HasSubstr(one.told));
  }
}

TEST_F(ExitCodesTest, WithoutTheProgramsThatStartTheDatabaseNothingIsStarted) {
  Command command = CommandOf(ROTV_BINARY, {"--runtime", "local", "start", "--persistent"});
  command.env["PATH"] = Bin();  // There is no bash; PostgreSQL is where its packages put it.
  const Result result = RunCommand(command);
  EXPECT_EQ(result.exit_status, kCannotStart) << Describe(command, result);
  EXPECT_THAT(result.err, HasSubstr("the entrypoint cannot be started: No such file or directory"));
  EXPECT_THAT(result.err, HasSubstr("hint: bash must be in PATH"));
}

TEST_F(ExitCodesTest, WithoutASchedulerNothingIsScheduled) {
  Command command = CommandOf(ROTV_SYNC_BINARY, {"schedule", "install"});
  command.env["PATH"] = Bin();
  EXPECT_EQ(RunCommand(command).exit_status, kCannotStart);
}

// What is wrong with the command line stays a usage error, also where a program would be started.
TEST_F(ExitCodesTest, AnImageThatWasNotBuiltIsAUsageError) {
  WriteFile(directory_ / "bin/docker", "#!/bin/sh\n[ \"$1\" != image ]\n", 0755);
  Command command = CommandOf(ROTV_BINARY, {"--runtime", "docker", "start", "--persistent"});
  command.env["PATH"] = Bin() + ":/usr/bin:/bin";
  const Result result = RunCommand(command);
  EXPECT_EQ(result.exit_status, kUsage) << result.err;
  EXPECT_THAT(result.err, HasSubstr("there is no image"));
}

}  // namespace
}  // namespace rotv::testing
