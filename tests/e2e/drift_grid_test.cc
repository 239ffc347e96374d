// One difference at a time between two databases of a real server: each is found and named, nothing else is, and the
// sketch of each side makes it the other one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/drift/schema_drift.h"
#include "sync/drift/schema_queries.h"
#include "tests/support/postgres_server.h"

namespace rotv {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::PostgresServer;
using ::testing::StartsWith;

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

// What ran on the other side, and what is to be found: "column public.book.isbn". kOnlyAfter: it was added there.
struct Difference {
  const char* name;
  const char* sql;
  Side side;
  const char* label;
  bool sketch_is_whole = true;  // Otherwise a part of it is a comment, for people.
};

const Difference kDifferences[] = {
    {"schema", "CREATE SCHEMA more", Side::kOnlyAfter, "schema more"},
    {"public", "DROP SCHEMA app", Side::kOnlyBefore, "schema app"},
    {"extension", "CREATE EXTENSION pg_trgm", Side::kOnlyAfter, "extension pg_trgm"},
    {"extension_schema", "ALTER EXTENSION unaccent SET SCHEMA app", Side::kChanged, "extension unaccent"},
    {"enum", "CREATE TYPE colour AS ENUM ('red')", Side::kOnlyAfter, "type public.colour"},
    {"enum_value", "ALTER TYPE mood ADD VALUE 'fine' AFTER 'ok'", Side::kChanged, "type public.mood", false},
    {"enum_first_value", "ALTER TYPE mood ADD VALUE 'it''s' BEFORE 'sad'", Side::kChanged, "type public.mood", false},
    {"enum_rename", "ALTER TYPE mood RENAME VALUE 'ok' TO 'well'", Side::kChanged, "type public.mood", false},
    {"domain", "CREATE DOMAIN age AS integer DEFAULT 1 NOT NULL CHECK (VALUE > 0)", Side::kOnlyAfter,
     "type public.age"},
    {"domain_default", "ALTER DOMAIN zip SET DEFAULT '00000'", Side::kChanged, "type public.zip"},
    {"domain_not_null", "ALTER DOMAIN zip SET NOT NULL", Side::kChanged, "type public.zip"},
    {"domain_check", "ALTER DOMAIN zip ADD CHECK (VALUE <> '00000')", Side::kOnlyAfter,
     "constraint public.zip.zip_check1"},
    {"row_type", "CREATE TYPE triple AS (a integer, b integer, c integer)", Side::kOnlyAfter, "type public.triple"},
    {"attribute", "ALTER TYPE pair ADD ATTRIBUTE c date", Side::kOnlyAfter, "attribute public.pair.c"},
    {"attribute_type", "ALTER TYPE pair ALTER ATTRIBUTE b TYPE varchar(5)", Side::kChanged, "attribute public.pair.b"},
    {"range", "CREATE TYPE span AS RANGE (SUBTYPE = float8)", Side::kOnlyAfter, "type public.span"},
    {"sequence", "CREATE SEQUENCE other", Side::kOnlyAfter, "sequence public.other"},
    {"sequence_step", "ALTER SEQUENCE ticket INCREMENT 5 CYCLE", Side::kChanged, "sequence public.ticket"},
    {"table",
     "CREATE TABLE tag (id serial PRIMARY KEY, word text UNIQUE, n int CHECK (n > 1)); CREATE INDEX ON tag (n)",
     Side::kOnlyAfter, "table public.tag"},
    {"table_gone", "DROP TABLE \"Odd name\"", Side::kOnlyBefore, "table public.\"Odd name\""},
    {"table_unlogged", "ALTER TABLE \"Odd name\" SET UNLOGGED", Side::kChanged, "table public.\"Odd name\""},
    {"table_options", "ALTER TABLE book SET (fillfactor = 70, autovacuum_enabled = off)", Side::kChanged,
     "table public.book"},
    {"row_security", "ALTER TABLE book ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", Side::kChanged,
     "table public.book"},
    {"partition", "CREATE TABLE log_2027 PARTITION OF log FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
     Side::kOnlyAfter, "table public.log_2027"},
    {"partition_bounds",
     "ALTER TABLE log DETACH PARTITION log_2026; DROP TABLE log_2026; "
     "CREATE TABLE log_2026 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-07-01')",
     Side::kChanged, "table public.log_2026", false},
    {"partitioned",
     "CREATE TABLE hit (k integer, v text, PRIMARY KEY (k)) PARTITION BY HASH (k); CREATE INDEX ON hit (v)",
     Side::kOnlyAfter, "table public.hit"},
    {"child", "CREATE TABLE novel (kind text) INHERITS (book)", Side::kOnlyAfter, "table public.novel"},
    {"column", "ALTER TABLE book ADD isbn text", Side::kOnlyAfter, "column public.book.isbn"},
    {"column_gone", "ALTER TABLE book DROP updated", Side::kOnlyBefore, "column public.book.updated"},
    {"column_odd", "ALTER TABLE \"Odd name\" ADD \"c d\" int NOT NULL DEFAULT 3", Side::kOnlyAfter,
     "column public.\"Odd name\".\"c d\""},
    {"column_serial", "ALTER TABLE book ADD n serial", Side::kOnlyAfter, "column public.book.n"},
    {"column_type", "ALTER TABLE author ALTER name TYPE varchar(81)", Side::kChanged, "column public.author.name"},
    {"column_default", "ALTER TABLE book ALTER pages SET DEFAULT 1", Side::kChanged, "column public.book.pages"},
    {"column_no_default", "ALTER TABLE book ALTER pages DROP DEFAULT", Side::kChanged, "column public.book.pages"},
    {"column_not_null", "ALTER TABLE book ALTER pages SET NOT NULL", Side::kChanged, "column public.book.pages"},
    {"column_collation", "ALTER TABLE \"Odd name\" ALTER \"a \"\"b\" TYPE text COLLATE \"C\"", Side::kChanged,
     "column public.\"Odd name\".\"a \"\"b\""},
    {"column_identity", "ALTER TABLE book ALTER id SET GENERATED BY DEFAULT", Side::kChanged, "column public.book.id"},
    {"column_new_identity",
     "ALTER TABLE log ALTER at DROP NOT NULL; ALTER TABLE book ALTER id DROP IDENTITY; "
     "ALTER TABLE log ALTER at SET NOT NULL",
     Side::kChanged, "column public.book.id"},
    {"column_generated", "ALTER TABLE book ALTER twice DROP EXPRESSION", Side::kChanged, "column public.book.twice"},
    {"primary_key", "ALTER TABLE \"Odd name\" ADD PRIMARY KEY (\"a \"\"b\")", Side::kOnlyAfter,
     "constraint public.\"Odd name\".\"Odd name_pkey\""},
    {"unique", "ALTER TABLE book ADD UNIQUE (title, author_id)", Side::kOnlyAfter,
     "constraint public.book.book_title_author_id_key"},
    {"unique_gone", "ALTER TABLE author DROP CONSTRAINT author_email_key", Side::kOnlyBefore,
     "constraint public.author.author_email_key"},
    {"check", "ALTER TABLE book ADD CHECK (pages < 10000)", Side::kOnlyAfter,
     "constraint public.book.book_pages_check1"},
    {"check_changed",
     "ALTER TABLE book DROP CONSTRAINT book_pages_check, ADD CONSTRAINT book_pages_check CHECK (pages > 0)",
     Side::kChanged, "constraint public.book.book_pages_check"},
    {"foreign_key_action",
     "ALTER TABLE book DROP CONSTRAINT book_author_id_fkey, "
     "ADD CONSTRAINT book_author_id_fkey FOREIGN KEY (author_id) REFERENCES author ON DELETE CASCADE",
     Side::kChanged, "constraint public.book.book_author_id_fkey"},
    {"exclusion", "ALTER TABLE book ADD EXCLUDE USING btree (title WITH =)", Side::kOnlyAfter,
     "constraint public.book.book_title_excl"},
    {"index", "CREATE INDEX ON book (pages) WHERE pages > 3", Side::kOnlyAfter, "index public.book_pages_idx"},
    {"index_unique", "DROP INDEX book_title; CREATE UNIQUE INDEX book_title ON book (title)", Side::kChanged,
     "index public.book_title"},
    {"index_twice", "CREATE INDEX another ON book (title)", Side::kOnlyAfter, "index public.another"},
    {"function", "CREATE FUNCTION three() RETURNS integer LANGUAGE sql AS 'SELECT 3'", Side::kOnlyAfter,
     "function public.three()"},
    {"function_overload", "CREATE FUNCTION twice(a text) RETURNS text LANGUAGE sql AS 'SELECT a || a'",
     Side::kOnlyAfter, "function public.twice(text)"},
    {"function_body",
     "CREATE OR REPLACE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS "
     "$$ SELECT a + a $$",
     Side::kChanged, "function public.twice(integer)"},
    {"function_volatility", "ALTER FUNCTION twice(integer) STABLE", Side::kChanged, "function public.twice(integer)"},
    {"function_result",
     "DROP FUNCTION twice(integer); CREATE FUNCTION twice(a integer) RETURNS bigint LANGUAGE sql IMMUTABLE "
     "AS $$ SELECT 2 * a $$",
     Side::kChanged, "function public.twice(integer)"},
    {"procedure", "DROP PROCEDURE tidy()", Side::kOnlyBefore, "procedure public.tidy()"},
    {"aggregate", "DROP AGGREGATE total(integer); CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer)",
     Side::kChanged, "aggregate public.total(integer)"},
    {"trigger", "DROP TRIGGER book_touch ON book", Side::kOnlyBefore, "trigger public.book.book_touch"},
    {"trigger_off", "ALTER TABLE book DISABLE TRIGGER book_touch", Side::kChanged, "trigger public.book.book_touch"},
    {"event_trigger", "CREATE EVENT TRIGGER seen ON ddl_command_end WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION seen()",
     Side::kOnlyAfter, "event trigger seen"},
    {"new_view", "CREATE VIEW one WITH (security_barrier) AS SELECT 1 AS one", Side::kOnlyAfter, "view public.one"},
    {"view", "CREATE OR REPLACE VIEW long_book AS SELECT id, title FROM book WHERE pages > 501", Side::kChanged,
     "view public.long_book"},
    {"materialized_view", "DROP MATERIALIZED VIEW book_count", Side::kOnlyBefore,
     "materialized view public.book_count"},
    {"policy", "DROP POLICY own ON book; CREATE POLICY own ON book FOR SELECT TO rotv USING (pages > 1)",
     Side::kChanged, "policy public.book.own"},
    {"rule", "DROP RULE keep ON author", Side::kOnlyBefore, "rule public.author.keep"},
    {"statistics", "DROP STATISTICS book_stat", Side::kOnlyBefore, "statistics public.book_stat"},
    {"collation", "CREATE COLLATION german FROM \"C\"", Side::kOnlyAfter, "collation public.german", false},
};

// These are none.
const char* kNoDifferences[] = {
    "SELECT 1",
    "ALTER INDEX book_title RENAME TO book_by_title",
    "ALTER TABLE book RENAME CONSTRAINT book_pages_check TO pages_are_positive",
    "ALTER TABLE author RENAME CONSTRAINT author_pkey TO author_key",
    "ALTER TABLE book DROP updated; ALTER TABLE book ADD updated timestamptz",  // The order of the columns.
    "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN /* of \n books */ new.updated=now(); RETURN new; END $$",
    "GRANT SELECT ON book TO PUBLIC; ALTER TABLE book OWNER TO rotv; COMMENT ON TABLE book IS 'of all'",
    "INSERT INTO author (name) VALUES ('A'); SELECT nextval('ticket')",
};

class DriftGridTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<PostgresServer>(testing::PostgresOptions{.place = testing::DataPlace::kTmpfs});
    server_->CreateDatabase("base");
    server_->Exec(kBase, {"base", "postgres"});
    server_->CreateDatabase("before", "rotv", "TEMPLATE base");
  }
  static void TearDownTestSuite() { server_.reset(); }

  static void MakeOther(const std::string& sql) {
    server_->DropDatabase("after");
    server_->CreateDatabase("after", "rotv", "TEMPLATE base");
    server_->Exec(sql, {"after", "postgres"});
  }

  static std::vector<SchemaObject> Read(const std::string& database) {
    testing::Connection connection = server_->NewConnection({database, "postgres"});
    connection.Exec("SET search_path = ''");
    return ParseSchema(connection.Value(std::string(SchemaQuery())));
  }

  static SchemaDrift Drift() { return FindDrift(Read("before"), Read("after"), {}); }

  // Runs on a copy of one of them what is said to make it the other one, and gives what then still differs.
  static SchemaDrift DriftAfter(const std::vector<std::string>& sketch, const std::string& from,
                                const std::string& target) {
    server_->DropDatabase("mended");
    server_->CreateDatabase("mended", "rotv", "TEMPLATE " + from);
    testing::Connection connection = server_->NewConnection({"mended", "postgres"});
    for (const std::string& statement : sketch) {
      SCOPED_TRACE(statement);
      EXPECT_NO_THROW(connection.Exec(statement));
    }
    return FindDrift(Read("mended"), Read(target), {});
  }

  static std::vector<std::string> Labels(const std::vector<SchemaObject>& objects) {
    std::vector<std::string> labels;
    for (const SchemaObject& object : objects) labels.push_back(object.Label());
    return labels;
  }
  static std::vector<std::string> Labels(const std::vector<ChangedObject>& changes) {
    std::vector<std::string> labels;
    for (const ChangedObject& change : changes) labels.push_back(change.after.Label());
    return labels;
  }
  static std::vector<std::string> AllLabels(const SchemaDrift& drift) {
    std::vector<std::string> all;
    for (const std::string& label : Labels(drift.only_before)) all.push_back("only before: " + label);
    for (const std::string& label : Labels(drift.only_after)) all.push_back("only after: " + label);
    for (const std::string& label : Labels(drift.changed)) all.push_back("changed: " + label);
    return all;
  }

  inline static std::unique_ptr<PostgresServer> server_;
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

