// Tables at PostgreSQL's limits, and objects around them: followed, and changed between two pulls.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/ddl_fixture.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

using OddTablesTest = DdlTest;

TEST_F(OddTablesTest, TablesWithoutColumnsKeepTheirRows) {
  Exec(
      "CREATE TABLE nothing (); CREATE TABLE full_nothing (); ALTER TABLE full_nothing REPLICA IDENTITY FULL;"
      "CREATE TABLE was_more (a int, b text); ALTER TABLE was_more DROP a, DROP b; CREATE TABLE key_only (id int "
      "PRIMARY "
      "KEY); CREATE TABLE only_generated (g int GENERATED ALWAYS AS (7) STORED);"
      "INSERT INTO nothing DEFAULT VALUES; INSERT INTO full_nothing DEFAULT VALUES; INSERT INTO was_more DEFAULT "
      "VALUES;"
      "INSERT INTO only_generated DEFAULT VALUES; INSERT INTO key_only VALUES (1), (2)");
  rotv.MustSync({"baseline"});
  usual_change =
      "INSERT INTO nothing DEFAULT VALUES; INSERT INTO full_nothing DEFAULT VALUES; INSERT INTO was_more DEFAULT "
      "VALUES;"
      "INSERT INTO key_only SELECT max(id) + 1 FROM key_only; DELETE FROM key_only WHERE id = (SELECT min(id) FROM "
      "key_only)";
  FollowAll({
      {usual_change, Copy::kAllowed},
      {"DELETE FROM nothing WHERE ctid = (SELECT min(ctid) FROM nothing); DELETE FROM full_nothing WHERE ctid = "
       "(SELECT "
       "min(ctid) FROM full_nothing)",
       Copy::kAllowed},
      {"ALTER TABLE full_nothing ADD a int DEFAULT 5; ALTER TABLE nothing ADD a int DEFAULT 5", Copy::kAllowed},
      {"ALTER TABLE full_nothing DROP a; ALTER TABLE nothing DROP a", Copy::kAllowed},
      {"ALTER TABLE key_only DROP id", Copy::kAllowed,
       "INSERT INTO key_only DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES"},
      {"TRUNCATE nothing, full_nothing, was_more", Copy::kAllowed, "INSERT INTO nothing DEFAULT VALUES"},
  });
}

// Labels: slow
TEST_F(OddTablesTest, TablesWithTheMaximumOfColumnsAreFollowed) {
  Exec(R"(
    DO $$ BEGIN
      EXECUTE (SELECT 'CREATE TABLE wide (' || string_agg(format('c%s %s', n, CASE WHEN n % 40 = 0 THEN 'text' ELSE
        'bool' END), ', ') || ', PRIMARY KEY (c40))' FROM generate_series(1, 1600) n);
      EXECUTE (SELECT 'CREATE TABLE bag_wide (' || string_agg(format('c%s bool', n), ', ') || ')'
        FROM generate_series(1, 1600) n);
    END $$;
    ALTER TABLE bag_wide REPLICA IDENTITY FULL;
    INSERT INTO wide (c1, c40, c80, c1600) SELECT n % 2 = 0, n, repeat('x', n), 'end' FROM generate_series(1, 60) n;
    INSERT INTO bag_wide (c1, c1600) SELECT true, n % 2 = 0 FROM generate_series(1, 20) n)");
  rotv.MustSync({"baseline"});
  usual_change =
      "UPDATE wide SET c80 = c80 || '+' WHERE c40 < '3'; INSERT INTO wide (c40) VALUES ('n' || txid_current()); "
      "DELETE "
      "FROM wide WHERE c40 = (SELECT min(c40) FROM wide); DELETE FROM bag_wide WHERE ctid = (SELECT min(ctid) FROM "
      "bag_wide); UPDATE bag_wide SET c1 = NOT c1 WHERE ctid = (SELECT max(ctid) FROM bag_wide)";
  FollowAll({
      {"ALTER TABLE wide DROP c1599"},
      {"ALTER TABLE bag_wide DROP c1; ALTER TABLE bag_wide RENAME c2 TO c1", Copy::kAllowed},
      {"ALTER TABLE wide RENAME c1600 TO \"the last\""},
      {"ALTER TABLE wide ALTER \"the last\" TYPE varchar(5)", Copy::kAllowed},
      {"DO $$ BEGIN FOR n IN 2..1500 LOOP IF n % 40 <> 0 THEN EXECUTE format('ALTER TABLE wide DROP c%s', n); END IF; "
       "END "
       "LOOP; END $$"},
  });
}

