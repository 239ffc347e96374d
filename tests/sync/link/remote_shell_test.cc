// What reaches a program on the remote host through each login shell: these are the real ones, called as sshd calls
// them.

#include "sync/link/remote_shell.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "sync/link/container_relay.h"
#include "sync/link/remote_command.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

using testing::Result;
using testing::RunCommand;
using testing::TempDir;
using testing::WriteFile;

std::string WithLine(const std::string& before, std::string_view line) { return before + std::string(line); }

class LoginShellTest : public ::testing::TestWithParam<const char*> {
 protected:
  // The line's standard input has `input`, and does not end.
  Result Run(const std::string& line, const std::string& input = "") const {
    testing::Command command;
    const std::string pipe = home_ / "input";
    command.argv = {"bash",
                    "-c",
                    "rm -f \"$1\"; mkfifo \"$1\"; exec 3<>\"$1\"; printf %s \"$2\" >&3; exec \"$3\" -c \"$4\" <&3 3<&-",
                    "x",
                    pipe,
                    input,
                    GetParam(),
                    line};
    command.env = {{"HOME", home_.path()}, {"XDG_CONFIG_HOME", home_ / "config"}};
    return RunCommand(command);
  }

  TempDir home_;
};

// Every byte but NUL, and each pair of those that shells care for.
std::string DifficultText() {
  std::string text;
  for (int byte = 1; byte < 256; ++byte) text += static_cast<char>(byte);
  const std::string special = "'\"\\!$`%\n ~^#;&|<>(){}[]*?-=";
  for (const char a : special) {
    for (const char b : special) text += {a, b};
  }
  return text;
}

TEST_P(LoginShellTest, AScriptArrivesAsItIs) {
  std::string quoted;
  for (const char c : DifficultText()) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  const Result result = Run(link::LineForAnyShell("printf %s '" + quoted + "'; exit 7"));
  EXPECT_EQ(result.out, DifficultText());
  EXPECT_EQ(result.exit_status, 7) << result.err;
}

TEST_P(LoginShellTest, ACommandGetsItsWordsItsVariablesAndThePassword) {
  os::ProgramCall call;
  call.argv = {"sh", "-c", "printf '%s|' \"$PGPASSWORD\" \"$A\" \"$1\" \"$PGHOSTADDR\"; exit 4", "x", DifficultText()};
  call.env = {{"A", "it's \\' 100% !x"}};
  call.password = "pa 'ss' \\ \"word\"";
  const Result result = Run(link::CommandLine(call, {}), call.password + "\n");
  EXPECT_EQ(result.out, WithLine("", link::kBegins) + call.password + "|it's \\' 100% !x|" + DifficultText() + "||");
  EXPECT_EQ(result.exit_status, 4) << result.err;
}

TEST_P(LoginShellTest, ACommandInAContainerIsReached) {
  TempDir bin;
  WriteFile(bin / "podman", "#!/bin/sh\n[ \"$1 $2 $3\" = 'exec -i db' ] || exit 99\nshift 3\nexec \"$@\"\n", 0755);
  SourceConfig source;
  source.container = "db";
  source.runtime = bin / "podman";
  source.host = "127.0.0.1";
  os::ProgramCall call;
  call.argv = {"printf", "%s", DifficultText()};
  const Result result = Run(link::CommandLine(call, source));
  EXPECT_EQ(result.out, WithLine(std::string(link::kReached), link::kBegins) + DifficultText());
  EXPECT_EQ(result.exit_status, 0) << result.err;
}

// ./dev test installs them.
INSTANTIATE_TEST_SUITE_P(All, LoginShellTest, ::testing::Values("bash", "dash", "rbash", "zsh", "ksh", "fish", "tcsh"),
                         [](const auto& parameter) { return std::string(parameter.param); });

// --- Where the server is, as seen from a container.

class FindServerTest : public ::testing::Test {
 protected:
  // What the script says for a source whose `host` is this, in a shell with these variables and these programs.
  std::string Found(const std::string& host, const std::map<std::string, std::string>& variables,
                    const std::string& program = "perl") {
    SourceConfig source;
    source.host = host;
    source.port = port_;
    TempDir bin;
    if (!program.empty()) WriteFile(bin / program, "#!/bin/sh\n", 0755);
    testing::Command command;
    command.argv = {"/bin/sh", "-c", link::FindServerScript(source) + "echo \"$h\""};
    command.unset_env = {"PG*"};
    command.env = variables;
    command.env["PATH"] = bin.path();
    std::string out = testing::MustRun(command).out;
    out.pop_back();
    return out;
  }

  // A listening socket of a PostgreSQL server, as far as a look at the file system can tell.
  testing::Command Listen(const std::string& directory) const {
    return {.argv = {"python3", "-c",
                     "import socket,sys,time; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); "
                     "print('up', flush=True); time.sleep(600)",
                     fmt::format("{}/.s.PGSQL.{}", directory, port_)}};
  }

  // Sockets are looked for on the whole machine, where other tests have theirs.
  const int port_ = testing::FreePort();
};

TEST_F(FindServerTest, ASocketIsFoundWhereverItIs) {
  EXPECT_EQ(Found("", {}), "127.0.0.1");
  const TempDir sockets(testing::TempDirName::kWithSpace);
  testing::Process server(Listen(sockets.path()));
  ASSERT_TRUE(server.WaitForOutput("up", std::chrono::seconds(60))) << server.Err();
  EXPECT_EQ(Found("", {}), sockets.path());
  EXPECT_EQ(Found("", {}, ""), "127.0.0.1") << "no program can carry a connection to a socket";
}

TEST_F(FindServerTest, WhatIsConfiguredOrInPghostGoesFirst) {
  const TempDir sockets;
  testing::Process server(Listen(sockets.path()));
  ASSERT_TRUE(server.WaitForOutput("up", std::chrono::seconds(60))) << server.Err();
  const std::string elsewhere = sockets / "elsewhere";
  EXPECT_EQ(Found("", {{"PGHOST", "db.internal"}}), "db.internal");
  EXPECT_EQ(Found("", {{"PGHOST", sockets.path()}}), sockets.path());
  // One without a socket, and one that names several.
  EXPECT_EQ(Found("", {{"PGHOST", elsewhere}}), sockets.path());
  EXPECT_EQ(Found("", {{"PGHOST", "a,b"}}), sockets.path());
  EXPECT_EQ(Found("127.0.0.1", {{"PGHOST", sockets.path()}}), "127.0.0.1");
  EXPECT_EQ(Found(elsewhere, {{"PGHOST", sockets.path()}}), elsewhere);
}

TEST(ContainerSocketTest, OnlyAPathOfAProcessIsTaken) {
  const auto found = link::ParseContainerSocket("Welcome\npath /proc/4711/root/tmp/x\ndirectory /tmp/x\n", 5433);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->host_path, "/proc/4711/root/tmp/x/.s.PGSQL.5433");
  EXPECT_EQ(found->directory, "/tmp/x");
  for (const char* text : {"", "path /proc/1/root/tmp", "directory /tmp", "path /tmp\ndirectory /tmp\n"}) {
    EXPECT_FALSE(link::ParseContainerSocket(text, 5432)) << text;
  }
}

}  // namespace
}  // namespace rotv
