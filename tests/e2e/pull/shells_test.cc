// Login shells on the remote host, and what sshd makes of a login: each works, or doctor says what is in the way before
// it says "Ready". The shells are the real ones, called as sshd calls a login shell, with a start-up file that prints.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "sync/link/open_link.h"
#include "sync/postgres/pg_connection.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/support/servers/postgres_container.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// ./dev test installs them.
const std::vector<std::string> kShells = {"bash", "dash", "rbash", "zsh", "ksh", "fish", "tcsh"};

// A home directory in which each shell's start-up file prints, and the program that sshd runs in place of the login
// shell, which Use() chooses.
class LoginShell {
 public:
  LoginShell() {
    const std::string noise = "echo Welcome to prod\n";
    for (const char* file : {".bashrc", ".zshenv", ".tcshrc", ".config/fish/config.fish"}) {
      std::filesystem::create_directories((home_ / file).parent_path());
      WriteFile(home_ / file, noise);
    }
    Use("bash");
  }

  std::vector<std::string> SshdLines() const { return {"ForceCommand exec " + (home_ / "login").string()}; }

  // SHLVL: a bash that sshd starts reads ~/.bashrc.
  void Use(const std::string& shell) {
    Do(fmt::format("unset SHLVL; export HOME={} XDG_CONFIG_HOME={}; exec {} -c \"$SSH_ORIGINAL_COMMAND\"",
                   home_.path().string(), (home_ / ".config").string(), shell));
  }
  void Do(const std::string& script) { WriteFile(home_ / "login", "#!/bin/sh\n" + script + "\n", 0755); }

 private:
  TempDir home_;
};

RotvHomeOptions WithSshd(std::vector<std::string> lines) {
  RotvHomeOptions options;
  options.binary = ROTV_SYNC_BINARY;
  options.ssh.config_lines = std::move(lines);
  return options;
}

TEST(ShellsTest, DoctorAndBaselineWorkByEachLoginShell) {
  LoginShell login;
  RotvHome rotv(WithSshd(login.SshdLines()));
  rotv.server().Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'v')");
  for (const std::string& shell : kShells) {
    SCOPED_TRACE(shell);
    login.Use(shell);
    EXPECT_THAT(rotv.Sync({"doctor"}).out, HasSubstr("eady for a baseline"));
    rotv.server().Exec("ALTER TABLE t ADD " + shell + " int");  // So that each pull runs pg_dump.
    rotv.MustSync({"pull"});
    EXPECT_THAT(ReadFile(rotv.Seed()), StartsWith("--\n-- PostgreSQL database dump\n--\n"));
    rotv.ExpectSeedIsDump({.import = Import::kNone});
  }
}

// What follows pg_dump's last line does not belong to the dump either.
TEST(ShellsTest, WhatAForcedCommandPrintsAtItsEndIsNotInTheSeed) {
  LoginShell login;
  RotvHome rotv(WithSshd(login.SshdLines()));
  rotv.server().Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'v')");
  login.Do("echo Welcome; sh -c \"$SSH_ORIGINAL_COMMAND\"; s=$?; echo 'DROP TABLE bye;'; exit $s");
  rotv.MustSync({"baseline"});
  rotv.ExpectSeedIsDump({.import = Import::kEmptyAndOverOlder});
}

