// Carries by kinds of objects: each changes one thing between two points, and is made there and back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "fmt/format.h"
#include "tests/e2e/carry/carry_fixture.h"
#include "tests/e2e/type_samples.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(CarryTest, RowsAreRemovedAndWrittenByTheirKeys) {
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, slot int UNIQUE, v text); CREATE TABLE \"odd\n\"\"\\name\" (\"a\tb\" text,"
      "\"c\"\"d\" int, \"e\\\" text, PRIMARY KEY (\"c\"\"d\", \"a\tb\")); CREATE TABLE calm (id int PRIMARY KEY);"
      "INSERT INTO t SELECT n, n, 'row ' || n FROM generate_series(1, 200) n;"
      "INSERT INTO calm SELECT generate_series(1, 50);"
      "INSERT INTO \"odd\n\"\"\\name\" SELECT E'a\\tb\\\\' || n, n % 5, E'new\\nline' FROM generate_series(1, 20) n");
  const CarryPoint before = Baseline();
  Exec(
      "BEGIN; UPDATE t SET slot = -1 WHERE id = 1; UPDATE t SET slot = 1 WHERE id = 2; UPDATE t SET slot = 2 WHERE id "
      "= "
      "1; COMMIT;"
      "UPDATE t SET id = id + 1000 WHERE id % 20 = 3; DELETE FROM t WHERE id % 20 = 4; INSERT INTO t VALUES (5000, "
      "5000, "
      "NULL), (5001, 5001, E'\\\\.\\n\\\\'); UPDATE t SET v = E'\\t\\\\N' WHERE id % 20 = 5; UPDATE t SET v = v;"
      "UPDATE \"odd\n\"\"\\name\" SET \"a\tb\" = \"a\tb\" || '''' WHERE \"c\"\"d\" = 2");
  const CarryPoint after = Pull();
  Import("a", before);
  const CarryResult result = Carry("a", before, after);
  EXPECT_TRUE(Holds("a", after));
  EXPECT_EQ(result.tables, 2U);
  // In t: 2 exchanged, 10 with another key (removed and added), 10 removed, 2 added, 10 changed.
  EXPECT_EQ(result.rows, 2U + 20 + 10 + 2 + 10 + 8);
  EXPECT_EQ(result.reloaded_rows, 0U);
  EXPECT_EQ(result.bytes, std::filesystem::file_size(file()));
  struct stat status {};
  ASSERT_EQ(stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ExpectCarried("a", after, before);
}

TEST_F(CarryTest, WhatFiresInSpiteOfTheReplicaRoleIsSilentAndAsItWas) {
  Exec(
      "CREATE TABLE log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);"
      "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log (what) VALUES "
      "(TG_NAME); "
      "RETURN coalesce(NEW, OLD); END $$;"
      "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE bag (v text); ALTER TABLE bag REPLICA IDENTITY FULL;"
      "CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
      "CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (1000)");
  for (const char* table : {"t", "bag", "parted"}) {
    Exec(
        fmt::format("CREATE TRIGGER ordinary BEFORE INSERT OR DELETE ON {0} FOR EACH ROW EXECUTE FUNCTION note();"
                    "CREATE TRIGGER \"al\"\"ways\" AFTER INSERT OR DELETE ON {0} FOR EACH ROW EXECUTE FUNCTION note();"
                    "ALTER TABLE {0} ENABLE ALWAYS TRIGGER \"al\"\"ways\"; "
                    "CREATE TRIGGER replica AFTER INSERT OR DELETE ON {0} FOR EACH ROW EXECUTE FUNCTION note();"
                    "ALTER TABLE {0} ENABLE REPLICA TRIGGER replica; "
                    "CREATE TRIGGER off AFTER INSERT OR DELETE ON {0} FOR EACH ROW EXECUTE FUNCTION note();"
                    "ALTER TABLE {0} DISABLE TRIGGER off; INSERT INTO {0} (v) SELECT NULL WHERE false",
                    table));
  }
  Exec(
      "CREATE TRIGGER emptied BEFORE TRUNCATE ON bag FOR EACH STATEMENT EXECUTE FUNCTION note();"
      "ALTER TABLE bag ENABLE ALWAYS TRIGGER emptied;"
      "CREATE RULE ruled AS ON DELETE TO t DO INSTEAD NOTHING; ALTER TABLE t ENABLE ALWAYS RULE ruled;"
      "CREATE RULE replica AS ON DELETE TO part DO INSTEAD NOTHING; ALTER TABLE part ENABLE REPLICA RULE replica;"
      "INSERT INTO t SELECT n, 'x' FROM generate_series(1, 20) n; INSERT INTO bag SELECT 'x' FROM generate_series(1, "
      "5);"
      "INSERT INTO parted SELECT n, 'x' FROM generate_series(1, 20) n");
  const CarryPoint before = Baseline();
  Exec(
      "UPDATE t SET v = 'y' WHERE id < 10; UPDATE parted SET v = 'y', id = id + 100 WHERE id < 10; INSERT INTO bag "
      "VALUES ('y')");
  const CarryPoint after = Pull();
  Import("a", before);
  ExpectCarried("a", before, after);
}

