// Carries across changes of the schema: each makes one kind of change between two points, and is made there and back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fmt/format.h"
#include "tests/e2e/carry/carry_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

// Most of these tests change a small shop.
class MigrationTest : public CarryTest {
 protected:
  MigrationTest() {
    Exec(
        "CREATE TABLE places (id int PRIMARY KEY, name text UNIQUE);"
        "CREATE TABLE items (id serial PRIMARY KEY, place int REFERENCES places, name varchar(40), price numeric(10, "
        "2) "
        "CHECK (price > 0)); CREATE INDEX ON items (name);"
        "CREATE FUNCTION twice(n numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT 2 * n';"
        "CREATE VIEW dear AS SELECT id, name FROM items WHERE price > 10; CREATE VIEW dearest AS SELECT * FROM dear;"
        "CREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n FROM items;"
        "COMMENT ON COLUMN items.name IS 'it''s a name'; COMMENT ON TABLE places IS 'where';"
        "INSERT INTO places SELECT n, 'place ' || n FROM generate_series(1, 20) n;"
        "INSERT INTO items (place, name, price) SELECT 1 + n % 20, 'item ' || n, n FROM generate_series(1, 300) n");
  }

  // Changes rows and schema, and carries from the state before to the one after, and back.
  void IsCarriedThereAndBack(const std::string& statements) {
    before_ = Baseline();
    Exec("UPDATE items SET price = price + 1 WHERE id % 50 = 3; DELETE FROM items WHERE id = 7;" + statements +
         "; INSERT INTO places VALUES (100, 'new')");
    after_ = Pull();
    Import("a", before_);
    there_ = Carry("a", before_, after_);
    EXPECT_TRUE(there_.migrated);
    EXPECT_TRUE(Holds("a", after_));
    back_ = Carry("a", after_, before_);
    EXPECT_TRUE(Holds("a", before_));
    EXPECT_EQ(target.Value("SELECT count(*) FROM pg_database WHERE datname = 'rotv_next'"), "0");
  }

  CarryPoint before_, after_;
  CarryResult there_, back_;
};

TEST_F(MigrationTest, ColumnsAndIndexesComeAndGo) {
  IsCarriedThereAndBack(
      "ALTER TABLE items ADD COLUMN note text, ADD COLUMN stock int NOT NULL DEFAULT 7, ADD COLUMN \"Odd\\\" text "
      "DEFAULT "
      "E'it''s \\\\ \\n';"
      "CREATE INDEX ON items (stock); UPDATE items SET stock = 8, note = 'n' WHERE id % 100 = 5");
  // 6 with another price, 1 deleted, 3 of another stock, 1 place.
  EXPECT_EQ(there_.rows, 11U);
  EXPECT_EQ(there_.reloaded_rows, 0U) << "rows of before the column are kept";
  EXPECT_EQ(back_.reloaded_rows, 0U);
}

TEST_F(MigrationTest, ADroppedColumnComesBackInItsPlace) {
  IsCarriedThereAndBack("DROP VIEW dearest, dear; ALTER TABLE items DROP COLUMN name");
  EXPECT_EQ(there_.reloaded_rows, 0U);
  EXPECT_EQ(back_.reloaded_rows, 300U) << "what the column had is not in the database any more";
}

TEST_F(MigrationTest, TablesComeAndGo) {
  IsCarriedThereAndBack(
      "CREATE TYPE state AS ENUM ('new', 'old'); CREATE SEQUENCE numbers START 5;"
      "CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item int REFERENCES items, s state "
      "DEFAULT "
      "'new', number int DEFAULT nextval('numbers'));"
      "INSERT INTO orders (item) SELECT n FROM generate_series(10, 30) n; COMMENT ON TABLE orders IS 'of items'");
  EXPECT_EQ(there_.reloaded_rows, 21U);
  EXPECT_EQ(back_.reloaded_rows, 0U);
}

TEST_F(MigrationTest, ConstraintsDefaultsAndNamesChange) {
  IsCarriedThereAndBack(
      "ALTER TABLE items ADD CONSTRAINT named CHECK (name <> ''), ALTER name SET NOT NULL, ALTER price SET DEFAULT 3, "
      "DROP CONSTRAINT items_place_fkey; ALTER TABLE places RENAME name TO title; ALTER TABLE items ADD UNIQUE (name);"
      "COMMENT ON COLUMN items.name IS NULL; COMMENT ON TABLE places IS 'where they are'");
  EXPECT_EQ(there_.reloaded_rows + back_.reloaded_rows, 0U) << "the primary keys stay";
}

TEST_F(MigrationTest, ViewsFunctionsTriggersAndPoliciesChange) {
  IsCarriedThereAndBack(
      "DROP VIEW dearest, dear; CREATE VIEW dear AS SELECT name, id, price FROM items WHERE price > 100;"
      "CREATE VIEW dearest AS SELECT * FROM dear; CREATE OR REPLACE FUNCTION twice(n numeric) RETURNS numeric LANGUAGE "
      "sql IMMUTABLE AS 'SELECT n + n'; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; "
      "END';"
      "CREATE TRIGGER t BEFORE INSERT ON items FOR EACH ROW WHEN (false) EXECUTE FUNCTION f();"
      "ALTER TABLE items ENABLE ALWAYS TRIGGER t; ALTER TABLE items ENABLE ROW LEVEL SECURITY;"
      "CREATE POLICY p ON items USING (true); CREATE FUNCTION whole() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM "
      "items; SELECT 3; END");
  EXPECT_EQ(there_.reloaded_rows + back_.reloaded_rows, 0U);
}

