// Checks which hosts and keys are trusted: exactly those that OpenSSH's own client, which is asked each time, trusts
// with the same files. Uses a real sshd.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/integration/link_fixture.h"
#include "tests/support/files/subprocess.h"

namespace rotv {
namespace {

using namespace testing;  // NOLINT: the fixture's names.
using ::testing::HasSubstr;

struct TrustCase {
  std::string what;
  // In all of these, <NAME> is replaced by [127.0.0.1]:PORT, <KEY> by the host's key, <OTHER> by another key, <DIR> by
  // the directory of the files.
  std::string user_lines;
  std::string global_lines;
  std::string config;
  std::string refusal;  // A part of the message; empty: the host is accepted.
};

class SshTrustTest : public OwnHomeTest {
 protected:
  SshTrustTest() {
    std::filesystem::create_directory(home_ / ".ssh");
    MustRun({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", home_ / "other"}});
    other_key_ = ReadFile(home_ / "other.pub");
    other_key_.erase(other_key_.find_last_not_of(" \n") + 1);
  }

  std::string Filled(std::string text) const {
    const std::pair<std::string, std::string> values[] = {{"<NAME>", "[127.0.0.1]:" + std::to_string(server_.port())},
                                                          {"<KEY>", server_.HostKey()},
                                                          {"<OTHER>", other_key_},
                                                          {"<DIR>", home_.path().string()}};
    for (const auto& [word, value] : values) {
      for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += value.size()) {
        text.replace(at, word.size(), value);
      }
    }
    return text;
  }

  void Write(const TrustCase& one) const {
    WriteFile(home_ / "user", Filled(one.user_lines), 0600);
    WriteFile(home_ / "global", Filled(one.global_lines), 0600);
    WriteFile(
        home_ / ".ssh/config",
        Filled("Host *\n" + one.config +
               "\n  UserKnownHostsFile <DIR>/user <DIR>/more\n  GlobalKnownHostsFile <DIR>/global\n  IdentityFile " +
               server_.client_key().string() + "\n"),
        0600);
  }

  SourceConfig Source() const {
    SourceConfig source = SourceBy(server_);
    source.identity = "";
    source.known_hosts = "";
    return source;
  }

  bool OpensshAccepts() const {
    Command command;
    command.argv = {"ssh",
                    "-F",
                    home_ / ".ssh/config",
                    "-o",
                    "BatchMode=yes",
                    "-o",
                    "StrictHostKeyChecking=yes",
                    "-p",
                    std::to_string(server_.port()),
                    "-l",
                    server_.user(),
                    "127.0.0.1",
                    "true"};
    command.unset_env = {"SSH_AUTH_SOCK"};
    return RunCommand(command).ok();
  }

  SshServer server_;
  std::string other_key_;
};

constexpr const char* kRevoked = "IS REVOKED";
constexpr const char* kUnknown = "is not known";
constexpr const char* kOnlyAuthority = "certificate authority only";
constexpr const char* kUndecided = "cannot be checked for revoked keys";

TEST_F(SshTrustTest, TrustsTheSameHostKeysAsOpenssh) {
  MustRun({.argv = {"ssh-keygen", "-q", "-k", "-f", home_ / "krl", home_ / "other.pub"}});
  WriteFile(home_ / "host.pub", server_.HostKey() + "\n");
  MustRun({.argv = {"ssh-keygen", "-q", "-k", "-f", home_ / "krl-of-host", home_ / "host.pub"}});
  WriteFile(home_ / "cut-krl", ReadFile(home_ / "krl-of-host").substr(0, 50));
  WriteFile(home_ / "list", Filled("# Old ones.\n<OTHER>\n"));
  WriteFile(home_ / "list-of-host", Filled("<OTHER>\n<KEY> comment\n"));
  WriteFile(home_ / "no-list", "nonsense\n");
  WriteFile(home_ / "more", "");
  WriteFile(home_ / "hashed", Filled("<NAME> <KEY>\n"));
  MustRun({.argv = {"ssh-keygen", "-q", "-H", "-f", home_ / "hashed"}});
  const std::string hashed = ReadFile(home_ / "hashed");

  const TrustCase cases[] = {
      {"a plain line", "<NAME> <KEY>", "", "", ""},
      {"a comment, blanks and a tab", "# <NAME> <OTHER>\n\n  <NAME>\t<KEY> someone@host", "", "", ""},
      {"a hashed line", hashed, "", "", ""},
      {"the other file", "", "<NAME> <KEY>", "", ""},
      {"patterns", "db.example.org,[127.0.0.?]:* <KEY>", "", "", ""},
      {"no line", "", "", "", kUnknown},
      {"a line of another host", "[127.0.0.2]:22 <KEY>", "", "", kUnknown},
      {"a line of another port", "[127.0.0.1]:1 <KEY>", "", "", kUnknown},
      {"a line without the port", "127.0.0.1 <KEY>", "", "", ""},
      {"revoked without the port", "127.0.0.1 <KEY>\n@revoked 127.0.0.1 <KEY>", "", "", kRevoked},
      {"another key without the port", "127.0.0.1 <OTHER>", "", "", kUnknown},
      {"shut out by a pattern", "*,!<NAME>,!127.0.0.1 <KEY>", "", "", kUnknown},
      {"another key", "<NAME> <OTHER>", "", "", "HAS CHANGED"},
      {"one of two keys", "<NAME> <OTHER>\n<NAME> <KEY>", "", "", ""},
      {"revoked", "<NAME> <KEY>\n@revoked * <KEY>", "", "", kRevoked},
      {"revoked before", "@revoked <NAME> <KEY>\n<NAME> <KEY>", "", "", kRevoked},
      {"revoked by name, hashed", "<NAME> <KEY>\n@revoked " + hashed, "", "", kRevoked},
      {"revoked by the administrator", "<NAME> <KEY>", "@revoked * <KEY>", "", kRevoked},
      {"revoked, and checks are off", "<NAME> <KEY>\n@revoked * <KEY>", "", "  StrictHostKeyChecking no", kRevoked},
      {"only revoked", "@revoked * <KEY>", "", "", kRevoked},
      {"another key is revoked", "<NAME> <KEY>\n@revoked * <OTHER>", "", "", ""},
      {"revoked for another host", "<NAME> <KEY>\n@revoked db.example.org <KEY>", "", "", ""},
      {"an unknown marker", "@trusted <NAME> <KEY>", "", "", kUnknown},
      {"an authority", "@cert-authority * <OTHER>", "", "", kOnlyAuthority},
      {"the host's key as its authority", "@cert-authority * <KEY>", "", "", kOnlyAuthority},
      {"an authority and the key", "@cert-authority * <OTHER>\n<NAME> <KEY>", "", "", ""},
      {"an alias", "mydb <KEY>", "", "  HostKeyAlias mydb", ""},
      {"the name in place of the alias", "<NAME> <KEY>\n127.0.0.1 <KEY>", "", "  HostKeyAlias mydb", kUnknown},
      {"the alias is revoked", "mydb <KEY>\n@revoked mydb <KEY>", "", "  HostKeyAlias mydb", kRevoked},
      {"a list of revoked keys", "<NAME> <KEY>", "", "  RevokedHostKeys <DIR>/list", ""},
      {"revoked by a list", "<NAME> <KEY>", "", "  RevokedHostKeys <DIR>/list-of-host", kRevoked},
      {"a list that is missing", "<NAME> <KEY>", "", "  RevokedHostKeys <DIR>/missing", kUndecided},
      {"a list that is none", "<NAME> <KEY>", "", "  RevokedHostKeys <DIR>/no-list", kUndecided},
      {"a KRL", "<NAME> <KEY>", "", "  RevokedHostKeys <DIR>/krl", ""},
      {"revoked by a KRL", "<NAME> <KEY>", "", "  RevokedHostKeys <DIR>/krl-of-host", kRevoked},
      {"a KRL that is cut off", "<NAME> <KEY>", "", "  RevokedHostKeys <DIR>/cut-krl", kUndecided},
  };
  for (const TrustCase& one : cases) {
    SCOPED_TRACE(one.what);
    Write(one);
    EXPECT_EQ(OpensshAccepts(), one.refusal.empty());
    if (one.refusal.empty()) {
      EXPECT_NO_THROW(Open(Source()));
    } else {
      const Error error = ErrorOf([&] { Open(Source()); });
      EXPECT_EQ(error.code(), ErrorCode::kRefused);
      EXPECT_THAT(error.what(), HasSubstr(one.refusal));
      EXPECT_NE(error.hint(), "");
    }
  }
}

// A setting that would let a key pass with ssh, and that is not understood here, never does.
TEST_F(SshTrustTest, KeysKnownOnlyToAProgramAreRefusedWithTheReason) {
  Write({"", "<NAME> <KEY>", "", "  KnownHostsCommand /usr/bin/printf \"<NAME> <KEY>\"", ""});
  const Error error = ErrorOf([&] { Open(Source()); });
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_THAT(error.what(), HasSubstr("KnownHostsCommand"));
}

TEST_F(SshTrustTest, AnUnreadableSshConfigIsAUsageError) {
  WriteFile(home_ / ".ssh/config", "Host *\n  HostKeyAliass mydb\n", 0600);
  const Error error = ErrorOf([&] { Open(SourceBy(server_)); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.hint(), HasSubstr("ssh -G"));
}

TEST_F(SshTrustTest, TheSourcesKnownHostsReplacesTheUsersButNotRevocations) {
  Write({"", "", "@revoked * <KEY>", "", ""});
  SourceConfig source = Source();
  source.known_hosts = server_.known_hosts();
  EXPECT_THAT(ErrorOf([&] { Open(source); }).what(), HasSubstr(kRevoked));
  Write({"", "<NAME> <OTHER>", "", "", ""});
  EXPECT_NO_THROW(Open(source));
}

TEST_F(SshTrustTest, AKeyFileThatOthersMayReadIsRefusedEverywhere) {
  const std::filesystem::path key = home_ / ".ssh/id_ed25519";
  const std::string hint = "chmod 600 " + key.string();
  WriteFile(home_ / ".ssh/known_hosts", ReadFile(server_.known_hosts()), 0600);
  SourceConfig named = SourceBy(server_);
  named.identity = key;
  SourceConfig usual = Source();
  for (const mode_t mode : {0640, 0604, 0660, 0610}) {
    SCOPED_TRACE(mode);
    WriteFile(key, ReadFile(server_.client_key()), mode);
    chmod(key.c_str(), mode);
    WriteFile(home_ / ".ssh/config", "", 0600);
    const Error identity = ErrorOf([&] { Open(named); });
    EXPECT_EQ(identity.code(), ErrorCode::kUsage);
    EXPECT_EQ(identity.hint(), hint);
    const Error usual_file = ErrorOf([&] { Open(usual); });
    EXPECT_EQ(usual_file.code(), ErrorCode::kRefused);
    EXPECT_EQ(usual_file.hint(), hint);
    WriteFile(home_ / ".ssh/config", "Host *\n  IdentityFile ~/.ssh/%u\n  IdentityFile " + key.string() + "\n", 0600);
    EXPECT_EQ(ErrorOf([&] { Open(usual); }).hint(), hint);
  }
  chmod(key.c_str(), 0400);
  EXPECT_NO_THROW(Open(usual));
  EXPECT_NO_THROW(Open(named));
}

TEST_F(SshTrustTest, AnUnprotectedKeyIsAWarningIfAnotherKeyWorks) {
  const std::filesystem::path open_key = home_ / "open-key";
  WriteFile(open_key, ReadFile(server_.client_key()), 0644);
  Write({"", "<NAME> <KEY>", "", "  IdentityFile " + open_key.string(), ""});
  const std::vector<link::LinkWarning> warnings = Open(Source())->Warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0].message, HasSubstr("chmod 600 " + open_key.string()));
}

// A host shows one of its keys, and the client chooses which one.
TEST_F(SshTrustTest, TheKnownOneOfSeveralHostKeysIsRequested) {
  const std::filesystem::path rsa = home_ / "rsa_host_key";
  MustRun({.argv = {"ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", "", "-f", rsa}});
  SshServer two({.config_lines = {"HostKey " + rsa.string()}});
  std::string line = ReadFile(rsa.string() + ".pub");
  SourceConfig source = SourceBy(two);
  source.known_hosts = home_ / "known";
  for (const std::string name : {"mydb", "otherdb"}) {
    WriteFile(home_ / "known", "mydb " + line + "otherdb " + two.HostKey() + "\n", 0600);
    WriteFile(home_ / ".ssh/config", "Host *\n  HostKeyAlias " + name + "\n", 0600);
    EXPECT_NO_THROW(Open(source)) << name;
  }
}

}  // namespace
}  // namespace rotv
