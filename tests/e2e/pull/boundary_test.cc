// A transaction belongs to the state at L if and only if its commit LSN is before L: constructed, and under load.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "storage/lsn.h"
#include "tests/e2e/bank_load.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

class BoundaryTest : public FollowTest {
 protected:
  // A slot of the test's own shows where commit records begin.
  BoundaryTest() {
    Exec("CREATE TABLE t (id int PRIMARY KEY, v text)");
    ExecAsSuperuser("CREATE PUBLICATION watcher FOR ALL TABLES");
    ExecAsSuperuser("SELECT pg_create_logical_replication_slot('watcher', 'pgoutput')");
  }

  // The commit LSNs of all transactions since, in order.
  std::vector<Lsn> CommitLsns() {
    const Rows rows = rotv.server().Query(
        "SELECT encode(substr(data, 2, 8), 'hex') FROM pg_logical_slot_peek_binary_changes('watcher', NULL, NULL, "
        "'proto_version', '1', 'publication_names', 'watcher') WHERE get_byte(data, 0) = ascii('B')",
        kSuperuser);
    std::vector<Lsn> lsns;
    for (const Row& row : rows) lsns.emplace_back(std::stoull(*row[0], nullptr, 16));
    return lsns;
  }

  nlohmann::json SyncJson(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {"--json"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return nlohmann::json::parse(rotv.MustSync(all));
  }
  std::string SeedAt(Lsn lsn) const { return ReadFile(rotv.Seed("at.sql", {"--at", lsn.ToString()})); }
};

TEST_F(BoundaryTest, ATransactionIsInEveryStateAfterTheStartOfItsCommitRecord) {
  rotv.MustSync({"baseline"});
  std::vector<std::string> dumps = {rotv.server().Dump()};
  for (const char* statement : {"INSERT INTO t VALUES (1, 'a'), (2, 'b')", "UPDATE t SET v = 'c' WHERE id = 1",
                                "DELETE FROM t WHERE id = 2", "TRUNCATE t", "INSERT INTO t VALUES (1, 'again')"}) {
    Exec(statement);
    dumps.push_back(rotv.server().Dump());
  }
  rotv.MustSync({"pull"});
  const std::vector<Lsn> commits = CommitLsns();
  ASSERT_EQ(commits.size() + 1, dumps.size());
  for (size_t i = 0; i < commits.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_TRUE(DumpsAreEqual({"the seed at the commit", SeedAt(commits[i])}, {"the dump before it", dumps[i]}));
    EXPECT_TRUE(DumpsAreEqual({"the seed after the commit", SeedAt(Lsn(commits[i].value() + 1))},
                              {"the dump after it", dumps[i + 1]}));
  }
}

// The target of a pull, which it acknowledges, is where an open transaction's next record begins: its commit.
TEST_F(BoundaryTest, ACommitExactlyAtTheTargetBelongsToTheNextPull) {
  rotv.MustSync({"baseline"});
  int exact = 0;
  for (int i = 0; i < 20 && exact < 3; ++i) {
    Exec(fmt::format("BEGIN; INSERT INTO t VALUES ({}, 'open')", i));
    // Another session's commit: the WAL ends there, and is flushed.
    rotv.server().Exec(fmt::format("INSERT INTO t VALUES ({}, 'other')", 1000 + i));
    const std::string before = rotv.server().Dump();
    const Lsn head = *Lsn::Parse(SyncJson({"pull"})["to"].get<std::string>());
    Exec("COMMIT");
    const Lsn commit = CommitLsns().back();
    EXPECT_GE(commit, head);
    if (commit == head) ++exact;
    EXPECT_TRUE(DumpsAreEqual({"the seed", ReadFile(rotv.Seed())}, {"the dump before the commit", before}));
    PullIsDump();
    EXPECT_TRUE(DumpsAreEqual({"the seed at the commit", SeedAt(commit)}, {"the dump before the commit", before}));
  }
  EXPECT_EQ(exact, 3);
}

// True if the slot that is being created waits for the transaction of this session.
bool SlotWaitsFor(const PostgresServer& server, Connection& session) {
  const std::string sql = fmt::format(
      "SELECT count(*) > 0 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND l.transactionid "
      "= "
      "{}::text::xid AND a.query LIKE 'CREATE_REPLICATION_SLOT%'",
      session.Value("SELECT pg_current_xact_id()::text"));
  Connection asking = server.NewConnection(kSuperuser);
  return WaitUntil([&] { return asking.Value(sql) == "t"; });
}

// A slot is consistent at the third record of running transactions if there are some at the first and the second: a
// transaction that began after the second may be open then, and commit with the very next record.
TEST_F(BoundaryTest, ACommitExactlyAtTheConsistentPointBelongsToTheFirstPull) {
  int exact = 0;
  for (int i = 0; i < 10 && exact < 2; ++i) {
    SCOPED_TRACE(i);
    Connection first = rotv.server().NewConnection();
    Connection second = rotv.server().NewConnection();
    Connection third = rotv.server().NewConnection();
    Connection asking = rotv.server().NewConnection(kSuperuser);
    first.Exec(fmt::format("BEGIN; INSERT INTO t VALUES ({}, 'first')", 10 * i + 1));
    Process baseline(rotv.SyncCommand({"--json", "baseline", "--force"}));
    ASSERT_TRUE(SlotWaitsFor(rotv.server(), first));
    second.Exec(fmt::format("BEGIN; INSERT INTO t VALUES ({}, 'second')", 10 * i + 2));
    first.Exec("COMMIT");
    ASSERT_TRUE(SlotWaitsFor(rotv.server(), second));
    third.Exec(fmt::format("BEGIN; INSERT INTO t VALUES ({}, 'third')", 10 * i + 3));
    second.Exec("COMMIT");
    // The commit follows at once: its record is the next one after the slot became consistent.
    const std::string slot_created = fmt::format(
        "SELECT count(*) = {} FROM pg_replication_slots WHERE slot_name <> 'watcher' AND confirmed_flush_lsn IS NOT "
        "NULL",
        i == 0 ? 1 : 2);
    ASSERT_TRUE(WaitUntil([&] { return asking.Value(slot_created) == "t"; }));
    third.Exec("COMMIT");
    const Result result = baseline.Wait();
    ASSERT_TRUE(result.ok()) << result.err << result.out;
    const Lsn consistent = *Lsn::Parse(nlohmann::json::parse(result.out)["lsn"].get<std::string>());
    const Lsn commit = CommitLsns().back();
    if (commit == consistent) ++exact;
    const std::string seed = ReadFile(rotv.Seed());
    EXPECT_THAT(seed, ::testing::HasSubstr(fmt::format("\n{}\tfirst\n", 10 * i + 1)));
    EXPECT_THAT(seed, ::testing::HasSubstr(fmt::format("\n{}\tsecond\n", 10 * i + 2)));
    if (commit >= consistent) {
      EXPECT_THAT(seed, ::testing::Not(::testing::HasSubstr(fmt::format("\n{}\tthird\n", 10 * i + 3))));
    }
    PullIsDump();
  }
  EXPECT_EQ(exact, 2);
}

// WAL that ends in records of an open transaction, which are not flushed while the server idles.
class UnflushedWalTest : public FollowTest {
 protected:
  UnflushedWalTest() {
    Exec("CREATE TABLE t (id int PRIMARY KEY, v text)");
    rotv.MustSync({"baseline"});
  }

