// Large amounts: transactions that are larger than the memory for them, that stay open, that have many parts; and very
// many tables.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/large_fixture.h"

namespace rotv::testing {
namespace {

class LargeTransactionTest : public LargeTest {
 protected:
  LargeTransactionTest() {
    Exec(
        "CREATE TABLE t (id bigint PRIMARY KEY, a int, v text); CREATE TABLE bag (n int, v text);"
        "ALTER TABLE bag REPLICA IDENTITY FULL; CREATE TABLE other (id int PRIMARY KEY, v text);"
        "INSERT INTO t SELECT n, n, 'before' FROM generate_series(1, 1000) n; INSERT INTO other VALUES (1, 'o')");
  }

  // One transaction of so many row changes, with about 480 bytes in each.
  void OneTransactionIsFollowed(int64_t rows) {
    WithinMemory("baseline", {"baseline"});
    const int64_t inserted = rows * 7 / 10;
    Exec(
        fmt::format("BEGIN;"
                    "INSERT INTO t SELECT n, n, repeat(md5(n::text), 15) FROM generate_series(1001, {0} + 1000) n;"
                    "INSERT INTO bag SELECT n % 1000, repeat(md5((n % 1000)::text), 15) FROM generate_series(1, {1}) n;"
                    "UPDATE t SET v = repeat(md5(v), 15) WHERE id > 1000 AND id <= {1} + 1000;"
                    "DELETE FROM t WHERE id > {0} + 1000 - {1};"
                    "COMMIT",
                    inserted, rows / 10));
    const nlohmann::json pulled = WithinMemory("pull", {"pull"});
    EXPECT_EQ(pulled["transactions"], 1);
    EXPECT_EQ(pulled["inserted"], inserted + rows / 10);
    EXPECT_EQ(pulled["updated"], rows / 10);
    EXPECT_EQ(pulled["deleted"], rows / 10);
    EXPECT_GT(pulled["wire_bytes"].get<int64_t>(), rows * 400);
    ExpectSeedHasTheDumpsLines();
    WithinMemory("status", {"status"});
    // The other way in which a table comes: all of it at once.
    Exec("ALTER TABLE t ALTER a TYPE bigint USING a * 2");
    EXPECT_EQ(WithinMemory("copy", {"pull"})["copied"], nlohmann::json({"public.t"}));
    ExpectSeedHasTheDumpsLines();
  }
};

// Labels: slow
TEST_F(LargeTransactionTest, A300MegabyteTransactionIsFollowedInBoundedMemory) { OneTransactionIsFollowed(700'000); }

TEST_F(LargeTransactionTest, SoakA2GigabyteTransactionIsFollowedInBoundedMemory) {
  OneTransactionIsFollowed(5'000'000);
}

// Its changes are not committed before the target, whatever comes later.
TEST_F(LargeTransactionTest, APullDoesNotWaitForAnOpenTransaction) {
  rotv.MustSync({"baseline"});
  Connection open = rotv.server().NewConnection();
  open.Exec("BEGIN; INSERT INTO t SELECT n, n, repeat('x', 900) FROM generate_series(10001, 110000) n");
  Exec("INSERT INTO other VALUES (2, 'o')");
  const nlohmann::json pulled = WithinMemory("pull", {"pull"});
  EXPECT_EQ(pulled["inserted"], 1);
  EXPECT_LT(last_seconds, 10);  // The least time after which another client of the source gives up waiting.
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  open.Exec("UPDATE t SET a = -a WHERE id < 100; COMMIT");
  EXPECT_EQ(WithinMemory("pull_of_it", {"pull"})["inserted"], 100000);
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

// Labels: slow
TEST_F(LargeTransactionTest, AnOpenTransactionThatDelaysAnExportedSnapshotIsReported) {
  rotv.MustSync({"baseline"});
  const std::string seed = ReadFile(rotv.Seed());
  Connection open = rotv.server().NewConnection();
  open.Exec("SET application_name = 'nightly import'; BEGIN; INSERT INTO t VALUES (-1, 1, 'open')");
  Exec("ALTER TABLE other ADD c int DEFAULT 7; INSERT INTO other VALUES (3)");
  const std::string pid = std::to_string(open.backend_pid());
  const Result result = rotv.Sync({"pull"});
  ExpectError(result, {kUnreachable, "process " + pid + " (rotv, nightly import), in a transaction for",
                       "SELECT pg_terminate_backend(" + pid + ")"});
  EXPECT_LT(result.seconds, 30);
  EXPECT_EQ(ReadFile(rotv.Seed()), seed);
  EXPECT_THAT(rotv.LeftOnSource(), ::testing::SizeIs(2));
  // The transaction ends while the pull waits for it.
  Process pull(rotv.SyncCommand({"pull"}));
  ASSERT_TRUE(pull.WaitForOutput("waiting for process " + pid, std::chrono::seconds(30))) << pull.Err();
  open.Exec("COMMIT");
  EXPECT_TRUE(pull.Wait().ok()) << pull.Err();
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

// The source spills each part of a transaction to a file of its own.
TEST_F(LargeTransactionTest, ManySavepointsAreFollowedExceptThoseRolledBack) {
  rotv.server().Set("logical_decoding_work_mem", "64kB");
  rotv.MustSync({"baseline"});
  Exec(R"(
    DO $$ BEGIN
      FOR i IN 1..6000 LOOP
        BEGIN
          INSERT INTO t SELECT 10000 + i * 10 + n, i, repeat('s', 200) FROM generate_series(1, 5) n;
          UPDATE t SET a = a + 1 WHERE id = i % 1000;
          BEGIN
            INSERT INTO bag SELECT i, repeat('b', i % 300) FROM generate_series(1, 3);
            DELETE FROM t WHERE id = 10000 + i * 10 + 1;
            IF i % 5 = 0 THEN RAISE 'the inner part'; END IF;
          EXCEPTION WHEN raise_exception THEN
            INSERT INTO bag VALUES (i, 'failed inside');
            IF i % 10 = 0 THEN RAISE division_by_zero; END IF;
          END;
          IF i % 3 = 0 THEN RAISE division_by_zero; END IF;
        EXCEPTION WHEN division_by_zero THEN
          UPDATE t SET v = 'failed ' || i WHERE id = 1 + i % 500;
        END;
      END LOOP;
    END $$)");
  EXPECT_EQ(WithinMemory("pull", {"pull"})["transactions"], 1);
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

class PreparedTransactionTest : public LargeTest {
 protected:
  PreparedTransactionTest() {
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE other (id int PRIMARY KEY, v text);"
        "INSERT INTO t SELECT n, 'row' FROM generate_series(1, 1000) n; INSERT INTO other VALUES (1, 'o')");
  }
};

TEST_F(PreparedTransactionTest, IsReportedByTheBaselineThatWaitsForIt) {
  Exec("BEGIN; UPDATE t SET v = 'prepared' WHERE id < 10; PREPARE TRANSACTION 'a ''quoted'' name'");
  Process baseline(rotv.SyncCommand({"baseline"}));
  ASSERT_TRUE(
      baseline.WaitForOutput("waiting for a prepared transaction: 'a ''quoted'' name'", std::chrono::seconds(30)))
      << baseline.Err();
  Exec("COMMIT PREPARED 'a ''quoted'' name'");
  EXPECT_TRUE(baseline.Wait().ok()) << baseline.Err();
  rotv.ExpectSeedIsDump();
}

// Labels: slow
TEST_F(PreparedTransactionTest, WithDdlCountsFromItsCommit) {
  BaselineIsDump({.import = Import::kNone});
  Exec(
      "BEGIN; UPDATE t SET v = 'prepared' WHERE id < 10; ALTER TABLE t ADD c int DEFAULT 7; INSERT INTO t VALUES "
      "(1001, 'new', 8); CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1);"
      "PREPARE TRANSACTION 'later'");
  Exec("INSERT INTO other VALUES (2, 'meanwhile')");
  // A dump would wait for the table; the pull must not.
  const nlohmann::json pulled = WithinMemory("pull", {"pull"});
  EXPECT_EQ(pulled["inserted"], 1);
  EXPECT_EQ(pulled["schema_changed"], false);
  // A pull that needs an exported snapshot must wait, and reports for whom.
  Exec("ALTER TABLE other ADD c int");
  ExpectError(rotv.Sync({"pull"}), {kUnreachable, "a prepared transaction: 'later'", "ROLLBACK PREPARED 'later'"});
  Exec("COMMIT PREPARED 'later'");
  PullIsDump();
  Exec("UPDATE t SET c = c + 1 WHERE id > 900; INSERT INTO fresh VALUES (2); DELETE FROM t WHERE id = 5");
  PullIsDump({.import = Import::kEmpty});
}

class ManyTablesTest : public LargeTest {
 protected:
  ManyTablesTest() : LargeTest(LargeOptions({.settings = {{"max_locks_per_transaction", "512"}}})) {}

  // Creates tables; every fiftieth has no identity.
  void Create(int count) {
    Exec(
        fmt::format("DO $$ BEGIN FOR i IN 1..{} LOOP"
                    "  EXECUTE format('CREATE TABLE t%s (id int %s, a text, b timestamptz)', i,"
                    "                 CASE WHEN i % 50 <> 0 THEN 'PRIMARY KEY' END);"
                    "  EXECUTE format('INSERT INTO t%s VALUES (%s, ''row'')', i, i);"
                    "  IF i % 100 = 0 THEN COMMIT; END IF;"
                    "END LOOP; END $$",
                    count));
  }

  void AreFollowed(int count) {
    Create(count);
    WithinMemory("doctor", {"doctor"});
    WithinMemory("baseline", {"baseline"});
    rotv.ExpectSeedIsDump({.import = Import::kNone});
    WithinMemory("pull_of_nothing", {"pull"});
    Exec("UPDATE t7 SET a = 'changed'; INSERT INTO t50 VALUES (-1)");
    WithinMemory("pull_of_a_row_and_a_table", {"pull"});
    Exec("ALTER TABLE t8 ADD c int DEFAULT 7");
    EXPECT_EQ(WithinMemory("pull_of_a_column", {"pull"})["copied"], nlohmann::json::array());
    Exec("DO $$ BEGIN FOR i IN 1..900 LOOP EXECUTE format('UPDATE t%s SET a = ''all''', i); END LOOP; END $$");
    WithinMemory("pull_of_many_tables", {"pull"});
    rotv.ExpectSeedIsDump({.import = Import::kNone});
    WithinMemory("status", {"status"});
  }
};

// Labels: slow
TEST_F(ManyTablesTest, TwoThousandAreFollowed) { AreFollowed(2000); }

TEST_F(ManyTablesTest, SoakTenThousandAreFollowed) { AreFollowed(10000); }

}  // namespace
}  // namespace rotv::testing