TEST_F(DriftGridTest, EachSideCanBeMadeTheOther) {
  for (const Difference& difference : kDifferences) {
    SCOPED_TRACE(difference.name);
    MakeOther(difference.sql);
    SchemaDrift drift = Drift();
    SchemaDrift forth = DriftAfter(drift.to_after, "before", "after");
    SchemaDrift back = DriftAfter(drift.to_before, "after", "before");
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

TEST_F(DriftGridTest, OrderNamesFormattingAndRightsMakeNoDifference) {
  for (const char* sql : kNoDifferences) {
    SCOPED_TRACE(sql);
    ASSERT_NO_THROW(MakeOther(sql));
    EXPECT_THAT(AllLabels(Drift()), IsEmpty());
  }
}

TEST_F(DriftGridTest, ManyDifferencesAtOnceCanBeMended) {
  // New things that stand on new things, on both sides, and old ones that change with what stands on them.
  MakeOther(R"(
CREATE SCHEMA more;
CREATE TYPE more.colour AS ENUM ('red', 'blue');
CREATE FUNCTION more.next_number() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE TABLE more.item (id serial PRIMARY KEY, n integer DEFAULT more.next_number(), c more.colour[] NOT NULL);
CREATE TABLE more.part (item_id integer REFERENCES more.item, UNIQUE (item_id));
CREATE VIEW more.red AS SELECT * FROM more.item WHERE c[1] = 'red';
CREATE VIEW more.redder AS SELECT * FROM more.red;
ALTER TABLE book ADD c more.colour DEFAULT 'red', DROP author_id CASCADE;
ALTER TABLE book DROP CONSTRAINT book_pkey, ADD PRIMARY KEY (id, title);
)" + std::string(R"(
ALTER TABLE author ALTER id DROP DEFAULT;
DROP SEQUENCE author_id_seq;
ALTER TABLE author ALTER id TYPE bigint, ALTER id ADD GENERATED ALWAYS AS IDENTITY;
DROP AGGREGATE total(integer);
DROP TABLE log;
)"));
  SchemaDrift drift = Drift();
  EXPECT_GE(AllLabels(drift).size(), 10U);
  EXPECT_THAT(AllLabels(DriftAfter(drift.to_after, "before", "after")), IsEmpty());
  EXPECT_THAT(AllLabels(DriftAfter(drift.to_before, "after", "before")), IsEmpty());
}

TEST_F(DriftGridTest, AnEmptyDatabaseCanBeMadeThisOne) {
  server_->DropDatabase("after");
  server_->CreateDatabase("after");
  SchemaDrift drift = Drift();
  EXPECT_THAT(Labels(drift.only_after), IsEmpty());
  EXPECT_THAT(Labels(drift.only_before), ::testing::Contains("table public.book"));
  EXPECT_THAT(AllLabels(DriftAfter(drift.to_before, "after", "before")), IsEmpty());
  EXPECT_THAT(AllLabels(DriftAfter(drift.to_after, "before", "after")), IsEmpty());
}

TEST_F(DriftGridTest, IgnoresWhatAPatternNamesWithItsParts) {
  MakeOther(
      "CREATE TABLE app.audit_log (id serial PRIMARY KEY); CREATE INDEX extra ON book (pages); "
      "CREATE TABLE schema_migrations (version text)");
  SchemaDrift drift = FindDrift(Read("before"), Read("after"), {"table app.audit_*", "index public.ex*"});
  EXPECT_THAT(AllLabels(drift), ElementsAre("only after: table public.schema_migrations"));
  EXPECT_EQ(drift.ignored, 2U);
  EXPECT_THAT(AllLabels(FindDrift(Read("before"), Read("after"), MigrationBookkeeping())),
              ElementsAre("only after: index public.extra", "only after: table app.audit_log"));
}

}  // namespace
}  // namespace rotv
