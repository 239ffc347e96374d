// Transactions: rolled back, aborted and prepared ones, many small ones, and one that is larger than memory.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

constexpr int64_t kMostKib = 256 * 1024;

class TransactionsTest : public FollowTest {
 protected:
  TransactionsTest() : FollowTest(FollowOptionsBySsh()) {
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text, w text); CREATE TABLE bag (v text);"
        "ALTER TABLE bag REPLICA IDENTITY FULL");
  }

  // Returns the pull's JSON.
  nlohmann::json PullWithinMemory() {
    const Command command = rotv.SyncCommand({"--json", "pull"});
    const Result result = RunCommand(command);
    EXPECT_TRUE(result.ok()) << Describe(command, result);
    EXPECT_LE(result.peak_rss_kib, kMostKib);
    RecordProperty("pull_seconds", std::to_string(result.seconds));
    RecordProperty("pull_peak_kib", std::to_string(result.peak_rss_kib));
    return nlohmann::json::parse(result.out);
  }
};

TEST_F(TransactionsTest, RolledBackChangesAreInvisible) {
  Exec("INSERT INTO t SELECT n, 'v', 'w' FROM generate_series(1, 10) n");
  BaselineIsDump();
  Exec("BEGIN; INSERT INTO t VALUES (11); DELETE FROM t WHERE id = 1; INSERT INTO bag VALUES ('x'); ROLLBACK");
  PullIsDump();
  TransactionIsFollowed(
      "INSERT INTO t VALUES (11, 'kept'); SAVEPOINT a; UPDATE t SET v = 'gone'; SAVEPOINT b;"
      "DELETE FROM t; INSERT INTO bag VALUES ('gone'); RELEASE b; ROLLBACK TO a; UPDATE t SET w = 'kept' "
      "WHERE id < 3; SAVEPOINT c; UPDATE t SET id = -id; RELEASE c; INSERT INTO bag VALUES ('kept')");
  Exec(
      "DO $$ BEGIN FOR i IN 1..200 LOOP BEGIN INSERT INTO t VALUES (i, 'loop'); IF i % 3 = 0 THEN RAISE 'no'; END IF;"
      "EXCEPTION WHEN OTHERS THEN INSERT INTO bag VALUES ('failed'); END; END LOOP; END $$");
  PullIsDump({.import = Import::kEmpty});
  // Ended by the server, or with its session.
  Exec("BEGIN; INSERT INTO t VALUES (5000)");
  sql = std::make_unique<Connection>(rotv.server().ConnectionString());
  PullIsDump();
}

TEST_F(TransactionsTest, ARowMayBeInsertedUpdatedAndDeletedInOneTransaction) {
  BaselineIsDump({.import = Import::kNone});
  TransactionIsFollowed("INSERT INTO t VALUES (1, 'a', 'b'); UPDATE t SET v = 'c'; DELETE FROM t");
  TransactionIsFollowed(
      "INSERT INTO t VALUES (1, 'a', 'b'); UPDATE t SET v = NULL; DELETE FROM t;"
      "INSERT INTO t VALUES (1, 'd', 'e'); UPDATE t SET w = ''");
  TransactionIsFollowed("DELETE FROM t; INSERT INTO t VALUES (1, 'x', 'y'); DELETE FROM t");
  TransactionIsFollowed(
      "INSERT INTO bag VALUES ('a'), ('a'), ('b'); DELETE FROM bag WHERE v = 'a'; UPDATE bag SET v = 'a';"
      "INSERT INTO bag VALUES ('b')");
  // Transactions that change nothing that is stored.
  Exec(
      "BEGIN; COMMIT; BEGIN; SELECT pg_current_xact_id(); COMMIT; CREATE TEMP TABLE x (i int); INSERT INTO x VALUES "
      "(1);"
      "UPDATE t SET v = 'nobody' WHERE false");
  PullIsDump();
  EXPECT_EQ(PullWithinMemory()["transactions"], 0);
}

TEST_F(TransactionsTest, TransactionsAreAppliedInCommitOrder) {
  Exec("INSERT INTO t SELECT n, 'v', 'w' FROM generate_series(1, 10) n");
  BaselineIsDump({.import = Import::kNone});
  Connection other = rotv.server().NewConnection();
  other.Exec("BEGIN; UPDATE t SET v = 'other' WHERE id = 1; INSERT INTO t VALUES (20, 'other')");
  Exec("UPDATE t SET v = 'first to commit' WHERE id = 2; INSERT INTO t VALUES (21, 'x')");
  PullIsDump();
  other.Exec("UPDATE t SET w = 'later' WHERE id = 2; UPDATE t SET id = 22 WHERE id = 21; COMMIT");
  PullIsDump();
  // An old transaction that stays open during many pulls.
  other.Exec("BEGIN; DELETE FROM t WHERE id = 5; INSERT INTO bag VALUES ('old')");
  for (int i = 0; i < 3; ++i) {
    Exec("UPDATE t SET v = v || '.' WHERE id = 6; INSERT INTO bag VALUES ('old')");
    PullIsDump();
  }
  other.Exec("COMMIT");
  PullIsDump({.import = Import::kEmpty});
}

