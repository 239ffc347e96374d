#include "sync/postgres/fingerprint.h"

#include <gtest/gtest.h>

#include "tests/integration/direct_source.h"

namespace rotv {
namespace {

using testing::kSuperuser;
using testing::PostgresServer;

constexpr const char* kPublication = "it's ours";

constexpr const char* kSchema = R"(
CREATE EXTENSION hstore;
CREATE ROLE another;
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('sad', 'happy');
CREATE TYPE app.pair AS (a int, b text);
CREATE TYPE app.nested AS (p app.pair, m app.mood);
CREATE DOMAIN app.positive AS int CHECK (VALUE > 0);
CREATE TYPE app.span AS RANGE (subtype = int);
CREATE FUNCTION app.one() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION app.trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE app.t (id int PRIMARY KEY, name text NOT NULL, mood app.mood, nested app.nested[], n app.positive, s app.span,
                    size varchar(10), net cidr, unused int);
CREATE UNIQUE INDEX t_name ON app.t (name);
CREATE INDEX t_mood ON app.t (mood);
CREATE TABLE app.child (id int PRIMARY KEY, t int CONSTRAINT child_t REFERENCES app.t);
CREATE TABLE app.bag (a int);
ALTER TABLE app.bag REPLICA IDENTITY FULL;
CREATE TABLE app.parts (id int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE app.part PARTITION OF app.parts FOR VALUES FROM (0) TO (10);
CREATE VIEW app.v AS SELECT id FROM app.t;
CREATE MATERIALIZED VIEW app.m AS SELECT id FROM app.t;
CREATE SEQUENCE app.q;
CREATE TRIGGER t_trigger BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.trigger();
CREATE RULE v_rule AS ON DELETE TO app.v DO INSTEAD NOTHING;
CREATE POLICY p ON app.t USING (true);
CREATE STATISTICS app.stat ON id, name FROM app.t;
CREATE PUBLICATION "it's ours" FOR TABLE app.t, app.child, app.bag, app.part;
INSERT INTO app.t VALUES (1, 'one', 'sad');
INSERT INTO app.bag VALUES (1);
GRANT USAGE ON SCHEMA app TO rotv;
)";

class FingerprintTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new PostgresServer();
    server_->Exec(kSchema, kSuperuser);
    source_ = new testing::DirectSource(*server_);
  }
  static void TearDownTestSuite() {
    delete source_;
    delete server_;
  }

  static postgres::Fingerprint Read() { return postgres::ReadFingerprint(source_->connection(), kPublication); }
  static void Exec(const std::string& sql) { server_->Exec(sql, kSuperuser); }
  // Compares fingerprints while another session has created temporary objects.
  static void ExpectUnseen(const std::string& temporary);

  static PostgresServer* server_;
  static testing::DirectSource* source_;
};
PostgresServer* FingerprintTest::server_ = nullptr;
testing::DirectSource* FingerprintTest::source_ = nullptr;

TEST_F(FingerprintTest, IsTheSameWhenReadTwice) {
  postgres::Fingerprint first = Read();
  EXPECT_EQ(Read(), first);
  EXPECT_NE(first.schema, first.tables);
  EXPECT_NE(first.schema, "0");
  EXPECT_NE(first.tables, "0");
}

TEST_F(FingerprintTest, StaysWhileDumpAndStreamStayTheSame) {
  const char* harmless[] = {
      "INSERT INTO app.t SELECT i, i::text FROM generate_series(100, 2000) i",
      "UPDATE app.t SET name = name || '!'",
      "DELETE FROM app.t WHERE id > 50",
      "ANALYZE",
      "VACUUM",
      "VACUUM (FREEZE) app.t",
      "VACUUM FULL app.t",
      "VACUUM (FREEZE, ANALYZE) pg_class",
      "TRUNCATE app.bag",
      "TRUNCATE app.t CASCADE",
      "REINDEX TABLE app.t",
      "REFRESH MATERIALIZED VIEW app.m",
      "SELECT nextval('app.q')",
      "CREATE TEMP TABLE passing (id int PRIMARY KEY, name text); INSERT INTO passing VALUES (1)",
      "CREATE PUBLICATION others FOR TABLE app.t, app.child",
      "DROP PUBLICATION others",
      "BEGIN; CREATE TABLE app.not_committed (id int); ROLLBACK",
      "CHECKPOINT",
      "CREATE DATABASE elsewhere",
  };
  postgres::Fingerprint before = Read();
  for (const char* sql : harmless) {
    Exec(sql);
    EXPECT_EQ(Read().schema, before.schema) << sql;
    EXPECT_EQ(Read().tables, before.tables) << sql;
    before = Read();
  }
}

