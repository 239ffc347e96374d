// Migrations start on the source while a baseline copies their table: they are not blocked for long, and the baseline
// is correct in the end. The link is so slow that the copy takes several seconds, in which the migration starts.

#include <gtest/gtest.h>

#include <chrono>

#include "tests/e2e/error_checks.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

struct Migration {
  const char* name;
  const char* sql;
  // True if the copy blocks the migration. If so, the copy is cancelled.
  bool conflicts = true;
};

void PrintTo(const Migration& migration, std::ostream* out) { *out << migration.name; }

class MigrationTest : public ::testing::TestWithParam<Migration> {
 protected:
  MigrationTest() {
    rotv_.server().Exec(
        "CREATE TABLE big (id int PRIMARY KEY, a text, b text, n int);"
        "CREATE TABLE small (id int PRIMARY KEY, text text);"
        "INSERT INTO small SELECT n, 'row ' || n FROM generate_series(1, 50) n;"
        // Hardly compressible: md5 is hexadecimal text.
        "INSERT INTO big SELECT n, 'a' || md5(n::text) || md5((-n)::text), 'b' || md5((n * 7)::text), n "
        "FROM generate_series(1, 60000) n");
  }

  std::string Copying() const {
    return rotv_.server().Value(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rotv-sync%' AND state = 'active' "
        "AND query LIKE '%COPY public.big%'",
        kSuperuser);
  }

  // 7 MB at 12 Mbit/s take about five seconds.
  mutable RotvHome rotv_{
      {.binary = ROTV_SYNC_BINARY, .slow_link = {{.delay_each_way = milliseconds(2), .megabits_per_second = 12}}}};
};

// Labels: slow
TEST_P(MigrationTest, IsNotBlockedAndTheBaselineIsCorrect) {
  PostgresServer& server = rotv_.server();
  Process baseline(rotv_.SyncCommand({"-v", "baseline"}));
  // The copy has begun, and some rows have arrived.
  ASSERT_TRUE(WaitUntil([&] { return Copying() != "0"; })) << baseline.Err();
  rotv_.slow_link().ResetCounts();
  ASSERT_TRUE(WaitUntil([&] { return rotv_.slow_link().BytesToClient() > 500'000; })) << baseline.Err();

  Connection migration = server.NewConnection();
  Connection writer = server.NewConnection();
  const auto start = Clock::now();
  migration.Send(GetParam().sql);
  if (GetParam().conflicts) {
    // The application's writes queue up after the migration.
    EXPECT_TRUE(WaitUntil([&] {
      return server.Value(
                 "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = " + std::to_string(migration.backend_pid()),
                 kSuperuser) != "0";
    }));
  }
  writer.Send("INSERT INTO small VALUES (1000, 'while it waits')");
  EXPECT_TRUE(WaitUntil([&] { return migration.Ready(); }, seconds(60)));
  const double waited = std::chrono::duration<double>(Clock::now() - start).count();
  migration.Finish();
  writer.Finish();
  // The watchdog cancels the copy after a second; the rest of the limit is for the migration's own work and a busy
  // machine. That the copy was cancelled is checked below.
  EXPECT_LT(waited, 10) << baseline.Err();
  EXPECT_TRUE(baseline.Running()) << "the copy was over too early for the test: " << baseline.Err();

  const Result result = baseline.Wait();
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const bool broken_off = result.err.find("canceling statement due to user request") != std::string::npos;
  EXPECT_EQ(broken_off, GetParam().conflicts) << result.err;
  ExpectOneBaseline(rotv_);
  // The migration may have committed after the baseline's point.
  rotv_.MustSync({"pull"});
  rotv_.ExpectSeedIsDump();
}

INSTANTIATE_TEST_SUITE_P(
    All, MigrationTest,
    ::testing::Values(
        Migration{"AddColumn", "ALTER TABLE big ADD COLUMN more int NOT NULL DEFAULT 7"},
        Migration{"RewriteWithAnotherType", "ALTER TABLE big ALTER n TYPE bigint"},
        Migration{"Truncate", "TRUNCATE big"},  //
        Migration{"VacuumFull", "VACUUM FULL big"},
        Migration{"DropAndCreate",
                  "BEGIN; CREATE TABLE next (LIKE big INCLUDING ALL); INSERT INTO next SELECT id, b, a, 1 FROM big; "
                  "DROP TABLE big; ALTER TABLE next RENAME TO big; ALTER INDEX next_pkey RENAME TO big_pkey; COMMIT"},
        Migration{"ColumnsThatChangePlaces",
                  "BEGIN; ALTER TABLE big RENAME a TO x; ALTER TABLE big RENAME b TO a; ALTER TABLE big RENAME x TO b; "
                  "COMMIT"},
        // Creating an index does not conflict with reading; it is in the schema after the baseline's point.
        Migration{"CreateIndex", "CREATE INDEX big_n ON big (n)", false}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

}  // namespace
}  // namespace rotv::testing
