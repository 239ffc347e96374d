// A correct store is reported as equal to its source, whatever the types and keys, while other sessions write and
// migrate there.

#include <thread>

#include "fmt/format.h"
#include "tests/e2e/bank_load.h"
#include "tests/e2e/type_samples.h"
#include "tests/e2e/verify/verify_fixture.h"

namespace rotv::testing {
namespace {

// A table for each type's values, and, if the type can be a key, one with it as key.
std::string SampleTables() {
  std::string sql;
  int number = 0;
  for (const TypeSample& sample : TypeSamples()) {
    const std::string type = sample.type;
    const std::string name = fmt::format("v{}", ++number);
    sql += fmt::format("CREATE TABLE {} (id serial PRIMARY KEY, v {});", name, type);
    for (const std::string& value : sample.values) sql += fmt::format("INSERT INTO {} (v) VALUES ({});", name, value);
    sql += fmt::format("INSERT INTO {} (v) VALUES (NULL);", name);
    if (sample.order == Order::kNotSortable) continue;
    sql += fmt::format("CREATE TABLE k{} (k {} PRIMARY KEY, v int);", number, type);
    for (const std::string& value : sample.values) sql += fmt::format("INSERT INTO k{} VALUES ({});", number, value);
  }
  return sql;
}

// Keys whose stored order is not their type's order on the source, in so many rows that there are several ranges.
constexpr const char* kKeyTables = R"(
  CREATE TABLE by_int (k int PRIMARY KEY, v text);
  INSERT INTO by_int SELECT n * 3 - 60000, 'row ' || n FROM generate_series(1, 45000) n;
  CREATE TABLE by_text (k text PRIMARY KEY, v int);
  INSERT INTO by_text SELECT md5(n::text) || E'\t' || n, n FROM generate_series(1, 45000) n;
  CREATE TABLE by_numeric (k numeric PRIMARY KEY, v int);
  INSERT INTO by_numeric SELECT (n - 20000) / 7.0, n FROM generate_series(1, 45000) n;
  CREATE TABLE by_uuid (k uuid PRIMARY KEY, v int);
  INSERT INTO by_uuid SELECT md5(n::text)::uuid, n FROM generate_series(1, 45000) n;
  CREATE TABLE by_time (k timestamptz PRIMARY KEY, v int);
  INSERT INTO by_time SELECT timestamptz '2000-01-01' + (n - 20000) * interval '40 days 1.5 s', n
    FROM generate_series(1, 45000) n;
  CREATE TABLE by_bytes (k bytea PRIMARY KEY, v int);
  INSERT INTO by_bytes SELECT decode(md5(n::text), 'hex'), n FROM generate_series(1, 45000) n;
  CREATE TABLE by_bool (b boolean, n int, PRIMARY KEY (b, n));
  INSERT INTO by_bool SELECT n % 2 = 0, n FROM generate_series(1, 45000) n;
  CREATE TABLE by_two (v text, b text, a bigint, PRIMARY KEY (a, b));
  INSERT INTO by_two SELECT NULLIF(n % 7, 0)::text, md5(n::text), n / 10 FROM generate_series(1, 45000) n;
  CREATE TABLE bag (a int, b text); ALTER TABLE bag REPLICA IDENTITY FULL;
  INSERT INTO bag SELECT NULLIF(n % 300, 0), NULLIF((n % 50)::text, '0') FROM generate_series(1, 45000) n;
)";

TEST_F(VerifyTest, ValuesOfEveryTypeAreEqual) {
  Exec(kTypeSamplesSetup);
  Exec(SampleTables());
  rotv.MustSync({"baseline"});
  json report = Verify(0);
  EXPECT_GT(report["tables"].size(), 100u);
  EXPECT_EQ(report["equal"], true) << report.dump(2);
}

TEST_F(VerifyTest, KeysOfEveryOrderAreEqual) {
  Exec(kKeyTables);
  rotv.MustSync({"baseline"});
  ExpectEqual();
  Exec(
      "UPDATE by_text SET v = -v WHERE v % 100 = 0; DELETE FROM by_int WHERE k % 5 = 0; UPDATE by_two SET a = -a;"
      "DELETE FROM bag WHERE a = 7; INSERT INTO bag SELECT * FROM bag WHERE a = 9; UPDATE by_numeric SET k = k + 0.50");
  ExpectEqual();
  json report = Verify(0, {"--table", "public.by_int", "--table", "public.bag"});
  EXPECT_EQ(report["tables"].size(), 2u);
  EXPECT_EQ(TableOf(report, "public.by_int")["rows"], 36000);
}

TEST_F(VerifyTest, TablesThatAreNotStreamedAreEqual) {
  Exec(R"(
    CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY, v text); INSERT INTO unlogged VALUES (1, 'a'), (2, NULL);
    CREATE TABLE nothing (a int, b text); INSERT INTO nothing VALUES (1, 'a'), (1, 'a'), (NULL, NULL);
    CREATE TABLE empty (id int PRIMARY KEY); CREATE TABLE "without columns" ();
    ALTER TABLE "without columns" REPLICA IDENTITY FULL; INSERT INTO "without columns" DEFAULT VALUES;
    CREATE TABLE generated (id int PRIMARY KEY, g int GENERATED ALWAYS AS (id * 2) STORED, v text);
    INSERT INTO generated VALUES (1, DEFAULT, 'x'), (2, DEFAULT, 'y');
    CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
    CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (10); INSERT INTO parts VALUES (3, 'three');
    CREATE TABLE "Odd ""Name" ("Id ""x" int PRIMARY KEY, "select" text); INSERT INTO "Odd ""Name" VALUES (1, 'v');
    SELECT lo_from_bytea(0, decode(repeat('00ff5c22', 20000), 'hex')), lo_from_bytea(0, ''))");
  rotv.MustSync({"baseline"});
  ExpectEqual();
  Exec("INSERT INTO unlogged VALUES (3, 'c'); DELETE FROM nothing WHERE a IS NULL");
  json report = Verify(0);
  EXPECT_EQ(TableOf(report, "public.unlogged")["rows"], 3);
  EXPECT_EQ(TableOf(report, "public.nothing")["rows"], 2);
  EXPECT_EQ(TableOf(report, "pg_catalog.pg_largeobject")["rows"], 6);
}

