// One difference at a time between two databases of a real server: each is found and reported, and nothing else; each
// side's SQL sketch turns that side into the other.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/find_drift.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::PostgresServer;

constexpr const char* kBase = R"(
CREATE EXTENSION citext;
CREATE EXTENSION unaccent;
CREATE SCHEMA app;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN zip AS text CHECK (VALUE ~ '^[0-9]{5}$');
CREATE TYPE pair AS (a integer, b text);
CREATE SEQUENCE ticket START 100;
CREATE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT 2 * a $$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.updated = now(); -- always
    RETURN new;
END
$$;
CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE PROCEDURE tidy() LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$;
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
CREATE TABLE author (id serial PRIMARY KEY, email citext UNIQUE, name text NOT NULL DEFAULT 'nobody');
CREATE TABLE book (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author_id integer REFERENCES author (id),
    title varchar(80) NOT NULL,
    pages integer DEFAULT 0 CHECK (pages >= 0),
    mood mood,
    twice integer GENERATED ALWAYS AS (pages * 2) STORED,
    updated timestamptz
);
CREATE INDEX book_title ON book (title);
CREATE TABLE "Odd name" ("a ""b" text);
CREATE TABLE log (at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE log_2026 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TRIGGER book_touch BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW long_book AS SELECT id, title FROM book WHERE pages > 500;
CREATE MATERIALIZED VIEW book_count AS SELECT author_id, count(*) AS n FROM book GROUP BY author_id;
CREATE UNIQUE INDEX ON book_count (author_id);
CREATE POLICY own ON book USING (pages > 1);
CREATE RULE keep AS ON DELETE TO author DO INSTEAD NOTHING;
CREATE STATISTICS book_stat ON author_id, pages FROM book;
)";

enum class Side { kOnlyBefore, kOnlyAfter, kChanged };

// The statements for the other side, and the expected finding: "column public.book.isbn". kOnlyAfter: it was added
// there.
struct Difference {
  const char* name;
  const char* sql;
  const char* label;
  Side side;
  bool sketch_is_whole = true;  // Otherwise a part of it is a comment for people.
};