// The type stands in the table's text, and the table in those of its keys.
TEST_F(MigrationTest, TablesWhoseColumnsChangeAreMadeAgain) {
  IsCarriedThereAndBack(
      "DROP VIEW dearest, dear; ALTER TABLE items ALTER name TYPE text; ALTER TABLE places ALTER id TYPE bigint");
  EXPECT_EQ(there_.reloaded_rows, 299U + 21);
}

TEST_F(MigrationTest, PartitionsComeAndGo) {
  Exec(
      "CREATE TABLE events (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE INDEX ON "
      "events "
      "(v); CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
      "INSERT INTO events SELECT n, '2026-01-01'::date + n, 'x' FROM generate_series(1, 20) n");
  IsCarriedThereAndBack(
      "CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');"
      "INSERT INTO events SELECT n, '2026-02-01'::date + n, 'y' FROM generate_series(1, 20) n");
  EXPECT_EQ(there_.reloaded_rows, 20U);
}

// Both states are written alike, and the rows of the first one have other values.
TEST_F(MigrationTest, AColumnThatWentAndCameBackIsReloaded) {
  Exec("ALTER TABLE items ADD COLUMN note text; UPDATE items SET note = 'of before'");
  const CarryPoint before = Baseline();
  Exec("ALTER TABLE items DROP COLUMN note");
  Pull();
  Exec("ALTER TABLE items ADD COLUMN note text");
  const CarryPoint after = Pull();
  Import("a", before);
  EXPECT_EQ(Carry("a", before, after).reloaded_rows, 300U);
  EXPECT_TRUE(Holds("a", after));
  Carry("a", after, before);
  EXPECT_TRUE(Holds("a", before));
}

// An import would compute the index, or the column, with the new body.
TEST_F(MigrationTest, AFunctionByWhichSomethingWasComputedIsNotReplaced) {
  Exec(
      "CREATE FUNCTION norm(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(t)';"
      "CREATE INDEX ON places (norm(name))");
  const CarryPoint before = Baseline();
  Exec("CREATE OR REPLACE FUNCTION norm(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper(t)'");
  const CarryPoint after = Pull();
  EXPECT_THAT(Write(before, after).why_not, HasSubstr("CREATE FUNCTION public.norm"));
}

TEST_F(MigrationTest, AViewWithoutContentHasNone) {
  IsCarriedThereAndBack("REFRESH MATERIALIZED VIEW sums WITH NO DATA");
}

TEST_F(MigrationTest, AFileThatIsCutOffChangesNothing) {
  const CarryPoint before = Baseline();
  Exec(
      "ALTER TABLE items ADD COLUMN note text DEFAULT 'n', DROP COLUMN price CASCADE; UPDATE items SET note = 'o' "
      "WHERE id "
      "< 50; CREATE TABLE more (id int PRIMARY KEY); CREATE INDEX ON items (note)");
  const CarryPoint after = Pull();
  Import("a", before);
  EXPECT_EQ(Write(before, after).why_not, "");
  const std::string text = ReadFile(file());
  const size_t scratch = text.find("DROP DATABASE rotv_next"), rows = text.find("COPY public.items"),
               compared = text.find("CALL pg_temp.rotv_compare");
  for (const size_t at : {scratch / 2, rows, compared, text.size() - std::string("COMMIT;\n").size()}) {
    ASSERT_LT(at, text.size());
    WriteFile(file(), text.substr(0, text.rfind('\n', at) + 1));
    const Result psql = Apply("a");
    EXPECT_TRUE(Holds("a", before)) << "cut off at " << at << " of " << text.size() << "\n" << psql.err;
    target.Exec("DROP DATABASE IF EXISTS rotv_next", {"postgres", "postgres"});
  }
}

// What an ordinary role may not create is in neither; a superuser would create it.
TEST_F(MigrationTest, WhatAnImportLeavesOutStaysOut) {
  ExecAsSuperuser("CREATE FUNCTION native(int) RETURNS int LANGUAGE internal AS 'int4abs'");
  const CarryPoint before = Baseline();
  Exec("ALTER TABLE items ADD COLUMN note text");
  const CarryPoint after = Pull();
  CarryPoint imported = before;
  const size_t begin = imported.seed.find("CREATE FUNCTION public.native"), end = imported.seed.find(';', begin) + 1;
  const std::string native = imported.seed.substr(begin, end - begin);
  imported.seed.erase(begin, end - begin);
  Import("a", imported);
  Carry("a", before, after);
  CarryPoint wanted = after;
  wanted.seed.replace(wanted.seed.find(native), native.size(), "");
  wanted.seed.replace(wanted.seed.find("DROP FUNCTION IF EXISTS public.native(integer);"), 47, "");
  EXPECT_TRUE(Holds("a", wanted));
  Write(after, before);
  target.Exec("ALTER ROLE rotv SUPERUSER", {"postgres", "postgres"});
  EXPECT_THAT(Apply("a").err, HasSubstr("rotv: a superuser would change the schema"));
  EXPECT_TRUE(Holds("a", wanted));
}

// The text of the carry is right only for the state that it was made for.
TEST_F(MigrationTest, AnotherSchemaIsRefused) {
  const CarryPoint before = Baseline();
  Exec("ALTER TABLE items ADD COLUMN note text");
  const CarryPoint after = Pull();
  Import("a", before);
  target.Exec("ALTER TABLE places ALTER name SET DEFAULT 'somewhere'", {"a", "rotv"});
  EXPECT_EQ(Write(before, after).why_not, "");
  const Result psql = Apply("a");
  EXPECT_EQ(psql.exit_status, 3);
  EXPECT_THAT(psql.err, HasSubstr("rotv: the schema would not be that of the wanted state"));
  target.Exec("ALTER TABLE places ALTER name DROP DEFAULT", {"a", "rotv"});
  EXPECT_TRUE(Holds("a", before)) << "nothing is changed";
}

}  // namespace
}  // namespace rotv::testing
