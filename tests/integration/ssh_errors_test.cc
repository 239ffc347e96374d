// Tests the messages for a link to the source that fails, with a real sshd.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/integration/link_fixture.h"
#include "tests/support/files/subprocess.h"

namespace rotv {
namespace {

using namespace testing;  // NOLINT: the fixture's names.

class SshErrorsTest : public OwnHomeTest {
 protected:
  Error OpenError(const SourceConfig& source) {
    return ErrorOf([&] { Open(source); });
  }
};

TEST_F(SshErrorsTest, AnUnknownHostKeyIsRefusedAndTheHintAddsIt) {
  SshServer server;
  SourceConfig source = SourceBy(server);
  source.known_hosts = private_dir_ / "known";
  const Error error = OpenError(source);
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  const std::string fingerprint =
      MustRun({.argv = {"sh", "-c",
                        "ssh-keyscan -p " + std::to_string(server.port()) +
                            " -t ed25519 127.0.0.1 2>/dev/null | ssh-keygen -lf - | cut -d' ' -f2"}})
          .out;
  EXPECT_THAT(error.what(), ::testing::HasSubstr(fingerprint.substr(0, fingerprint.size() - 1)));
  EXPECT_THAT(error.hint(), ::testing::HasSubstr(source.known_hosts));
  const std::string line = "[127.0.0.1]:" + std::to_string(server.port()) + " " + server.HostKey();
  ASSERT_TRUE(error.hint().ends_with(line)) << error.hint();
  WriteFile(source.known_hosts, line + "\n");
  EXPECT_NO_THROW(Open(source));
}

TEST_F(SshErrorsTest, StrictHostKeyCheckingNoIsIgnored) {
  SshServer server;
  std::filesystem::create_directory(home_ / ".ssh");
  WriteFile(home_ / ".ssh/config", "Host *\n  StrictHostKeyChecking no\n", 0600);
  SourceConfig source = SourceBy(server);
  source.known_hosts = private_dir_ / "known";
  EXPECT_EQ(OpenError(source).code(), ErrorCode::kRefused);
}

TEST_F(SshErrorsTest, AChangedHostKeyIsRefusedAndTheHintRemovesTheOldKey) {
  SshServer server;
  server.ReplaceHostKey();
  const Error error = OpenError(SourceBy(server));
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("HAS CHANGED"));
  EXPECT_THAT(error.hint(), ::testing::HasSubstr("ssh-keygen -R '[127.0.0.1]:" + std::to_string(server.port()) + "'"));
  EXPECT_THAT(error.hint(), ::testing::HasSubstr(server.known_hosts().string()));
}

TEST_F(SshErrorsTest, ARefusedLoginNamesUserAndKey) {
  SshServer server;
  WriteFile(server.authorized_keys(), "", 0600);
  const Error error = OpenError(SourceBy(server));
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_THAT(error.what(), ::testing::HasSubstr(server.Destination()));
  EXPECT_THAT(error.what(), ::testing::HasSubstr(server.client_key().string()));
}

TEST_F(SshErrorsTest, WithoutAnyKeyTheLoginIsRefused) {
  SshServer server;
  SourceConfig source = SourceBy(server);
  source.identity = "";
  const Error error = OpenError(source);
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("no key to try"));
}

TEST_F(SshErrorsTest, AKeyWithAPassphraseNeedsTheAgent) {
  SshServer server({.key_passphrase = "open sesame"});
  const Error error = OpenError(SourceBy(server));
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("passphrase"));
  EXPECT_TRUE(error.hint().starts_with("ssh-add " + server.client_key().string())) << error.hint();

  const std::string agent_socket = private_dir_ / "agent";
  const Process agent({.argv = {"ssh-agent", "-D", "-a", agent_socket}});
  ASSERT_TRUE(WaitUntil([&] { return std::filesystem::exists(agent_socket); }));
  const ScopedVariable with_agent("SSH_AUTH_SOCK", agent_socket);
  const std::string plain_key = private_dir_ / "plain";
  MustRun({.argv = {"cp", server.client_key(), plain_key}});
  MustRun({.argv = {"ssh-keygen", "-q", "-p", "-P", "open sesame", "-N", "", "-f", plain_key}});
  MustRun({.argv = {"ssh-add", "-q", plain_key}});
  EXPECT_NO_THROW(Open(SourceBy(server)));
  SourceConfig agent_only = SourceBy(server);
  agent_only.identity = "";
  EXPECT_NO_THROW(Open(agent_only));
}