const Difference kDifferences[] = {
    {"schema", "CREATE SCHEMA more", "schema more", Side::kOnlyAfter},
    {"public", "DROP SCHEMA app", "schema app", Side::kOnlyBefore},
    {"extension", "CREATE EXTENSION pg_trgm", "extension pg_trgm", Side::kOnlyAfter},
    {"extension_schema", "ALTER EXTENSION unaccent SET SCHEMA app", "extension unaccent", Side::kChanged},
    {"enum", "CREATE TYPE colour AS ENUM ('red')", "type public.colour", Side::kOnlyAfter},
    {"enum_value", "ALTER TYPE mood ADD VALUE 'fine' AFTER 'ok'", "type public.mood", Side::kChanged, false},
    {"enum_first_value", "ALTER TYPE mood ADD VALUE 'it''s' BEFORE 'sad'", "type public.mood", Side::kChanged, false},
    {"enum_rename", "ALTER TYPE mood RENAME VALUE 'ok' TO 'well'", "type public.mood", Side::kChanged, false},
    {"domain", "CREATE DOMAIN age AS integer DEFAULT 1 NOT NULL CHECK (VALUE > 0)", "type public.age",
     Side::kOnlyAfter},
    {"domain_default", "ALTER DOMAIN zip SET DEFAULT '00000'", "type public.zip", Side::kChanged},
    {"domain_not_null", "ALTER DOMAIN zip SET NOT NULL", "type public.zip", Side::kChanged},
    {"domain_check", "ALTER DOMAIN zip ADD CHECK (VALUE <> '00000')", "constraint public.zip.zip_check1",
     Side::kOnlyAfter},
    {"row_type", "CREATE TYPE triple AS (a integer, b integer, c integer)", "type public.triple", Side::kOnlyAfter},
    {"attribute", "ALTER TYPE pair ADD ATTRIBUTE c date", "attribute public.pair.c", Side::kOnlyAfter},
    {"attribute_type", "ALTER TYPE pair ALTER ATTRIBUTE b TYPE varchar(5)", "attribute public.pair.b", Side::kChanged},
    {"range", "CREATE TYPE span AS RANGE (SUBTYPE = float8)", "type public.span", Side::kOnlyAfter},
    {"sequence", "CREATE SEQUENCE other", "sequence public.other", Side::kOnlyAfter},
    {"sequence_step", "ALTER SEQUENCE ticket INCREMENT 5 CYCLE", "sequence public.ticket", Side::kChanged},
    {"table",
     "CREATE TABLE tag (id serial PRIMARY KEY, word text UNIQUE, n int CHECK (n > 1)); CREATE INDEX ON tag (n)",
     "table public.tag", Side::kOnlyAfter},
    {"table_gone", "DROP TABLE \"Odd name\"", "table public.\"Odd name\"", Side::kOnlyBefore},
    {"table_unlogged", "ALTER TABLE \"Odd name\" SET UNLOGGED", "table public.\"Odd name\"", Side::kChanged},
    {"table_options", "ALTER TABLE book SET (fillfactor = 70, autovacuum_enabled = off)", "table public.book",
     Side::kChanged},
    {"row_security", "ALTER TABLE book ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", "table public.book",
     Side::kChanged},
    {"partition", "CREATE TABLE log_2027 PARTITION OF log FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
     "table public.log_2027", Side::kOnlyAfter},
    {"partition_bounds",
     "ALTER TABLE log DETACH PARTITION log_2026; DROP TABLE log_2026; "
     "CREATE TABLE log_2026 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-07-01')",
     "table public.log_2026", Side::kChanged, false},
    {"partitioned",
     "CREATE TABLE hit (k integer, v text, PRIMARY KEY (k)) PARTITION BY HASH (k); CREATE INDEX ON hit (v)",
     "table public.hit", Side::kOnlyAfter},
    {"child", "CREATE TABLE novel (kind text) INHERITS (book)", "table public.novel", Side::kOnlyAfter},
    {"column", "ALTER TABLE book ADD isbn text", "column public.book.isbn", Side::kOnlyAfter},
    {"column_gone", "ALTER TABLE book DROP updated", "column public.book.updated", Side::kOnlyBefore},
    {"column_odd", "ALTER TABLE \"Odd name\" ADD \"c d\" int NOT NULL DEFAULT 3", "column public.\"Odd name\".\"c d\"",
     Side::kOnlyAfter},
    {"column_serial", "ALTER TABLE book ADD n serial", "column public.book.n", Side::kOnlyAfter},
    {"column_type", "ALTER TABLE author ALTER name TYPE varchar(81)", "column public.author.name", Side::kChanged},
    {"column_default", "ALTER TABLE book ALTER pages SET DEFAULT 1", "column public.book.pages", Side::kChanged},
    {"column_no_default", "ALTER TABLE book ALTER pages DROP DEFAULT", "column public.book.pages", Side::kChanged},
    {"column_not_null", "ALTER TABLE book ALTER pages SET NOT NULL", "column public.book.pages", Side::kChanged},
    {"column_collation", "ALTER TABLE \"Odd name\" ALTER \"a \"\"b\" TYPE text COLLATE \"C\"",
     "column public.\"Odd name\".\"a \"\"b\"", Side::kChanged},
    {"column_identity", "ALTER TABLE book ALTER id SET GENERATED BY DEFAULT", "column public.book.id", Side::kChanged},
    {"column_new_identity",
     "ALTER TABLE log ALTER at DROP NOT NULL; ALTER TABLE book ALTER id DROP IDENTITY; "
     "ALTER TABLE log ALTER at SET NOT NULL",
     "column public.book.id", Side::kChanged},
    {"column_generated", "ALTER TABLE book ALTER twice DROP EXPRESSION", "column public.book.twice", Side::kChanged},
    {"primary_key", "ALTER TABLE \"Odd name\" ADD PRIMARY KEY (\"a \"\"b\")",
     "constraint public.\"Odd name\".\"Odd name_pkey\"", Side::kOnlyAfter},
    {"unique", "ALTER TABLE book ADD UNIQUE (title, author_id)", "constraint public.book.book_title_author_id_key",
     Side::kOnlyAfter},
    {"unique_gone", "ALTER TABLE author DROP CONSTRAINT author_email_key", "constraint public.author.author_email_key",
     Side::kOnlyBefore},
    {"check", "ALTER TABLE book ADD CHECK (pages < 10000)", "constraint public.book.book_pages_check1",
     Side::kOnlyAfter},
    {"check_changed",
     "ALTER TABLE book DROP CONSTRAINT book_pages_check, ADD CONSTRAINT book_pages_check CHECK (pages > 0)",
     "constraint public.book.book_pages_check", Side::kChanged},
    {"foreign_key_action",
     "ALTER TABLE book DROP CONSTRAINT book_author_id_fkey, "
     "ADD CONSTRAINT book_author_id_fkey FOREIGN KEY (author_id) REFERENCES author ON DELETE CASCADE",
     "constraint public.book.book_author_id_fkey", Side::kChanged},
    {"exclusion", "ALTER TABLE book ADD EXCLUDE USING btree (title WITH =)", "constraint public.book.book_title_excl",
     Side::kOnlyAfter},
    {"index", "CREATE INDEX ON book (pages) WHERE pages > 3", "index public.book_pages_idx", Side::kOnlyAfter},
    {"index_unique", "DROP INDEX book_title; CREATE UNIQUE INDEX book_title ON book (title)", "index public.book_title",
     Side::kChanged},
    {"index_twice", "CREATE INDEX another ON book (title)", "index public.another", Side::kOnlyAfter},
    {"function", "CREATE FUNCTION three() RETURNS integer LANGUAGE sql AS 'SELECT 3'", "function public.three()",
     Side::kOnlyAfter},
    {"function_overload", "CREATE FUNCTION twice(a text) RETURNS text LANGUAGE sql AS 'SELECT a || a'",
     "function public.twice(text)", Side::kOnlyAfter},
    {"function_body",
     "CREATE OR REPLACE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS "
     "$$ SELECT a + a $$",
     "function public.twice(integer)", Side::kChanged},
    {"function_volatility", "ALTER FUNCTION twice(integer) STABLE", "function public.twice(integer)", Side::kChanged},
    {"function_result",
     "DROP FUNCTION twice(integer); CREATE FUNCTION twice(a integer) RETURNS bigint LANGUAGE sql IMMUTABLE "
     "AS $$ SELECT 2 * a $$",
     "function public.twice(integer)", Side::kChanged},
    {"procedure", "DROP PROCEDURE tidy()", "procedure public.tidy()", Side::kOnlyBefore},
    {"aggregate", "DROP AGGREGATE total(integer); CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer)",
     "aggregate public.total(integer)", Side::kChanged},
    {"trigger", "DROP TRIGGER book_touch ON book", "trigger public.book.book_touch", Side::kOnlyBefore},
    {"trigger_off", "ALTER TABLE book DISABLE TRIGGER book_touch", "trigger public.book.book_touch", Side::kChanged},
    {"event_trigger", "CREATE EVENT TRIGGER seen ON ddl_command_end WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION seen()",
     "event trigger seen", Side::kOnlyAfter},
    {"new_view", "CREATE VIEW one WITH (security_barrier) AS SELECT 1 AS one", "view public.one", Side::kOnlyAfter},
    {"view", "CREATE OR REPLACE VIEW long_book AS SELECT id, title FROM book WHERE pages > 501",
     "view public.long_book", Side::kChanged},
    {"materialized_view", "DROP MATERIALIZED VIEW book_count", "materialized view public.book_count",
     Side::kOnlyBefore},
    {"policy", "DROP POLICY own ON book; CREATE POLICY own ON book FOR SELECT TO rotv USING (pages > 1)",
     "policy public.book.own", Side::kChanged},
    {"rule", "DROP RULE keep ON author", "rule public.author.keep", Side::kOnlyBefore},
    {"statistics", "DROP STATISTICS book_stat", "statistics public.book_stat", Side::kOnlyBefore},
    {"collation", "CREATE COLLATION german FROM \"C\"", "collation public.german", Side::kOnlyAfter, false},
};