TEST_F(CarryTest, TablesWithoutAUsableKeyAreReloadedIfTheyDiffer) {
  Exec(
      "CREATE TABLE bag (v text); ALTER TABLE bag REPLICA IDENTITY FULL; CREATE TABLE still (v text);"
      "ALTER TABLE still REPLICA IDENTITY FULL; CREATE TABLE nothing (); ALTER TABLE nothing REPLICA IDENTITY FULL;"
      "CREATE TABLE keyless (v text); CREATE UNLOGGED TABLE quick (id int PRIMARY KEY, v text);"
      "CREATE TABLE later (id int PRIMARY KEY DEFERRABLE, v text);"
      "INSERT INTO bag SELECT 'x' || n % 3 FROM generate_series(1, 10) n; INSERT INTO still VALUES ('a'), ('a');"
      "INSERT INTO nothing DEFAULT VALUES; INSERT INTO keyless VALUES ('k'), (NULL);"
      "INSERT INTO quick VALUES (1, 'a'), (2, 'b'); INSERT INTO later VALUES (1, 'a'), (2, 'b'), (3, 'c')");
  const CarryPoint before = Baseline();
  Exec(
      "DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag WHERE v = 'x1' LIMIT 2); INSERT INTO bag VALUES (NULL);"
      "INSERT INTO nothing DEFAULT VALUES; INSERT INTO still VALUES ('b'); DELETE FROM still WHERE v = 'b';"
      "INSERT INTO keyless VALUES ('k'); UPDATE quick SET v = 'c' WHERE id = 2; UPDATE later SET v = 'B' WHERE id = 2");
  const CarryPoint after = Pull();
  Import("a", before);
  const CarryResult result = Carry("a", before, after);
  EXPECT_TRUE(Holds("a", after));
  EXPECT_EQ(result.tables, 5U);
  EXPECT_EQ(result.reloaded_rows, 9U + 2 + 3);
  EXPECT_EQ(result.rows, result.reloaded_rows + 2);
  ExpectCarried("a", after, before);
}

TEST_F(CarryTest, TruncatedTablesAreCompared) {
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE bag (v text); ALTER TABLE bag REPLICA IDENTITY FULL;"
      "CREATE TABLE child (id int PRIMARY KEY, t int REFERENCES t, again int REFERENCES child);"
      "CREATE TABLE sack (v text UNIQUE); ALTER TABLE sack REPLICA IDENTITY FULL; CREATE TABLE of_sack (v text "
      "REFERENCES sack (v)); ALTER TABLE of_sack REPLICA IDENTITY FULL;"
      "INSERT INTO t SELECT n, 'x' FROM generate_series(1, 100) n; INSERT INTO bag VALUES ('x');"
      "INSERT INTO child SELECT n, n, n FROM generate_series(1, 100) n; INSERT INTO sack VALUES ('a'), ('b');"
      "INSERT INTO of_sack VALUES ('a')");
  const CarryPoint before = Baseline();
  Exec(
      "TRUNCATE t, child, bag, sack, of_sack; INSERT INTO t SELECT n, 'x' FROM generate_series(2, 101) n;"
      "INSERT INTO child VALUES (7, 7, 7), (8, 101, 7); INSERT INTO sack VALUES ('b'), ('c')");
  const CarryPoint after = Pull();
  Import("a", before);
  const CarryResult result = Carry("a", before, after);
  EXPECT_TRUE(Holds("a", after));
  EXPECT_EQ(result.rows, 2U + 99 + 0 + 2 + 0);
  ExpectCarried("a", after, before);
}

