// Tests sync/postgres/exported_snapshot_guard.h: which snapshots it considers safe, that it waits, and, under ./dev
// soak, what happens without it.

#include "sync/postgres/exported_snapshot_guard.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <future>
#include <set>
#include <string>
#include <thread>

#include "storage/error.h"
#include "storage/interrupt.h"
#include "sync/postgres/exported_snapshot_slot.h"
#include "tests/integration/direct_source.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv {
namespace {

using testing::Connection;
using testing::PostgresServer;

bool Safe(const char* exported, const char* current) {
  return postgres::IsExportedSnapshotSafe(postgres::TransactionSnapshot::Parse(exported),
                                          postgres::TransactionSnapshot::Parse(current));
}

bool IsRefused(std::string_view text) {
  try {
    postgres::TransactionSnapshot::Parse(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kProtocol);
    return true;
  }
  return false;
}

TEST(ExportedSnapshotGuardTest, ReadsTheTextOfPgSnapshot) {
  const postgres::TransactionSnapshot none = postgres::TransactionSnapshot::Parse("735:735:");
  EXPECT_EQ(none.xmin, 735u);
  EXPECT_EQ(none.xmax, 735u);
  EXPECT_TRUE(none.in_progress.empty());
  const postgres::TransactionSnapshot two =
      postgres::TransactionSnapshot::Parse("12884901888:12884901900:12884901888,12884901890");
  EXPECT_EQ(two.xmin, 12884901888u);  // Includes the epoch: beyond 32 bits.
  EXPECT_EQ(two.xmax, 12884901900u);
  EXPECT_EQ(two.in_progress, (std::vector<uint64_t>{12884901888u, 12884901890u}));
  EXPECT_EQ(postgres::TransactionSnapshot::Parse("1:9:7,3,5").in_progress, (std::vector<uint64_t>{3, 5, 7}));
}

TEST(ExportedSnapshotGuardTest, RefusesMalformedPgSnapshots) {
  for (const char* text : {"", ":", "::", "1", "1:", "1:2", "a:2:", "1:b:", "1:2:c", "1:2:3;4", "1:2:,3", "1:2:3,,4",
                           "-1:2:", " 1:2:", "1:2: 3", "1 :2:", "99999999999999999999999:2:"}) {
    EXPECT_TRUE(IsRefused(text)) << '"' << text << '"';
  }
  // A text cut off before the second colon is refused; after it, a shorter list is still a list.
  const std::string whole = "735:740:736,738";
  for (size_t length = 0; length < whole.rfind(':') + 1; ++length) {
    EXPECT_TRUE(IsRefused(whole.substr(0, length))) << length;
  }
}

TEST(ExportedSnapshotGuardTest, IsSafeOnceNoTransactionThatCountsAsEndedIsInProgress) {
  // No transaction was in progress.
  EXPECT_TRUE(Safe("10:10:", "10:10:"));
  EXPECT_TRUE(Safe("10:10:", "500:500:"));
  // 11 counts as ended for the slot, but is still in progress.
  EXPECT_FALSE(Safe("10:13:10", "10:13:10,11"));
  EXPECT_FALSE(Safe("10:12:10", "10:15:10,11,14"));
  EXPECT_FALSE(Safe("10:12:", "11:12:11"));
  // A transaction that the slot does not count as ended does not matter.
  EXPECT_TRUE(Safe("10:13:10,11", "10:13:10,11"));
  EXPECT_TRUE(Safe("10:13:10,11", "11:20:11,15,16"));
  EXPECT_TRUE(Safe("10:13:", "13:20:13,14"));
  // The ordinary snapshot may even end before the slot's: from its xmax on, no transaction has ended for it.
  EXPECT_FALSE(Safe("10:13:", "12:12:"));
  EXPECT_FALSE(Safe("10:13:11", "11:12:11"));
  EXPECT_TRUE(Safe("10:13:11,12", "11:11:"));
  EXPECT_TRUE(Safe("10:13:12", "12:12:"));
  EXPECT_FALSE(Safe("10:14:12", "12:12:"));
  // The two are far apart: only transactions below the slot's xmax count.
  EXPECT_TRUE(Safe("1000:1010:", "5000:9000000000:5000,6000"));
}

TEST(ExportedSnapshotGuardTest, WaitsExactlyUntilItIsSafe) {
  const postgres::TransactionSnapshot exported = postgres::TransactionSnapshot::Parse("10:13:10");
  std::deque<std::string> answers = {"10:13:10,11,12", "10:14:10,11", "11:15:11", "14:15:14", "never asked"};
  int pauses = 0;
  postgres::WaitUntilExportedSnapshotIsSafe(
      exported,
      [&] {
        std::string answer = answers.front();
        answers.pop_front();
        return answer;
      },
      [&] { ++pauses; });
  EXPECT_EQ(pauses, 3);
  EXPECT_EQ(answers.size(), 1u);
}

TEST(ExportedSnapshotGuardTest, ASafeSnapshotNeedsNoWaitAndAPauseMayGiveUp) {
  const postgres::TransactionSnapshot exported = postgres::TransactionSnapshot::Parse("10:13:");
  int asked = 0;
  const auto answer = [&](const char* text) {
    return [&asked, text] {
      ++asked;
      return std::string(text);
    };
  };
  postgres::WaitUntilExportedSnapshotIsSafe(exported, answer("13:13:"), [] { FAIL() << "no pause is needed"; });
  EXPECT_EQ(asked, 1);
  EXPECT_THROW(postgres::WaitUntilExportedSnapshotIsSafe(exported, answer("12:13:12"),
                                                         [] { throw Error(ErrorCode::kInterrupted, "stop"); }),
               Error);
  EXPECT_EQ(asked, 2);
  EXPECT_THROW(postgres::WaitUntilExportedSnapshotIsSafe(exported, answer("nonsense"), [] {}), Error);
}

// --- The guard on a real server. The creation of a slot waits twice for all transactions that run. One that begins
// after that, and whose commit record is written before the snapshot is made, counts as committed in it; it stays in
// progress for as long as it waits for a standby.

TEST(ExportedSnapshotGuardTest, ACommitThatWaitsForAStandbyIsWaitedFor) {
  PostgresServer server;
  server.Exec("CREATE TABLE t (v int)");
  Connection looking = server.NewConnection(testing::kSuperuser);
  Connection replication(server.ConnectionString() + " replication=database");
  const auto await_wait_for = [&](const std::string& xid) {
    ASSERT_TRUE(testing::WaitUntil([&] {
      return looking.Value("SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid::text = '" + xid + "'") ==
             "1";
    }));
  };
  Connection first = server.NewConnection(), second = server.NewConnection(), writer = server.NewConnection();
  first.Exec("BEGIN");
  const std::string first_xid = first.Value("SELECT pg_current_xact_id()");
  replication.Send(std::string("CREATE_REPLICATION_SLOT guard TEMPORARY LOGICAL pgoutput ") +
                   (PostgresServer::MajorVersion() >= 15 ? "(SNAPSHOT 'export')" : "EXPORT_SNAPSHOT"));
  await_wait_for(first_xid);
  second.Exec("BEGIN");
  const std::string second_xid = second.Value("SELECT pg_current_xact_id()");
  first.Exec("ROLLBACK");
  await_wait_for(second_xid);
  server.Set("synchronous_standby_names", "nobody");
  // The server's processes read a setting one after the other: the first commits may wait for nothing.
  int inserted = 0;
  ASSERT_TRUE(testing::WaitUntil([&] {
    if (looking.Value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == "1") return true;
    if (inserted > 0 && !writer.Ready()) return false;
    if (inserted++ > 0) writer.Finish();
    writer.Send("INSERT INTO t VALUES (1)");
    return false;
  }));
  second.Exec("ROLLBACK");
  const std::string begin = postgres::SetTransactionSnapshotSql(*replication.Finish().at(0).at(2));

  testing::DirectSource source(server);
  const Interrupt interrupt;
  std::future<void> waiting = std::async(
      std::launch::async, [&] { postgres::WaitUntilExportedSnapshotIsSafe(source.connection(), begin, interrupt); });
  const auto asked = [&] {
    return looking.Value(
        "SELECT coalesce(max(query_start)::text, '') FROM pg_stat_activity WHERE query = 'SELECT "
        "pg_current_snapshot()'");
  };
  std::set<std::string> times;
  EXPECT_TRUE(testing::WaitUntil([&] { return times.insert(asked()).second && times.size() > 3; }));
  EXPECT_NE(waiting.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  server.Set("synchronous_standby_names", "");
  waiting.get();
  EXPECT_EQ(source.connection().QueryAll(begin + "; SELECT count(*) FROM public.t; COMMIT").at(2).Get(0, 0),
            std::to_string(inserted));
}

// --- And where transactions commit all the time.

constexpr int kWriters = 16;

// Counts committed rows that are missing. Each writer inserts rows of its own and counts what it committed.
struct Writers {
  explicit Writers(const PostgresServer& server) {
    for (int writer = 0; writer < kWriters; ++writer) {
      threads.emplace_back([this, &server, writer] {
        Connection connection = server.NewConnection();
        connection.Exec("SET synchronous_commit = on");
        while (!stop) {
          connection.Exec("INSERT INTO ledger (writer, text) SELECT " + std::to_string(writer) +
                          ", 'row ' || n FROM generate_series(1, 3) n");
          committed += 3;
        }
      });
    }
  }
  ~Writers() { Stop(); }
  void Stop() {
    stop = true;
    for (std::thread& thread : threads) {
      if (thread.joinable()) thread.join();
    }
  }

  std::atomic<bool> stop{false};
  std::atomic<int64_t> committed{0};
  std::vector<std::thread> threads;
};

enum class Guard { kOn, kOff };

// Uses one slot's exported snapshot like the baseline: reads the rows through it as soon as the guard, if there is one,
// permits.
void ReadThroughExportedSnapshot(Connection& replication, Connection& importing, Guard guard) {
  const std::string slot = "CREATE_REPLICATION_SLOT soak TEMPORARY LOGICAL pgoutput ";
  const char* export_option = PostgresServer::MajorVersion() >= 15 ? "(SNAPSHOT 'export')" : "EXPORT_SNAPSHOT";
  const std::string name = *replication.Query(slot + export_option)[0][2];
  const std::string begin = postgres::SetTransactionSnapshotSql(name);
  if (guard == Guard::kOn) {
    importing.Exec(begin);
    const auto exported = postgres::TransactionSnapshot::Parse(importing.Value("SELECT pg_current_snapshot()"));
    importing.Exec("COMMIT");
    postgres::WaitUntilExportedSnapshotIsSafe(
        exported, [&] { return importing.Value("SELECT pg_current_snapshot()"); }, [] { std::this_thread::yield(); });
  }
  importing.Exec(begin + "; SELECT count(*) FROM ledger; COMMIT");
  replication.Exec("DROP_REPLICATION_SLOT soak");
}

struct Tally {
  int64_t lost = 0;
  int64_t committed = 0;
  int snapshots = 0;
};

// Repeats rounds on a fresh table each, because reading takes longer the more rows there are. Without the guard the
// first loss ends the loop, because it proves the point.
Tally ReadWhileRowsCome(Guard guard, std::chrono::seconds how_long) {
  constexpr auto kRound = std::chrono::seconds(10);
  using Clock = std::chrono::steady_clock;
  PostgresServer server({.settings = {{"fsync", "on"}, {"autovacuum", "off"}}});
  Connection replication(server.ConnectionString() + " replication=database");
  Connection importing = server.NewConnection();
  Connection ordinary = server.NewConnection();
  Tally tally;
  const auto end = Clock::now() + how_long;
  while (Clock::now() < end && (guard == Guard::kOn || tally.lost == 0)) {
    server.Exec("DROP TABLE IF EXISTS ledger; CREATE TABLE ledger (id bigserial PRIMARY KEY, writer int, text text)");
    Writers writers(server);
    for (const auto round_end = std::min(end, Clock::now() + kRound); Clock::now() < round_end; ++tally.snapshots) {
      ReadThroughExportedSnapshot(replication, importing, guard);
    }
    writers.Stop();
    tally.committed += writers.committed;
    tally.lost += writers.committed - std::stoll(ordinary.Value("SELECT count(*) FROM ledger"));
  }
  std::printf("%s the guard: %lld of %lld committed rows lost, %d snapshots\n",
              guard == Guard::kOn ? "with" : "without", static_cast<long long>(tally.lost),
              static_cast<long long>(tally.committed), tally.snapshots);
  return tally;
}

TEST(ExportedSnapshotGuardSoak, CommittedRowsAreLostOnlyWithoutTheGuard) {
  const char* minutes = std::getenv("ROTV_SOAK_MINUTES");
  const std::chrono::seconds whole(60 * (minutes == nullptr ? 10 : std::atoi(minutes)));
  EXPECT_GT(ReadWhileRowsCome(Guard::kOff, whole / 2).lost, 0) << "nothing was lost, so the guard is not tested";
  EXPECT_EQ(ReadWhileRowsCome(Guard::kOn, whole / 2).lost, 0);
}

}  // namespace
}  // namespace rotv