// Changes that are no difference.
const char* const kNoDifference[] = {
    "SELECT 1",
    "ALTER INDEX book_title RENAME TO book_by_title",
    "ALTER TABLE book RENAME CONSTRAINT book_pages_check TO pages_are_positive",
    "ALTER TABLE author RENAME CONSTRAINT author_pkey TO author_key",
    "ALTER TABLE book DROP updated; ALTER TABLE book ADD updated timestamptz",  // The order of columns does not count.
    "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN /* of \n books */ new.updated=now(); RETURN new; END $$",
    "GRANT SELECT ON book TO PUBLIC; ALTER TABLE book OWNER TO rotv; COMMENT ON TABLE book IS 'of all'",
    "INSERT INTO author (name) VALUES ('A'); SELECT nextval('ticket')",
};

std::unique_ptr<PostgresServer> g_server;  // Shared by all tests.

class DriftGridTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    g_server = std::make_unique<PostgresServer>(testing::PostgresOptions{.place = testing::DataPlace::kTmpfs});
    g_server->CreateDatabase("base");
    g_server->Exec(kBase, {"base", "postgres"});
    g_server->CreateDatabase("before", "rotv", "TEMPLATE base");
  }
  static void TearDownTestSuite() { g_server.reset(); }

  static void MakeOther(const std::string& sql) {
    g_server->DropDatabase("after");
    g_server->CreateDatabase("after", "rotv", "TEMPLATE base");
    g_server->Exec(sql, {"after", "postgres"});
  }

  static std::vector<drift::SchemaObject> Read(const std::string& database) {
    testing::Connection connection = g_server->NewConnection({database, "postgres"});
    connection.Exec("SET search_path = ''");
    return drift::ParseSchema(connection.Value(std::string(drift::SchemaQuery())));
  }

  static drift::SchemaDrift Drift() { return FindDrift(Read("before"), Read("after"), {}); }

  // Runs on a copy of one database the sketch that makes it the other one, and returns the remaining differences.
  static drift::SchemaDrift DriftAfter(const std::vector<std::string>& sketch, const std::string& from,
                                       const std::string& target) {
    g_server->DropDatabase("fixed");
    g_server->CreateDatabase("fixed", "rotv", "TEMPLATE " + from);
    testing::Connection connection = g_server->NewConnection({"fixed", "postgres"});
    for (const std::string& statement : sketch) {
      SCOPED_TRACE(statement);
      EXPECT_NO_THROW(connection.Exec(statement));
    }
    return FindDrift(Read("fixed"), Read(target), {});
  }

  static std::vector<std::string> Labels(const std::vector<drift::SchemaObject>& objects) {
    std::vector<std::string> labels;
    for (const drift::SchemaObject& object : objects) labels.push_back(object.Label());
    return labels;
  }
  static std::vector<std::string> Labels(const std::vector<drift::ChangedObject>& changes) {
    std::vector<std::string> labels;
    for (const drift::ChangedObject& change : changes) labels.push_back(change.after.Label());
    return labels;
  }
  static std::vector<std::string> AllLabels(const drift::SchemaDrift& drift) {
    std::vector<std::string> all;
    for (const std::string& label : Labels(drift.only_before)) all.push_back("only before: " + label);
    for (const std::string& label : Labels(drift.only_after)) all.push_back("only after: " + label);
    for (const std::string& label : Labels(drift.changed)) all.push_back("changed: " + label);
    return all;
  }
};

