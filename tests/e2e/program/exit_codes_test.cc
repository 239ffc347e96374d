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

// A `docker` that builds, and writes down how; its arguments say what fails.
TEST_F(ExitCodesTest, WhatDockerLacksForABuildIsSaid) {
  WriteFile(directory_ / "app/package.json", "{\"version\": \"1.0\"}");
  struct Case {
    std::string docker;
    int status;
    std::string told;
  };
  const std::string down = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?";
  for (const Case& one :
       {Case{"#!/bin/sh\n[ \"$1\" = --version ] || { echo '" + down + "' >&2; exit 1; }\n", kCannotStart,
             "docker does not work here: " + down + "\nhint: is its service running?"},
        {"#!/bin/sh\n[ \"$1\" != buildx ]\n", kCannotStart,
         "docker cannot build here: its component buildx is not installed\nhint: sudo apt-get install docker-buildx"},
        {"#!/bin/sh\necho \"$@\" >>\"${0%/*}/calls\"\n", 0, ""}}) {
    WriteFile(directory_ / "bin/docker", one.docker, 0755);
    for (const char* action : {"build", "start"}) {
      if (one.status == 0 && action == std::string("start")) continue;
      if (one.told.find("buildx") != std::string::npos && action == std::string("start")) continue;
      Command command = CommandOf(ROTV_BINARY, {"--runtime", "docker", action});
      command.env["PATH"] = Bin() + ":/usr/bin:/bin";
      const Result result = RunCommand(command);
      EXPECT_EQ(result.exit_status, one.status) << Describe(command, result);
      EXPECT_THAT(result.err, HasSubstr(one.told));
    }
  }
  // What the builds are given.
  const auto calls = [&](std::vector<std::string> more, const std::string& app) {
    fs::remove(directory_ / "bin/calls");
    WriteFile(directory_ / "rotv.toml", "[app]\ndirectory = \"app\"\n" + app);
    more.insert(more.begin(), {"--runtime", "docker", "build"});
    Command command = CommandOf(ROTV_BINARY, more);
    command.env["PATH"] = Bin() + ":/usr/bin:/bin";
    MustRun(command);
    return ReadFile(directory_ / "bin/calls");
  };
  EXPECT_THAT(calls({}, ""),
              ::testing::AllOf(HasSubstr("--label rotv.project=" + directory_.path().native() + " "),
                               HasSubstr("--tag localhost/rotv "), ::testing::Not(HasSubstr("WITH_BROWSER"))));
  EXPECT_THAT(calls({"--with-browser"}, ""), HasSubstr("--build-arg WITH_BROWSER=1 "));
  EXPECT_THAT(calls({}, "browser = true\n"), HasSubstr("--build-arg WITH_BROWSER=1 "));
  EXPECT_THAT(calls({"--name", "other"}, ""), HasSubstr("--tag localhost/rotv-other "));
}

TEST_F(ExitCodesTest, AnImageOfAnotherProjectIsNotStarted) {
  fs::create_directories(directory_ / "other");
  const std::string labels = "{\"rotv.project\": \"" + (directory_ / "other").native() + "\"}";
  WriteFile(directory_ / "bin/docker", "#!/bin/sh\n[ \"$1\" != image ] || echo '" + labels + "'\n", 0755);
  Command command = CommandOf(ROTV_BINARY, {"--runtime", "docker", "start"});
  command.env["PATH"] = Bin() + ":/usr/bin:/bin";
  const Result result = RunCommand(command);
  EXPECT_EQ(result.exit_status, kUsage) << Describe(command, result);
  EXPECT_THAT(result.err, HasSubstr("the image localhost/rotv was built of " + (directory_ / "other").native()));
  EXPECT_THAT(result.err, HasSubstr("hint: rotv --runtime docker build"));
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