TEST_F(CarryTest, PartitionsAndHeirsHaveTheirOwnRows) {
  Exec(
      "CREATE TABLE events (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
      "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
      "CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY LIST "
      "(id);"
      "CREATE TABLE events_2a PARTITION OF events_2 DEFAULT;"
      "CREATE TABLE parent (id int PRIMARY KEY, v text); CREATE TABLE heir (more int, PRIMARY KEY (id)) INHERITS "
      "(parent);"
      "INSERT INTO events SELECT n, '2026-01-20'::date + n, 'x' FROM generate_series(1, 20) n;"
      "INSERT INTO parent VALUES (1, 'p'), (2, 'p'); INSERT INTO heir VALUES (1, 'h', 1), (2, 'h', 2)");
  const CarryPoint before = Baseline();
  Exec(
      "UPDATE events SET at = at + 10 WHERE id % 2 = 0; DELETE FROM events WHERE id = 3; UPDATE ONLY parent SET v = "
      "'q' WHERE id = 1; DELETE FROM heir "
      "WHERE id = 2");
  const CarryPoint after = Pull();
  Import("a", before);
  ExpectCarried("a", before, after);
}

// The hash of an enum's value is another one in each database, and with it the partition that a row is in.
TEST_F(CarryTest, PartitionsByTheHashOfAnEnumAreLoadedThroughTheirRoot) {
  Exec(
      "CREATE TYPE mood AS ENUM ('good', 'bad', 'so so');"
      "CREATE TABLE hashed (id int, m mood, PRIMARY KEY (id, m)) PARTITION BY HASH (m);"
      "CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
      "INSERT INTO hashed SELECT n, (enum_range(NULL::mood))[1 + n % 3] FROM generate_series(1, 30) n");
  const std::string rows = "SELECT string_agg(id || ' ' || m, ',' ORDER BY id, m) FROM hashed";
  const std::string rows_before = sql->Value(rows);
  const CarryPoint before = Baseline();
  Exec(
      "INSERT INTO hashed VALUES (50, 'bad'); UPDATE hashed SET m = 'good' WHERE id = 4; DELETE FROM hashed WHERE id = "
      "7");
  const CarryPoint after = Pull();
  Import("a", before);
  EXPECT_EQ(Carry("a", before, after).tables, 1U);
  EXPECT_EQ(target.Value(rows, {"a", "rotv"}), sql->Value(rows));
  Carry("a", after, before);
  EXPECT_EQ(target.Value(rows, {"a", "rotv"}), rows_before);
}

TEST_F(CarryTest, ColumnsAreGeneratedAndConstraintsHold) {
  Exec(
      "CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * n';"
      "CREATE DOMAIN code AS text NOT NULL CHECK (VALUE <> 'never');"
      "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int CHECK (public.twice(v) < 1000), w int "
      "GENERATED ALWAYS AS (public.twice(v)) STORED, c code DEFAULT 'c', during int4range, "
      "EXCLUDE USING gist (during WITH &&), later int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
      "CREATE INDEX ON t (public.twice(v)) WHERE public.twice(v) > 3;"
      "CREATE TABLE closed (id int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE);"
      "ALTER TABLE closed ENABLE ROW LEVEL SECURITY; ALTER TABLE closed FORCE ROW LEVEL SECURITY;"
      "CREATE POLICY none ON closed USING (false);"
      "INSERT INTO t (v, during, later) SELECT n, int4range(n * 10, n * 10 + 10), n FROM generate_series(1, 30) n;"
      "INSERT INTO closed SELECT n, n FROM generate_series(1, 30) n");
  const CarryPoint before = Baseline();
  Exec(
      "BEGIN; UPDATE t SET during = int4range(1000, 1001) WHERE id = 1; UPDATE t SET during = int4range(10, 20) WHERE "
      "id = "
      "2; UPDATE t SET during = int4range(20, 30) WHERE id = 1; UPDATE t SET later = 31 - later; COMMIT;"
      "UPDATE t SET v = v + 1 WHERE id > 20; DELETE FROM t WHERE id = 5; UPDATE closed SET t = 6 WHERE id = 7;"
      "INSERT INTO t (v) VALUES (5)");
  const CarryPoint after = Pull();
  Import("a", before);
  ExpectCarried("a", before, after);
}

