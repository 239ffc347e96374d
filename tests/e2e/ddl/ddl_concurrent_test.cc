// Schema changes mix with data changes: in one transaction, many between two pulls, and while a pull runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "tests/e2e/ddl/random_migrations.h"
#include "tests/e2e/ddl_column_steps.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"

namespace rotv::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class DdlAmongDataTest : public DdlIdentitiesTest {
 protected:
  DdlAmongDataTest() { Make(kByKeyAndBag); }

  // Runs each statement with changes of the data before and after it, in one transaction for each table.
  void FollowTransactions(const Steps& steps) {
    Step before;
    for (size_t at = 0; at < CountOf(steps); ++at) {
      const Step step = StepAt(steps, at);
      SCOPED_TRACE(step.of.front().second.statement);
      for (size_t i = 0; i < step.of.size(); ++i) {
        const auto& [identity, own] = step.of[i];
        const std::string change = at == 0 ? ChangeT(identity) : before.of[i].second.change;
        In(identity, "BEGIN;" + change + own.statement + ";" + own.change + "COMMIT");
      }
      if (PullIsCorrect(Copy::kNever, nullptr, step.copies)) {
        NothingNewIsPulled();
      } else {
        rotv.MustSync({"baseline", "--force"});
      }
      before = step;
    }
  }
  // Runs all statements, with data changes between them, before one pull.
  void FollowAtOnce(const Steps& steps) {
    std::vector<std::pair<Identity, DdlStep>> last;
    for (size_t at = 0; at < CountOf(steps); ++at) {
      last = StepAt(steps, at).of;
      for (const auto& [identity, own] : last) {
        In(identity, own.statement);
        In(identity, own.change);
      }
    }
    if (PullIsCorrect(Copy::kAllowed)) NothingNewIsPulled();
    for (const auto& [identity, own] : last) In(identity, ChangeT(identity));
    PullIsCorrect(Copy::kAllowed);
  }
};

std::vector<DdlStep> Added(Identity identity) { return WithOtherColumns(identity, AddedColumns()); }
std::vector<DdlStep> Dropped(Identity identity) {
  return WithOtherColumns(identity, DroppedAndRenamedColumns(ChangeT(identity)));
}
std::vector<DdlStep> Retyped(Identity) { return RetypedColumns(); }

// Labels: slow
TEST_F(DdlAmongDataTest, ColumnsAddedInTheSameTransactionAreFollowed) { FollowTransactions(Added); }
// Labels: slow
TEST_F(DdlAmongDataTest, ColumnsDroppedAndRenamedInTheSameTransactionAreFollowed) { FollowTransactions(Dropped); }
// Labels: slow
TEST_F(DdlAmongDataTest, ColumnsRetypedInTheSameTransactionAreFollowed) { FollowTransactions(Retyped); }
TEST_F(DdlAmongDataTest, ColumnsAddedBetweenTwoPullsAreFollowed) { FollowAtOnce(Added); }
TEST_F(DdlAmongDataTest, ColumnsDroppedAndRenamedBetweenTwoPullsAreFollowed) { FollowAtOnce(Dropped); }
TEST_F(DdlAmongDataTest, ColumnsRetypedBetweenTwoPullsAreFollowed) { FollowAtOnce(Retyped); }

// The transaction is so large that its first part is on disk, in the table's old shape, before its migration comes.
// Labels: slow
TEST_F(DdlAmongDataTest, RowsWrittenTwiceInATransactionLargerThanTheBufferAreFollowed) {
  const std::string change =
      "UPDATE t SET n = n + 1; UPDATE t SET id = id + 100000 WHERE id % 7 = 0; DELETE FROM t WHERE id % 11 = 0;";
  const std::string much =
      "INSERT INTO t (id, big) SELECT (SELECT max(id) FROM t) + n, repeat(md5(n::text), 300) FROM generate_series(1, "
      "2500) n;";
  for (const std::string& migration :
       std::vector<std::string>{"ADD between int DEFAULT 7", "DROP junk", "RENAME v TO w"}) {
    SCOPED_TRACE(migration);
    for (const Identity identity : kByKeyAndBag) {
      In(identity, "BEGIN;" + change + much + "ALTER TABLE t " + migration + ";" + change + "COMMIT");
    }
    PullIsCorrect(Copy::kAllowed);
  }
}

class RandomDdlTest : public DdlTest, public ::testing::WithParamInterface<unsigned> {};

// Labels: slow
TEST_P(RandomDdlTest, MigrationsAndDataAreFollowed) {
  RandomMigrations random(GetParam());
  Exec(RandomMigrations::Tables());
  rotv.MustSync({"baseline"});
  std::string since;
  for (int pull = 0; pull < 15; ++pull) {
    since.clear();
    for (int i = 0; i <= pull % 5; ++i) {
      const std::string transaction = random.Transaction();
      Exec("BEGIN;" + transaction + "COMMIT");
      since += "BEGIN; " + transaction + "COMMIT;\n";
    }
    if (pull % 4 == 3) Exec("VACUUM FULL bag");
    SCOPED_TRACE(fmt::format("number {}, pull {}, since the last one:\n{}", GetParam(), pull, since));
    ASSERT_TRUE(PullIsCorrect(Copy::kAllowed));
  }
  rotv.ExpectSeedIsDump({.import = Import::kEmpty});
}

