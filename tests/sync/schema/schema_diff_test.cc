#include "sync/schema/schema_diff.h"

#include <gtest/gtest.h>

namespace rotv {
namespace {

using Kind = schema::SchemaChange::Kind;

std::string Object(const std::string& type, const std::string& name, const std::string& body,
                   const std::string& schema = "public") {
  return "--\n-- Name: " + name + "; Type: " + type + "; Schema: " + schema + "; Owner: -\n--\n\n" + body + "\n\n\n";
}

TEST(SchemaDiffTest, ObjectsAreAddedRemovedAndChanged) {
  const std::string same = Object("TABLE", "same", "CREATE TABLE public.same (\n    id integer\n);");
  const std::string before = same + Object("TABLE", "t", "CREATE TABLE public.t (a int);") +
                             Object("VIEW", "v", "CREATE VIEW public.v AS SELECT 1;");
  const std::string after = Object("INDEX", "t_a", "CREATE INDEX t_a ON public.t (a);") + same +
                            Object("TABLE", "t", "CREATE TABLE public.t (a int, b int);");
  const std::vector<schema::SchemaChange> changes = schema::CompareSchemas(before, after);
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].object, "INDEX public.t_a");
  EXPECT_EQ(changes[0].kind, Kind::kAdded);
  EXPECT_EQ(changes[0].after, "CREATE INDEX t_a ON public.t (a);");
  EXPECT_EQ(changes[0].before, "");
  EXPECT_EQ(changes[1].object, "TABLE public.t");
  EXPECT_EQ(changes[1].kind, Kind::kChanged);
  EXPECT_EQ(changes[1].before, "CREATE TABLE public.t (a int);");
  EXPECT_EQ(changes[1].after, "CREATE TABLE public.t (a int, b int);");
  EXPECT_EQ(changes[2].object, "VIEW public.v");
  EXPECT_EQ(changes[2].kind, Kind::kRemoved);
}

TEST(SchemaDiffTest, OrderAndSettingsAreNotChanges) {
  const std::string a = Object("TABLE", "a", "CREATE TABLE public.a ();");
  const std::string b = Object("TABLE", "b", "CREATE TABLE public.b ();");
  const std::string setting = "SET default_tablespace = '';\n\nSET default_table_access_method = heap;\n\n";
  EXPECT_TRUE(schema::CompareSchemas(a + setting + b, setting + b + a).empty());
  EXPECT_TRUE(schema::CompareSchemas(a, a + "--\n-- PostgreSQL database dump complete\n--\n\n").empty());
}

TEST(SchemaDiffTest, ObjectsOfOneNameAreDistinguishedByTheirText) {
  const std::string one = Object("FUNCTION", "f(integer)", "CREATE FUNCTION f1;");
  const std::string two = Object("FUNCTION", "f(integer)", "CREATE FUNCTION f2;");
  const std::vector<schema::SchemaChange> changes = schema::CompareSchemas(one, one + two);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].kind, Kind::kAdded);
  EXPECT_EQ(changes[0].after, "CREATE FUNCTION f2;");
}

TEST(SchemaDiffTest, NamesMayLookLikeComments) {
  const std::string before = Object("TABLE", "a; Type: VIEW; Schema: x; Owner: -", "one", "odd; Type: y");
  const std::string after = Object("TABLE", "a; Type: VIEW; Schema: x; Owner: -", "two", "odd; Type: y");
  const std::vector<schema::SchemaChange> changes = schema::CompareSchemas(before, after);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].kind, Kind::kChanged);
  EXPECT_EQ(schema::CompareSchemas("", Object("SCHEMA", "s", "CREATE SCHEMA s;", "-"))[0].object, "SCHEMA s");
}

}  // namespace
}  // namespace rotv