TEST_F(CarryTest, SequencesLargeObjectsAndViewsFollow) {
  Exec(
      "CREATE SEQUENCE s; CREATE SEQUENCE \"odd'\\\"\"s\" INCREMENT -3 START -7; CREATE SEQUENCE calm;"
      "CREATE TABLE t (id int PRIMARY KEY, at date); INSERT INTO t VALUES (1, '2026-01-31');"
      "SELECT nextval('s'), nextval('calm');"
      "CREATE MATERIALIZED VIEW zz AS SELECT count(*) AS n, max(at)::text AS at FROM t;"
      "CREATE MATERIALIZED VIEW aa AS SELECT n * 10 AS n FROM zz; CREATE MATERIALIZED VIEW empty AS SELECT 1 AS a WITH "
      "NO "
      "DATA;"
      "SELECT lo_from_bytea(7001, 'first'), lo_from_bytea(7002, decode(repeat('00ff5c27', 20000), 'hex')),"
      "lo_from_bytea(7003, ''), lo_from_bytea(7004, 'calm');"
      "COMMENT ON LARGE OBJECT 7001 IS 'it''s \\ first'; COMMENT ON LARGE OBJECT 7004 IS 'calm'");
  const CarryPoint before = Baseline();
  Exec(
      "SELECT nextval('s'), setval('\"odd''\\\"\"s\"', -100, false); INSERT INTO t VALUES (2, '2026-02-01');"
      "SELECT lo_unlink(7001), lo_put(7002, 50000, 'changed'), lo_from_bytea(7005, 'new');"
      "COMMENT ON LARGE OBJECT 7005 IS E'new\\n\\\\'; COMMENT ON LARGE OBJECT 7004 IS 'calm no more'");
  const CarryPoint after = Pull();
  Import("a", before);
  target.Exec("ALTER DATABASE a SET datestyle = 'German'", {"postgres", "postgres"});
  Carry("a", before, after);
  EXPECT_TRUE(Holds("a", after));
  const Login login{"a", "rotv"};
  EXPECT_EQ(target.Value("SELECT n || ' ' || at FROM zz", login), "2 01.02.2026");
  EXPECT_EQ(target.Value("SELECT n FROM aa", login), "20");
  EXPECT_EQ(target.Value("SELECT md5(lo_get(7002)) = md5(overlay(decode(repeat('00ff5c27', 20000), 'hex') PLACING "
                         "'changed' FROM 50001))",
                         login),
            "t");
  Carry("a", after, before);
  EXPECT_TRUE(Holds("a", before));
  EXPECT_EQ(target.Value("SELECT n || ' ' || at FROM zz", login), "1 31.01.2026");
}

// The server would find another operator by the name alone, or none.
TEST_F(CarryTest, KeysAreFoundByTheOperatorOfTheirIndex) {
  Exec(
      "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext;"
      "CREATE COLLATION ext.folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
      "CREATE TABLE named (name ext.citext PRIMARY KEY, v int); INSERT INTO named VALUES ('Aa', 1), ('bb', 2);"
      "CREATE TABLE stored (h ext.hstore PRIMARY KEY, v int); INSERT INTO stored VALUES ('a=>1', 1), ('b=>2', 2);"
      "CREATE TABLE folded (f text COLLATE ext.folded PRIMARY KEY, n numeric UNIQUE NOT NULL);"
      "CREATE TABLE by_index (n numeric NOT NULL, f float8); CREATE UNIQUE INDEX i ON by_index (n) INCLUDE (f);"
      "ALTER TABLE by_index REPLICA IDENTITY USING INDEX i;"
      "INSERT INTO folded VALUES ('Ab', 1.0), ('cd', 2); INSERT INTO by_index VALUES (1.0, 'NaN'), (2.00, '-0')");
  const CarryPoint before = Baseline();
  Exec(
      "UPDATE named SET name = 'aA' WHERE v = 1; UPDATE named SET v = 3 WHERE v = 2; UPDATE stored SET h = 'c=>3' "
      "WHERE v "
      "= 1; UPDATE folded SET f = 'aB'  WHERE n = 1; UPDATE by_index SET n = 1.00 WHERE n = 1; UPDATE by_index SET f = "
      "1 "
      "WHERE n = 2");
  const CarryPoint after = Pull();
  Import("a", before);
  ExpectCarried("a", before, after);
}