TEST_F(DriftGridTest, FindsEachDifferenceAndNothingElse) {
  for (const Difference& difference : kDifferences) {
    SCOPED_TRACE(difference.name);
    ASSERT_NO_THROW(MakeOther(difference.sql));
    const char* side = difference.side == Side::kOnlyBefore  ? "only before: "
                       : difference.side == Side::kOnlyAfter ? "only after: "
                                                             : "changed: ";
    EXPECT_THAT(AllLabels(Drift()), ElementsAre(side + std::string(difference.label)));
  }
}

// Labels: slow
TEST_F(DriftGridTest, SketchesTurnEachSideIntoTheOther) {
  for (const Difference& difference : kDifferences) {
    SCOPED_TRACE(difference.name);
    MakeOther(difference.sql);
    drift::SchemaDrift drift = Drift();
    drift::SchemaDrift forth = DriftAfter(drift.to_after, "before", "after");
    drift::SchemaDrift back = DriftAfter(drift.to_before, "after", "before");
    if (difference.sketch_is_whole) {
      EXPECT_THAT(AllLabels(forth), IsEmpty()) << ::testing::PrintToString(drift.to_after);
      EXPECT_THAT(AllLabels(back), IsEmpty()) << ::testing::PrintToString(drift.to_before);
    } else {
      auto by_hand = [](const std::vector<std::string>& sketch) {
        return std::any_of(sketch.begin(), sketch.end(),
                           [](const auto& line) { return line.starts_with("-- by hand: "); });
      };
      EXPECT_TRUE(by_hand(drift.to_after) || by_hand(drift.to_before)) << ::testing::PrintToString(drift.to_after);
    }
  }
}