TEST_F(OddTablesTest, DroppedColumnsCountTowardsTheMaximum) {
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, v text, gone text); INSERT INTO t SELECT n, 'v', 'g' FROM "
      "generate_series(1, "
      "100) n; ALTER TABLE t DROP gone");
  rotv.MustSync({"baseline"});
  usual_change =
      "UPDATE t SET v = v || '+' WHERE id < 10; INSERT INTO t (id) SELECT max(id) + 1 FROM t; DELETE FROM t WHERE id = "
      "(SELECT min(id) FROM t)";
  FollowAll({
      {"DO $$ BEGIN FOR n IN 1..1590 LOOP EXECUTE 'ALTER TABLE t ADD c int DEFAULT 7'; EXECUTE 'ALTER TABLE t DROP c'; "
       "END "
       "LOOP; END $$",
       Copy::kAllowed},
      {"ALTER TABLE t ADD c int DEFAULT 7"},
      {"ALTER TABLE t DROP v; ALTER TABLE t ADD v text DEFAULT 'new'", Copy::kAllowed},
  });
}

// Labels: slow
TEST_F(OddTablesTest, ChangesOfLongAndQuotedNamesAreFollowed) {
  const std::string l63(63, 'l');
  const std::string umlauts = "äöüß日本語😀";
  Exec("CREATE SCHEMA " + l63 + "; CREATE TABLE " + l63 + "." + l63 + " (" + l63 + " serial PRIMARY KEY, v text);" +
       "INSERT INTO " + l63 + "." + l63 + " (v) SELECT 'v' FROM generate_series(1, 50)");
  rotv.MustSync({"baseline"});
  std::string schema = l63;
  std::string table = l63;
  std::string key = l63;
  const auto change = [&] {
    const std::string name = SqlName(schema) + "." + SqlName(table);
    return "INSERT INTO " + name + " (v) VALUES ('new'); UPDATE " + name + " SET v = v || '+' WHERE " + SqlName(key) +
           " % 5 = 0; DELETE FROM " + name + " WHERE " + SqlName(key) + " = (SELECT min(" + SqlName(key) + ") FROM " +
           name + ")";
  };
  for (const std::string& next :
       {umlauts, std::string("with \"quotes\" and.dot"), std::string("line\nbreak\ttab\\back"),
        std::string("it's; -- x"), std::string(63, 'x'), std::string("COPY x FROM stdin;\n\\."),
        std::string("select")}) {
    // That each of these is noticed alone is tested in ddl; here the names count, of all three kinds at once.
    const std::string rename = "ALTER TABLE " + SqlName(schema) + "." + SqlName(table) + " RENAME " + SqlName(key) +
                               " TO " + SqlName(next) + "; ALTER TABLE " + SqlName(schema) + "." + SqlName(table) +
                               " RENAME TO " + SqlName(next) + "; ALTER SCHEMA " + SqlName(schema) + " RENAME TO " +
                               SqlName(next);
    schema = table = key = next;
    Follow({rename, Copy::kNever, change()});
    Follow(
        {"CREATE TABLE " + SqlName(schema) + "." + SqlName("2" + next.substr(0, 60)) + " (" + SqlName(next) + " int)",
         Copy::kAllowed, "INSERT INTO " + SqlName(schema) + "." + SqlName("2" + next.substr(0, 60)) + " VALUES (1)"});
  }
  rotv.ExpectSeedIsDump();
}

