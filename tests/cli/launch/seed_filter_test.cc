// Tests entrypoint/seed_filter.awk by itself: what it passes on, what it leaves out, and what it refuses.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kHeader = "--\n-- PostgreSQL database dump\n--\n\n";
constexpr int kRefused = 3;

class SeedFilterTest : public ::testing::Test {
 protected:
  Result Filter(const std::string& seed, const std::string& mode = "import", const std::string& trust = "no") {
    std::filesystem::remove(directory_ / "left_out");
    return RunCommand({.argv = {"awk", "-f", std::string(ROTV_SOURCE_DIR) + "/entrypoint/seed_filter.awk"},
                       .env = {{"LC_ALL", "C"},
                               {"FILTER_MODE", mode},
                               {"FILTER_TRUST", trust},
                               {"FILTER_LANGUAGES", "sql\nplpgsql"},
                               {"FILTER_LEFT_OUT", directory_ / "left_out"},
                               {"FILTER_REFUSED", directory_ / "refused"},
                               {"FILTER_SERVER", "15"},
                               {"FILTER_TABLESPACES", "pg_default\nfast \"disk"},
                               {"FILTER_COLLATIONS", "public\todd \"one\npublic\tgerman"},
                               {"FILTER_SKIPPING", skipping_},
                               {"FILTER_BLOCKS", directory_ / "blocks"},
                               {"FILTER_STATEMENTS", statements_},
                               {"FILTER_MOST", "100"}},
                       .stdin_text = seed});
  }
  std::string Passed(const std::string& seed, const std::string& trust = "no") {
    Result result = Filter(seed, "import", trust);
    EXPECT_EQ(result.exit_status, 0) << seed << result.err;
    return result.out;
  }
  std::string LeftOut() const {
    return std::filesystem::exists(directory_ / "left_out") ? ReadFile(directory_ / "left_out") : "";
  }

  TempDir directory_;
  std::string skipping_;
  std::string statements_;
};

TEST_F(SeedFilterTest, AnOutlineHasAllButTheRows) {
  // The text of a function is no COPY, and rows may look like statements.
  const std::string before = "CREATE FUNCTION f() AS '\nCOPY t FROM stdin;\n';\n";
  const std::string copy = "COPY public.t (a) FROM stdin;\n";
  const std::string rows = "1\nCOPY public.u (a) FROM stdin;\n-- x\n\\.\n";
  const Result result = Filter(before + copy + rows + "SET x = 1;\n", "outline");
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(result.out, before + copy + "\\.\nSET x = 1;\n");
  const size_t at = before.size();
  const size_t rows_at = at + copy.size();
  EXPECT_EQ(ReadFile(directory_ / "blocks"), fmt::format("{} {} {} 4 8\n", at, rows_at, rows_at + rows.size()));
  EXPECT_EQ(Filter("SELECT 1;\n\\! x\n", "outline").exit_status, kRefused);
  EXPECT_EQ(Filter("SELECT '" + std::string(100, 'x') + "';\n", "outline").exit_status, 4);
}

TEST_F(SeedFilterTest, StatementsAreNotedWithoutTheirLiterals) {
  statements_ = directory_ / "statements";
  Passed("-- x\nCREATE EVENT TRIGGER e\n   ON ddl_command_end EXECUTE FUNCTION f();\nSELECT 'a;\nb', \"t\tc\";\n");
  EXPECT_EQ(ReadFile(statements_),
            "2\t3\tout\tCREATE EVENT TRIGGER e\\n   ON ddl_command_end EXECUTE FUNCTION f();\n"
            "4\t5\t\tSELECT '', \"t\\tc\";\n");
}

TEST_F(SeedFilterTest, StatementsAreFittedToTheServer) {
  EXPECT_EQ(Passed("SET transaction_timeout = 0;\nSET lock_timeout = 0;\n"), "\nSET lock_timeout = 0;\n");
  EXPECT_EQ(Passed("SET default_tablespace = slow;\nCREATE TABLE t (a int);\nSET default_tablespace = '';\n"),
            "SET default_tablespace = '';\nCREATE TABLE t (a int);\nSET default_tablespace = '';\n");
  for (const char* same : {"SET default_tablespace = \"fast \"\"disk\";\n", "SET default_tablespace = pg_default;\n",
                           "CREATE COLLATION public.other (provider = libc, locale = 'de_DE.UTF-8');\n",
                           "CREATE COLLATION app.german (provider = libc, locale = 'de_DE.UTF-8');\n"}) {
    EXPECT_EQ(Passed(same), same);
  }
  EXPECT_EQ(Passed("CREATE COLLATION public.german (provider = libc, locale = 'de_DE.UTF-8');\n"),
            "CREATE COLLATION public.german FROM pg_catalog.\"C\";\n");
  EXPECT_EQ(Passed("CREATE COLLATION public.\"odd \"\"one\" (provider = libc, locale = 'de_DE.UTF-8');\n"),
            "CREATE COLLATION public.\"odd \"\"one\" FROM pg_catalog.\"C\";\n");
}

