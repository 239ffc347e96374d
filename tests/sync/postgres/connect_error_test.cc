#include "sync/postgres/connect_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "storage/error.h"

namespace rotv {
namespace {

ErrorCode CodeOfConnectError(const std::string& message) {
  return postgres::ConnectError(message, "", "db.example.org").code();
}

TEST(ConnectErrorTest, AServerThatRefusesWouldDoSoAgain) {
  EXPECT_EQ(CodeOfConnectError("FATAL:  password authentication failed for user \"rotv\""), ErrorCode::kRefused);
  EXPECT_EQ(CodeOfConnectError("FATAL:  database \"rotv\" does not exist"), ErrorCode::kRefused);
  EXPECT_EQ(CodeOfConnectError("SSL error: certificate verify failed"), ErrorCode::kRefused);
  EXPECT_EQ(CodeOfConnectError("server does not support SSL, but SSL was required"), ErrorCode::kRefused);
}

TEST(ConnectErrorTest, ALinkThatBreaksIsNoRefusal) {
  for (const char* message :
       {"server closed the connection unexpectedly  This probably means the server terminated",
        "could not receive data from server: Connection reset by peer", "FATAL:  the database system is starting up",
        // While TLS is negotiated.
        "SSL SYSCALL error: Connection reset by peer", "SSL SYSCALL error: EOF detected",
        "SSL error: unexpected eof while reading", "SSL connection has been closed unexpectedly"}) {
    EXPECT_EQ(CodeOfConnectError(message), ErrorCode::kUnreachable) << message;
  }
}

TEST(ConnectErrorTest, APoolerIsNamedByItsWords) {
  for (const auto& [message, name] : std::vector<std::pair<const char*, const char*>>{
           {"connection to server failed: FATAL:  unsupported startup parameter: options", "PgBouncer"},
           {"FATAL:  unsupported startup parameter in options: jit", "PgBouncer"},
           {"ERROR:  unsupported startup parameter: replication", "PgBouncer"},
           {"FATAL:  no such database: rotv", "PgBouncer"},
           {"FATAL:  Feature not supported: RDS Proxy currently doesn't support command-line options.", "RDS Proxy"},
           {"FATAL:  odyssey: c1a2b3: route for 'rotv.rotv' is not found", "Odyssey"},
           {"FATAL:  Tenant or user not found", "Supavisor"}}) {
    const Error error = postgres::ConnectError(message, "", "db.example.org");
    EXPECT_EQ(error.code(), ErrorCode::kRefused) << message;
    EXPECT_THAT(error.what(), ::testing::HasSubstr(name)) << message;
    EXPECT_THAT(error.hint(), ::testing::StartsWith("name the server itself in rotv.toml")) << message;
  }
}

TEST(ConnectErrorTest, ALoginTriggerIsNamedAndItsStatementIsNotShown) {
  const Error error = postgres::ConnectError(
      "connection to server failed: FATAL:  relation \"logins\" does not exist LINE 1: insert into logins values "
      "('secret') QUERY:  insert into logins values ('secret') CONTEXT:  PL/pgSQL function public.onlogin() line 1 at "
      "SQL "
      "statement",
      "", "db.example.org");
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_EQ(std::string(error.what()),
            "cannot connect to PostgreSQL at db.example.org: a login event trigger of the database refuses it, psql's "
            "connections too: relation \"logins\" does not exist (PL/pgSQL function public.onlogin() line 1 at SQL "
            "statement)");
}

TEST(ConnectErrorTest, LimitsOfConnectionsAreToldApart) {
  EXPECT_EQ(CodeOfConnectError("FATAL:  too many connections for role \"rotv\""), ErrorCode::kRefused);
  EXPECT_EQ(CodeOfConnectError("FATAL:  too many connections for database \"rotv\""), ErrorCode::kRefused);
  EXPECT_EQ(CodeOfConnectError("FATAL:  sorry, too many clients already"), ErrorCode::kUnreachable);
}

}  // namespace
}  // namespace rotv
