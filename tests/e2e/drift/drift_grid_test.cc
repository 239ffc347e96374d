// One difference at a time between two schemas on a real server: each is found and reported, and nothing else; each
// side's SQL sketch turns that side into the other. drift_dump_test holds the grid against pg_dump.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sync/find_drift.h"
#include "tests/e2e/drift/drift_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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
    "ALTER SEQUENCE book_id_seq RENAME TO numbers; ALTER INDEX grid.parts_at RENAME TO parts_by_day",
    "ALTER TABLE grid.stored RENAME CONSTRAINT stored_n TO n_once; ALTER INDEX grid.stored_w RENAME TO w_once",
    // The values of a mapping's options may be passwords.
    "ALTER USER MAPPING FOR rotv SERVER there OPTIONS (SET password 'q')",
    "INSERT INTO author (name) VALUES ('A'); SELECT nextval('ticket')",
};

bool SaysByHand(const std::vector<std::string>& sketch) {
  return std::any_of(sketch.begin(), sketch.end(),
                     [](const std::string& line) { return line.starts_with("-- by hand: "); });
}

class DriftGridTest : public ::testing::TestWithParam<int> {
 protected:
  // Statements in a transaction that is rolled back at the end.
  class Trial {
   public:
    explicit Trial(GridServer& grid) : grid_(grid) { grid_.session().connection().Exec("BEGIN"); }
    ~Trial() { EXPECT_NO_THROW(grid_.session().connection().Exec("ROLLBACK")); }
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;

    // The schema after these statements; empty if one fails, which fails the test.
    std::vector<drift::SchemaObject> After(const std::vector<std::string>& statements) {
      try {
        for (const std::string& statement : statements) {
          current_ = statement;
          grid_.session().connection().Exec(statement);
        }
        current_ = "reading the schema";
        return grid_.session().Read();
      } catch (const std::exception& error) {
        ADD_FAILURE() << current_ << "\n" << error.what();
        return {};
      }
    }

   private:
    GridServer& grid_;
    std::string current_;
  };

  std::vector<drift::SchemaObject> Other(const std::string& sql) { return Trial(grid_).After({sql}); }

  // `base` becomes `other` by to_after, and `other`, which `sql` makes, becomes `base` by to_before.
  void ExpectSketchesEndIt(const drift::SchemaDrift& drift, const std::string& sql,
                           const std::vector<drift::SchemaObject>& other) {
    if (!SaysByHand(drift.to_after)) {
      EXPECT_THAT(AllLabels(FindDrift(Trial(grid_).After(drift.to_after), other, {})), IsEmpty())
          << ::testing::PrintToString(drift.to_after);
    }
    if (!SaysByHand(drift.to_before)) {
      std::vector<std::string> statements = drift.to_before;
      statements.insert(statements.begin(), sql);
      EXPECT_THAT(AllLabels(FindDrift(grid_.base(), Trial(grid_).After(statements), {})), IsEmpty())
          << ::testing::PrintToString(drift.to_before);
    }
  }

  void TryDifference(const Difference& difference) {
    SCOPED_TRACE(difference.name);
    const std::vector<drift::SchemaObject> other = Other(difference.sql);
    if (other.empty()) return;
    const drift::SchemaDrift drift = FindDrift(grid_.base(), other, {});
    const char* side = difference.side == Side::kOnlyBefore  ? "only before: "
                       : difference.side == Side::kOnlyAfter ? "only after: "
                                                             : "changed: ";
    EXPECT_THAT(AllLabels(drift), ElementsAre(side + std::string(difference.label)));
    EXPECT_EQ(difference.sketch_is_whole, !SaysByHand(drift.to_after) && !SaysByHand(drift.to_before))
        << ::testing::PrintToString(drift.to_after) << ::testing::PrintToString(drift.to_before);
    ExpectSketchesEndIt(drift, difference.sql, other);
  }

  GridServer& grid_ = GridServer::Of(GetParam());
};

// Labels: slow
TEST_P(DriftGridTest, FindsEachDifferenceAndNothingElseAndEndsIt) {
  // What the machine's own version has is tried with that.
  const int own = GridServer::Of(kOwnVersion).major();
  for (const Difference& difference : grid_.Differences()) {
    if (GetParam() == kOwnVersion || difference.since > own) TryDifference(difference);
  }
}

