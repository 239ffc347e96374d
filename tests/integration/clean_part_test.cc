// What pg_dump --clean --if-exists writes before the objects, for each kind of object: made importable, it builds the
// same database in an empty one, and over itself. Each kind says whether pg_dump's own text does so too.

#include "sync/formats/clean_part.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sync/formats/dump_sections.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {
namespace {

constexpr int kOldest = 14;

enum class PgDumpsOwn { kWorks, kFailsIfEmpty, kFailsOverItself };

struct ObjectKind {
  const char* name;
  const char* sql;
  PgDumpsOwn own = PgDumpsOwn::kWorks;
  int since = kOldest;
  const char* departure = "";  // The tag of the DO block that is needed.
};

constexpr ObjectKind kKinds[] = {
    {.name = "a view grouped by a key in a schema of its own",
     .sql = "CREATE SCHEMA app; CREATE TYPE app.status AS ENUM ('open', 'paid');"
            "CREATE TABLE app.orders (id int PRIMARY KEY, s app.status);"
            "CREATE TABLE app.items (id int PRIMARY KEY, o int REFERENCES app.orders);"
            "CREATE VIEW app.totals AS SELECT o.id, o.s, count(i.id) AS n FROM app.orders o"
            "  LEFT JOIN app.items i ON i.o = o.id GROUP BY o.id; INSERT INTO app.orders VALUES (1, 'open')",
     .own = PgDumpsOwn::kFailsIfEmpty,
     .departure = "$rotv_view$"},
    {.name = "a view grouped by a key with a type of its own",
     .sql = "CREATE TYPE mood AS ENUM ('good'); CREATE TABLE z (id int PRIMARY KEY, m mood[], c text COLLATE \"C\");"
            "CREATE VIEW a AS SELECT id, m, c, count(*) FROM z GROUP BY id",
     .own = PgDumpsOwn::kFailsIfEmpty,
     .departure = "$rotv_view$"},
    {.name = "a view grouped by a key, of PostgreSQL's types",
     .sql = "CREATE TABLE z (id int PRIMARY KEY, v text);"
            "CREATE VIEW a AS SELECT id, v, count(*) AS \"into; END IF\" FROM z GROUP BY id",
     .departure = "$rotv_view$"},
    {.name = "what depends on a view grouped by a key",
     .sql = "CREATE SCHEMA app; CREATE TABLE app.z (id int PRIMARY KEY, v text);"
            "CREATE VIEW app.a AS SELECT id, v, count(*) FROM app.z GROUP BY id;"
            "CREATE VIEW app.b AS SELECT * FROM app.a; CREATE MATERIALIZED VIEW app.c AS SELECT id FROM app.b;"
            "CREATE FUNCTION app.f(app.a) RETURNS int LANGUAGE sql AS 'SELECT $1.id';"
            "CREATE VIEW app.d AS SELECT app.f(a) FROM app.a; CREATE TABLE app.t (a app.a);"
            "CREATE RULE r AS ON INSERT TO app.a DO INSTEAD NOTHING; ALTER VIEW app.a ALTER v SET DEFAULT 'x';"
            "COMMENT ON VIEW app.a IS 'x'",
     .own = PgDumpsOwn::kFailsIfEmpty,
     .departure = "$rotv_view$"},
    {.name = "functions and materialized views that wait for a key",
     .sql =
         "CREATE TABLE z (id int PRIMARY KEY, v text); CREATE MATERIALIZED VIEW a AS SELECT id, v, count(*) FROM z "
         "GROUP BY id; CREATE FUNCTION a() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT v FROM z GROUP BY id; "
         "END"},
    {.name = "views that refer to each other's types",
     .sql = "CREATE VIEW a AS SELECT 1 AS x; CREATE FUNCTION f() RETURNS SETOF a LANGUAGE sql AS 'SELECT 1';"
            "CREATE OR REPLACE VIEW a AS SELECT x FROM f()",
     .departure = "$rotv_view$"},
    {.name = "names that need quotes",
     .sql = "CREATE SCHEMA \"$rotv_view$ $rotv_name$\"; CREATE TYPE \"$rotv_view$ $rotv_name$\".\"a'\\\" AS ENUM ('x');"
            "CREATE TABLE \"$rotv_view$ $rotv_name$\".\"t\n--\n\" (id int PRIMARY KEY, v \"$rotv_view$ "
            "$rotv_name$\".\"a'\\\");"
            "CREATE VIEW \"$rotv_view$ $rotv_name$\".\"v\n\"\";\" AS SELECT id, v, count(*)"
            "  FROM \"$rotv_view$ $rotv_name$\".\"t\n--\n\" GROUP BY id",
     .own = PgDumpsOwn::kFailsIfEmpty,
     .departure = "$rotv_view_$"},
    {.name = "a domain's constraint that is not valid",
     .sql = "CREATE SCHEMA app; CREATE DOMAIN app.\"D\" AS int; CREATE TABLE app.t (v app.\"D\"); INSERT INTO app.t "
            "VALUES (-1);"
            "ALTER DOMAIN app.\"D\" ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID",
     .own = PgDumpsOwn::kFailsIfEmpty,
     .departure = "$rotv_domain$"},
    {.name = "operator classes and families",
     .sql = "CREATE SCHEMA app; CREATE OPERATOR FAMILY app.f USING btree;"
            "CREATE OPERATOR CLASS app.c FOR TYPE int USING btree FAMILY app.f AS OPERATOR 1 <, FUNCTION 1 "
            "btint4cmp(int, int);"
            "CREATE OPERATOR CLASS app.h FOR TYPE int USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int)"},
    {.name = "operator classes of an access method of an extension",
     .sql = "CREATE EXTENSION bloom; CREATE OPERATOR CLASS public.c FOR TYPE float8 USING bloom"
            "  AS OPERATOR 1 =(float8, float8), FUNCTION 1 hashfloat8(float8); CREATE OPERATOR FAMILY public.f USING "
            "bloom",
     .own = PgDumpsOwn::kFailsIfEmpty,
     .departure = "$rotv_access_method$"},
    {.name = "access methods",
     .sql =
         "CREATE ACCESS METHOD \"Own\" TYPE INDEX HANDLER bthandler; CREATE ACCESS METHOD own_heap TYPE TABLE HANDLER"
         "  heap_tableam_handler; CREATE OPERATOR CLASS c FOR TYPE int USING \"Own\" AS OPERATOR 1 <,"
         "  FUNCTION 1 btint4cmp(int, int); CREATE TABLE t (a int) USING own_heap",
     .own = PgDumpsOwn::kFailsIfEmpty,
     .departure = "$rotv_access_method$"},
    {.name = "keys of partitions",
     .sql = "CREATE SCHEMA app; CREATE TABLE app.p (id int, d date, u int, PRIMARY KEY (id, d), UNIQUE (d, u))"
            "  PARTITION BY RANGE (d);"
            "CREATE TABLE app.a PARTITION OF app.p FOR VALUES FROM (MINVALUE) TO ('2020-01-01') PARTITION BY RANGE (d);"
            "CREATE TABLE app.z PARTITION OF app.a DEFAULT; CREATE TABLE app.z2 PARTITION OF app.p DEFAULT;"
            "CREATE TABLE app.empty (id int PRIMARY KEY) PARTITION BY HASH (id);"
            "CREATE TABLE app.b (id int, d date, FOREIGN KEY (id, d) REFERENCES app.p);"
            "CREATE VIEW app.v AS SELECT id, d, u, count(*) FROM app.p GROUP BY id, d;"
            "CREATE INDEX ON app.p (u); ALTER TABLE app.z2 ADD CONSTRAINT own UNIQUE (id, u, d);"
            "INSERT INTO app.p VALUES (1, '2019-01-01', 1), (2, '2021-01-01', 1); INSERT INTO app.b VALUES (1, "
            "'2019-01-01')",
     .own = PgDumpsOwn::kFailsIfEmpty,
     .departure = "$rotv_partitioned$"},
    {.name = "a partition that was attached",
     .sql =
         "CREATE TABLE p (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE INDEX p_v ON p (lower(v));"
         "CREATE TABLE a (v text, id int NOT NULL); CREATE UNIQUE INDEX a_key ON a (id); CREATE INDEX a_v ON a "
         "(lower(v));"
         "ALTER TABLE a ADD PRIMARY KEY USING INDEX a_key; ALTER TABLE p ATTACH PARTITION a FOR VALUES FROM (0) TO (9);"
         "ALTER INDEX a_v ALTER COLUMN 1 SET STATISTICS 10",
     .own = PgDumpsOwn::kFailsOverItself,
     .departure = "$rotv_partitioned$"},
    {.name = "foreign keys and triggers of partitions",
     .sql = "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE p (id int REFERENCES r) PARTITION BY RANGE (id);"
            "CREATE TABLE a PARTITION OF p DEFAULT; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
            "RETURN NEW; END';"
            "CREATE TRIGGER t BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE a DISABLE TRIGGER t"},
    {.name = "inheritance",
     .sql = "CREATE TABLE p (id int PRIMARY KEY, v text CHECK (v <> ''), CONSTRAINT n CHECK (id > 0) NOT VALID);"
            "CREATE TABLE c (w text, PRIMARY KEY (id)) INHERITS (p); ALTER TABLE p ADD CONSTRAINT late CHECK (id > 0) "
            "NOT VALID;"
            "CREATE INDEX ON c (w); CLUSTER c USING c_w_idx"},
    {.name = "constraints that are not valid",
     .sql =
         "CREATE SCHEMA app; CREATE TABLE app.a (id int PRIMARY KEY); CREATE TABLE app.b (a int, c int CHECK (c > 0));"
         "INSERT INTO app.b VALUES (1, 1); ALTER TABLE app.b ADD FOREIGN KEY (a) REFERENCES app.a NOT VALID;"
         "ALTER TABLE app.b ADD CONSTRAINT c CHECK (a > 1) NOT VALID; ALTER TABLE app.a ADD CONSTRAINT x EXCLUDE (id "
         "WITH =)"},
    {.name = "NOT NULL that is not valid",
     .sql = "CREATE SCHEMA app; CREATE TABLE app.a (id int); INSERT INTO app.a VALUES (NULL);"
            "ALTER TABLE app.a ADD CONSTRAINT n NOT NULL id NOT VALID; CREATE TABLE app.c () INHERITS (app.a);"
            "CREATE TABLE app.d (id int NOT NULL, v int GENERATED ALWAYS AS (id * 2) VIRTUAL);"
            "CREATE TABLE app.f (id int PRIMARY KEY); CREATE TABLE app.e (id int REFERENCES app.f NOT ENFORCED, CHECK "
            "(id > 0) NOT ENFORCED)",
     .since = 18},
    {.name = "functions, procedures and aggregates of types of their own",
     .sql = "CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('good'); CREATE TYPE app.pair AS (a int, b app.mood);"
            "CREATE FUNCTION app.f(app.mood, app.pair[] DEFAULT NULL) RETURNS app.mood LANGUAGE sql AS 'SELECT $1';"
            "CREATE PROCEDURE app.p(INOUT app.mood) LANGUAGE sql AS 'SELECT $1';"
            "CREATE FUNCTION app.s(int, app.mood) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1';"
            "CREATE AGGREGATE app.agg(app.mood) (SFUNC = app.s, STYPE = int, INITCOND = '0');"
            "CREATE FUNCTION app.eq(app.pair, app.pair) RETURNS bool LANGUAGE sql AS 'SELECT true';"
            "CREATE OPERATOR app.=== (LEFTARG = app.pair, RIGHTARG = app.pair, FUNCTION = app.eq);"
            "CREATE FUNCTION app.to_int(app.mood) RETURNS int LANGUAGE sql AS 'SELECT 1';"
            "CREATE CAST (app.mood AS int) WITH FUNCTION app.to_int(app.mood)"},
    {.name = "types",
     .sql = "CREATE SCHEMA app; CREATE TYPE app.r AS RANGE (SUBTYPE = date); CREATE DOMAIN app.d AS int CHECK (VALUE > "
            "0) NOT NULL;"
            "CREATE TYPE app.base; CREATE FUNCTION app.base_in(cstring) RETURNS app.base LANGUAGE internal IMMUTABLE "
            "STRICT AS 'textin';"
            "CREATE FUNCTION app.base_out(app.base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';"
            "CREATE TYPE app.base (INPUT = app.base_in, OUTPUT = app.base_out, INTERNALLENGTH = VARIABLE); CREATE TYPE "
            "app.shell;"
            "CREATE COLLATION app.c (PROVIDER = libc, LOCALE = 'C'); CREATE CONVERSION app.conv FOR 'UTF8' TO 'LATIN1' "
            "FROM utf8_to_iso8859_1;"
            "CREATE TABLE app.t (r app.r, d app.d, b app.base, c text COLLATE app.c)"},
    {.name = "text search",
     .sql =
         "CREATE SCHEMA app; CREATE TEXT SEARCH PARSER app.p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = "
         "prsd_end,"
         "  LEXTYPES = prsd_lextype); CREATE TEXT SEARCH TEMPLATE app.t (LEXIZE = dsimple_lexize, INIT = dsimple_init);"
         "CREATE TEXT SEARCH DICTIONARY app.d (TEMPLATE = app.t); CREATE TEXT SEARCH CONFIGURATION app.c (PARSER = "
         "app.p);"
         "ALTER TEXT SEARCH CONFIGURATION app.c ADD MAPPING FOR word WITH app.d"},
    {.name = "languages and transforms",
     .sql =
         "CREATE SCHEMA app; CREATE TYPE app.pair AS (a int); CREATE FUNCTION app.handler() RETURNS language_handler "
         "LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler'; CREATE LANGUAGE own HANDLER app.handler;"
         "CREATE FUNCTION app.from_sql(internal) RETURNS internal LANGUAGE internal IMMUTABLE AS 'prsd_lextype';"
         "CREATE FUNCTION app.to_sql(internal) RETURNS app.pair LANGUAGE internal IMMUTABLE AS 'int4recv';"
         "CREATE TRANSFORM FOR app.pair LANGUAGE sql (FROM SQL WITH FUNCTION app.from_sql(internal),"
         "  TO SQL WITH FUNCTION app.to_sql(internal));"
         "CREATE TRANSFORM FOR app.pair LANGUAGE own (FROM SQL WITH FUNCTION app.from_sql(internal))"},
    {.name = "foreign data",
     .sql = "CREATE SCHEMA app; CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
            "CREATE USER MAPPING FOR rotv SERVER s; CREATE USER MAPPING FOR PUBLIC SERVER s; CREATE FOREIGN TABLE "
            "app.t (a int) SERVER s"},
    {.name = "event triggers",
     .sql = "CREATE SCHEMA app; CREATE FUNCTION app.f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
            "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION app.f(); ALTER EVENT TRIGGER e ENABLE ALWAYS"},
    {.name = "what belongs to a table",
     .sql = "CREATE SCHEMA app; CREATE TABLE app.t (id serial PRIMARY KEY, i int GENERATED ALWAYS AS IDENTITY, v text, "
            "w text);"
            "CREATE FUNCTION app.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            "CREATE TRIGGER t BEFORE INSERT ON app.t EXECUTE FUNCTION app.f();"
            "CREATE CONSTRAINT TRIGGER c AFTER INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.f();"
            "CREATE RULE r AS ON DELETE TO app.t DO INSTEAD NOTHING; CREATE POLICY p ON app.t TO rotv USING (true);"
            "ALTER TABLE app.t ENABLE ROW LEVEL SECURITY; CREATE STATISTICS app.s ON v, w FROM app.t;"
            "CREATE UNIQUE INDEX i ON app.t (lower(v)); CREATE UNIQUE INDEX k ON app.t (i);"
            "ALTER TABLE app.t REPLICA IDENTITY USING INDEX k; CREATE SEQUENCE app.q; CREATE MATERIALIZED VIEW app.m "
            "AS SELECT v FROM app.t;"
            "CREATE INDEX ON app.m (v); CREATE FUNCTION app.d(app.t) RETURNS int LANGUAGE sql AS 'SELECT 1';"
            "CREATE FUNCTION app.n() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM app.t';"
            "ALTER TABLE app.t ALTER w SET DEFAULT app.n()::text; CREATE TYPE app.pair AS (a int); CREATE TABLE "
            "app.typed OF app.pair (PRIMARY KEY (a));"
            "COMMENT ON COLUMN app.t.v IS 'x'"},
    {.name = "extensions",
     .sql = "CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE TABLE t (h ext.hstore);"
            "CREATE INDEX ON t USING gist (h); COMMENT ON EXTENSION hstore IS 'x'"},
    {.name = "large objects", .sql = "SELECT lo_from_bytea(70001, 'a'); COMMENT ON LARGE OBJECT 70001 IS 'x'"},
};

class CleanPartKindsTest : public ::testing::TestWithParam<int> {
 protected:
  CleanPartKindsTest() : server_({.version = GetParam()}) {}

