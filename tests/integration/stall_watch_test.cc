// Silence on a connection to a real server: of a link that carries nothing any more, of a server that is busy, and of a
// lost reply.
//
// Labels: tsan slow

#include "sync/postgres/stall_watch.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "fmt/format.h"
#include "sync/link/open_link.h"
#include "sync/postgres/pg_connection.h"
#include "tests/integration/link_fixture.h"
#include "tests/support/servers/postgres_server.h"
#include "tests/support/servers/slow_link.h"

namespace rotv {
namespace {

using namespace testing;  // NOLINT: the fixture's names.
using Clock = std::chrono::steady_clock;

constexpr int kStallSeconds = 3;

class StallWatchTest : public ::testing::Test {
 protected:
  StallWatchTest() {
    source_.name = "test";
    source_.url = fmt::format("postgresql://rotv@127.0.0.1:{}/rotv", slow_link_.port());
    source_.stall_timeout_s = kStallSeconds;
    link_ = link::OpenLink(source_, private_dir_.path(), interrupt_);
  }

  std::unique_ptr<postgres::PgConnection> Connect(
      postgres::PgConnection::Kind kind = postgres::PgConnection::Kind::kOrdinary) {
    return postgres::PgConnection::Connect(*link_, {.kind = kind}, interrupt_);
  }

  void ExpectStalls(const std::function<void()>& action) {
    const auto start = Clock::now();
    const Error error = ErrorOf(action);
    const std::chrono::duration<double> took = Clock::now() - start;
    EXPECT_EQ(error.code(), ErrorCode::kUnreachable) << error.what();
    EXPECT_LT(took.count(), 2 * kStallSeconds + 10);  // Ten seconds for a busy machine.
  }

  PostgresServer server_;
  SlowLink slow_link_{{.target_port = server_.port(), .delay_each_way = {}, .megabits_per_second = 0}};
  TempDir private_dir_;
  Interrupt interrupt_;
  SourceConfig source_;
  std::unique_ptr<link::Link> link_;
};

TEST_F(StallWatchTest, EveryKindOfWaitEndsOnAStalledLink) {
  const std::pair<const char*, std::function<void(postgres::PgConnection&)>> waits[] = {
      {"an answer", [](postgres::PgConnection& connection) { connection.Query("SELECT 1"); }},
      {"the start of a COPY",
       [](postgres::PgConnection& connection) { connection.StartCopyOut("COPY (SELECT 1) TO STDOUT"); }},
      {"much to send", [](postgres::PgConnection& connection) {
         connection.Query("SELECT '" + std::string(32 << 20, 'x') + "' IS NULL");
       }}};
  for (const auto& [what, wait] : waits) {
    SCOPED_TRACE(what);
    const auto connection = Connect();
    slow_link_.Freeze();
    ExpectStalls([&, &wait = wait] { wait(*connection); });
    slow_link_.Thaw();
  }
  slow_link_.Freeze();
  ExpectStalls([&] { Connect(); });
}

TEST_F(StallWatchTest, AStallInACopyOrAStreamEndsToo) {
  const auto connection = Connect();
  connection->StartCopyOut("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT");
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(connection->CopyRow().has_value());
  slow_link_.Freeze();
  ExpectStalls([&] {
    while (connection->CopyRow()) {
    }
  });
  slow_link_.Thaw();

  server_.Exec("CREATE PUBLICATION p", {});
  const auto stream = Connect(postgres::PgConnection::Kind::kReplication);
  stream->Query("CREATE_REPLICATION_SLOT s TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT");
  EXPECT_FALSE(stream->StartStream("START_REPLICATION SLOT s LOGICAL 0/0 (proto_version '1', publication_names 'p')"));
  slow_link_.Freeze();
  ExpectStalls([&] {
    while (true) stream->StreamFrame(50);
  });
}

// A server that works is silent too.
TEST_F(StallWatchTest, ABusyServerIsWaitedFor) {
  const auto connection = Connect();
  EXPECT_EQ(connection->Query(fmt::format("SELECT pg_sleep({})", 2 * kStallSeconds + 1)).rows(), 1);
  Connection other = server_.NewConnection();
  other.Exec("BEGIN; SELECT pg_advisory_lock(1)");
  connection->Query("SET lock_timeout = 0");
  std::thread unlock([&] {
    EXPECT_TRUE(server_.WaitForBlocked("pg_advisory_lock"));
    std::this_thread::sleep_for(std::chrono::seconds(2 * kStallSeconds));  // The passing of time itself is what the
                                                                           // test waits for.
    other.Exec("COMMIT; SELECT pg_advisory_unlock_all()");
  });
  EXPECT_NO_THROW(connection->Query("SELECT pg_advisory_lock(1)"));
  unlock.join();
}

// New connections get through: only the server can say that its reply was lost.
TEST_F(StallWatchTest, ALostReplyIsNotWaitedFor) {
  const auto connection = Connect();
  slow_link_.FreezeOpenOnes();
  ExpectStalls([&] { connection->Query("SELECT 1"); });
  const auto copying = Connect();
  copying->StartCopyOut("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT");
  slow_link_.FreezeOpenOnes();
  ExpectStalls([&] {
    while (copying->CopyRow()) {
    }
  });
}

TEST_F(StallWatchTest, AnInterruptEndsAStalledWaitSoon) {
  const auto connection = Connect();
  slow_link_.Freeze();
  std::thread interrupting([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(kStallSeconds * 600));  // In the middle of a check.
    interrupt_.Request();
  });
  const auto start = Clock::now();
  EXPECT_EQ(ErrorOf([&] { connection->Query("SELECT 1"); }).code(), ErrorCode::kInterrupted);
  EXPECT_LT(Clock::now() - start, std::chrono::milliseconds(kStallSeconds * 600 + 10'000));
  interrupting.join();
}

}  // namespace
}  // namespace rotv
