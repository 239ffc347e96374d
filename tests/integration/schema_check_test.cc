#include "sync/schema/schema_check.h"

#include <gmock/gmock.h>

#include <random>

#include "storage/error.h"
#include "sync/formats/dump_sections.h"
#include "tests/support/servers/postgres_server.h"
#include "tests/sync/formats/captured_file.h"

namespace rotv {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

proto::SchemaVersion SchemaOf(const std::string& pre_data, const std::string& post_data = "") {
  proto::SchemaVersion schema;
  schema.set_pre_data(pre_data);
  schema.set_post_data(post_data);
  schema.set_standard_strings(true);
  return schema;
}

// The problem found in it; empty if it is accepted.
std::string ProblemOf(const proto::SchemaVersion& schema) {
  try {
    schema::CheckSchemaTexts(schema);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kProtocol);
    return error.what();
  }
}

class CapturedSchemaTest : public ::testing::TestWithParam<const char*> {};

TEST_P(CapturedSchemaTest, SchemasOfPgDumpAreAccepted) {
  const std::string name = GetParam();
  const formats::DumpSections sections =
      formats::SplitDump(ReadCaptured(name + ".all.sql"), ReadCaptured(name + ".post.sql"));
  EXPECT_EQ(ProblemOf(SchemaOf(sections.pre_data, sections.post_data)), "");
}

INSTANTIATE_TEST_SUITE_P(Captured, CapturedSchemaTest,
                         ::testing::Values("empty", "inconvenient", "no_post_data", "only_trigger", "tablespace"));

TEST(SchemaCheckTest, BackslashesWithinQuotesAreText) {
  for (const std::string& text :
       {R"(SELECT '\! a', "\! b", $$\! c$$, $t$ '\! $$ d $t$, E'\'\! e', U&'\! f';)"s,
        R"(COMMENT ON TABLE "a
\! touch MARK" IS 'b
\! touch MARK';)"s,
        "-- \\! a\n/* \\! b /* \\! c */ \\! */ SELECT 1;\n"s, "CREATE TABLE a$b$ (c int);"s,
        "SELECT 1.5e-7, 1e10, $1, x[1:2], y::text, z[a:b];"s,
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END;"s,
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);"s,
        "SET standard_conforming_strings = on;\nSET client_encoding = 'EUC_JP';\n"s}) {
    EXPECT_EQ(ProblemOf(SchemaOf(text + "\n\n")), "") << text;
  }
  proto::SchemaVersion off = SchemaOf("SET standard_conforming_strings = off;\n", "SELECT '\\'\\! a';\n");
  off.set_standard_strings(false);
  EXPECT_EQ(ProblemOf(off), "");
}

TEST(SchemaCheckTest, PsqlCommandsAndOtherTextAreRefused) {
  struct Case {
    std::string text;
    const char* why;
  };
  const Case cases[] = {
      {"\\! touch MARK\n", "a command for psql"},
      {"SELECT 1; \\! touch MARK\n", "a command for psql"},
      {"SELECT 1 \\! touch MARK\n;", "a command for psql"},
      {"-- Name: a\n\\! touch MARK; Type: TABLE\n", "a command for psql"},
      {"SELECT 1\\; SELECT 2;", "a command for psql"},
      {"SELECT 'it''s' \\gexec\n", "a command for psql"},
      {"SELECT E'a''\\'' \\! '';", "a command for psql"},
      {"SELECT $a$ $b$ $a$ \\! $b$;", "a command for psql"},
      {"SELECT $A$ $a$ $A$ \\! ;", "a command for psql"},
      {"SELECT b'\\' \\! ';", "a command for psql"},
      {"/* /* */ */ \\! a\n", "a command for psql"},
      {"SELECT 1$a$'$a$; \\! touch MARK\n", "two ways"},
      {"SELECT $1$a$'$a$; \\! touch MARK\n", "two ways"},
      {"SELECT 1e$a$'$a$; \\! touch MARK\n", "two ways"},
      {"-- a\r\\! touch MARK\n", "two ways"},
      {"SELECT E'a'\r'b\\'' \\! touch MARK\n", "two ways"},
      {"SELECT 1;\0\n"s, "a zero byte"},
      {"SELECT 'a\0b';\n"s, "a zero byte"},
      {"SELECT $$a\0b$$;\n"s, "a zero byte"},
      {"-- a\0b\nSELECT 1;\n"s, "a zero byte"},
      {"SELECT :LAST_ERROR_MESSAGE;", "two ways"},
      {"SELECT :e'\\' \\! ';", "a command for psql"},
      {"SELECT :a$b$'$b$ \\! ';", "a command for psql"},
      {"SELECT 'a", "ends within quotes"},
      {"SELECT \"a", "ends within quotes"},
      {"SELECT $$a", "ends within quotes"},
      {"SELECT 1; /* a", "ends within quotes"},
      {"SELECT 1", "does not end"},
      {"SELECT (1;", "does not end"},
      {"CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;", "does not end"},
      {"COPY t FROM stdin;\n1\n\\.\n", "no statement of a schema"},
      {"copy t FROM stdin;\n", "no statement of a schema"},
      {"/* */ COPY t FROM stdin;\n", "no statement of a schema"},
      {"Welcome to production!\nSET a = 1;\n", "no statement of a schema"},
      {"DO $$ BEGIN END $$;", "no statement of a schema"},
      {"1\t2\n\\.\n", "no statement of a schema"},
      {"SET standard_conforming_strings = 0;", "unknown setting"},
      {"SET standard_conforming_strings TO off;", "unknown setting"},
      {"SET SESSION client_encoding = 'SJIS';", "unknown setting"},
      {"SET NAMES 'SJIS';", "unknown setting"},
      {"SET \"client_encoding\" = 'SJIS';", "unknown setting"},
      {"SET client_encoding = 'SJIS';", "not an encoding that a database can have"},
      {"SET standard_conforming_strings = off;", "another standard_conforming_strings"},
  };
  for (const Case& each : cases) {
    EXPECT_THAT(ProblemOf(SchemaOf(each.text)), HasSubstr(each.why)) << each.text;
    if (std::string_view(each.why).starts_with("another")) continue;
    EXPECT_THAT(ProblemOf(SchemaOf("SELECT 1;\n", each.text)), HasSubstr(each.why)) << each.text;
  }
}