TEST(ShellsTest, ALoginThatRunsNoCommandsIsNamedByDoctor) {
  LoginShell login;
  RotvHome rotv(WithSshd(login.SshdLines()));
  rotv.server().Exec("CREATE TABLE t (id int PRIMARY KEY)");
  const std::map<std::string, std::string> logins = {
      {"echo only tunnels here", "said \"only tunnels here\" and ended with 0"},
      {"exec /usr/sbin/nologin -c \"$SSH_ORIGINAL_COMMAND\"", "This account is currently not available."},
      {"exec /bin/false", "said nothing and ended with 1"},
      // A restricted shell that may call nothing.
      {"PATH=/nowhere; exec /bin/rbash -c \"$SSH_ORIGINAL_COMMAND\"", "sh: "}};
  for (const auto& [script, said] : logins) {
    SCOPED_TRACE(script);
    login.Do(script);
    const Result doctor = rotv.Sync({"doctor"});
    EXPECT_EQ(doctor.exit_status, kRefused) << doctor.out;
    EXPECT_THAT(doctor.out, HasSubstr("does not run the commands of this login: asked for one"));
    EXPECT_THAT(doctor.out, HasSubstr(said));
    EXPECT_THAT(doctor.out, HasSubstr("give this login an ordinary shell"));
    ExpectError(rotv.Sync({"baseline"}), {kRefused, said, "give this login an ordinary shell"});
    ExpectNothingLeft(rotv);
    // The same login with a container.
    rotv.Configure({{"container", "\"db\""}});
    ExpectError(rotv.Sync({"baseline"}), {kRefused, said, "give this login an ordinary shell"});
    rotv.Configure({{"container", ""}});
  }
}

TEST(ShellsTest, ABaselineNeedsOneSessionOfSshdAtATime) {
  RotvHome rotv(WithSshd({"MaxSessions 1"}));
  rotv.server().Exec("CREATE TABLE t (id int PRIMARY KEY)");
  EXPECT_EQ(rotv.Sync({"doctor"}).exit_status, 0);
  rotv.MustSync({"baseline"});
  rotv.server().Exec("ALTER TABLE t ADD v text");
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();

  RotvHome none(WithSshd({"MaxSessions 0"}));
  none.server().Exec("CREATE TABLE t (id int PRIMARY KEY)");
  EXPECT_THAT(none.Sync({"doctor"}).out, HasSubstr("does sshd limit it (MaxSessions, ForceCommand)?"));
}

// --- A container behind each of them.

class ContainerShellsTest : public ::testing::Test {
 protected:
  ContainerShellsTest() : ssh_({.config_lines = Lines(), .environment = container_.environment()}) {}

  // Without forwarding to sockets, a relay carries each connection.
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines = login_.SshdLines();
    lines.emplace_back("AllowStreamLocalForwarding no");
    return lines;
  }

  SourceConfig SourceAt(const std::string& host) const {
    SourceConfig source;
    source.name = "test";
    source.ssh = ssh_.Destination();
    source.identity = ssh_.client_key();
    source.known_hosts = ssh_.known_hosts();
    source.container = container_.name();
    source.host = host;
    source.database = "rotv";
    source.user = "rotv";
    return source;
  }

  PostgresContainer container_;
  LoginShell login_;
  SshServer ssh_;
  TempDir private_dir_;
  Interrupt interrupt_;
};

TEST_F(ContainerShellsTest, ConnectionsAndPgDumpWorkByEachLoginShell) {
  container_.Exec("CREATE TABLE t (id int PRIMARY KEY)");
  for (const std::string& shell : kShells) {
    login_.Use(shell);
    for (const char* host : {"", "127.0.0.1"}) {
      SCOPED_TRACE(fmt::format("{} to \"{}\"", shell, host));
      const auto link = link::OpenLink(SourceAt(host), private_dir_.path(), interrupt_);
      const auto connection = postgres::PgConnection::Connect(*link, {}, interrupt_);
      EXPECT_EQ(connection->Query("SELECT count(*) FROM public.t").Get(0, 0), "0") << link->FailureReason();
      os::ProgramCall dump{.argv = {"pg_dump"}, .env = {{"PGAPPNAME", "it's \\ a 'name'"}}, .password = ""};
      for (const std::string& argument : link->DumpArguments()) dump.argv.push_back(argument);
      std::string text;
      const os::CommandResult result = link->Run(dump, [&](std::string_view part) { text.append(part); });
      EXPECT_EQ(result.exit_status, 0) << result.stderr_text;
      EXPECT_THAT(text, StartsWith("--\n-- PostgreSQL database dump\n--\n"));
      EXPECT_THAT(text, HasSubstr("CREATE TABLE public.t"));
    }
  }
}

}  // namespace
}  // namespace rotv::testing