TEST_F(VerifyTest, ATableOfManyColumnsIsEqual) {
  std::string columns;
  std::string values;
  for (int i = 1; i <= 150; ++i) {
    columns += fmt::format(", c{} {}", i, i % 3 == 0 ? "text" : "int");
    values += fmt::format(", CASE WHEN (n + {}) % 5 > 0 THEN {} END", i, i % 3 == 0 ? "chr(97 + n % 9)" : "n");
  }
  Exec(
      fmt::format("CREATE TABLE wide (id int PRIMARY KEY{}); INSERT INTO wide SELECT n{} FROM generate_series(1, 50) n",
                  columns, values));
  rotv.MustSync({"baseline"});
  ExpectEqual();
  {
    // A NULL that has moved by one column.
    Exec("UPDATE wide SET c148 = NULL, c149 = 148 WHERE id = 3");
    rotv.MustSync({"pull"});
    Damage damage(rotv, "public.wide");
    std::vector<std::string> lines;
    damage.KeysOf([&](std::string_view line) {
      if (line.starts_with("3\t")) lines.emplace_back(line);
      return false;
    });
    std::string& line = lines.at(0);
    size_t at = line.find("\t\\N\t148\t");
    ASSERT_NE(at, std::string::npos);
    damage.Write(IntegerKeyOf(3), line.replace(at, 8, "\t148\t\\N\t"));
  }
  json report = Verify(7);
  EXPECT_EQ(TableOf(report, "public.wide")["difference"]["different"], 1);
}