// Each type in a column and, where it can be one, as a key. All values come and go, and change.
TEST_F(CarryTest, ValuesOfEveryTypeAreCarried) {
  Exec(kTypeSamplesSetup);
  const std::vector<TypeSample> samples = TypeSamples();
  std::string create = "BEGIN;", first = "BEGIN;", then = "BEGIN;";
  for (size_t i = 0; i < samples.size(); ++i) {
    const bool is_key = samples[i].order == Order::kSortable;
    create += fmt::format("CREATE TABLE c{0} (id int PRIMARY KEY, v {1});", i, samples[i].type);
    if (is_key) create += fmt::format("CREATE TABLE k{0} (v {1} PRIMARY KEY, n int);", i, samples[i].type);
    first += fmt::format("INSERT INTO c{} VALUES (-1, NULL);", i);
    for (size_t n = 0; n < samples[i].values.size(); ++n) {
      const std::string& value = samples[i].values[n];
      std::string& begin = n % 2 == 0 ? first : then;
      begin += fmt::format("INSERT INTO c{} VALUES ({}, {});", i, n, value);
      if (is_key) begin += fmt::format("INSERT INTO k{} VALUES ({}, {});", i, value, n);
      if (n % 4 == 2 && is_key) then += fmt::format("DELETE FROM k{} WHERE n = {};", i, n);
      if (n % 4 == 0) then += fmt::format("UPDATE c{} SET v = NULL WHERE id = {};", i, n);
      if (n % 4 == 0 && is_key) then += fmt::format("UPDATE k{} SET n = -n - 1 WHERE n = {};", i, n);
    }
    then += fmt::format("UPDATE c{} SET v = {} WHERE id = -1;", i, samples[i].values.back());
  }
  Exec(create + "COMMIT");
  Exec(first + "COMMIT");
  const CarryPoint before = Baseline();
  Exec(then + "COMMIT");
  const CarryPoint after = Pull();
  Import("a", before);
  EXPECT_EQ(Carry("a", before, after).reloaded_rows, 0U);
  EXPECT_TRUE(Holds("a", after));
  Carry("a", after, before);
  EXPECT_TRUE(Holds("a", before));
}

class FailedCarryTest : public CarryTest {
 protected:
  FailedCarryTest() {
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE bag (v text); ALTER TABLE bag REPLICA IDENTITY FULL;"
        "CREATE SEQUENCE s; INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series(1, 3000) n;"
        "INSERT INTO bag VALUES ('a'); SELECT lo_from_bytea(7001, 'first'); CREATE FUNCTION f() RETURNS trigger "
        "LANGUAGE "
        "plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER always BEFORE INSERT ON t FOR EACH ROW WHEN (false) "
        "EXECUTE "
        "FUNCTION f(); ALTER TABLE t ENABLE ALWAYS TRIGGER always");
    before_ = Baseline();
    Exec(
        "UPDATE t SET v = repeat('y', 100) WHERE id % 2 = 0; INSERT INTO bag VALUES ('b'); SELECT nextval('s'), "
        "lo_put(7001, 0, 'F'); DELETE FROM t WHERE id = 7");
    after_ = Pull();
    Import("a", before_);
    EXPECT_EQ(Write(before_, after_).why_not, "");
    text_ = ReadFile(file());
  }

  // Waits until no session is in the database, so that what was begun there is undone.
  void WaitForSessions() {
    Connection connection = target.NewConnection({"postgres", "postgres"});
    EXPECT_TRUE(WaitUntil(
        [&] { return connection.Value("SELECT count(*) FROM pg_stat_activity WHERE datname = 'a'") == "0"; }));
  }

  CarryPoint before_, after_;
  std::string text_;
};

TEST_F(FailedCarryTest, AFileThatIsCutOffChangesNothing) {
  for (size_t part : {0, 1, 3, 5, 8, 9}) {
    const size_t end = text_.rfind('\n', text_.size() * part / 10) + 1;
    WriteFile(file(), text_.substr(0, end));
    const Result psql = Apply("a");
    EXPECT_TRUE(Holds("a", before_)) << part << " tenths, psql's status " << psql.exit_status << "\n" << psql.err;
  }
  // Without its last line, too.
  WriteFile(file(), text_.substr(0, text_.size() - std::string("COMMIT;\n").size()));
  Apply("a");
  EXPECT_TRUE(Holds("a", before_));
}

TEST_F(FailedCarryTest, AKilledPsqlChangesNothing) {
  const std::filesystem::path pipe = rotv.directory() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (size_t part : {3, 9, 10}) {
    Process psql(CarryCommand("a", pipe));
    std::ofstream to(pipe, std::ios::binary);
    to << text_.substr(0, text_.size() * part / 10 - std::string("COMMIT;\n").size()) << std::flush;
    Connection connection = target.NewConnection({"postgres", "postgres"});
    // It has taken all that there is, and waits for more.
    EXPECT_TRUE(WaitUntil([&] {
      return connection.Value(
                 "SELECT count(*) FROM pg_stat_activity WHERE datname = 'a' AND wait_event = 'ClientRead' AND "
                 "xact_start IS NOT NULL") == "1";
    }));
    psql.Signal(SIGKILL);
    psql.Wait();
    WaitForSessions();
    EXPECT_TRUE(Holds("a", before_)) << part << " tenths";
  }
}

