// Errors of the link to the source: each has its exit code, a message in the user's words, and a hint, and leaves
// nothing on the source.

#include <gtest/gtest.h>

#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSshTable = "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)";

// Links the real programs of the remote host by name.
void LinkPrograms(const TempDir& directory, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const Result found =
        MustRun({.argv = {"sh", "-c", "command -v " + name}, .env = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}}});
    std::filesystem::create_symlink(found.out.substr(0, found.out.size() - 1), directory / name);
  }
}

void ExpectSshBaselineFails(const RotvHome& rotv, const ExpectedError& expected) {
  ExpectError(rotv.Sync({"baseline"}), expected);
  ExpectNothingLeft(rotv);
}

TEST(SshErrorsTest, AnUnknownHostKeyIsRefusedWithItsKnownHostsLine) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Exec(kSshTable);
  WriteFile(rotv.ssh().known_hosts(), "", 0600);
  const std::string place = "[127.0.0.1]:" + std::to_string(rotv.ssh().port());
  ExpectSshBaselineFails(rotv, {kRefused, "the host key of " + place + " is not known", rotv.ssh().known_hosts()});
  ExpectJsonError(rotv.Sync({"--json", "baseline"}), {kRefused, "SHA256:", rotv.ssh().HostKey()});

  // The last line of the hint is all that is missing.
  const std::string hint = PrintedErrorOf(rotv.Sync({"baseline"})).hint;
  WriteFile(rotv.ssh().known_hosts(), hint.substr(hint.rfind(place)) + "\n", 0600);
  rotv.MustSync({"baseline"});
}

TEST(SshErrorsTest, AChangedHostKeyIsRefusedAndTheOldBaselineStaysInUse) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Exec(kSshTable);
  rotv.MustSync({"baseline"});
  rotv.ssh().ReplaceHostKey();
  const ExpectedError changed{kRefused, "HAS CHANGED", "ssh-keygen -R '[127.0.0.1]:"};
  ExpectError(rotv.Sync({"pull"}), changed);
  ExpectError(rotv.Sync({"baseline", "--force"}), changed);
  ExpectOneBaseline(rotv);
  rotv.ExpectSeedIsDump();
  rotv.ssh().TrustPort(rotv.ssh().port());
  rotv.MustSync({"pull"});
}

TEST(SshErrorsTest, ARefusedLoginNamesTheKeysThatWereTried) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Exec(kSshTable);
  const std::string key = ReadFile(rotv.ssh().authorized_keys());
  WriteFile(rotv.ssh().authorized_keys(), "", 0600);
  ExpectSshBaselineFails(rotv, {kRefused, "refused the login; tried: " + rotv.ssh().client_key().string(),
                                "must be in ~/.ssh/authorized_keys"});

  // A missing key, and a file that is not a key.
  rotv.Configure({{"identity", "\"no_such_key\""}});
  ExpectSshBaselineFails(rotv, {kUsage, "no_such_key", "identity in rotv.toml"});
  rotv.Configure({{"identity", "\"" + rotv.ssh().client_key().string() + ".pub\""}});
  ExpectSshBaselineFails(rotv, {kUsage, "is not a private key", "leave out .pub"});
  rotv.Configure({{"identity", ""}});
  ExpectSshBaselineFails(rotv, {kRefused, "there is no key to try", "identity in rotv.toml"});

  rotv.Configure({{"identity", "\"" + rotv.ssh().client_key().string() + "\""}});
  WriteFile(rotv.ssh().authorized_keys(), key, 0600);
  rotv.MustSync({"baseline"});
}

TEST(SshErrorsTest, AnEncryptedKeyNeedsAnAgentAndTheHintHasTheCommand) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .ssh = {.key_passphrase = "secret"}});
  rotv.server().Exec(kSshTable);
  ExpectSshBaselineFails(
      rotv, {kRefused, "needs a passphrase, and no agent has it", "ssh-add " + rotv.ssh().client_key().string()});

  // With an agent that has the key, it works.
  const TempDir directory;
  const std::string socket = directory / "agent";
  Process agent(Command{.argv = {"ssh-agent", "-D", "-a", socket}});
  ASSERT_TRUE(WaitUntil([&] { return std::filesystem::exists(socket); }));
  WriteFile(directory / "say", "#!/bin/sh\necho secret\n", 0755);
  MustRun({.argv = {"ssh-add", rotv.ssh().client_key()},
           .env = {{"SSH_AUTH_SOCK", socket}, {"SSH_ASKPASS", directory / "say"}, {"SSH_ASKPASS_REQUIRE", "force"}}});
  Command command = rotv.SyncCommand({"baseline"});
  command.env["SSH_AUTH_SOCK"] = socket;
  MustRun(command);
}