TEST_F(OddTablesTest, RulesOnTablesLoseNoRows) {
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE no_key (id int); CREATE TABLE to_view (id int);"
      "INSERT INTO t VALUES (1, 'a'), (2, 'b'); INSERT INTO no_key VALUES (1), (2);"
      "CREATE RULE no_delete AS ON DELETE TO t DO INSTEAD NOTHING; CREATE RULE also AS ON INSERT TO t DO ALSO INSERT "
      "INTO "
      "no_key VALUES (NEW.id); CREATE RULE no_insert AS ON INSERT TO no_key WHERE NEW.id = 7 DO INSTEAD NOTHING");
  rotv.MustSync({"baseline"});
  usual_change =
      "INSERT INTO t SELECT max(id) + 1, 'new' FROM t; UPDATE t SET v = v || '+'; INSERT INTO no_key VALUES (7)";
  FollowAll({
      // Until the last step, each insert into t adds a row to the table that is resynced.
      {"DELETE FROM t", Copy::kAllowed},
      {"INSERT INTO no_key VALUES (8)", Copy::kAllowed},
      {"DROP RULE no_delete ON t; DELETE FROM t WHERE id = 1", Copy::kAllowed},
      {"ALTER TABLE t DISABLE RULE also"},
  });
}

TEST_F(OddTablesTest, TemporaryTablesAreIgnored) {
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'); CREATE TEMP TABLE tmp (id int); "
      "CREATE "
      "TEMP TABLE t (id int PRIMARY KEY); INSERT INTO tmp VALUES (1); INSERT INTO pg_temp.t VALUES (9)");
  BaselineIsDump();
  for (const char* change :
       {"INSERT INTO tmp VALUES (2); CREATE TEMP SEQUENCE s; CREATE TEMP VIEW w AS SELECT 1",
        "ALTER TABLE tmp ADD c int; DROP TABLE pg_temp.t; CREATE TEMP TABLE another AS SELECT 1 AS x",
        "TRUNCATE tmp; DROP TABLE another"}) {
    SCOPED_TRACE(change);
    Exec(change);
    const auto pull = Pull();
    ASSERT_TRUE(pull);
    EXPECT_EQ(pull->at("schema_changed"), false);
    EXPECT_TRUE(pull->at("copied").empty());
    rotv.ExpectSeedIsDump({.import = Import::kNone});
  }
}

// A role from which row security hides rows must not take the visible rows for all rows.
TEST_F(OddTablesTest, RowSecurityThatHidesRowsIsRefused) {
  Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
  ExecAsSuperuser(
      "CREATE TABLE theirs (id int PRIMARY KEY, v text); INSERT INTO theirs VALUES (1, 'a'), (2, 'b'); CREATE TABLE "
      "their_bag (id int, v text); INSERT INTO their_bag VALUES (1, 'a'); GRANT SELECT ON theirs, their_bag TO rotv;"
      "ALTER TABLE theirs OWNER TO rotv; ALTER TABLE theirs ENABLE ROW LEVEL SECURITY; ALTER TABLE theirs FORCE ROW "
      "LEVEL "
      "SECURITY; CREATE POLICY p ON theirs USING (id = 1)");
  // With BYPASSRLS all rows are read.
  BaselineIsDump();
  ExecAsSuperuser("UPDATE theirs SET v = 'c' WHERE id = 2; INSERT INTO their_bag VALUES (2, 'b')");
  EXPECT_TRUE(PullIsCorrect(Copy::kAllowed));

  // A table with a policy, which the role may read but does not own, and which a pull must copy.
  ExecAsSuperuser(
      "ALTER ROLE rotv NOBYPASSRLS; ALTER TABLE their_bag ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON their_bag "
      "USING (id "
      "= 1); INSERT INTO their_bag VALUES (3, 'hidden')");
  const std::string before = ReadFile(rotv.Seed());
  const Result pull = rotv.Sync({"pull"});
  EXPECT_EQ(pull.exit_status, kRefused) << pull.err;
  EXPECT_THAT(PrintedErrorOf(pull).message + PrintedErrorOf(pull).hint, HasSubstr("BYPASSRLS"));
  EXPECT_TRUE(DumpsAreEqual({"the seed", ReadFile(rotv.Seed())}, {"before", before}));
  EXPECT_EQ(rotv.Sync({"doctor"}).exit_status, kRefused);
  EXPECT_EQ(rotv.Sync({"baseline", "--force"}).exit_status, kRefused);
  ExecAsSuperuser("ALTER ROLE rotv BYPASSRLS");
  EXPECT_TRUE(PullIsCorrect(Copy::kAllowed));
}