TEST_F(SeedFilterTest, RowsOfASkippedExtensionGoWithIt) {
  const std::string mine =
      "CREATE TABLE public.t (\n    a integer\n);\nCREATE SEQUENCE public.\"S's\"\n    START WITH 1;\n"
      "ALTER TABLE public.t ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME public.t_a_seq\n);\n"
      "COPY public.t (a) FROM stdin;\n1\n\\.\n"
      "SELECT pg_catalog.setval('public.\"S''s\"', 1, false);\nSELECT pg_catalog.setval('public.t_a_seq', 1, false);\n";
  const std::string of_extension =
      "COPY cron.job (a) FROM stdin;\n1\n\\! x\n\\.\nSELECT pg_catalog.setval('cron.jobid_seq', 1, false);\n";
  EXPECT_EQ(Passed(mine + of_extension), mine + of_extension);
  skipping_ = "yes";
  EXPECT_EQ(Passed(mine + of_extension), mine + std::string(5, '\n'));
}

TEST_F(SeedFilterTest, StatementsOfAnOwnerArePassedOn) {
  for (const std::string& text : std::vector<std::string>{
           "SELECT 1;\n", "CREATE TABLE t (a int); -- and a remark; with \\! in it\n",
           "/* a /* nested */ \\! one; */ SELECT 1;\n",
           "CREATE FUNCTION f() RETURNS int\n    LANGUAGE sql\n    AS $_$SELECT 1; -- $$ ' \\! \n$_$;\n",
           "CREATE FUNCTION f() RETURNS int\n    LANGUAGE sql\n    BEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\n "
           "SELECT "
           "2;\nEND;\n",
           "CREATE FUNCTION f(\"END\" int) RETURNS int\n    LANGUAGE plpgsql\n    AS '\nBEGIN\n\nRETURN ''1;'';\n';\n",
           "SELECT E'a\\'b;\n\\! c';\n", "SELECT 'it''s; $$';\n", "SELECT \"a\"\";\n\\! b\";\n",
           "CREATE RULE r AS ON INSERT TO t DO ( SELECT 1;\n SELECT 2;\n);\n",
           "COPY public.t (a) FROM stdin;\n\\\\! x\n\\N\n--\n\n\\.\n\nSELECT 1;\n",
           "\\restrict abcDEF123\n\nSELECT 1;\n\n\\unrestrict abcDEF123\n",
           "SELECT pg_catalog.lowrite(0, '\\x0a0b');\n", "CREATE TYPE public.mood AS ENUM (\n    'a'\n);\n",
           "CREATE TYPE public.pair AS (\n\ta integer\n);\n",
           "CREATE EVENT TRIGGER\n",  // Ends within a statement; the server reports that.
       }) {
    EXPECT_EQ(Passed(kHeader + text), kHeader + text);
  }
}