  // Writes such records and returns their end.
  Lsn WriteUnflushed() {
    Exec("BEGIN");
    for (int i = 0; i < 1000; ++i) {
      // A few more bytes than a page header.
      Exec(fmt::format("INSERT INTO t SELECT i, 'open' FROM generate_series({}, {}) i", i * 10, i * 10 + 9));
      const Row row = rotv.server().Query("SELECT pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()").at(0);
      const Lsn insert = *Lsn::Parse(*row[0]);
      if (Lsn::Parse(*row[1])->value() + 200 < insert.value()) return insert;
    }
    ADD_FAILURE() << "the server flushes everything at once";
    return Lsn();
  }
};

TEST_F(UnflushedWalTest, IsPulledToItsEnd) {
  const Lsn end = WriteUnflushed();
  const auto pulled = nlohmann::json::parse(rotv.MustSync({"--json", "pull"}));
  constexpr uint64_t kLongestPageHeader = 40;
  EXPECT_GE(Lsn::Parse(pulled["to"].get<std::string>())->value() + kLongestPageHeader, end.value());
  EXPECT_EQ(pulled["transactions"], 0);
  Exec("COMMIT");
  PullIsDump();
}

TEST_F(UnflushedWalTest, MayContainACommitThatOthersHaveSeen) {
  Connection hasty = rotv.server().NewConnection();
  hasty.Exec("SET synchronous_commit = off");
  for (int i = 0; i < 5; ++i) {
    WriteUnflushed();
    hasty.Exec(fmt::format("INSERT INTO t VALUES ({}, 'hasty')", 100000 + i));
    PullIsDump();
    Exec("ROLLBACK");
  }
}

TEST_F(UnflushedWalTest, IsWaitedForIfTheServerRefusesToFlushIt) {
  ExecAsSuperuser(
      "DO $$ DECLARE f regprocedure; BEGIN"
      "  FOR f IN SELECT oid FROM pg_proc WHERE proname = 'pg_logical_emit_message'"
      "  LOOP EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f); END LOOP;"
      "END $$");
  Connection hasty = rotv.server().NewConnection();
  hasty.Exec("SET synchronous_commit = off; INSERT INTO t VALUES (100000, 'hasty')");
  WriteUnflushed();
  PullIsDump();
}

using BoundaryLoadTest = FollowTest;

// Labels: slow
TEST_F(BoundaryLoadTest, EverySeedUnderLoadHasWholeTransactions) {
  BankLoad load(rotv);
  load.Start();
  rotv.MustSync({"baseline"});
  int64_t transactions = ExpectWholeTransactions(ReadFile(rotv.Seed()));
  std::vector<std::pair<std::string, int64_t>> points;  // LSNs where pulls ended, with the money moved by then.
  for (int i = 0; i < 12; ++i) {
    SCOPED_TRACE(i);
    const auto pulled = nlohmann::json::parse(rotv.MustSync({"--json", "pull"}));
    const int64_t now = ExpectWholeTransactions(ReadFile(rotv.Seed()));
    EXPECT_EQ(now - transactions, pulled["transactions"].get<int64_t>());
    transactions = now;
    points.emplace_back(pulled["to"], now);
  }
  // Any LSN is a point, also between two pulls; and the past does not change.
  for (size_t i = 1; i < points.size(); ++i) {
    SCOPED_TRACE(points[i].first);
    const uint64_t from = Lsn::Parse(points[i - 1].first)->value();
    const uint64_t to = Lsn::Parse(points[i].first)->value();
    const std::string middle = ReadFile(rotv.Seed("at.sql", {"--at", Lsn(from + (to - from) / 2).ToString()}));
    const int64_t then = ExpectWholeTransactions(middle);
    EXPECT_GE(then, points[i - 1].second);
    EXPECT_LE(then, points[i].second);
    const std::string end = ReadFile(rotv.Seed("at.sql", {"--at", points[i].first}));
    EXPECT_EQ(ExpectWholeTransactions(end), points[i].second);
  }
  load.Stop();
  PullIsDump({.import = Import::kEmptyAndOverOlder});
}

// Labels: slow
TEST_F(BoundaryLoadTest, EveryBaselineUnderLoadIsOneState) {
  BankLoad load(rotv);
  load.Start();
  for (int i = 0; i < 5; ++i) {
    SCOPED_TRACE(i);
    rotv.MustSync({"baseline", "--force"});
    ExpectWholeTransactions(ReadFile(rotv.Seed()));
    rotv.MustSync({"pull"});
    ExpectWholeTransactions(ReadFile(rotv.Seed()));
  }
  load.Stop();
  PullIsDump();
}

}  // namespace
}  // namespace rotv::testing