// A table appears between two pulls, and the role may not read it.
TEST_F(OddTablesTest, ANewUnreadableTableIsRefusedUntilItIsReadable) {
  Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a')");
  BaselineIsDump();
  ExecAsSuperuser("CREATE TABLE theirs (id int PRIMARY KEY); INSERT INTO theirs VALUES (1)");
  Exec("UPDATE t SET v = 'b'");
  const Result pull = rotv.Sync({"pull"});
  EXPECT_EQ(pull.exit_status, kRefused) << pull.err;
  EXPECT_THAT(pull.err, HasSubstr("theirs"));
  EXPECT_THAT(PrintedErrorOf(pull).hint, HasSubstr("ALTER TABLE public.theirs OWNER TO rotv;"));
  ExecAsSuperuser("GRANT SELECT ON theirs TO rotv");
  // It is readable but cannot be published: it is still followed, or the fix is reported.
  const Result again = rotv.Sync({"pull"});
  EXPECT_TRUE(again.ok() || again.exit_status == kRefused) << again.err;
  ExecAsSuperuser("ALTER TABLE theirs OWNER TO rotv");
  ASSERT_TRUE(PullIsCorrect(Copy::kAllowed));
  Exec("INSERT INTO theirs VALUES (2)");
  EXPECT_TRUE(PullIsCorrect(Copy::kNever));
}

// Labels: slow
TEST_F(OddTablesTest, ChangesOfSequencesAreFollowed) {
  Exec(
      "CREATE SEQUENCE up; CREATE SEQUENCE down INCREMENT -1 MINVALUE -5 CYCLE; CREATE SEQUENCE alone START 5;"
      "CREATE TABLE t (s serial PRIMARY KEY, i bigint GENERATED ALWAYS AS IDENTITY)");
  rotv.MustSync({"baseline"});
  usual_change = "SELECT nextval('up'); INSERT INTO t DEFAULT VALUES";
  FollowAll({
      {"SELECT nextval('down') FROM generate_series(1, 7)"},
      {"SELECT setval('alone', 42, false)"},
      {"SELECT setval('alone', 42, true); SELECT setval('up', 3, false)"},
      {"ALTER SEQUENCE up RESTART; ALTER SEQUENCE down RESTART WITH -3 MAXVALUE 0"},
      {"ALTER TABLE t ALTER i RESTART WITH 500; ALTER SEQUENCE t_s_seq RESTART WITH 700"},
      {"ALTER SEQUENCE t_s_seq OWNED BY NONE; ALTER SEQUENCE alone OWNED BY t.s"},
      {"BEGIN; SELECT nextval('up'), nextval('down'); ROLLBACK"},
      {"CREATE UNLOGGED SEQUENCE light; SELECT nextval('light'), nextval('light')"},
      {"DROP SEQUENCE down; CREATE SEQUENCE down START 9; SELECT nextval('down')"},
      {"ALTER SEQUENCE up RENAME TO over; CREATE SEQUENCE up INCREMENT 2"},
      {"BEGIN; TRUNCATE t RESTART IDENTITY; ROLLBACK; TRUNCATE t RESTART IDENTITY"},
  });
}

// Labels: slow
TEST_F(OddTablesTest, ARowOf100MegabytesIsFollowed) {
  Exec(
      "CREATE TABLE huge (id int PRIMARY KEY, name text, b bytea, t text); ALTER TABLE huge ALTER b SET STORAGE "
      "EXTERNAL;"
      "CREATE TABLE no_key (id int, t text);"
      // 50 MB of bytes are 100 MB of hexadecimal text.
      "INSERT INTO huge SELECT 1, 'row', decode(repeat('00ff5c0a41', 10000000), 'hex'), 't';"
      "INSERT INTO no_key SELECT 1, repeat('0123456789', 10000000)");
  BaselineIsDump({.import = Import::kNone});
  Exec("UPDATE huge SET name = 'its picture does not travel'; UPDATE no_key SET id = 2");
  PullIsDump();
  Exec(
      "ALTER TABLE huge ADD c int DEFAULT 7; UPDATE huge SET id = 2; INSERT INTO huge SELECT 3, 'second', NULL, "
      "repeat(E'\\\\\\t', 10000000)");
  PullIsDump();
  Exec("ALTER TABLE huge RENAME name TO title; DELETE FROM huge WHERE id = 3; DROP TABLE no_key");
  PullIsDump();
}

}  // namespace
}  // namespace rotv::testing
