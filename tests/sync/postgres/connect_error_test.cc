#include "sync/postgres/connect_error.h"

#include <gtest/gtest.h>

#include <string>

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

}  // namespace
}  // namespace rotv