  std::string Importable(const std::string& dump) const {
    const formats::CleanPart part = formats::FindCleanPart(dump);
    return dump.substr(0, part.begin) +
           formats::ImportableCleanPart(dump.substr(part.begin, part.end - part.begin),
                                        formats::PartitionedTables(dump, true)) +
           dump.substr(part.end);
  }

  // Imports into this database; returns the error, empty if there is none.
  std::string Import(const std::string& database, const std::string& text) {
    WriteFile(directory_ / "seed.sql", text);
    const Result result = server_.Psql(directory_ / "seed.sql", {database, "postgres"},
                                       {"--single-transaction", "-q", "-o", "/dev/null"});
    return result.ok() ? "" : result.err;
  }

  void Check(const ObjectKind& kind) {
    SCOPED_TRACE(kind.name);
    server_.CreateDatabase("source", "postgres");
    server_.Exec(kind.sql, {"source", "postgres"});
    const std::string dump = server_.Dump("source");
    const std::string importable = Importable(dump);
    server_.CreateDatabase("copy", "postgres");
    EXPECT_EQ(Import("copy", importable), "");
    EXPECT_EQ(Import("copy", importable), "") << "over itself";
    EXPECT_EQ(formats::CanonicalDump(server_.Dump("copy")), formats::CanonicalDump(dump));
    if (GetParam() == kOwnVersion) CheckPgDumpsOwn(kind, dump);
    EXPECT_EQ(importable.find("DO $rotv") != std::string::npos, *kind.departure != '\0') << importable;
    EXPECT_NE(importable.find(kind.departure), std::string::npos) << importable;
    EXPECT_EQ(formats::CanonicalDump(formats::WithoutCleanPart(dump)), formats::CanonicalDump(MustRun(Unclean()).out));
    CheckSections();
  }

