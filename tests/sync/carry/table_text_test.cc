#include "sync/carry/table_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rotv::carry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kItems =
    "CREATE TABLE public.items (\n    id integer NOT NULL,\n    \"Odd, (\" numeric(10,2) DEFAULT 'a, ) '::text,\n"
    "    twice integer GENERATED ALWAYS AS ((id * 2)) STORED,\n    name text COLLATE \"C\" DEFAULT 'x NOT NULL'::text "
    "NOT "
    "NULL,\n    CONSTRAINT c CHECK (((id > 0) AND (name <> ','::text)))\n)\nWITH (fillfactor='70')";

TEST(TableTextTest, ColumnsAndConstraintsAreRead) {
  const std::optional<TableText> table = ReadTableText(kItems, true);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->head, "CREATE TABLE public.items");
  EXPECT_EQ(table->tail, "WITH (fillfactor='70')");
  EXPECT_THAT(table->columns,
              ElementsAre(ColumnText{.name = "id", .type = "integer", .value = "", .generated = "", .not_null = true},
                          ColumnText{.name = "\"Odd, (\"",
                                     .type = "numeric(10,2)",
                                     .value = "'a, ) '::text",
                                     .generated = "",
                                     .not_null = false},
                          ColumnText{.name = "twice",
                                     .type = "integer",
                                     .value = "",
                                     .generated = "GENERATED ALWAYS AS ((id * 2)) STORED",
                                     .not_null = false},
                          ColumnText{.name = "name",
                                     .type = "text COLLATE \"C\"",
                                     .value = "'x NOT NULL'::text",
                                     .generated = "",
                                     .not_null = true}));
  EXPECT_THAT(table->constraints,
              ElementsAre(std::pair("c", "CONSTRAINT c CHECK (((id > 0) AND (name <> ','::text)))")));
  EXPECT_TRUE(ReadTableText("CREATE TABLE public.t (\n)", true)->columns.empty());
  EXPECT_FALSE(ReadTableText("CREATE TABLE public.t (\n    id integer", true));
}

struct Case {
  std::string from, to;
  ColumnFacts facts;
};

std::optional<TableAlteration> Altered(const Case& tables) {
  auto table = [](const std::string& columns) { return *ReadTableText("CREATE TABLE t (\n" + columns + "\n)", true); };
  return AlterTable("t", table(tables.from), table(tables.to), tables.facts, true);
}

TEST(AlterTableTest, NewColumnsHaveTheValuesOfOlderRows) {
  const auto change = Altered({.from = "a integer",
                               .to = "a integer, b text DEFAULT now() NOT NULL, c integer, d text",
                               .facts = {.before = {{"a", "a"}}, .existing = {{"b", "it's"}, {"c", "7"}}}});
  ASSERT_TRUE(change);
  EXPECT_THAT(change->first, IsEmpty());
  EXPECT_THAT(
      change->then,
      ElementsAre("ALTER TABLE t ADD COLUMN b text DEFAULT 'it''s'", "ALTER TABLE t ALTER COLUMN b SET DEFAULT now()",
                  "ALTER TABLE t ADD COLUMN c integer DEFAULT '7'", "ALTER TABLE t ALTER COLUMN c DROP DEFAULT",
                  "ALTER TABLE t ADD COLUMN d text"));
  EXPECT_THAT(change->last, ElementsAre("ALTER TABLE t ALTER COLUMN b SET NOT NULL"));
}

TEST(AlterTableTest, ColumnsAreDroppedRenamedAndChanged) {
  const auto change = Altered({.from = "a integer NOT NULL, b text, c text DEFAULT 'x', CONSTRAINT k CHECK ((a > 0)), "
                                       "CONSTRAINT l CHECK ((a > 1))",
                               .to = "a integer, d text DEFAULT 'y' NOT NULL, CONSTRAINT l CHECK ((a > 2))",
                               .facts = {.before = {{"a", "a"}, {"d", "c"}}, .existing = {}}});
  ASSERT_TRUE(change);
  EXPECT_THAT(change->first, ElementsAre("ALTER TABLE t DROP CONSTRAINT k", "ALTER TABLE t DROP CONSTRAINT l",
                                         "ALTER TABLE t DROP COLUMN b", "ALTER TABLE t ALTER COLUMN a DROP NOT NULL",
                                         "ALTER TABLE t ALTER COLUMN c DROP DEFAULT"));
  EXPECT_THAT(change->then,
              ElementsAre("ALTER TABLE t RENAME COLUMN c TO d", "ALTER TABLE t ALTER COLUMN d SET DEFAULT 'y'"));
  EXPECT_THAT(change->last, ElementsAre("ALTER TABLE t ALTER COLUMN d SET NOT NULL",
                                        "ALTER TABLE t ADD CONSTRAINT l CHECK ((a > 2))"));
}

TEST(AlterTableTest, WhatNeedsANewTableIsNoAlteration) {
  const ColumnFacts kBoth = {.before = {{"a", "a"}, {"b", "b"}}, .existing = {}};
  EXPECT_TRUE(Altered({.from = "a integer, b text", .to = "a integer, b text", .facts = kBoth}));
  EXPECT_FALSE(Altered({.from = "a integer, b text", .to = "b text, a integer", .facts = kBoth})) << "the order";
  EXPECT_FALSE(Altered({.from = "a integer, b text", .to = "a bigint, b text", .facts = kBoth})) << "a type";
  EXPECT_FALSE(
      Altered({.from = "b text", .to = "a integer, b text", .facts = {.before = {{"b", "b"}}, .existing = {}}}))
      << "a column in the middle";
  const TableText table = *ReadTableText("CREATE TABLE t (\n)", true);
  EXPECT_FALSE(AlterTable("t", table, *ReadTableText("CREATE UNLOGGED TABLE t (\n)", true), {}, true));
  EXPECT_FALSE(AlterTable("t", table, *ReadTableText("CREATE TABLE t (\n)\nINHERITS (p)", true), {}, true));
}

}  // namespace
}  // namespace rotv::carry
