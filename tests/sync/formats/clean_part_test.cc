#include "sync/formats/clean_part.h"

#include <gtest/gtest.h>

#include <string>

namespace rotv::formats {
namespace {

constexpr std::string_view kHeader =
    "--\n-- PostgreSQL database dump\n--\n\n-- Dumped by pg_dump version 15.14\n\nSET statement_timeout = 0;\n"
    "SELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\n\n";

std::string Text(std::string_view clean, std::string_view objects) {
  return std::string(kHeader) + std::string(clean) + std::string(objects);
}

std::string CleanPartOf(const std::string& text) {
  const CleanPart part = FindCleanPart(text);
  return text.substr(part.begin, part.end - part.begin);
}

TEST(CleanPartTest, ItEndsWhereTheFirstObjectBegins) {
  constexpr std::string_view kObject =
      "--\n-- Name: t; Type: TABLE; Schema: public; Owner: -\n--\n\nCREATE TABLE t ();\n";
  for (std::string_view clean :
       {"", "DROP TABLE IF EXISTS public.t;\n",
        "DROP TABLE IF EXISTS public.\"t\n--\n-- Name: x\n;\";\nDROP TYPE IF EXISTS a.b;\n",
        "DROP VIEW IF EXISTS a;\n-- *not* dropping schema, since initdb creates it\n",
        "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = '7';\n"}) {
    EXPECT_EQ(CleanPartOf(Text(clean, kObject)), clean);
    EXPECT_EQ(CleanPartOf(Text(clean, "SET default_tablespace = '';\n\n" + std::string(kObject))), clean);
    EXPECT_EQ(CleanPartOf(Text(clean, "")), clean);
    EXPECT_EQ(WithoutCleanPart(Text(clean, kObject)), Text("", kObject));
  }
  EXPECT_EQ(CleanPartOf("SELECT 1;\n"), "");
}

TEST(CleanPartTest, OnlyStatementsThatNeedObjectsAreRunOnACondition) {
  const std::string text =
      "DROP TRIGGER IF EXISTS t ON a.b;\nALTER TABLE IF EXISTS a.b ALTER COLUMN c DROP DEFAULT;\n"
      "ALTER TABLE IF EXISTS ONLY a.b DROP CONSTRAINT IF EXISTS k;\n"
      "DROP OPERATOR CLASS IF EXISTS a.c USING gist;\nDROP OPERATOR IF EXISTS a.= (a.t, a.t);\n";
  EXPECT_EQ(ImportableCleanPart(text, {"a.other"}), text);
  EXPECT_EQ(ImportableCleanPart("ALTER TABLE IF EXISTS ONLY a.b DROP CONSTRAINT IF EXISTS k;\n", {"a.b"}),
            "DO $rotv_partitioned$BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = "
            "pg_catalog.to_regclass($rotv_name$a.b$rotv_name$) AND (relispartition OR relkind = 'p')) THEN\n"
            "ALTER TABLE IF EXISTS ONLY a.b DROP CONSTRAINT IF EXISTS k;\nEND IF; END$rotv_partitioned$;\n");
}

TEST(CleanPartTest, ANameCannotEndItsBlock) {
  const std::string domain = "ALTER DOMAIN a.\"$rotv_domain$; $rotv_name$\" DROP CONSTRAINT IF EXISTS c;";
  EXPECT_EQ(ImportableCleanPart(domain, {}),
            "DO $rotv_domain_$BEGIN IF pg_catalog.to_regtype($rotv_name_$a.\"$rotv_domain$; $rotv_name$\"$rotv_name_$) "
            "IS NOT NULL THEN\n" +
                domain + "\nEND IF; END$rotv_domain_$;");
}

TEST(CleanPartTest, PartitionedTablesAreFound) {
  const std::set<std::string> tables = PartitionedTables(
      "CREATE TABLE a.p (\n    id integer\n)\nPARTITION BY RANGE (id);\n\nCREATE UNLOGGED TABLE a.u (\n    id "
      "integer\n)\n"
      "PARTITION BY HASH (id);\nCREATE TABLE a.t (\n    v text DEFAULT '\\'\n);\n"
      "ALTER TABLE ONLY a.p ATTACH PARTITION a.\"one; two\" FOR VALUES FROM (0) TO (1);\n"
      "ALTER TABLE ONLY a.t ALTER COLUMN v SET STATISTICS 1;\n",
      true);
  EXPECT_EQ(tables, (std::set<std::string>{"a.p", "a.u", "a.\"one; two\""}));
}

// The form before version 15.
TEST(CleanPartTest, WithoutItTheSchemaPublicIsNotCreated) {
  constexpr std::string_view kPublic =
      "--\n-- Name: public; Type: SCHEMA; Schema: -; Owner: -\n--\n\nCREATE SCHEMA public;\n\n\n"
      "--\n-- Name: SCHEMA public; Type: COMMENT; Schema: -; Owner: -\n--\n\nCOMMENT ON SCHEMA public IS "
      "'a;\n''b';\n\n\n";
  constexpr std::string_view kApp =
      "--\n-- Name: app; Type: SCHEMA; Schema: -; Owner: -\n--\n\nCREATE SCHEMA app;\n\n\n";
  const std::string objects = std::string(kPublic) + std::string(kApp);
  EXPECT_EQ(WithoutCleanPart(Text("DROP SCHEMA IF EXISTS public;\nDROP SCHEMA IF EXISTS app;\n", objects)),
            Text("", kApp));
  EXPECT_EQ(WithoutCleanPart(Text("DROP SCHEMA IF EXISTS app;\n", objects)), Text("", objects));
}

}  // namespace
}  // namespace rotv::formats
