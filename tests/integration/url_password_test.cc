// A password is never sent in clear to an unproven server: tested against a server that lies, and against a real one
// with each of its methods.
//
// Labels: tsan slow

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>
#include <vector>

#include "fmt/format.h"
#include "sync/link/login_inspector.h"
#include "sync/link/open_link.h"
#include "sync/link/server_proof.h"
#include "sync/postgres/pg_connection.h"
#include "tests/integration/link_fixture.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv {
namespace {

using namespace testing;  // NOLINT: the fixture's names.
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPassword = "s3cret-enough";
// Leads to this machine, but does not count as a loopback address.
constexpr const char* kElsewhere = "0.0.0.0";

std::string Number(uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

// An Authentication message.
std::string Ask(uint32_t method, const std::string& rest = "") {
  return "R" + Number(static_cast<uint32_t>(8 + rest.size())) + Number(method) + rest;
}

const std::string kOk = Ask(0);
const std::string kInClear = Ask(3);
const std::string kMd5 = Ask(5, "salt");
const std::string kScram = Ask(10, std::string("SCRAM-SHA-256\0\0", 15));

TEST(LoginInspectorTest, PassesNoPartOfARequestForAClearPasswordHoweverItIsSplit) {
  for (const std::string& before : {std::string(), kMd5, kScram}) {
    const std::string bytes = before + kInClear + "rest";
    for (size_t piece = 1; piece <= bytes.size(); ++piece) {
      link::LoginInspector inspector;
      std::string passed;
      for (size_t at = 0; at < bytes.size(); at += piece) passed += inspector.Feed(bytes.substr(at, piece));
      EXPECT_EQ(passed, before);
      EXPECT_THAT(inspector.objection(), HasSubstr("in clear"));
    }
  }
}

TEST(LoginInspectorTest, PassesEverythingOnceTheLoginIsOver) {
  for (const std::string& end : {kMd5 + kOk, kScram + kOk, std::string("EFATAL: old\0", 12)}) {
    const std::string bytes = end + kInClear + std::string(100'000, 'D');
    for (const size_t piece : {size_t{1}, size_t{7}, bytes.size()}) {
      link::LoginInspector inspector;
      std::string passed;
      for (size_t at = 0; at < bytes.size(); at += piece) passed += inspector.Feed(bytes.substr(at, piece));
      EXPECT_EQ(passed, bytes);
      EXPECT_EQ(inspector.objection(), "");
    }
  }
}

TEST(LoginInspectorTest, PassesNoMessageThatDoesNotBelongToALogin) {
  for (const std::string& bytes : {std::string("S\0\0\0\x08xxxx", 9), std::string("N"), std::string("\0", 1),
                                   "R" + Number(4) + "abcd", "R" + Number(1 << 20) + Number(5)}) {
    link::LoginInspector inspector;
    EXPECT_EQ(inspector.Feed(bytes), "");
    EXPECT_NE(inspector.objection(), "");
  }
}

TEST(ServerProofTest, OnlyAVerifiedNameOrALocalConnectionProvesTheServer) {
  const std::pair<link::PgParameters, bool> cases[] = {
      {{{"host", "db.example.org"}}, false},
      {{{"host", "db.example.org"}, {"sslmode", "require"}}, false},
      {{{"host", "db.example.org"}, {"sslmode", "verify-ca"}}, false},
      {{{"host", "db.example.org"}, {"sslmode", "verify-full"}}, true},
      {{{"host", "db.example.org"}, {"gssencmode", "require"}}, true},
      {{{"host", "localhost"}}, true},
      {{{"host", "127.0.0.1"}}, true},
      {{{"host", "127.9.8.7"}}, true},
      {{{"host", "::1"}}, true},
      {{{"host", "/var/run/postgresql"}}, true},
      {{{"host", "@abstract"}}, true},
      {{}, true},
      {{{"host", "localhost"}, {"hostaddr", "10.0.0.1"}}, false},
      {{{"host", "127.0.0.1,10.0.0.1"}}, false},
      {{{"host", "127.0.0.1,::1"}}, true},
      {{{"host", "localhost.example.org"}}, false},
      {{{"host", "127.0.0.1.example.org"}}, false},
      {{{"host", "128.0.0.1"}}, false},
      {{{"host", "10.0.0.1"}}, false},
      {{{"host", "0.0.0.0"}}, false},
      {{{"service", "production"}}, false},
  };
  for (const auto& [parameters, proven] : cases) {
    EXPECT_EQ(link::ProvesServer(parameters), proven) << (parameters.empty() ? "" : parameters.begin()->second);
  }
}

class UrlPasswordTest : public ::testing::Test {
 protected:
  // On a server that lies it ends as on one that is silent, if it says that it takes TLS and then waits.
  std::unique_ptr<link::Link> Open(const std::string& url, int stall_timeout_s = 10) {
    SourceConfig source;
    source.name = "test";
    source.url = url;
    source.stall_timeout_s = stall_timeout_s;
    return link::OpenLink(source, private_dir_.path(), interrupt_);
  }

  TempDir private_dir_;
  Interrupt interrupt_;
  ScopedVariable password_{"PGPASSWORD", kPassword};
};

// Sends the same reply to every client, whatever it receives.
class LyingServer {
 public:
  explicit LyingServer(std::string reply)
      : reply_(std::move(reply)), server_([this](int fd) {
          SendAll(fd, reply_);
          const std::string heard = ReadToEnd(fd);
          const std::lock_guard lock(mutex_);
          heard_ += heard;
        }) {}

  int port() const { return server_.port(); }
  std::string heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  const std::string reply_;
  mutable std::mutex mutex_;
  std::string heard_;
  TcpServer server_;
};

TEST_F(UrlPasswordTest, ALyingServerNeverReceivesThePassword) {
  const std::pair<const char*, std::string> cases[] = {
      {"at once", kInClear},
      {"after it has refused TLS", "N" + kInClear},
      {"in the middle of another method", kScram + kInClear},
      {"after another method", kMd5 + kInClear},
      {"with TLS that it does not speak", "S" + kInClear},
  };
  for (const char* mode : {"", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer", "?sslmode=require"}) {
    for (const auto& [when, reply] : cases) {
      SCOPED_TRACE(fmt::format("{}{}", when, mode));
      LyingServer server(reply);
      const auto link = Open(fmt::format("postgresql://rotv@{}:{}/rotv{}", kElsewhere, server.port(), mode), 2);
      const Error error = ErrorOf([&] { postgres::PgConnection::Connect(*link, {}, interrupt_); });
      EXPECT_THAT(error.code(), ::testing::AnyOf(ErrorCode::kRefused, ErrorCode::kUnreachable)) << error.what();
      EXPECT_THAT(server.heard(), Not(HasSubstr(kPassword)));
      EXPECT_THAT(error.what(), Not(HasSubstr(kPassword)));
    }
  }
  LyingServer server(kInClear);
  const auto link = Open(fmt::format("postgresql://rotv@{}:{}/rotv?sslmode=disable", kElsewhere, server.port()));
  const Error error = ErrorOf([&] { postgres::PgConnection::Connect(*link, {}, interrupt_); });
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_THAT(error.what(), HasSubstr("asks for the password in clear"));
  EXPECT_THAT(error.hint(), HasSubstr("sslmode=verify-full"));
}

class UrlMethodsTest : public UrlPasswordTest {
 protected:
  UrlMethodsTest()
      : server_({.hba_lines = {"host rotv by_scram all scram-sha-256", "host rotv by_md5 all md5",
                               "host rotv by_password all password", "host rotv by_trust all trust"}}) {
    for (const char* method : {"scram", "md5", "password", "trust"}) {
      server_.Exec(fmt::format("SET password_encryption = '{}'; CREATE ROLE by_{} LOGIN PASSWORD '{}'",
                               method == std::string("md5") ? "md5" : "scram-sha-256", method, kPassword),
                   kSuperuser);
    }
  }

  // From now on the server shows a certificate for kElsewhere, which is also its own authority's.
  void StartTls() {
    const std::filesystem::path directory = server_.data_directory();
    MustRun({.argv = {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
                      "-addext", fmt::format("subjectAltName=IP:{}", kElsewhere), "-keyout", directory / "server.key",
                      "-out", directory / "server.crt"}});
    struct stat owner {};
    ASSERT_EQ(stat(directory.c_str(), &owner), 0);
    for (const char* name : {"server.key", "server.crt"}) {
      const std::filesystem::path file = directory / name;
      ASSERT_EQ(chown(file.c_str(), owner.st_uid, owner.st_gid), 0);
      ASSERT_EQ(chmod(file.c_str(), 0600), 0);
    }
    WriteFile(private_dir_ / "root.crt", ReadFile(directory / "server.crt"));
    server_.Set("ssl", "on");
  }

  // Connects, and runs pg_dump by the same link. Returns the error's message; empty if there is none.
  std::string Try(const std::string& method, const std::string& parameters) {
    const auto link =
        Open(fmt::format("postgresql://by_{}@{}:{}/rotv{}", method, kElsewhere, server_.port(), parameters));
    try {
      const auto connection = postgres::PgConnection::Connect(*link, {}, interrupt_);
      EXPECT_EQ(connection->Query("SELECT 1").Text(0, 0), "1");
      os::ProgramCall dump;
      dump.argv = {(server_.bin_directory() / "pg_dump").string(), "--schema-only", "--no-password"};
      for (const std::string& argument : link->DumpArguments()) dump.argv.push_back(argument);
      dump.password = connection->password();
      const RunResult run = RunOn(*link, dump);
      EXPECT_EQ(run.result.exit_status, 0) << run.result.stderr_text;
      EXPECT_THAT(run.out, HasSubstr("PostgreSQL database dump complete"));
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kRefused) << error.what();
      return error.what();
    }
  }

  PostgresServer server_;
};

TEST_F(UrlMethodsTest, WithoutTlsOnlyMethodsThatHideThePasswordWork) {
  for (const char* parameters : {"", "?sslmode=disable"}) {
    EXPECT_EQ(Try("scram", parameters), "");
    EXPECT_EQ(Try("md5", parameters), "");
    EXPECT_EQ(Try("trust", parameters), "");
    EXPECT_THAT(Try("password", parameters), HasSubstr("The password was not sent"));
  }
  const ScopedVariable none("PGPASSWORD", "");
  EXPECT_EQ(Try("trust", ""), "");
}

TEST_F(UrlMethodsTest, WithUnverifiedTlsScramUsesChannelBinding) {
  StartTls();
  const std::string ca = "?sslmode=verify-ca&sslrootcert=" + (private_dir_ / "root.crt").string();
  for (const std::string& parameters : {std::string(), std::string("?sslmode=require"), ca}) {
    EXPECT_EQ(Try("scram", parameters), "");
    EXPECT_THAT(Try("password", parameters), HasSubstr("The password was not sent"));
  }
  const ScopedVariable none("PGPASSWORD", "");
  EXPECT_EQ(Try("trust", ""), "");
}

TEST_F(UrlMethodsTest, AProvenServerMayUseEveryMethod) {
  StartTls();
  const std::string proven = "?sslmode=verify-full&sslrootcert=" + (private_dir_ / "root.crt").string();
  for (const char* method : {"scram", "md5", "password", "trust"}) EXPECT_EQ(Try(method, proven), "") << method;
  EXPECT_EQ(Open("postgresql://rotv@0.0.0.0/rotv" + proven)->Warnings().size(), 0U);
  EXPECT_EQ(Open("postgresql://rotv@127.0.0.1/rotv")->Warnings().size(), 0U);
  ASSERT_EQ(Open("postgresql://rotv@0.0.0.0/rotv?sslmode=require")->Warnings().size(), 1U);
}

// pgpass knows the server under its own name, even if the connection goes through a socket of ours.
TEST_F(UrlMethodsTest, APasswordFileWorksToo) {
  const ScopedVariable none("PGPASSWORD", "");
  WriteFile(private_dir_ / "pgpass", fmt::format("{}:{}:rotv:by_scram:{}\n", kElsewhere, server_.port(), kPassword),
            0600);
  const ScopedVariable file("PGPASSFILE", private_dir_ / "pgpass");
  EXPECT_EQ(Try("scram", "?sslmode=disable"), "");
  EXPECT_THAT(Try("md5", "?sslmode=disable"), HasSubstr("no password supplied"));
}

}  // namespace
}  // namespace rotv
