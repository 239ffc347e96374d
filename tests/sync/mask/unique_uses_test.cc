// Tests what an index expression, as the server writes it, does to a column, and what follows for the column's rule.

#include "sync/mask/unique_uses.h"

#include <gtest/gtest.h>

namespace rotv {
namespace {

using By = mask::UniqueUse::By;

TEST(UniqueUsesTest, ExpressionsAreClassifiedByWhatTheyPreserve) {
  const std::pair<const char*, By> expressions[] = {
      {"code", By::kValue},
      {"(code)::text", By::kValue},
      {"md5(code)", By::kValue},
      {"md5((id)::text) || code", By::kText},
      {"lower(code)", By::kCase},
      {"upper((code)::text)", By::kCase},
      {"lower(((code)::character varying)::text)", By::kCase},
      {"lower(code COLLATE \"C\")", By::kCase},
      {"lower((code)::public.citext)", By::kCase},
      {"md5(lower(code))", By::kCase},
      {"replace(lower(code), ' '::text, '-'::text)", By::kText},
      {"lower(btrim(code))", By::kText},
      {"((first || ' '::text) || lower(code))", By::kText},
      {"COALESCE(code, ''::text)", By::kText},
      {"(btrim(code) || other)", By::kText},
      {"(code)::date", By::kDay},
      {"date_trunc('day'::text, code)", By::kDay},
      {"((timezone('UTC'::text, code))::date)", By::kDay},
      // These give fewer letters, other letters, or none.
      {"\"left\"(code, 1)", By::kUnknown},
      {"length(code)", By::kUnknown},
      {"((code)::character varying(3))::text", By::kUnknown},
      {"(code)::character(1)", By::kUnknown},
      {"(code)::name", By::kUnknown},
      {"replace(code, 'a'::text, ''::text)", By::kUnknown},
      {"btrim(code, other)", By::kUnknown},
      {"replace(code, other, ''::text)", By::kUnknown},
      {"split_part(code, '@'::text, 2)", By::kUnknown},
      {"COALESCE(code, 'x'::text)", By::kUnknown},
      {"public.lower(code)", By::kUnknown},
      {"(code || code)", By::kUnknown},
      {"(lower(code) = 'x'::text)", By::kUnknown},
      {"CASE WHEN (code IS NULL) THEN 1 ELSE NULL::integer END", By::kUnknown},
      {"((code)::integer % 10)", By::kUnknown},
      {"(code ->> 'id'::text)", By::kUnknown},
      {"date_trunc('month'::text, code)", By::kUnknown},
      {"timezone('UTC'::text, code)", By::kUnknown},
      {"other", By::kUnknown},
      // Words that equal the column's name only in quotes, or in a literal.
      {"\"Code\"", By::kUnknown},
      {"(other || 'code'::text)", By::kUnknown},
      {"'unterminated", By::kUnknown},
      {"", By::kUnknown},
  };
  for (const auto& [expression, by] : expressions) EXPECT_EQ(mask::UseOf(expression, "code"), by) << expression;
  EXPECT_EQ(mask::UseOf("lower(\"Odd \"\"name\")", "Odd \"name"), By::kCase);
  EXPECT_EQ(mask::UseOf("lower(\"lower\")", "lower"), By::kUnknown)
      << "no attempt is made to find out which of them is the column";
}

mask::MaskFacts FactsOf(const std::vector<std::string>& columns) {
  mask::MaskFacts facts;
  int number = 0;
  for (const std::string& name : columns) facts.tables[1].columns[++number] = {.name = name, .type = "text"};
  return facts;
}

TEST(UniqueUsesTest, UsesOfAGeneratedColumnCountForItsInputs) {
  mask::MaskFacts facts = FactsOf({"a", "low", "b"});
  const mask::UniqueKey key{
      .table = 1, .index = "i", .kind = mask::UniqueKey::Kind::kColumn, .text = "low", .columns = {2}};
  mask::AddUniqueUses({key}, {{.table = 1, .column = 2, .text = "lower(a)", .columns = {1}}}, mask::Lowering::kUnicode,
                      &facts);
  const auto& columns = facts.tables[1].columns;
  ASSERT_EQ(columns.at(1).unique_uses.size(), 1U);
  EXPECT_EQ(columns.at(1).unique_uses[0].by, By::kCase);
  EXPECT_TRUE(columns.at(1).unique && columns.at(1).ignores_case);
  EXPECT_FALSE(columns.at(3).unique);
  // Where the effect of lower() is unknown, a rule that keeps the form of texts is not enough.
  facts = FactsOf({"a", "low"});
  mask::AddUniqueUses({key}, {{.table = 1, .column = 2, .text = "lower(a)", .columns = {1}}}, mask::Lowering::kUnknown,
                      &facts);
  EXPECT_EQ(facts.tables[1].columns.at(1).unique_uses[0].by, By::kText);
}

TEST(UniqueUsesTest, LocalesAreKnownByTheirEffectOnCase) {
  for (const char* locale : {"tr", "tr-TR", "tr_TR.utf8", "az-Latn", "lt-x-icu"}) {
    EXPECT_TRUE(mask::HasOwnCase(locale)) << locale;
  }
  for (const char* locale : {"", "C", "und", "de_DE.utf8", "trv"}) EXPECT_FALSE(mask::HasOwnCase(locale)) << locale;
  EXPECT_EQ(mask::UseOf("lower((code COLLATE \"tr-x-icu\"))", "code"), By::kText);
  EXPECT_EQ(mask::UseOf("lower((code COLLATE public.mine))", "code"), By::kText);
  for (const char* locale : {"und-u-ks-level2", "-u-ks-level2", "en-US-u-ks-level2"}) {
    EXPECT_EQ(mask::OnlyIgnoresCase(locale), true) << locale;
  }
  for (const char* locale :
       {"und-u-ks-level1", "und-u-ka-shifted-ks-level2", "und-u-kn-ks-level2", "da-u-ks-level2", ""}) {
    EXPECT_FALSE(mask::OnlyIgnoresCase(locale)) << locale;
  }
}

}  // namespace
}  // namespace rotv