// Labels: asan
TEST_F(DriftGridTest, IgnoresOrderNamesFormattingAndRights) {
  for (const char* sql : kNoDifference) {
    SCOPED_TRACE(sql);
    ASSERT_NO_THROW(MakeOther(sql));
    EXPECT_THAT(AllLabels(Drift()), IsEmpty());
  }
}

// Labels: asan
TEST_F(DriftGridTest, ManyDifferencesAtOnceCanBeFixed) {
  // New objects that depend on new ones, on both sides, and old ones that change with the objects that depend on them.
  MakeOther(R"(
CREATE SCHEMA more;
CREATE TYPE more.colour AS ENUM ('red', 'blue');
CREATE FUNCTION more.next_number() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE TABLE more.item (id serial PRIMARY KEY, n integer DEFAULT more.next_number(), c more.colour[] NOT NULL);
CREATE TABLE more.part (item_id integer REFERENCES more.item, UNIQUE (item_id));
CREATE VIEW more.red AS SELECT * FROM more.item WHERE c[1] = 'red';
CREATE VIEW more.redder AS SELECT * FROM more.red;
CREATE TABLE more.first (id integer PRIMARY KEY, other integer);
CREATE TABLE more.last (id integer PRIMARY KEY REFERENCES more.first);
ALTER TABLE more.first ADD FOREIGN KEY (other) REFERENCES more.last;
ALTER TABLE book ADD c more.colour DEFAULT 'red', DROP author_id CASCADE;
ALTER TABLE book DROP CONSTRAINT book_pkey, ADD PRIMARY KEY (id, title);
)" + std::string(R"(
ALTER TABLE author ALTER id DROP DEFAULT;
DROP SEQUENCE author_id_seq;
ALTER TABLE author ALTER id TYPE bigint, ALTER id ADD GENERATED ALWAYS AS IDENTITY;
DROP AGGREGATE total(integer);
DROP TABLE log;
)"));
  drift::SchemaDrift drift = Drift();
  EXPECT_GE(AllLabels(drift).size(), 10U);
  EXPECT_THAT(AllLabels(DriftAfter(drift.to_after, "before", "after")), IsEmpty());
  EXPECT_THAT(AllLabels(DriftAfter(drift.to_before, "after", "before")), IsEmpty());
}

// Labels: asan
TEST_F(DriftGridTest, ASketchBuildsTheSchemaFromAnEmptyDatabase) {
  g_server->DropDatabase("after");
  g_server->CreateDatabase("after");
  drift::SchemaDrift drift = Drift();
  EXPECT_THAT(Labels(drift.only_after), IsEmpty());
  EXPECT_THAT(Labels(drift.only_before), ::testing::Contains("table public.book"));
  EXPECT_THAT(AllLabels(DriftAfter(drift.to_before, "after", "before")), IsEmpty());
  EXPECT_THAT(AllLabels(DriftAfter(drift.to_after, "before", "after")), IsEmpty());
}

// Labels: asan
TEST_F(DriftGridTest, IgnoresObjectsOfAPatternWithTheirParts) {
  MakeOther(
      "CREATE TABLE app.audit_log (id serial PRIMARY KEY); CREATE INDEX extra ON book (pages); "
      "CREATE TABLE schema_migrations (version text)");
  drift::SchemaDrift drift = FindDrift(Read("before"), Read("after"), {"table app.audit_*", "index public.ex*"});
  EXPECT_THAT(AllLabels(drift), ElementsAre("only after: table public.schema_migrations"));
  EXPECT_EQ(drift.ignored, 2U);
  EXPECT_THAT(AllLabels(FindDrift(Read("before"), Read("after"), MigrationBookkeeping())),
              ElementsAre("only after: index public.extra", "only after: table app.audit_log"));
}

}  // namespace
}  // namespace rotv