  // The kinds of objects in a dump show where its rows belong, as a second dump does.
  void CheckSections() const {
    const std::string all = server_.Dump("source", {"--section=pre-data", "--section=post-data"});
    Command only_post = Unclean();
    only_post.argv.emplace_back("--section=post-data");
    const formats::DumpSections sections = formats::SplitDump(all, MustRun(only_post).out);
    const auto by_kinds = formats::SplitDumpByKinds(all);
    ASSERT_TRUE(by_kinds) << all;
    EXPECT_EQ(by_kinds->pre_data, sections.pre_data);
    EXPECT_EQ(by_kinds->post_data, sections.post_data);
  }

  void CheckPgDumpsOwn(const ObjectKind& kind, const std::string& dump) {
    server_.DropDatabase("copy");
    server_.CreateDatabase("copy", "postgres");
    EXPECT_EQ(Import("copy", dump).empty(), kind.own != PgDumpsOwn::kFailsIfEmpty);
    if (kind.own == PgDumpsOwn::kFailsIfEmpty) return;
    EXPECT_EQ(Import("copy", dump).empty(), kind.own != PgDumpsOwn::kFailsOverItself);
  }

  Command Unclean() const {
    Command command = server_.DumpCommand("source");
    std::erase(command.argv, "--clean");
    std::erase(command.argv, "--if-exists");
    return command;
  }

  PostgresServer server_;
  TempDir directory_;
};

// Another version than the machine's own tries what depends on it.
TEST_P(CleanPartKindsTest, EachKindImportsIntoAnEmptyDatabaseAndOverItself) {
  for (const ObjectKind& kind : kKinds) {
    if (kind.since > PostgresServer::MajorVersion(GetParam())) continue;
    if (GetParam() == kOwnVersion || kind.since > kOldest || std::string_view(kind.departure) == "$rotv_partitioned$") {
      try {
        Check(kind);
      } catch (const std::exception& error) {
        ADD_FAILURE() << kind.name << ": " << error.what();
      }
      for (const char* database : {"source", "copy"}) server_.DropDatabase(database);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, CleanPartKindsTest, ::testing::Values(kOwnVersion, 18));

}  // namespace
}  // namespace rotv::testing