TEST(SshErrorsTest, AMissingOrSilentHostIsUnreachable) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Exec(kSshTable);
  rotv.MustSync({"baseline"});
  rotv.ssh().Stop();
  ExpectError(rotv.Sync({"pull"}), {kUnreachable, "nothing listens at 127.0.0.1, port", "is sshd running there"});
  ExpectJsonError(rotv.Sync({"--json", "pull"}), {kUnreachable, "connection refused", "is sshd running there"});
  // The port does not speak SSH.
  rotv.Configure({{"ssh", "\"x@127.0.0.1:" + std::to_string(rotv.server().port()) + "\""}});
  ExpectError(rotv.Sync({"pull"}),
              {kUnreachable, "closed the connection during the SSH handshake", "is this the port of sshd?"});
  rotv.Configure({{"ssh", "\"x@no-such-host.invalid\""}});
  ExpectError(rotv.Sync({"pull"}), {kUnreachable, "there is no host no-such-host.invalid", "rotv.toml"});
  rotv.Configure({{"ssh", "\"x@127.0.0.1:port\""}});
  EXPECT_EQ(rotv.Sync({"pull"}).exit_status, kUsage);
  ExpectOneBaseline(rotv);
  rotv.ExpectSeedIsDump();
}

TEST(SshErrorsTest, NoServerAndForbiddenForwardingAreReported) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .ssh = {.config_lines = {"AllowStreamLocalForwarding no"}}});
  rotv.server().Exec(kSshTable);
  // sshd does not say which of the two it is.
  ExpectSshBaselineFails(rotv, {kUnreachable, "AllowStreamLocalForwarding", "host = \"127.0.0.1\""});
  rotv.Configure({{"host", "\"127.0.0.1\""}});
  const Result works = rotv.Sync({"doctor"});
  EXPECT_EQ(works.exit_status, 0) << works.out;
  rotv.Configure({{"port", std::to_string(FreePort())}});
  ExpectSshBaselineFails(rotv, {kUnreachable, "nothing answers at 127.0.0.1 port", "host and port in rotv.toml"});

  RotvHome no_tcp(
      {.binary = ROTV_SYNC_BINARY, .way = Way::kSshTcp, .ssh = {.config_lines = {"AllowTcpForwarding no"}}});
  ExpectSshBaselineFails(no_tcp, {kRefused, "forbids forwarding to 127.0.0.1", "sshd_config"});
}

TEST(SshErrorsTest, ARemoteHostWithoutPgDumpGetsAnInstallationHint) {
  TempDir bin;
  LinkPrograms(bin, {"sh", "bash", "env", "cat"});
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .ssh = {.config_lines = {"SetEnv PATH=" + bin.path().string()}}});
  rotv.server().Exec(kSshTable);
  const std::string hint = "apt-get install postgresql-client-" + std::to_string(PostgresServer::MajorVersion());
  ExpectSshBaselineFails(rotv, {kRefused, "there is no pg_dump at", hint});
  const Result doctor = rotv.Sync({"doctor"});
  EXPECT_EQ(doctor.exit_status, kRefused);
  EXPECT_THAT(doctor.out, HasSubstr(hint));

  // Nor is there a program that runs containers.
  rotv.Configure({{"container", "\"db\""}});
  ExpectSshBaselineFails(rotv, {kRefused, "there is no podman on", "runtime"});
}

TEST(SshErrorsTest, APgDumpOlderThanTheServerIsRefused) {
  TempDir bin;
  const std::string server = std::to_string(PostgresServer::MajorVersion());
  // An old pg_dump cannot be installed next to a new one on every machine; this script prints its messages.
  const std::string mismatch = "pg_dump: error: server version: " + server +
                               ".1; pg_dump version: 13.4\npg_dump: error: aborting because of server version mismatch";
  const auto install = [&](const std::string& version) {
    WriteFile(bin / "pg_dump",
              "#!/bin/sh\n[ \"$*\" != --version ] || { echo 'pg_dump (PostgreSQL) " + version + "'; exit 0; }\necho '" +
                  mismatch + "' >&2\nexit 1\n",
              0755);
  };
  install("13.4 (Debian 13.4-1.pgdg110+1)");
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .ssh = {.path_prefix = {bin.path()}}});
  rotv.server().Exec(kSshTable);
  const std::string hint = "apt-get install postgresql-client-" + server;
  ExpectSshBaselineFails(rotv, {kRefused, "version 13 for a server " + server + ": it is older than the server", hint});
  EXPECT_EQ(rotv.Sync({"doctor"}).exit_status, kRefused);
  // The mismatch is noticed only after slot and publication exist: both are removed again.
  install(server + ".1");
  ExpectSshBaselineFails(rotv, {kRefused, "is older than the server (PostgreSQL " + server + ")", hint});
}

}  // namespace
}  // namespace rotv::testing