TEST_F(SshErrorsTest, AMissingOrInvalidKeyFileIsAUsageError) {
  SshServer server;
  SourceConfig source = SourceBy(server);
  source.identity = private_dir_ / "missing";
  EXPECT_EQ(OpenError(source).code(), ErrorCode::kUsage);
  source.identity = server.client_key().string() + ".pub";
  const Error error = OpenError(source);
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.hint(), ::testing::HasSubstr("leave out .pub"));
}

TEST_F(SshErrorsTest, AnInvalidSshTargetIsAUsageError) {
  SourceConfig source;
  source.ssh = "user@host:port";
  EXPECT_EQ(OpenError(source).code(), ErrorCode::kUsage);
}

TEST_F(SshErrorsTest, AnUnknownHostIsUnreachable) {
  SourceConfig source;
  source.ssh = "user@no-such-host.invalid";
  const Error error = OpenError(source);
  EXPECT_EQ(error.code(), ErrorCode::kUnreachable);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("no-such-host.invalid"));
}

TEST_F(SshErrorsTest, AClosedPortIsUnreachable) {
  SourceConfig source;
  source.ssh = "user@127.0.0.1:" + std::to_string(FreePort());
  const Error error = OpenError(source);
  EXPECT_EQ(error.code(), ErrorCode::kUnreachable);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("connection refused"));
}

TEST_F(SshErrorsTest, APortWithoutSshdIsUnreachable) {
  TcpServer web([](int fd) { SendAll(fd, "HTTP/1.0 400 Bad Request\r\n\r\n"); });
  SourceConfig source;
  source.ssh = "user@127.0.0.1:" + std::to_string(web.port());
  const Error error = OpenError(source);
  EXPECT_EQ(error.code(), ErrorCode::kUnreachable);
  EXPECT_THAT(error.hint(), ::testing::HasSubstr("is this the port of sshd?"));
}

// Labels: slow
TEST_F(SshErrorsTest, ASilentPortTimesOutAfterFifteenSeconds) {
  TcpServer silent([](int fd) { ReadToEnd(fd); });
  SourceConfig source;
  source.ssh = "user@127.0.0.1:" + std::to_string(silent.port());
  const auto start = std::chrono::steady_clock::now();
  const Error error = OpenError(source);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(error.code(), ErrorCode::kUnreachable);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("no answer"));
  EXPECT_LT(took, std::chrono::seconds(30));
}

TEST_F(SshErrorsTest, AnInterruptEndsConnectingSoon) {
  TcpServer silent([this](int fd) {
    interrupt_.Request();
    ReadToEnd(fd);
  });
  SourceConfig source;
  source.ssh = "user@127.0.0.1:" + std::to_string(silent.port());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(OpenError(source).code(), ErrorCode::kInterrupted);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));  // It would connect for fifteen.
}

TEST_F(SshErrorsTest, AHostOfTheSshConfigSetsNamePortUserKeyAndKnownHosts) {
  SshServer server;
  std::filesystem::create_directory(home_ / ".ssh");
  WriteFile(home_ / ".ssh/config",
            "Host mydb\n  HostName 127.0.0.1\n  Port " + std::to_string(server.port()) + "\n  User " + server.user() +
                "\n  IdentityFile " + server.client_key().string() + "\n  UserKnownHostsFile " +
                server.known_hosts().string() + "\n",
            0600);
  SourceConfig source;
  source.ssh = "mydb";
  EXPECT_EQ(RunOn(*Open(source), Shell("echo hello")).out, "hello\n");
  EXPECT_EQ(Open(source)->Description(), server.Destination());
}