INSTANTIATE_TEST_SUITE_P(Numbers, RandomDdlTest, ::testing::Range(1U, 9U));

// A session migrates and writes; every seed taken meanwhile shows one moment.
// Labels: slow
TEST_F(DdlTest, EachSeedTakenDuringMigrationsShowsOneMoment) {
  const unsigned number = std::random_device()();
  SCOPED_TRACE(fmt::format("number {}", number));
  Exec(RandomMigrations::Tables());
  rotv.MustSync({"baseline"});
  // The limit for each pull: a fast machine would fill the tables, and the number of columns in a table's life is
  // limited.
  constexpr int kOfAPull = 80;
  std::atomic<int> allowed = kOfAPull;
  std::atomic<int> transactions = 0;
  std::jthread writer([&](const std::stop_token& enough) {
    RandomMigrations random(number);
    Connection connection = rotv.server().NewConnection();
    try {
      while (!enough.stop_requested()) {
        if (transactions >= allowed) {
          NapBetweenPolls();
          continue;
        }
        connection.Exec("BEGIN; SET LOCAL search_path = public;" + random.Transaction() + "COMMIT");
        if (++transactions % 20 == 0) connection.Exec("VACUUM FULL keyed");
      }
    } catch (const std::exception& error) {
      ADD_FAILURE() << "the source has refused: " << error.what();
    }
  });
  int done = 0;
  for (int i = 0; i < 12; ++i) {
    const Command command = rotv.SyncCommand({"pull"});
    const Result result = RunCommand(command);
    // A pull may give up if the schema never rests, and then reports it.
    if (result.ok()) {
      ++done;
    } else {
      EXPECT_EQ(result.exit_status, kUnreachable) << Describe(command, result);
    }
    RandomMigrations::ExpectWhole(ReadFile(rotv.Seed()));
    allowed += kOfAPull;
  }
  writer.request_stop();
  writer.join();
  EXPECT_GT(transactions, 20);
  EXPECT_GT(done, 0);
  EXPECT_TRUE(PullIsCorrect(Copy::kAllowed));
  NothingNewIsPulled();
  EXPECT_THAT(rotv.LeftOnSource(), ::testing::SizeIs(2));
}

class DdlDuringAPullTest : public DdlTest {
 protected:
  DdlDuringAPullTest() : DdlTest(Options()) {}
  static RotvHomeOptions Options() {
    RotvHomeOptions options = FollowOptionsBySsh();
    options.slow_link = SlowLinkOptions{.delay_each_way = milliseconds(1), .megabits_per_second = 8};
    return options;
  }
};

