// Tests which columns at the two ends of foreign keys can be masked so that equal values stay equal.

#include "sync/mask/joined_columns.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/support/random/mask_values.h"

namespace rotv {
namespace {

using mask::MaskColumn;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::PlainRule;

const MaskRule kTextRule = PlainRule(MaskKind::kText, "text");
const MaskRule kEmailRule = PlainRule(MaskKind::kEmail, "email");
const MaskRule kNumberRule = PlainRule(MaskKind::kNumber, "number");
const MaskRule kNullRule = PlainRule(MaskKind::kNull, "null");

// Columns of one table, by their numbers from 0 on, and foreign keys between them.
struct Joined {
  std::vector<MaskColumn> columns;
  std::vector<const MaskRule*> rules;
  std::vector<mask::MaskFacts::Reference> references;
  std::vector<std::string> bases = {};

  std::vector<std::string> Join() {
    bases.resize(columns.size());
    return mask::JoinReferences(references, [&](uint32_t /*table*/, int column) {
      const auto i = static_cast<size_t>(column);
      return mask::ReferenceEnd{
          .name = fmt::format("t.c{}", column), .rule = rules[i], .column = &columns[i], .masked_base = bases[i]};
    });
  }
};

mask::MaskFacts::Reference From(int column, int referenced, uint32_t constraint = 1) {
  return {.column = column, .referenced_column = referenced, .constraint = constraint, .name = "the_key"};
}

MaskColumn Of(const std::string& type, int limit = 0) { return {.name = "c", .type = type, .limit = limit}; }

std::vector<std::string> Problems(const MaskColumn& from, const MaskColumn& to, const MaskRule* rule = &kTextRule) {
  return Joined{.columns = {from, to}, .rules = {rule, rule}, .references = {From(0, 1)}}.Join();
}

TEST(JoinedColumnsTest, OnlyColumnsWithOneEqualityAreMaskedAlike) {
  EXPECT_THAT(Problems(Of("varchar", 20), Of("text")), IsEmpty());
  EXPECT_THAT(Problems(Of("int4"), Of("int8"), &kNumberRule), IsEmpty());
  EXPECT_THAT(Problems(Of("bpchar", 5), Of("bpchar", 5)), IsEmpty());
  for (const auto& [from, to] : {std::pair("citext", "text"),
                                 {"bpchar", "text"},
                                 {"text", "bpchar"},
                                 {"int4", "numeric"},
                                 {"date", "timestamp"},
                                 {"timestamp", "timestamptz"},
                                 {"inet", "cidr"}}) {
    EXPECT_THAT(Problems(Of(from), Of(to)),
                ElementsAre(HasSubstr(fmt::format("t.c0 references t.c1: one is {} and the other {}", from, to))));
    EXPECT_THAT(Problems(Of(from), Of(to), &kNullRule), IsEmpty());
  }
  EXPECT_THAT(Problems(Of("bpchar", 5), Of("bpchar", 7)), ElementsAre(HasSubstr("different lengths")));
  MaskColumn exact = Of("numeric");
  exact.precision = 10, exact.scale = 2;
  EXPECT_THAT(Problems(exact, Of("numeric")), ElementsAre(HasSubstr("different lengths")));
  MaskColumn unknown = Of("text");
  unknown.equality_known = false;
  EXPECT_THAT(Problems(unknown, unknown), ElementsAre(HasSubstr("may be equal without being the same")));
}

TEST(JoinedColumnsTest, WhatDecidesTheFormOfAValueReachesEveryEnd) {
  Joined joined{.columns = {Of("varchar", 30), Of("text"), Of("varchar", 40), Of("text")},
                .rules = {&kEmailRule, &kEmailRule, &kEmailRule, &kEmailRule},
                .references = {From(0, 1, 1), From(2, 1, 2)}};
  joined.columns[2].ignores_case = true;
  EXPECT_THAT(joined.Join(), IsEmpty());
  for (const size_t i : {0U, 1U, 2U}) {
    EXPECT_EQ(joined.columns[i].limit, 30);
    EXPECT_TRUE(joined.columns[i].unique && joined.columns[i].ignores_case);
  }
  EXPECT_TRUE(joined.columns[3].limit == 0 && !joined.columns[3].unique && !joined.columns[3].ignores_case);

  Joined numbers{.columns = {Of("int8"), Of("int4"), Of("int2")},
                 .rules = {&kNumberRule, &kNumberRule, &kNumberRule},
                 .references = {From(1, 0, 1), From(2, 1, 2)}};
  EXPECT_THAT(numbers.Join(), IsEmpty());
  EXPECT_EQ(numbers.columns[0].narrowest, "int2");
  EXPECT_EQ(numbers.columns[1].narrowest, "int2");
  EXPECT_EQ(numbers.columns[2].narrowest, "") << "its own type";
}

TEST(JoinedColumnsTest, BothEndsNeedARuleUnlessTheReferenceBecomesNull) {
  Joined joined{.columns = {Of("text"), Of("text")}, .rules = {&kEmailRule, nullptr}, .references = {From(0, 1)}};
  EXPECT_THAT(joined.Join(), ElementsAre(HasSubstr("both need the same rule")));
  joined.rules = {nullptr, &kEmailRule};
  EXPECT_THAT(joined.Join(), ElementsAre(HasSubstr("both need the same rule")));
  joined.rules = {&kNullRule, nullptr};
  EXPECT_THAT(joined.Join(), IsEmpty());
  joined.rules = {&kNullRule, &kEmailRule};
  EXPECT_THAT(joined.Join(), IsEmpty());
  EXPECT_FALSE(joined.columns[1].unique) << "its own uses decide about that";
  joined.rules = {nullptr, nullptr};
  joined.bases = {"t.base", ""};
  EXPECT_THAT(joined.Join(), ElementsAre(HasSubstr("t.c0 is computed from t.base, which is masked")));
}

TEST(JoinedColumnsTest, AKeyThatAnImportDoesNotCheckDemandsNothing) {
  Joined joined{.columns = {Of("text"), Of("citext")}, .rules = {&kEmailRule, nullptr}, .references = {From(0, 1)}};
  joined.references[0].enforced = false;
  EXPECT_THAT(joined.Join(), IsEmpty());
  joined.rules = {&kEmailRule, &kEmailRule};
  EXPECT_THAT(joined.Join(), IsEmpty());
  EXPECT_FALSE(joined.columns[0].unique) << "they cannot agree";
  joined.columns[1] = Of("text");
  EXPECT_THAT(joined.Join(), IsEmpty());
  EXPECT_TRUE(joined.columns[0].unique) << "joins hold where they can";
}

TEST(JoinedColumnsTest, MatchFullTakesNullForAllColumnsOrNone) {
  Joined joined{.columns = {Of("text"), Of("text"), Of("text"), Of("text")},
                .rules = {&kNullRule, nullptr, nullptr, nullptr},
                .references = {From(0, 2), From(1, 3)}};
  EXPECT_THAT(joined.Join(), IsEmpty());
  for (auto& reference : joined.references) reference.match_full = true;
  EXPECT_THAT(joined.Join(),
              ElementsAre(HasSubstr("t.c0: \"null\", but not for t.c1, violates the foreign key the_key")));
  joined.rules[1] = &kNullRule;
  EXPECT_THAT(joined.Join(), IsEmpty());
}

}  // namespace
}  // namespace rotv