TEST_F(VerifyTest, RowsOfAnOlderShapeAreEqual) {
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t SELECT n, 'a' || n, 'b' FROM "
      "generate_series(1, 1000) n");
  rotv.MustSync({"baseline"});
  Exec("ALTER TABLE t ADD c int DEFAULT 7; ALTER TABLE t DROP a; UPDATE t SET b = 'new' WHERE id % 10 = 0");
  ExpectEqual();
}

TEST_F(VerifyTest, IsCorrectUnderLoad) {
  BankLoad load(rotv);
  rotv.MustSync({"baseline"});
  load.Start();
  for (int i = 0; i < 5; ++i) ExpectEqual();
  load.Stop();
  ExpectEqual();
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

TEST_F(VerifyTest, IsCorrectWhileTheSchemaChanges) {
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'v' FROM generate_series(1, 30000) n;"
      "CREATE TABLE u (id int PRIMARY KEY, a int, b int); INSERT INTO u SELECT n, n, -n FROM generate_series(1, 9) n");
  rotv.MustSync({"baseline"});
  Process verify(rotv.SyncCommand({"--json", "verify"}));
  int changes = 0;
  while (verify.Running() && changes < 4) {
    ++changes;
    Exec(fmt::format("ALTER TABLE t ADD c{} int DEFAULT {}; UPDATE t SET v = v || '.' WHERE id % 1000 = {};", changes,
                     changes, changes));
    Exec("BEGIN; ALTER TABLE u RENAME a TO x; ALTER TABLE u RENAME b TO a; ALTER TABLE u RENAME x TO b; COMMIT");
  }
  EXPECT_EQ(verify.Wait().exit_status, 0);
  ExpectEqual();
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

TEST_F(VerifyTest, AnUnknownTableIsRefused) {
  Exec("CREATE TABLE t (id int PRIMARY KEY)");
  rotv.MustSync({"baseline"});
  ExpectExit(rotv, {"verify", "--table", "public.u"}, 2);
}

TEST_F(VerifyTest, LeavesNothingOnTheSourceWhenKilled) {
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, repeat('v', 100) FROM "
      "generate_series(1, 300000) n; CREATE TABLE u (id int)");
  rotv.MustSync({"baseline"});
  const std::vector<std::string> before = rotv.LeftOnSource();
  {
    Connection writer = rotv.server().NewConnection();
    writer.Exec("BEGIN; INSERT INTO u VALUES (1)");
    Process waiting(rotv.SyncCommand({"verify"}));
    ASSERT_TRUE(rotv.server().WaitForBlocked("CREATE_REPLICATION_SLOT"));
    waiting.Signal(SIGKILL);
    waiting.Wait();
  }
  Process reading(rotv.SyncCommand({"verify"}));
  Connection observer = rotv.server().NewConnection(kSuperuser);
  constexpr const char* kReading =
      "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%GROUP BY g%' AND pid <> pg_backend_pid() AND state "
      "= 'active'";
  ASSERT_TRUE(WaitUntil([&] { return observer.Value(kReading) == "t"; }));
  reading.Signal(SIGKILL);
  reading.Wait();
  EXPECT_TRUE(WaitUntil([&] { return rotv.LeftOnSource() == before; }));
  ExpectEqual();
}

class Latin1VerifyTest : public VerifyTest {
 protected:
  Latin1VerifyTest() : VerifyTest(FollowOptions({.initdb_arguments = {"--encoding=LATIN1", "--locale=C"}})) {}
};

TEST_F(Latin1VerifyTest, ADatabaseInAnotherEncodingIsEqual) {
  Exec(
      "SET client_encoding = 'UTF8'; CREATE TABLE \"größe\" (\"schlüssel ä\" text PRIMARY KEY, v text);"
      "INSERT INTO \"größe\" SELECT 'ü' || n, chr(128 + n % 128) FROM generate_series(1, 25000) n");
  rotv.MustSync({"baseline"});
  ExpectEqual();
}

}  // namespace
}  // namespace rotv::testing