// The seed has as many lines as before.
TEST_F(SeedFilterTest, StatementsOfASuperuserAreListedAndLeftOut) {
  struct Case {
    const char* text;
    const char* name;
  };
  for (const Case& one : std::vector<Case>{
           {"CREATE EVENT TRIGGER e ON ddl_command_end\n   EXECUTE FUNCTION public.f();\n", "EVENT TRIGGER e"},
           {"CREATE FUNCTION public.f(a integer DEFAULT length(') LANGUAGE sql'::text)) RETURNS integer\n    LANGUAGE "
            "c "
            "STRICT\n    AS '$libdir/x', 'f';\n",
            "FUNCTION public.f"},
           {"CREATE FUNCTION public.\"a \"\"b\"() RETURNS integer\n    LANGUAGE internal\n    AS 'x';\n",
            "FUNCTION public.\"a \"\"b\""},
           {"CREATE PROCEDURE p()\n    LANGUAGE plpython3u\n    AS $$import os$$;\n", "PROCEDURE p"},
           {"CREATE FUNCTION f() RETURNS int\n    LANGUAGE sql LEAKPROOF\n    AS 'SELECT 1';\n", "FUNCTION f"},
           {"CREATE TRUSTED PROCEDURAL LANGUAGE l HANDLER public.h;\n", "LANGUAGE l"},
           {"CREATE FOREIGN DATA WRAPPER w;\n", "FOREIGN DATA WRAPPER w"},
           {"CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (\n    host 'x;'\n);\n", "SERVER s"},
           {"CREATE USER MAPPING FOR u SERVER s OPTIONS (\n    password 'x'\n);\n", "USER MAPPING FOR u SERVER s"},
           {"CREATE FOREIGN TABLE public.t (\n    a integer\n)\nSERVER s;\n", "FOREIGN TABLE public.t"},
           {"CREATE TYPE public.box3;\n", "TYPE public.box3"},
           {"CREATE TYPE public.box3 (\n    INPUT = f\n);\n", "TYPE public.box3"},
           {"CREATE CAST (text AS public.x) WITHOUT FUNCTION AS IMPLICIT;\n", "CAST (text AS public.x)"},
           {"CREATE OPERATOR FAMILY public.o USING btree;\n", "OPERATOR FAMILY public.o"},
           {"CREATE OPERATOR CLASS public.o\n    FOR TYPE x USING hash;\n", "OPERATOR CLASS public.o"},
           {"CREATE TEXT SEARCH TEMPLATE public.t (\n    LEXIZE = x );\n", "TEXT SEARCH TEMPLATE public.t"},
           {"CREATE TEXT SEARCH PARSER public.t (\n    START = x );\n", "TEXT SEARCH PARSER public.t"},
           {"CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;\n", "ACCESS METHOD heap2"},
           {"CREATE TRANSFORM FOR int LANGUAGE l (FROM SQL WITH FUNCTION f(internal));\n",
            "TRANSFORM FOR int LANGUAGE l"},
           {"CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p;\n", "SUBSCRIPTION s"},
           {"CREATE PUBLICATION p FOR ALL TABLES WITH (publish = 'insert');\n", "PUBLICATION p"},
       }) {
    const std::string text = one.text;
    const std::string empty(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')), '\n');
    EXPECT_EQ(Passed(kHeader + text), kHeader + empty) << text;
    EXPECT_EQ(LeftOut(), std::string(one.name) + "\n") << text;
    EXPECT_EQ(Passed(kHeader + text, "yes"), kHeader + text);
    EXPECT_EQ(LeftOut(), "") << text;
  }
}

TEST_F(SeedFilterTest, DependentsOfOmittedObjectsAreLeftOutToo) {
  const std::string text =
      "--\n-- Name: f(); Type: FUNCTION\n--\n\nCREATE FUNCTION public.f() RETURNS trigger\n    LANGUAGE c\n    AS "
      "'x';\n\n\n"
      "SET default_tablespace = '';\n\n"
      "--\n-- Name: FUNCTION f(); Type: COMMENT\n--\n\nCOMMENT ON FUNCTION public.f() IS 'x';\n\n"
      "--\n-- Name: far; Type: FOREIGN TABLE\n--\n\nCREATE FOREIGN TABLE public.far (\n    a int\n)\nSERVER s;\n\n"
      "--\n-- Name: far; Type: TABLE ATTACH\n--\n\n"
      "ALTER TABLE ONLY public.near ATTACH PARTITION public.far FOR VALUES FROM (1) TO (2);\n\n"
      "--\n-- Name: COLUMN far.a; Type: COMMENT\n--\n\nCOMMENT ON COLUMN public.far.a IS 'x';\n\n"
      "--\n-- Name: e; Type: EVENT TRIGGER\n--\n\nCREATE EVENT TRIGGER e ON login EXECUTE FUNCTION g();\n\n"
      "ALTER EVENT TRIGGER e DISABLE;\n\n"
      "--\n-- Name: a t; Type: TRIGGER\n--\n\nCREATE TRIGGER t BEFORE INSERT ON a EXECUTE FUNCTION public.f();\n\n"
      "--\n-- Name: a u; Type: TRIGGER\n--\n\nCREATE TRIGGER u BEFORE INSERT ON a EXECUTE FUNCTION public.f_2();\n";
  std::string passed = Passed(kHeader + text);
  EXPECT_EQ(LeftOut(), "FUNCTION public.f\nFOREIGN TABLE public.far\nEVENT TRIGGER e\nTRIGGER t\n");
  EXPECT_EQ(std::count(passed.begin(), passed.end(), ';') - 8, 2) << "but in the comments: " << passed;
  EXPECT_THAT(passed, HasSubstr("SET default_tablespace = '';"));
  EXPECT_THAT(passed, HasSubstr("CREATE TRIGGER u"));
}

TEST_F(SeedFilterTest, DropsOfMissingObjectsAreLeftOut) {
  const std::string text =
      "SET lock_timeout = 0;\n\nDROP VIEW IF EXISTS v;\nALTER TABLE IF EXISTS ONLY t DROP CONSTRAINT c;\n"
      "CREATE OR REPLACE VIEW a.v AS\nSELECT\n    NULL::a.type AS a;\n"
      "DO $rotv_domain$BEGIN IF a.b IS NOT NULL THEN\nALTER DOMAIN a.b DROP CONSTRAINT c;\nEND IF; END$rotv_domain$;\n"
      "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = '7';\n"
      "--\n-- Name: public; Type: SCHEMA\n--\n\nCREATE SCHEMA public;\n\n\nALTER TABLE t ADD x int;\n";
  EXPECT_EQ(Passed(kHeader + text),
            kHeader + std::string("SET lock_timeout = 0;\n\n\n\n\n\n\n\n\n\n\n--\n-- Name: public; Type: SCHEMA\n"
                                  "--\n\nCREATE SCHEMA IF NOT EXISTS public;\n\n\n"
                                  "ALTER TABLE t ADD x int;\n"));
}

TEST_F(SeedFilterTest, ALiteralMeansTheSameUnderEverySetting) {
  EXPECT_EQ(Passed("SELECT 'a\\'';\n\\! b\\\\c';\n"), "SELECT  E'a\\\\'';\n\\\\! b\\\\\\\\c';\n");
  EXPECT_EQ(Passed("SET standard_conforming_strings = off;\nSELECT 'a\\'; \\! b\n';\n"),
            "SET standard_conforming_strings = off;\nSELECT  E'a\\'; \\! b\n';\n");
}

TEST_F(SeedFilterTest, NoPsqlCommandIsPassedOn) {
  for (const std::string& text : std::vector<std::string>{
           "\\! touch x\n",
           "SELECT 1 \\! touch x\n",
           "SELECT 1; \\! touch x\n",
           "SELECT 1 \\g |sh\n",
           "\\restrict x y\n",
           "COPY t (a) FROM stdin;\n1\n\\.\n\\! touch x\n",
           "COPY t (a) FROM stdin;\n1\n\\.\r\n\\! touch x\n",
           "COPY t (a) FROM stdin; SELECT 1;\n",
           "SELECT 1; COPY t (a) FROM stdin;\n\\! touch x\n",
           "copy t from stdin;\n\\! touch x\n",
           " /* x */ COPY t FROM STDIN\n;\n\\! touch x\n",
           "COPY (SELECT 1) TO PROGRAM 'x';\n",
           "SELECT E'a'\n'\\'; \\! touch x';\n",
           "SELECT U&'a\\';\n",
           "SELECT a$$b; $$;\n\\! touch x\n",
           "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\n SELECT 1end;\nCOPY t (a) FROM stdin;\n\\! touch x\n\\.\n",
           "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\n SELECT end$x;\nCOPY t (a) FROM stdin;\n\\! touch x\n\\.\n",
           "create /* x */ or\r\n replace\nFunction f() RETURNS int Begin ATOMIC\n SELECT 1;\nCOPY t (a) FROM "
           "stdin;\n\\! x\n",
           "SELECT $1$a$1$ \\! touch x\n",
           "SELECT E'\\\\' \\! touch x\n",
           "/* /* */ */ \\! touch x\n",
           "SET client_encoding = 'SJIS';\n",
           "SET standard_conforming_strings = 'of' 'f';\n",
       }) {
    Result result = Filter(kHeader + text);
    EXPECT_EQ(result.exit_status, kRefused) << text << result.out;
    EXPECT_THAT(ReadFile(directory_ / "refused"), HasSubstr("line ")) << text;
  }
}

TEST_F(SeedFilterTest, ThePlanListsExtensionsAndTheirComments) {
  const std::string text =
      "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA \"a\"\"\tb\";\n"
      "COMMENT ON EXTENSION \"uuid-ossp\" IS 'it''s\\.\n\\.\ntwo';\n"
      "CREATE FUNCTION f() RETURNS int\n    LANGUAGE sql\n    AS $$\nCREATE EXTENSION evil;\n$$;\n"
      "COPY t (a) FROM stdin;\n\\.\nCREATE EXTENSION late;\n";
  EXPECT_EQ(Filter(kHeader + text, "plan").out,
            "1\textension\tuuid-ossp\ta\"\\tb\n2\tcomment\tuuid-ossp\tit's\\\\.\\n\\\\.\\ntwo\n");
}

}  // namespace
}  // namespace rotv::testing