// VACUUM resets the flags for triggers and rules in pg_class after the last one is dropped; DROP does not.
TEST_F(FingerprintTest, StaysWhenVacuumClearsTriggerAndRuleFlags) {
  Exec(
      "CREATE TABLE app.once (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);"
      "CREATE RULE nothing AS ON DELETE TO app.once DO INSTEAD NOTHING;"
      "DROP RULE nothing ON app.once; ALTER TABLE app.once DROP CONSTRAINT once_pkey");
  const std::string flags = "SELECT relhastriggers OR relhasrules FROM pg_class WHERE oid = 'app.once'::regclass";
  ASSERT_EQ(server_->Value(flags, kSuperuser), "t");
  postgres::Fingerprint before = Read();
  Exec("VACUUM app.once");
  ASSERT_EQ(server_->Value(flags, kSuperuser), "f");
  EXPECT_EQ(Read(), before);
  Exec("DROP TABLE app.once");
}

void FingerprintTest::ExpectUnseen(const std::string& temporary) {
  postgres::Fingerprint before = Read();
  testing::Connection other = server_->NewConnection(kSuperuser);
  other.Exec(temporary);
  postgres::Fingerprint now = Read();
  EXPECT_EQ(now.schema, before.schema) << temporary;
  EXPECT_EQ(now.tables, before.tables) << temporary;
}

TEST_F(FingerprintTest, IgnoresTemporaryTablesOfOtherSessions) {
  ExpectUnseen(
      "CREATE TEMP TABLE passing (id int PRIMARY KEY, name text UNIQUE DEFAULT 'x', mood app.mood CHECK (id > 0))");
}

// Sequences, views, foreign keys and statistics of temporary tables must not count either: otherwise a pull would be
// refused while an application uses some.
TEST_F(FingerprintTest, IgnoresDependentsOfTemporaryTablesOfOtherSessions) {
  ExpectUnseen("CREATE TEMP TABLE passing (id serial PRIMARY KEY)");
  ExpectUnseen("CREATE TEMP TABLE passing (id int GENERATED ALWAYS AS IDENTITY)");
  ExpectUnseen("CREATE TEMP SEQUENCE passing");
  ExpectUnseen("CREATE TEMP VIEW passing AS SELECT * FROM app.t");
  ExpectUnseen("CREATE TEMP TABLE a (id int PRIMARY KEY); CREATE TEMP TABLE b (a int REFERENCES a)");
  ExpectUnseen(
      "CREATE TEMP TABLE passing (id int) PARTITION BY RANGE (id);"
      "CREATE TEMP TABLE part PARTITION OF passing DEFAULT");
  ExpectUnseen("CREATE TEMP TABLE passing (a int, b int); CREATE STATISTICS pg_temp.s ON a, b FROM passing");
  ExpectUnseen("CREATE TEMP TABLE passing (a int); COMMENT ON TABLE passing IS 'passing'");
  ExpectUnseen("CREATE FUNCTION pg_temp.passing() RETURNS int LANGUAGE sql AS 'SELECT 1'");
}

TEST_F(FingerprintTest, ChangesWithEverySchemaChange) {
  const char* changes[] = {
      "CREATE SCHEMA more",
      "ALTER SCHEMA more RENAME TO moore",
      "CREATE TABLE app.new (id int)",
      "ALTER TABLE app.new RENAME TO newer",
      "DROP TABLE app.newer",
      "ALTER TABLE app.t SET (fillfactor = 70)",
      "ALTER SEQUENCE app.q OWNED BY app.t.id",
      "ALTER TABLE app.t OWNER TO another",
      "ALTER TABLE app.t ENABLE ROW LEVEL SECURITY",
      "ALTER TABLE app.t DISABLE ROW LEVEL SECURITY",
      "ALTER TABLE app.t ALTER name SET DEFAULT 'x'",
      "ALTER TABLE app.t ALTER name SET STORAGE external",
      "ALTER TABLE app.t ALTER mood SET STATISTICS 500",
      "ALTER TABLE app.t ADD CONSTRAINT positive CHECK (id > -100)",
      "ALTER TABLE app.t RENAME CONSTRAINT positive TO positive_id",
      "ALTER TABLE app.child ALTER CONSTRAINT child_t DEFERRABLE",
      "CREATE INDEX t_unused ON app.t (unused)",
      "ALTER INDEX app.t_unused RENAME TO t_was_unused",
      "ALTER TABLE app.t CLUSTER ON t_mood",
      "DROP INDEX app.t_was_unused",
      "CREATE OR REPLACE FUNCTION app.one() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2'",
      "CREATE PROCEDURE app.act() LANGUAGE sql AS 'SELECT 1'",
      "CREATE AGGREGATE app.total (int) (sfunc = int4pl, stype = int)",
      "CREATE OPERATOR app.=== (leftarg = int, rightarg = int, function = int4eq)",
      "CREATE CAST (app.mood AS text) WITH INOUT AS ASSIGNMENT",
      "CREATE COLLATION app.c (provider = libc, locale = 'C')",
      "CREATE OR REPLACE VIEW app.v AS SELECT id FROM app.t WHERE id > 0",
      "CREATE OR REPLACE RULE v_rule AS ON DELETE TO app.v WHERE false DO INSTEAD NOTHING",
      "ALTER TABLE app.t DISABLE TRIGGER t_trigger",
      "DROP TRIGGER t_trigger ON app.t",
      "ALTER POLICY p ON app.t USING (false)",
      "ALTER STATISTICS app.stat SET STATISTICS 100",
      "ALTER SEQUENCE app.q INCREMENT 5",
      "COMMENT ON TABLE app.t IS 'a table'",
      "COMMENT ON TABLE app.t IS 'the table'",
      "COMMENT ON COLUMN app.t.id IS 'a column'",
      "COMMENT ON SCHEMA app IS 'a schema'",
      "COMMENT ON FUNCTION app.one() IS 'one'",
      "CREATE TABLE app.part2 PARTITION OF app.parts FOR VALUES FROM (10) TO (20)",
      "ALTER TABLE app.parts DETACH PARTITION app.part2",
      "CREATE TYPE app.level AS ENUM ('low')",
      "ALTER DOMAIN app.positive SET DEFAULT 1",
      "DROP EXTENSION hstore",
      "CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION app.watcher()",
      "ALTER ROLE another RENAME TO yet_another",
      "CREATE FOREIGN DATA WRAPPER f",
      "CREATE SERVER s FOREIGN DATA WRAPPER f",
      "CREATE FOREIGN TABLE app.far (id int) SERVER s",
      "ALTER FOREIGN TABLE app.far OPTIONS (ADD place 'there')",
      "CREATE TEXT SEARCH CONFIGURATION app.words (COPY = simple)",
      "ALTER MATERIALIZED VIEW app.m RENAME TO mm",
      "DROP MATERIALIZED VIEW app.mm",
      "ALTER DATABASE rotv SET search_path = app",
      "ALTER ROLE yet_another IN DATABASE rotv SET work_mem = '5MB'",
      "ALTER ROLE yet_another SET work_mem = '6MB'",
      "ALTER DATABASE rotv RESET search_path",
      "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO yet_another",
  };
  Exec("CREATE FUNCTION app.watcher() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'");
  postgres::Fingerprint before = Read();
  for (const char* sql : changes) {
    Exec(sql);
    postgres::Fingerprint now = Read();
    EXPECT_NE(now.schema, before.schema) << sql;
    before = now;
  }
}