TEST_P(DriftGridTest, SoakFindsEachDifferenceInEachVersion) {
  for (const Difference& difference : grid_.Differences()) TryDifference(difference);
}

INSTANTIATE_TEST_SUITE_P(Versions, DriftGridTest, ::testing::Values(kOwnVersion, 16, 17, 18), [](const auto& version) {
  return version.param == kOwnVersion ? std::string("Own") : std::to_string(version.param);
});

class DriftTest : public DriftGridTest {};

// Labels: asan
TEST_P(DriftTest, OrderNamesFormattingAndRightsAreNoDifference) {
  for (const char* sql : kNoDifference) {
    SCOPED_TRACE(sql);
    EXPECT_THAT(AllLabels(FindDrift(grid_.base(), Other(sql), {})), IsEmpty());
  }
}

// Labels: asan
TEST_P(DriftTest, ManyDifferencesAtOnceCanBeFixed) {
  // New objects that depend on new ones, on both sides, and old ones that change with the objects that depend on them.
  const std::string sql = R"(
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
)");
  const std::vector<drift::SchemaObject> other = Other(sql);
  const drift::SchemaDrift drift = FindDrift(grid_.base(), other, {});
  EXPECT_GE(AllLabels(drift).size(), 10U);
  EXPECT_FALSE(SaysByHand(drift.to_after) || SaysByHand(drift.to_before));
  ExpectSketchesEndIt(drift, sql, other);
}

// Labels: asan
TEST_P(DriftTest, IgnoresObjectsOfAPatternWithTheirParts) {
  const std::vector<drift::SchemaObject> other = Other(
      "CREATE TABLE app.audit_log (id serial PRIMARY KEY); CREATE INDEX extra ON book (pages); "
      "CREATE TABLE schema_migrations (version text)");
  const drift::SchemaDrift drift = FindDrift(grid_.base(), other, {"table app.audit_*", "index public.ex*"});
  EXPECT_THAT(AllLabels(drift), ElementsAre("only after: table public.schema_migrations"));
  EXPECT_EQ(drift.ignored, 2U);
  EXPECT_THAT(AllLabels(FindDrift(grid_.base(), other, MigrationBookkeeping())),
              ElementsAre("only after: index public.extra", "only after: table app.audit_log"));
}

// What is by hand (a base type, a partition's index that is stored in its own way) is left out of this one.
// Labels: asan
TEST_P(DriftTest, ASketchBuildsTheSchemaFromAnEmptyDatabase) {
  grid_.server().CreateDatabase("empty", "postgres");
  grid_.server().CreateDatabase("small", "postgres");
  grid_.server().Exec(kGridObjects, {"small", "postgres"});
  SchemaSession empty(grid_.server(), "empty"), small(grid_.server(), "small");
  const std::vector<drift::SchemaObject> whole = small.Read(), nothing = empty.Read();
  const drift::SchemaDrift drift = FindDrift(whole, nothing, {});
  EXPECT_THAT(Labels(drift.only_after), IsEmpty());
  EXPECT_THAT(Labels(drift.only_before), ::testing::Contains("table public.book"));
  for (const std::string& statement : drift.to_before) {
    SCOPED_TRACE(statement);
    EXPECT_NO_THROW(empty.connection().Exec(statement));
  }
  EXPECT_THAT(AllLabels(FindDrift(whole, empty.Read(), {})), IsEmpty());
  for (const std::string& statement : drift.to_after) {
    SCOPED_TRACE(statement);
    EXPECT_NO_THROW(small.connection().Exec(statement));
  }
  EXPECT_THAT(AllLabels(FindDrift(small.Read(), nothing, {})), IsEmpty());
  grid_.server().DropDatabase("empty");
  grid_.server().DropDatabase("small");
}

INSTANTIATE_TEST_SUITE_P(Versions, DriftTest, ::testing::Values(kOwnVersion), [](const auto&) { return "Own"; });

}  // namespace
}  // namespace rotv::testing