TEST(SchemaCheckTest, DropsAreInsertedBetweenStatements) {
  proto::SchemaVersion schema = SchemaOf("SELECT 'a;b';\nSELECT 2;\n");
  for (uint64_t at = 0; at <= schema.pre_data().size() + 1; ++at) {
    schema.set_drops_at(at);
    const bool is_between = at == 0 || at == 14 || at == 24;
    EXPECT_EQ(ProblemOf(schema).empty(), is_between) << at;
  }
}

TEST(SchemaCheckTest, NamesAreQuotedOrPlain) {
  for (const char* name :
       {"a", "public.a", "\"A\"", "public.\"a \"\"b\"\"\"", "\"a\n\\.\n\\! touch MARK\".b", "\xc3\xa4.b$1"}) {
    EXPECT_TRUE(schema::IsQuotedName(name)) << name;
  }
  for (const char* name : {"", "a.", ".a", "a b", "a;", "\"a", "\"a\"b", "a\n", "a FROM stdin;\n\\.\n\\! touch MARK",
                           "'a'", "1", "a.\"b", "a--b", "U&\"a\""}) {
    EXPECT_FALSE(schema::IsQuotedName(name)) << name;
  }
  proto::SchemaVersion schema;
  proto::Table* table = schema.add_tables();
  table->set_quoted_name("public.t");
  for (const char* columns : {"", "(a)", "(a, \"b, c\")"}) {
    table->set_copy_columns(columns);
    EXPECT_NO_THROW(schema::CheckSchemaNames(schema)) << columns;
  }
  for (const char* columns : {"()", "(a", "a", "(a,b)", "(a) FROM stdin;\n\\! touch MARK\n", "(a, )"}) {
    table->set_copy_columns(columns);
    EXPECT_THROW(schema::CheckSchemaNames(schema), Error) << columns;
  }
  table->set_copy_columns("(a)");
  table->set_load_through("public.root;");
  EXPECT_THROW(schema::CheckSchemaNames(schema), Error);
  table->clear_load_through();
  schema.add_sequences()->set_quoted_name("a'b");
  EXPECT_THROW(schema::CheckSchemaNames(schema), Error);
}

// psql is the judge: in a random text that is accepted it finds no command, and after the text it begins a new
// statement.
TEST(SchemaCheckTest, PsqlFindsNoCommandInAcceptedText) {
  const std::string pieces[] = {"'",
                                "''",
                                "\"",
                                "E'",
                                "e'",
                                "b'",
                                "U&'",
                                "U&\"",
                                "\\",
                                "\\'",
                                "\n",
                                "\r",
                                "$$",
                                "$a$",
                                "$1",
                                "1",
                                "a",
                                "--",
                                "/*",
                                "*/",
                                ";",
                                "(",
                                ")",
                                "::",
                                ":",
                                " ",
                                "N'",
                                "1e5",
                                ".",
                                "E",
                                "_",
                                "\xc3",
                                "\\\\",
                                "\t",
                                "x[",
                                "-",
                                "/",
                                "CASE ",
                                "END ",
                                "SELECT ",
                                "CREATE FUNCTION f ",
                                "BEGIN ",
                                "SET standard_conforming_strings = off;\n",
                                "\\! touch MARK\n",
                                "'\\! touch MARK\n'",
                                "\n\\! touch MARK\n"};
  testing::PostgresServer server;
  const testing::TempDir directory;
  std::mt19937 random(20);
  int accepted = 0;
  for (int round = 0; round < 400'000 && accepted < 150; ++round) {
    std::string text = random() % 2 == 0 ? "SELECT " : "CREATE FUNCTION f ";
    for (size_t i = 0, count = 2 + random() % 8; i < count; ++i) text += pieces[random() % std::size(pieces)];
    text += random() % 2 == 0 ? ";\n" : "';\n";
    proto::SchemaVersion schema = SchemaOf(text);
    schema.set_standard_strings(text.find("strings = off") == std::string::npos);
    if (text.find_first_of("\\") == std::string::npos || !ProblemOf(schema).empty()) continue;
    ++accepted;
    const std::filesystem::path file = directory / "text.sql";
    testing::WriteFile(file, text + "SELECT 'rea' || 'ched' AS it;\n\\echo end\n");
    const testing::Result result =
        testing::RunCommand({.argv = {server.bin_directory() / "psql", "-XAtq", "-f", file, server.ConnectionString()},
                             .directory = directory.path()});
    ASSERT_FALSE(std::filesystem::exists(directory / "MARK")) << text;
    ASSERT_THAT(result.out, HasSubstr("reached\nend\n")) << text << result.err;
  }
  EXPECT_EQ(accepted, 150);
}

}  // namespace
}  // namespace rotv