TEST_F(SshErrorsTest, TheUsualFilesAreUsedByDefault) {
  SshServer server;
  std::filesystem::create_directory(home_ / ".ssh");
  WriteFile(home_ / ".ssh/id_ed25519", ReadFile(server.client_key()), 0600);
  WriteFile(home_ / ".ssh/known_hosts", ReadFile(server.known_hosts()), 0600);
  SourceConfig source;
  source.ssh = server.Destination();
  EXPECT_EQ(RunOn(*Open(source), Shell("echo hello")).out, "hello\n");
}

TEST_F(SshErrorsTest, AProxyCommandIsUsedAndItsFailureIsReported) {
  SshServer server;
  std::filesystem::create_directory(home_ / ".ssh");
  std::string relay;
  for (const std::string& word : server.ClientCommand({}).argv) relay += word + " ";
  // ClientCommand's last word is the host: options go before it.
  relay.insert(relay.rfind("127.0.0.1"), "-W %h:%p ");
  WriteFile(home_ / ".ssh/config", "Host *\n  ProxyCommand " + relay + "\n", 0600);
  EXPECT_EQ(RunOn(*Open(SourceBy(server)), Shell("echo hello")).out, "hello\n");

  WriteFile(home_ / ".ssh/config", "Host *\n  ProxyCommand false\n", 0600);
  const Error error = OpenError(SourceBy(server));
  EXPECT_EQ(error.code(), ErrorCode::kUnreachable);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("`false`"));
}

// Opens a connection that fails and returns what the link knows about it.
std::string FailureOf(link::Link& link) {
  const FileDescriptor near = Connect(link);
  EXPECT_EQ(ReadToEnd(near.get()), "");
  return link.FailureReason();
}

TEST_F(SshErrorsTest, AForbiddenForwardIsReported) {
  SshServer server({.config_lines = {"AllowTcpForwarding no"}});
  const std::string why = FailureOf(*Open(SourceBy(server)));
  EXPECT_THAT(why, ::testing::HasSubstr("AllowTcpForwarding"));
}

TEST_F(SshErrorsTest, NoServerAtTheRemotePortIsReported) {
  SshServer server;
  SourceConfig source = SourceBy(server);
  source.port = FreePort();
  const std::string why = FailureOf(*Open(source));
  EXPECT_THAT(why, ::testing::HasSubstr("nothing answers at 127.0.0.1 port " + std::to_string(source.port)));
  EXPECT_THAT(why, ::testing::HasSubstr("refused"));
}

TEST_F(SshErrorsTest, AMissingOrForbiddenRemoteSocketIsReported) {
  SshServer server;
  SourceConfig source = SourceBy(server);
  source.host = private_dir_.path();
  source.port = 5439;
  const std::string missing = FailureOf(*Open(source));
  EXPECT_THAT(missing, ::testing::HasSubstr((private_dir_ / ".s.PGSQL.5439").string()));
  EXPECT_THAT(missing, ::testing::HasSubstr("is PostgreSQL running there"));

  SshServer strict({.config_lines = {"AllowStreamLocalForwarding no"}});
  source.ssh = strict.Destination();
  source.identity = strict.client_key();
  source.known_hosts = strict.known_hosts();
  const std::string forbidden = FailureOf(*Open(source));
  EXPECT_THAT(forbidden, ::testing::HasSubstr("AllowStreamLocalForwarding"));
}

TEST_F(SshErrorsTest, AFailureIsForgottenOnceTheLinkWorks) {
  SshServer server;
  SourceConfig source = SourceBy(server);
  source.port = FreePort();
  const auto link = Open(source);
  EXPECT_NE(FailureOf(*link), "");
  const Process remote(
      {.argv = {"python3", "-c",
                "import socket,sys\ns=socket.socket()\ns.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\n"
                "s.bind(('127.0.0.1'," +
                    std::to_string(source.port) +
                    "))\ns.listen()\nprint('up',flush=True)\nc=s.accept()[0]\nc.sendall(b'x')\nc.close()"}});
  ASSERT_TRUE(const_cast<Process&>(remote).WaitForOutput("up", std::chrono::seconds(60)));
  EXPECT_EQ(ReadToEnd(Connect(*link).get()), "x");
  EXPECT_EQ(link->FailureReason(), "");
}

}  // namespace
}  // namespace rotv