TEST_F(TransactionsTest, APreparedTransactionCountsFromItsCommit) {
  Exec("INSERT INTO t SELECT n, 'v', 'w' FROM generate_series(1, 10) n");
  BaselineIsDump({.import = Import::kNone});
  Exec(
      "BEGIN; UPDATE t SET v = 'prepared' WHERE id = 1; INSERT INTO t VALUES (11); INSERT INTO bag VALUES ('p');"
      "PREPARE TRANSACTION 'later'");
  Exec("BEGIN; DELETE FROM t WHERE id = 2; PREPARE TRANSACTION 'never'");
  PullIsDump();
  Exec("UPDATE t SET v = 'meanwhile' WHERE id = 3");
  PullIsDump();
  rotv.server().Restart();
  sql = std::make_unique<Connection>(rotv.server().ConnectionString());
  Exec("COMMIT PREPARED 'later'");
  PullIsDump();
  Exec("ROLLBACK PREPARED 'never'");
  PullIsDump({.import = Import::kEmpty});
}

TEST_F(TransactionsTest, ACrashedSourceStaysFollowed) {
  Exec("INSERT INTO t SELECT n, 'v', 'w' FROM generate_series(1, 10) n");
  BaselineIsDump({.import = Import::kNone});
  Exec("UPDATE t SET v = 'before'");
  rotv.MustSync({"pull"});
  Exec("UPDATE t SET w = 'not pulled'; INSERT INTO bag VALUES ('x')");
  rotv.server().Crash();
  rotv.server().Start();
  sql = std::make_unique<Connection>(rotv.server().ConnectionString());
  PullIsDump();
  Exec("UPDATE t SET v = 'behind'");
  PullIsDump();
}

// Visible rows whose commit is not flushed yet are in the state that a pull promises.
TEST_F(TransactionsTest, AsynchronousCommitsAreFollowed) {
  rotv.server().Set("wal_writer_delay", "1500ms");
  BaselineIsDump({.import = Import::kNone});
  Exec("SET synchronous_commit = off");
  for (int i = 0; i < 3; ++i) {
    Exec(fmt::format("INSERT INTO t VALUES ({}, 'async')", i));
    PullIsDump();
  }
}

TEST_F(TransactionsTest, AHundredThousandSmallTransactionsAreFollowed) {
  BaselineIsDump({.import = Import::kNone});
  Exec("SET synchronous_commit = off");
  Exec(
      "DO $$ BEGIN FOR i IN 1..100000 LOOP"
      "  IF i % 4 = 0 THEN UPDATE t SET v = 'u' || i WHERE id = i / 2;"
      "  ELSIF i % 10 = 1 THEN DELETE FROM t WHERE id = i / 3;"
      "  ELSE INSERT INTO t VALUES (i, 'v' || i, 'w'); END IF;"
      "  COMMIT; END LOOP; END $$");
  const auto pulled = PullWithinMemory();
  EXPECT_GT(pulled["transactions"].get<int>(), 80000);
  rotv.ExpectSeedIsDump({.import = Import::kEmpty});
}

// Labels: slow
TEST_F(TransactionsTest, ATransactionOfTwoMillionRowsIsFollowed) {
  Exec("INSERT INTO t SELECT n, 'before ' || n, 'w' FROM generate_series(1, 200000) n");
  BaselineIsDump({.import = Import::kNone});
  Exec(
      "BEGIN; INSERT INTO t SELECT n, 'row ' || n, repeat('w', 20) FROM generate_series(200001, 1300000) n;"
      "UPDATE t SET v = 'changed' WHERE id <= 500000; DELETE FROM t WHERE id > 1000000;"
      "INSERT INTO bag SELECT 'equal ' || n % 1000 FROM generate_series(1, 100000) n; COMMIT");
  const auto pulled = PullWithinMemory();
  EXPECT_EQ(pulled["transactions"], 1);
  EXPECT_EQ(pulled["inserted"], 1200000);
  EXPECT_EQ(pulled["updated"], 500000);
  EXPECT_EQ(pulled["deleted"], 300000);
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  // A rolled-back transaction costs nothing here.
  Exec("BEGIN; DELETE FROM t WHERE id > 500000; ROLLBACK; UPDATE t SET w = 'small' WHERE id = 1");
  EXPECT_EQ(PullWithinMemory()["deleted"], 0);
}

}  // namespace
}  // namespace rotv::testing
