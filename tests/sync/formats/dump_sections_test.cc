#include "sync/formats/dump_sections.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "storage/error.h"
#include "tests/sync/formats/captured_file.h"

namespace rotv {
namespace {

constexpr std::string_view kComplete = "--\n-- PostgreSQL database dump complete\n--\n\n";

formats::DumpSections SplitCaptured(const std::string& name) {
  return formats::SplitDump(ReadCaptured(name + ".all.sql"), ReadCaptured(name + ".post.sql"));
}

// A dump in the form of pg_dump 18, around `body`.
std::string Dump18(std::string_view body, const std::string& key = "aB3") {
  return "--\n-- PostgreSQL database dump\n--\n\n\\restrict " + key +
         "\n\n-- Dumped from database version 18.1\n-- Dumped by pg_dump version 18.1\n\n"
         "SET statement_timeout = 0;\nSET transaction_timeout = 0;\nSET client_encoding = 'UTF8';\n"
         "SELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\n\n" +
         std::string(body) + std::string(kComplete) + "\\unrestrict " + key + "\n\n";
}

// The same dump in the form of minor versions before August 2025.
std::string DumpWithoutRestrict(std::string_view body) {
  std::string dump = Dump18(body, "K");
  for (std::string_view line : {"\\restrict K\n\n", "\\unrestrict K\n\n"}) dump.erase(dump.find(line), line.size());
  return dump;
}

void ExpectNotSplit(std::string_view all, std::string_view post) {
  try {
    formats::SplitDump(all, post);
    ADD_FAILURE() << "was split";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kProtocol);
  }
}

size_t DropsAt(std::string_view all_body, std::string_view post_body) {
  const std::string pre_data = DumpWithoutRestrict(all_body);
  return formats::FindDrops(Dump18(post_body, "other"), pre_data) - pre_data.find(all_body);
}

TEST(FindDropsTest, TheDropsOfPostDataComeFirst) {
  constexpr std::string_view kPost = "DROP INDEX i;\nALTER TABLE t DROP CONSTRAINT c;\n";
  const std::string all = std::string(kPost) + "DROP VIEW v;\nSET default_tablespace = '';\n\n--\n-- Name: t\n--\n\n";
  EXPECT_EQ(DropsAt(all, std::string(kPost) + "SET default_tablespace = '';\n\n--\n-- Name: c\n--\n\n"), kPost.size());
  EXPECT_EQ(DropsAt(all, std::string(kPost) + "--\n-- Name: c\n--\n\n"), kPost.size());
  EXPECT_EQ(DropsAt(all, "SET default_tablespace = '';\n\n--\n-- Name: c\n--\n\n"), 0u);
  EXPECT_EQ(DropsAt(all, "--\n-- Name: c\n--\n\n"), 0u);
  EXPECT_THROW(DropsAt(all, "DROP INDEX another;\n--\n-- Name: c\n--\n\n"), Error);
}

std::string ObjectOf(std::string_view kind, std::string_view name = "o", std::string_view sql = "SQL;") {
  return fmt::format("--\n-- Name: {}; Type: {}; Schema: public; Owner: -\n--\n\n{}\n\n\n", name, kind, sql);
}

// The bytes from which on `body` is post-data; nothing if that is not known.
std::optional<std::string> PostDataOf(std::string_view body) {
  const auto sections = formats::SplitDumpByKinds(Dump18(body));
  if (!sections) return std::nullopt;
  EXPECT_TRUE(sections->post_data.ends_with(kComplete));
  return sections->post_data.substr(0, sections->post_data.size() - kComplete.size());
}

TEST(SplitDumpByKindsTest, OnlyCommentsOfKnownKindsCount) {
  const std::string table = ObjectOf("TABLE"), key = ObjectOf("CONSTRAINT"), late = ObjectOf("FUNCTION");
  EXPECT_EQ(PostDataOf(table), "");
  EXPECT_EQ(PostDataOf(table + key + late + ObjectOf("A NEW KIND")), key + late + ObjectOf("A NEW KIND"));
  EXPECT_EQ(PostDataOf(table + ObjectOf("A NEW KIND") + key), std::nullopt);
  // What looks like a comment in a body is none.
  const std::string body = ObjectOf("FUNCTION", "f", "AS $$\n\n" + key + "$$;");
  EXPECT_EQ(PostDataOf(body + table + key), key);
  // An owner of tables chooses names.
  for (const char* name : {"a; Type: INDEX; Schema: b", "a; Type: INDEX", "a; Schema: b"}) {
    EXPECT_EQ(PostDataOf(ObjectOf("TABLE", name) + key), std::nullopt) << name;
  }
}

TEST(SplitDumpByKindsTest, SettingsBelongToTheObjectThatTheyAreMadeFor) {
  const std::string table = ObjectOf("TABLE"), key = ObjectOf("INDEX");
  const std::string settings = "SET default_tablespace = '';\n\nSET default_table_access_method = heap;\n\n";
  EXPECT_EQ(PostDataOf(table + settings + key), settings + key);
  EXPECT_EQ(PostDataOf(settings + table + key), key);
  EXPECT_EQ(PostDataOf(settings + key), settings + key);
}

class CapturedDumpTest : public testing::TestWithParam<const char*> {};

TEST_P(CapturedDumpTest, RowsFitBetweenTheSections) {
  formats::DumpSections sections = SplitCaptured(GetParam());
  // pg_dump's full dump ends with the same objects; before them are pre-data and rows.
  formats::DumpSections full = formats::SplitDump(ReadCaptured(std::string(GetParam()) + ".full.sql"),
                                                  ReadCaptured(std::string(GetParam()) + ".post.sql"));
  EXPECT_EQ(full.post_data, sections.post_data);
  ASSERT_TRUE(full.pre_data.starts_with(sections.pre_data));
  std::string rows = full.pre_data.substr(sections.pre_data.size());
  EXPECT_TRUE(rows.empty() || rows.starts_with("--\n-- Data for Name: ")) << rows;
  EXPECT_EQ(formats::CanonicalDump(sections.pre_data + rows + sections.post_data),
            formats::CanonicalDump(ReadCaptured(std::string(GetParam()) + ".full.sql")));
}

// Both ways to split agree, or the one by kinds has no answer.
TEST_P(CapturedDumpTest, KindsShowThePlaceThatTwoRunsShow) {
  formats::DumpSections sections = SplitCaptured(GetParam());
  const auto by_kinds = formats::SplitDumpByKinds(ReadCaptured(std::string(GetParam()) + ".all.sql"));
  ASSERT_TRUE(by_kinds);
  EXPECT_EQ(by_kinds->pre_data, sections.pre_data);
  EXPECT_EQ(by_kinds->post_data, sections.post_data);
}

TEST_P(CapturedDumpTest, SectionsTogetherAreTheDumpWithoutTheRestrictKey) {
  formats::DumpSections sections = SplitCaptured(GetParam());
  std::string all = ReadCaptured(std::string(GetParam()) + ".all.sql");
  size_t restrict = all.find("\\restrict ");
  std::string key_line = all.substr(restrict, all.find('\n', restrict) - restrict) + "\n\n";
  all.erase(restrict, key_line.size());
  all.erase(all.rfind("\\unrestrict "));
  EXPECT_EQ(sections.pre_data + sections.post_data, all);
}

TEST_P(CapturedDumpTest, CanonicalFormIsIdempotent) {
  std::string canonical = formats::CanonicalDump(ReadCaptured(std::string(GetParam()) + ".full.sql"));
  EXPECT_EQ(formats::CanonicalDump(canonical), canonical);
}

TEST_P(CapturedDumpTest, CutDumpIsAProtocolError) {
  std::string all = ReadCaptured(std::string(GetParam()) + ".all.sql");
  std::string post = ReadCaptured(std::string(GetParam()) + ".post.sql");
  // The blank lines at the very end may be missing.
  for (size_t size = 0; size < all.size() - 2; size += 7) ExpectNotSplit(all.substr(0, size), post);
  for (size_t size = 0; size < post.size() - 2; size += 7) ExpectNotSplit(all, post.substr(0, size));
}

INSTANTIATE_TEST_SUITE_P(, CapturedDumpTest,
                         testing::Values("empty", "no_post_data", "only_trigger", "inconvenient", "tablespace"),
                         [](const auto& test) { return test.param; });

TEST(DumpSectionsTest, DatabaseWithoutPostDataKeepsOnlyTheLastComment) {
  EXPECT_EQ(SplitCaptured("no_post_data").post_data, kComplete);
  EXPECT_TRUE(SplitCaptured("no_post_data").pre_data.ends_with("\n    a integer\n);\n\n\n"));
  EXPECT_EQ(SplitCaptured("empty").post_data, kComplete);
  EXPECT_TRUE(SplitCaptured("empty").pre_data.ends_with("\nSET row_security = off;\n\n"));
}

TEST(DumpSectionsTest, SettingOfOnlyThePostDataDumpIsLeftOut) {
  std::string post = ReadCaptured("inconvenient.post.sql");
  ASSERT_THAT(post, ::testing::HasSubstr("SET default_table_access_method"));
  formats::DumpSections sections = SplitCaptured("inconvenient");
  EXPECT_TRUE(sections.post_data.starts_with("--\n-- Name: plain plain_pkey; Type: CONSTRAINT;"));
  EXPECT_THAT(sections.post_data, ::testing::Not(::testing::HasSubstr("SET default_table")));
}

TEST(DumpSectionsTest, SettingThatChangesAfterTheRowsIsKept) {
  EXPECT_TRUE(SplitCaptured("tablespace").post_data.starts_with("SET default_tablespace = '';\n\n--\n-- Name: plain"));
}

TEST(DumpSectionsTest, SettingIsFoundAnywhere) {
  std::string pre =
      "SET default_tablespace = '';\n\nSET default_table_access_method = heap;\n\n--\n-- t\n--\n\nT;\n\n\n";
  std::string check = "--\n-- check\n--\n\nCHECK;\n\n\n";
  std::string key = "--\n-- key\n--\n\nKEY;\n\n\n";
  std::string space = "SET default_tablespace = '';\n\n";
  std::string method = "SET default_table_access_method = heap;\n\n";
  for (const std::string& post : {check + key, space + check + key, check + space + key, check + space + method + key,
                                  space + check + method + key}) {
    formats::DumpSections sections = formats::SplitDump(Dump18(pre + check + key), Dump18(post));
    EXPECT_EQ(sections.post_data, check + key + std::string(kComplete)) << post;
  }
}

TEST(DumpSectionsTest, RestrictLinesOfThePgDumpAreDropped) {
  std::string pre = "--\n-- t\n--\n\nT;\n\n\n";
  formats::DumpSections with = formats::SplitDump(Dump18(pre), Dump18("", "otherKey"));
  formats::DumpSections without = formats::SplitDump(DumpWithoutRestrict(pre), DumpWithoutRestrict(""));
  EXPECT_EQ(with.pre_data, without.pre_data);
  EXPECT_EQ(with.post_data, without.post_data);
  EXPECT_THAT((with.pre_data + with.post_data), ::testing::Not(::testing::HasSubstr("restrict")));
}

TEST(DumpSectionsTest, RestrictLinesBelowTheSettingsAreText) {
  std::string pre = "--\n-- f\n--\n\nAS $$\n\\restrict aB3\n$$;\n\n\n";
  EXPECT_TRUE(formats::SplitDump(DumpWithoutRestrict(pre), DumpWithoutRestrict("")).pre_data.ends_with(pre));
  EXPECT_TRUE(formats::SplitDump(Dump18(pre), Dump18("")).pre_data.ends_with(pre));
}

TEST(DumpSectionsTest, TextOfAFunctionIsKeptWhateverItLooksLike) {
  std::string pre_data = SplitCaptured("inconvenient").pre_data;
  for (std::string_view line : {"\n\\restrict foo\nSET default_tablespace = '''';\n\n\\unrestrict foo\n",
                                "\n-- not a comment\n\n\\restrict abc\nCOPY x FROM stdin;\n"}) {
    EXPECT_THAT(pre_data, ::testing::HasSubstr(line)) << line;
  }
}

TEST(DumpSectionsTest, DumpsThatDisagreeAreAProtocolError) {
  std::string key = "--\n-- key\n--\n\nKEY;\n\n\n";
  ExpectNotSplit(Dump18("--\n-- t\n--\n\nT;\n\n\n" + key), Dump18("--\n-- other\n--\n\nOTHER;\n\n\n" + key));
  ExpectNotSplit(Dump18(key), Dump18("SET something = 1;\n\n" + key));
  ExpectNotSplit(Dump18(""), Dump18(key));
  std::string space = "SET default_tablespace = '';\n\n";
  ExpectNotSplit(Dump18(space + key), Dump18(space + "--\n-- key\n--\n\nKEX;\n\n\n"));
  ExpectNotSplit(Dump18(""), Dump18(space + key));
  ExpectNotSplit("", "");
  ExpectNotSplit(Dump18(key), "pg_dump: error: connection lost");
}

TEST(CanonicalDumpTest, SortsRowsInsideEachBlockOnly) {
  EXPECT_EQ(formats::CanonicalDump("COPY a (x) FROM stdin;\n2\n1\n\xff\nA\n\\.\n\nCOPY b (x) FROM stdin;\n1\n0\n\\.\n"),
            "COPY a (x) FROM stdin;\n1\n2\nA\n\xff\n\\.\nCOPY b (x) FROM stdin;\n0\n1\n\\.\n");
}

TEST(CanonicalDumpTest, KeepsEveryLineOfABlock) {
  EXPECT_EQ(formats::CanonicalDump("COPY a (x) FROM stdin;\n-- row\n\n\\\\restrict x\nit's\n$$\n-- row\n\\.\nNEXT;\n"),
            "COPY a (x) FROM stdin;\n\n$$\n-- row\n-- row\n\\\\restrict x\nit's\n\\.\nNEXT;\n");
}

TEST(CanonicalDumpTest, DropsCommentsBlankAndRestrictLines) {
  EXPECT_EQ(formats::CanonicalDump("--\n-- it's \"one\" $$\n\n\\restrict x\nA;\n\n\n-- b\nB;\n\\unrestrict x\n\n"),
            "A;\nB;\n");
}

TEST(CanonicalDumpTest, KeepsLinesWithinLiteralsAndNames) {
  for (std::string_view text : {
           "COMMENT ON x IS 'it''s\n\n-- kept\n\\restrict kept\nCOPY x FROM stdin;\n2\n1\n\\.\n';\n",
           "DROP TABLE \"a\"\"\n\n-- kept\n\";\n",
           "AS $$\n-- kept\n\n'\n$$;\n",
           "AS $_X1$\n-- kept $$ $_X$ \n\n'\n$_X1$;\n",
           "SELECT E'a\\'\n\n-- kept\n';\n",
           "SELECT 'backslash\\';\nA'\n\n';\n",
       }) {
    EXPECT_EQ(formats::CanonicalDump(text), text);
  }
}

TEST(CanonicalDumpTest, DollarsThatQuoteNothingAreNotQuotes) {
  EXPECT_EQ(formats::CanonicalDump("SELECT $1, $2;\n\nSELECT a$b$, c$$;\n\nB$;\n\n-- c\n"),
            "SELECT $1, $2;\nSELECT a$b$, c$$;\nB$;\n");
}

TEST(CanonicalDumpTest, ParametersAreNotQuotes) {
  EXPECT_EQ(formats::CanonicalDump("SELECT $1$2;\n\nSELECT $1$2;\n"), "SELECT $1$2;\nSELECT $1$2;\n");
}

TEST(CanonicalDumpTest, CommentAfterAStatementHidesItsQuotes) {
  EXPECT_EQ(formats::CanonicalDump("A; -- it's\n\nB;\n"), "A; -- it's\nB;\n");
}

TEST(CanonicalDumpTest, BackslashesEscapeWhereTheDumpSaysSo) {
  std::string_view off = "SET standard_conforming_strings = off;\nSELECT 'a\\'\n\n';\n";
  EXPECT_EQ(formats::CanonicalDump(off), off);
}

TEST(CanonicalDumpTest, NamesWithNewlinesDoNotHideTheirBlock) {
  EXPECT_EQ(formats::CanonicalDump("COPY public.\"we\nird\" (\"a\n\nb\") FROM stdin;\n2\n1\n\\.\n"),
            "COPY public.\"we\nird\" (\"a\n\nb\") FROM stdin;\n1\n2\n\\.\n");
}

TEST(CanonicalDumpTest, BlockOfATableWithoutColumnsKeepsItsEmptyRows) {
  EXPECT_EQ(formats::CanonicalDump("COPY public.no_columns  FROM stdin;\n\n\n\\.\n\n\nA;\n"),
            "COPY public.no_columns  FROM stdin;\n\n\n\\.\nA;\n");
}

TEST(CanonicalDumpTest, TruncatedDumpDiffersFromTheWholeDump) {
  std::string whole = "COPY a (x) FROM stdin;\n1\n\\.\nA;\n";
  EXPECT_NE(formats::CanonicalDump(whole.substr(0, whole.find("\\."))),
            formats::CanonicalDump("COPY a (x) FROM stdin;\n1\n\\.\n"));
  EXPECT_EQ(formats::CanonicalDump("AS $$\nnever ends"), "AS $$\nnever ends\n");
  EXPECT_EQ(formats::CanonicalDump(""), "");
}

TEST(CanonicalDumpTest, FunctionsInACapturedDumpAreKept) {
  std::string canonical = formats::CanonicalDump(ReadCaptured("inconvenient.full.sql"));
  EXPECT_THAT(canonical, ::testing::HasSubstr(
                             "$$\n-- PostgreSQL database dump\n\n-- Dumped from database version 15\nSELECT 'x\n\n"
                             "COPY x FROM stdin;\n2\tb\n1\ta\n\\.\n\\restrict foo\n"));
  EXPECT_THAT(canonical, ::testing::HasSubstr("\n1\t\\N\n10\ttab\\tnewline\\n\\\\.\n2\tb\n\\.\n"));
  EXPECT_THAT(canonical, ::testing::Not(::testing::HasSubstr("\n-- Name:")));
}

TEST(SplitDumpTest, WhatStandsBeforeTheDumpIsDropped) {
  const std::string post = Dump18("POST\n\n");
  const std::string all = Dump18("PRE\n\nPOST\n\n");
  const formats::DumpSections expected = formats::SplitDump(all, post);
  for (const char* noise : {"Welcome\n", "Welcome", "\nSET x = 1;\n", "\\restrict aB3\n", "--\n", "\n\n"}) {
    const formats::DumpSections sections = formats::SplitDump(noise + all, std::string("other ") + noise + post);
    EXPECT_EQ(sections.pre_data, expected.pre_data) << noise;
    EXPECT_EQ(sections.post_data, expected.post_data) << noise;
  }
  ExpectNotSplit("SET x = 1;\n\n" + all.substr(40), post);
}

// With privileges, post-data is no suffix: those of all objects come last.
TEST(SplitDumpByKindsTest, RowsStandAbovePrivileges) {
  const std::string table = ObjectOf("TABLE"), index = ObjectOf("INDEX"),
                    grant = ObjectOf("ACL", "TABLE t", "GRANT …;");
  const std::string defaults = ObjectOf("DEFAULT ACL", "DEFAULT PRIVILEGES FOR TABLES");
  EXPECT_EQ(PostDataOf(table + index + grant + defaults), index + grant + defaults);
  EXPECT_EQ(PostDataOf(table + grant + defaults), grant + defaults);
  // Its name looks like the comment of a privilege.
  EXPECT_EQ(PostDataOf(ObjectOf("VIEW", "v; Type: ACL; Schema: x") + index), std::nullopt);
}

TEST(SplitDumpTest, WhatStandsAfterTheDumpIsDropped) {
  for (const bool restricted : {true, false}) {
    const auto dump = [&](std::string_view body) { return restricted ? Dump18(body) : DumpWithoutRestrict(body); };
    const formats::DumpSections expected = formats::SplitDump(dump("PRE\n\nPOST\n\n"), dump("POST\n\n"));
    for (const char* noise : {"Bye\n", "DROP TABLE t;", "\n\nBye", "--\n"}) {
      const formats::DumpSections sections =
          formats::SplitDump(dump("PRE\n\nPOST\n\n") + noise, dump("POST\n\n") + noise);
      EXPECT_EQ(sections.pre_data, expected.pre_data) << noise;
      EXPECT_EQ(sections.post_data, expected.post_data) << noise;
    }
  }
}

}  // namespace
}  // namespace rotv