TEST_F(FingerprintTest, ChangesWhenRowsLookOrAreStreamedDifferently) {
  const char* changes[] = {
      "ALTER TABLE app.t ADD COLUMN more int",
      "ALTER TABLE app.t ADD COLUMN filled int DEFAULT 7",
      "ALTER TABLE app.t DROP COLUMN more",
      "ALTER TABLE app.t RENAME COLUMN unused TO used",
      "ALTER TABLE app.t ALTER size TYPE varchar(20)",
      "ALTER TABLE app.t ALTER net TYPE inet",
      "ALTER TABLE app.t ALTER used TYPE bigint",
      "ALTER TABLE app.t ALTER used TYPE text USING used::text || '!'",
      "ALTER TABLE app.t ADD COLUMN computed int GENERATED ALWAYS AS (id + 1) STORED",
      "ALTER TYPE app.mood RENAME VALUE 'sad' TO 'blue'",
      "ALTER TYPE app.mood ADD VALUE 'angry'",
      "ALTER TYPE app.pair ADD ATTRIBUTE c int",
      "ALTER TYPE app.pair DROP ATTRIBUTE b",
      "ALTER TABLE app.t REPLICA IDENTITY USING INDEX t_name",
      "ALTER TABLE app.t REPLICA IDENTITY FULL",
      "ALTER TABLE app.t REPLICA IDENTITY DEFAULT",
      "ALTER TABLE app.child DROP CONSTRAINT child_pkey",
      "ALTER TABLE app.child ADD CONSTRAINT child_pkey PRIMARY KEY (id) DEFERRABLE",
      "ALTER TABLE app.child RENAME TO kid",
      "ALTER TABLE app.kid SET SCHEMA public",
      "ALTER PUBLICATION \"it's ours\" DROP TABLE app.bag",
      "ALTER PUBLICATION \"it's ours\" ADD TABLE app.bag",
      "BEGIN; ALTER PUBLICATION \"it's ours\" DROP TABLE app.bag; ALTER PUBLICATION \"it's ours\" ADD TABLE app.bag; "
      "COMMIT",
      "ALTER PUBLICATION \"it's ours\" SET TABLE app.t, app.bag WHERE (a > 0), app.part",
      "DROP TABLE app.bag; CREATE TABLE app.bag (a int)",
      "ALTER TABLE app.bag SET UNLOGGED",
      "ALTER TABLE app.parts DETACH PARTITION app.part",
      "CREATE TABLE app.new (id int PRIMARY KEY)",
      "ALTER TABLE app.t FORCE ROW LEVEL SECURITY",
  };
  postgres::Fingerprint before = Read();
  for (const char* sql : changes) {
    Exec(sql);
    postgres::Fingerprint now = Read();
    EXPECT_NE(now.tables, before.tables) << sql;
    before = now;
  }
}

}  // namespace
}  // namespace rotv