// The schema is read when the pull begins; the link is held in the middle of the stream.
// Labels: slow
TEST_F(DdlDuringAPullTest, AMigrationBetweenSchemaReadAndStreamEndLeavesAConsistentSeed) {
  const auto identity = Identity::kPrimaryKey;
  Exec(MakeT(identity) +
       ";CREATE TABLE noise (id serial PRIMARY KEY, v text); CREATE TABLE no_key (id int, v text);"
       "INSERT INTO no_key VALUES (1, 'a')");
  rotv.MustSync({"baseline"});
  const std::vector<std::string> migrations = {
      "ALTER TABLE t ADD c int DEFAULT 7",
      "ALTER TABLE t ALTER n TYPE bigint",
      "ALTER TABLE t RENAME v TO w; ALTER TABLE t RENAME middle TO v; ALTER TABLE t RENAME w TO middle",
      "TRUNCATE t; ALTER TABLE t DROP c, DROP CONSTRAINT t_pkey;" +
          MakeT(identity).substr(MakeT(identity).find("INSERT")),
      "DROP TABLE t;" + MakeT(identity),
      "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id, n)",
      "CREATE TABLE fresh AS SELECT id, v FROM t",
      "INSERT INTO no_key VALUES (2, 'b')",
      "VACUUM FULL t",
  };
  for (const std::string& migration : migrations) {
    SCOPED_TRACE(migration);
    Exec("INSERT INTO noise (v) SELECT md5(random()::text) || md5(random()::text) FROM generate_series(1, 15000)");
    Exec("INSERT INTO t (id, n) SELECT max(id) + 1, 0 FROM t; UPDATE t SET v = NULL WHERE id < 10");
    const std::string before = rotv.server().Dump();
    rotv.slow_link().FreezeAfter(200'000);
    const Command command = rotv.SyncCommand({"pull"});
    Process pull(command);
    ASSERT_TRUE(WaitUntil([&] { return rotv.slow_link().frozen() || !pull.Running(); })) << pull.Err();
    Exec(migration);
    EXPECT_TRUE(pull.Running()) << "the pull was over too early for the test";
    rotv.slow_link().Thaw();
    const Result result = pull.Wait();
    ASSERT_TRUE(result.ok()) << Describe(command, result);
    const std::string seed = ReadFile(rotv.Seed());
    if (!DumpsAreEqual({"the seed", seed}, {"before", before})) {
      EXPECT_TRUE(DumpsAreEqual({"the seed", seed}, {"pg_dump after the migration", rotv.server().Dump()}));
    }
    Exec("UPDATE t SET big = 'b' WHERE id < 10; DELETE FROM t WHERE id = 11");
    PullIsCorrect(Copy::kAllowed);
  }
}

// A migration is not committed: the pull completes, or reports within seconds for whom it has waited.
// Labels: slow
TEST_F(DdlTest, AnOpenMigrationIsWaitedForBrieflyAndReported) {
  Exec(MakeT(Identity::kPrimaryKey) + "; CREATE TABLE no_key (id int, v text); INSERT INTO no_key VALUES (1, 'a')");
  rotv.MustSync({"baseline"});
  const std::vector<std::pair<std::string, std::string>> cases = {
      // A committed change, and the changes of the open transaction.
      {"UPDATE t SET v = 'a' WHERE id < 5", "ALTER TABLE t ADD c int DEFAULT 7; UPDATE t SET c = 8 WHERE id < 9"},
      {"CREATE TABLE n (id int PRIMARY KEY); INSERT INTO n VALUES (1)", "ALTER TABLE t ALTER n TYPE bigint"},
      {"INSERT INTO no_key VALUES (2, 'b')", "ALTER TABLE t DROP c"},
      {"INSERT INTO no_key VALUES (3, 'c')", "ALTER TABLE no_key ADD c int DEFAULT 7"},
      {"ALTER TABLE t ADD d int DEFAULT 8", "ALTER TABLE t ADD e int DEFAULT 9; UPDATE t SET d = 9 WHERE id < 9"},
  };
  for (const auto& [committed, open] : cases) {
    SCOPED_TRACE(committed + " | " + open);
    Exec(committed);
    const std::string before = rotv.server().Dump();
    Connection migration = rotv.server().NewConnection();
    migration.Exec("SET search_path = public; SET application_name = 'a migration'; BEGIN;" + open);
    const Command command = rotv.SyncCommand({"pull"});
    const Result result = RunCommand(command);
    EXPECT_LT(result.seconds, 30);
    if (result.ok()) {
      EXPECT_TRUE(DumpsAreEqual({"the seed", ReadFile(rotv.Seed())}, {"before", before}));
    } else {
      ExpectError(result, {kUnreachable, std::to_string(migration.backend_pid()), ""});
    }
    migration.Exec("COMMIT");
    PullIsCorrect(Copy::kAllowed);
    NothingNewIsPulled();
    EXPECT_THAT(rotv.LeftOnSource(), ::testing::SizeIs(2));
  }
}

// Tables of a megabyte are resynced over a link on which that takes seconds.
// Labels: slow
TEST_F(DdlDuringAPullTest, APullAfterAKilledResyncIsCorrect) {
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, n int, v text); CREATE TABLE no_key (n int, v text);"
      "INSERT INTO t SELECT n, n, md5(n::text) || md5((-n)::text) FROM generate_series(1, 10000) n;"
      "INSERT INTO no_key SELECT n, md5(n::text) || md5((n + 1)::text) FROM generate_series(1, 10000) n");
  rotv.MustSync({"baseline"});
  const auto change = [&](int i) {
    Exec(fmt::format(
        "ALTER TABLE t ALTER n TYPE {}; UPDATE no_key SET v = reverse(v) WHERE n % 10 = 0; UPDATE t SET v = "
        "'{}' WHERE id < 50; CREATE TABLE new_{} AS SELECT * FROM t WHERE id < 1000",
        i % 2 == 0 ? "bigint" : "int", i, i));
  };
  change(0);
  const Command command = rotv.SyncCommand({"pull"});
  const auto whole = milliseconds(static_cast<int>(MustRun(command).seconds * 1000));
  constexpr int kTries = 14;
  int killed = 0;
  std::string seed = ReadFile(rotv.Seed());
  for (int i = 1; i <= kTries; ++i) {
    SCOPED_TRACE(fmt::format("try {} of {} ms", i, whole.count()));
    change(i);
    Process process(command);
    if (!process.WaitFor(whole * i / kTries)) {
      process.Signal(SIGKILL);
      process.Wait();
      ++killed;
      // The complete state from before or after the pull is in use.
      const std::string now = ReadFile(rotv.Seed());
      if (!DumpsAreEqual({"the seed", now}, {"the one before", seed})) {
        EXPECT_TRUE(DumpsAreEqual({"the seed", now}, {"pg_dump", rotv.server().Dump()}));
      }
    }
    if (i % 2 == 0) {
      ASSERT_TRUE(PullIsCorrect(Copy::kAllowed));
      EXPECT_THAT(rotv.LeftOnSource(), ::testing::SizeIs(2));
    }
    seed = ReadFile(rotv.Seed());
  }
  EXPECT_GE(killed, kTries / 2);
  ASSERT_TRUE(PullIsCorrect(Copy::kAllowed));
  EXPECT_THAT(rotv.LeftOnSource(), ::testing::SizeIs(2));
}

}  // namespace
}  // namespace rotv::testing