TEST_F(FailedCarryTest, ADatabaseOfAnotherStateIsRefused) {
  Carry("a", before_, after_);
  Result psql = Apply("a");
  EXPECT_EQ(psql.exit_status, 3);
  EXPECT_THAT(psql.err, HasSubstr("rotv: public.t has"));
  EXPECT_TRUE(Holds("a", after_));
  Write(after_, before_);
  target.Exec("DELETE FROM t WHERE id = 4", {"a", "rotv"});
  psql = Apply("a");
  EXPECT_EQ(psql.exit_status, 3);
  EXPECT_EQ(target.Value("SELECT count(*) FROM t WHERE v LIKE 'y%'", {"a", "rotv"}), "1499") << "it is as it was";
}

TEST_F(FailedCarryTest, WhereTriggersWouldFireItIsRefused) {
  target.Exec("ALTER DATABASE a RESET session_replication_role", {"postgres", "postgres"});
  const Result psql = Apply("a");
  EXPECT_EQ(psql.exit_status, 3);
  EXPECT_THAT(psql.err, HasSubstr("session_replication_role has to be replica"));
  EXPECT_TRUE(Holds("a", before_));
  MakeReplica("a");
  target.Exec(
      "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER e ON "
      "ddl_command_start EXECUTE FUNCTION e(); ALTER EVENT TRIGGER e ENABLE ALWAYS",
      {"a", "postgres"});
  EXPECT_THAT(Apply("a").err, HasSubstr("an event trigger would fire"));
}

TEST_F(FailedCarryTest, WhatIsNotKnownIsNotWritten) {
  std::filesystem::remove(file());
  Exec("CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int)");
  const CarryPoint migrated = Pull();
  const std::string why_not = "the schema changed by what is not carried: CREATE AGGREGATE public.total(integer) (";
  EXPECT_EQ(Write(after_, migrated).why_not, why_not);
  EXPECT_EQ(Write(migrated, after_).why_not, why_not);
  CarryPoint other = after_;
  other.resolved.lsn = Lsn(UINT64_MAX);
  EXPECT_EQ(Write(other, after_).why_not, "its state is no longer stored");
  EXPECT_FALSE(std::filesystem::exists(file()));
  rotv.MustSync({"gc", "--keep-days", "0"});
  EXPECT_EQ(Write(after_, migrated).why_not, "its state is no longer stored");
  EXPECT_EQ(Write(before_, migrated).why_not, "gc has removed the changes in between")
      << "the baseline's state is kept";
  rotv.MustSync({"snapshot", "create", "kept"});
  rotv.MustSync({"baseline", "--force"});
  const CarryPoint renewed = PointAt("head");
  EXPECT_EQ(Write(migrated, renewed).why_not, "there is another baseline");
  EXPECT_EQ(WriteTo(renewed, "kept").why_not, "there is another baseline");
  EXPECT_EQ(WriteTo(migrated, "kept").why_not, "") << "its history is kept with it";
}

// A function of the source, which a constraint calls, sets what psql reads by. The quote at the end of the second
// table's name would then belong to a letter, and the name of its column be no name for psql.
TEST_F(CarryTest, AFunctionOfTheSourceCannotMakePsqlReadACommand) {
  Exec(
      "CREATE FUNCTION trap(int) RETURNS bool LANGUAGE sql AS $$ SELECT set_config('client_encoding', 'SJIS', false) "
      "IS NOT "
      "NULL AND set_config('standard_conforming_strings', 'off', false) IS NOT NULL $$;"
      "CREATE TABLE a (id int PRIMARY KEY, v int CHECK (public.trap(v)));"
      "CREATE TABLE \"\xC3\x95\" (id int PRIMARY KEY, \"\n\\! touch mark\n\" int); INSERT INTO \"\xC3\x95\" VALUES (1, "
      "1)");
  const CarryPoint before = Baseline();
  Exec("UPDATE \"\xC3\x95\" SET id = 2; INSERT INTO a VALUES (1, 1)");
  const CarryPoint after = Pull();
  Import("a", before);
  Carry("a", before, after);
  EXPECT_FALSE(std::filesystem::exists(rotv.directory() / "mark"));
  EXPECT_TRUE(Holds("a", after));
}

}  // namespace
}  // namespace rotv::testing
