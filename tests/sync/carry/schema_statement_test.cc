#include "sync/carry/schema_statement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rotv::carry {
namespace {

using ::testing::ElementsAre;

std::vector<SchemaStatement> Read(const std::string& pre_data, const std::string& post_data = "") {
  proto::SchemaVersion schema;
  schema.set_standard_strings(true);
  schema.set_pre_data(pre_data);
  schema.set_post_data(post_data);
  return SchemaStatements(schema);
}

std::string UndoOf(const std::string& statement) {
  const std::vector<SchemaStatement> read = Read("", statement);
  return read.size() == 1 ? read[0].undo.value_or("cannot be undone") : "is no single statement";
}

TEST(SchemaStatementTest, EachIsUndoneByItsOpposite) {
  const std::vector<std::pair<const char*, const char*>> kCases = {
      {"CREATE TABLE public.\"T x\" (\n    id integer\n);", "DROP TABLE public.\"T x\""},
      {"CREATE UNLOGGED TABLE a.t (\n);", "DROP TABLE a.t"},
      {"CREATE MATERIALIZED VIEW a.v AS\n SELECT 1\n  WITH NO DATA;", "DROP MATERIALIZED VIEW a.v"},
      {"CREATE SCHEMA app;", "DROP SCHEMA app"},
      {"CREATE UNIQUE INDEX i ON ONLY \"a.b\".t USING btree (x);", "DROP INDEX \"a.b\".i"},
      {"CREATE TRIGGER t AFTER UPDATE OF \"ON\" ON a.t FOR EACH ROW EXECUTE FUNCTION a.f();", "DROP TRIGGER t ON a.t"},
      {"CREATE POLICY p ON a.t USING (true);", "DROP POLICY p ON a.t"},
      {"CREATE RULE r AS\n    ON DELETE TO a.t DO INSTEAD NOTHING;", "DROP RULE r ON a.t"},
      {"COMMENT ON COLUMN a.t.x IS 'what IS it''s';", "COMMENT ON COLUMN a.t.x IS NULL"},
      {"ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k PRIMARY KEY (id);", "ALTER TABLE ONLY a.t DROP CONSTRAINT k"},
      {"ALTER TABLE ONLY a.t ATTACH PARTITION a.p DEFAULT;", "ALTER TABLE a.t DETACH PARTITION a.p"},
      {"ALTER TABLE ONLY a.t ALTER COLUMN id SET DEFAULT 7;", "ALTER TABLE ONLY a.t ALTER COLUMN id DROP DEFAULT"},
      {"ALTER TABLE a.t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME a.s\n);",
       "ALTER TABLE a.t ALTER COLUMN id DROP IDENTITY"},
      {"ALTER TABLE a.t ENABLE ALWAYS TRIGGER x;", "ALTER TABLE a.t ENABLE TRIGGER x"},
      {"ALTER TABLE a.t ENABLE ROW LEVEL SECURITY;", "ALTER TABLE a.t DISABLE ROW LEVEL SECURITY"},
      {"ALTER TABLE ONLY a.t FORCE ROW LEVEL SECURITY;", "ALTER TABLE ONLY a.t NO FORCE ROW LEVEL SECURITY"},
      {"ALTER TABLE ONLY a.t REPLICA IDENTITY FULL;", "ALTER TABLE ONLY a.t REPLICA IDENTITY DEFAULT"},
      {"ALTER SEQUENCE a.s OWNED BY a.t.id;", "ALTER SEQUENCE a.s OWNED BY NONE"},
      {"ALTER INDEX a.i ATTACH PARTITION a.j;", ""},
      {"ALTER TABLE ONLY a.t ALTER COLUMN x SET STORAGE EXTERNAL;", "cannot be undone"},
      {"CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION a.f();", "cannot be undone"},
      {"CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;", "cannot be undone"}};
  for (const auto& [statement, undo] : kCases) EXPECT_EQ(UndoOf(statement), undo) << statement;
}

TEST(SchemaStatementTest, ARoutineIsNamedWithTheTypesOfItsArguments) {
  const auto statements = Read(
      "SET x = 1;\n--\n-- Name: f(integer, text); Type: FUNCTION; Schema: a; Owner: -\n--\n\nCREATE FUNCTION a.f(n "
      "integer "
      "DEFAULT 7, t text) RETURNS integer\n    LANGUAGE sql\n    BEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\n "
      "SELECT "
      "2;\nEND;\n\n\n--\n-- Name: g(); Type: PROCEDURE; Schema: a; Owner: -\n--\n\nCREATE PROCEDURE a.g()\n    "
      "LANGUAGE "
      "sql\n    AS $$ SELECT 1; $$;\n");
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements[0].undo, "DROP FUNCTION a.f(integer, text)");
  EXPECT_TRUE(statements[0].text.ends_with("SELECT 2;\nEND")) << statements[0].text;
  EXPECT_EQ(statements[1].undo, "DROP PROCEDURE a.g()");
}

TEST(SchemaStatementTest, OnlyWhatIsTheSchemaIsRead) {
  const auto statements = Read(
      "SET client_encoding = 'UTF8';\nSELECT pg_catalog.set_config('search_path', '', false);\nCREATE VIEW a.v AS\n "
      "SELECT 1;\nSELECT pg_catalog.lo_create('7');\nCOMMENT ON LARGE OBJECT 7 IS 'x';\n",
      "REFRESH MATERIALIZED VIEW a.m;\nCREATE INDEX i ON a.t USING btree (x);\n");
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements[0].name, "a.v");
  EXPECT_FALSE(statements[0].after_rows);
  EXPECT_EQ(statements[1].on, "a.t");
  EXPECT_TRUE(statements[1].after_rows);
}

TEST(SchemaStatementTest, TablespacesAndAccessMethodsAreNoticed) {
  proto::SchemaVersion schema;
  schema.set_pre_data("SET default_tablespace = '';\nSET default_table_access_method = heap;\n");
  EXPECT_FALSE(HasStoragePlaces(schema));
  schema.set_post_data("SET default_tablespace = fast;\n");
  EXPECT_TRUE(HasStoragePlaces(schema));
}

}  // namespace
}  // namespace rotv::carry
