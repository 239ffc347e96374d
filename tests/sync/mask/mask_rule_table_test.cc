// Checks each row of the table of masking rules against what its rule does, and against docs/masking.md. A new row
// without the rest fails here.

#include "sync/context/mask_rule_table.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <ostream>
#include <set>
#include <sstream>

#include "storage/error.h"
#include "sync/mask/make_masker.h"
#include "sync/mask/rule_text.h"
#include "sync/mask/stored_mask.h"

namespace rotv {

// Names a row in the output of a test.
void PrintTo(const MaskRuleRow& row, std::ostream* out) { *out << row.name; }

namespace {

using ::testing::HasSubstr;
using By = mask::UniqueUse::By;

constexpr mask::MaskSecret kTableSecret = {1, 2, 3, 4};

// Makes a rule with all of its settings, none at its default.
MaskRule FullRule(const MaskRuleRow& row) {
  MaskRule rule = SuggestedRule(row.kind);
  rule.pattern = "public.t.c";
  for (const MaskSetting& setting : row.settings) {
    std::visit(
        [&](auto member) {
          using Value = std::decay_t<decltype(rule.*member)>;
          if constexpr (std::is_integral_v<Value>) {
            rule.*member = static_cast<Value>(setting.most - 1);
          } else if constexpr (std::is_same_v<Value, std::string>) {
            rule.*member = "it's \"so\"";
          } else if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
            rule.*member = {"a = 1", "b is null"};
          } else {
            rule.*member = {{"$.a", SuggestedRule(MaskKind::kText)}, {"$.b", SuggestedRule(MaskKind::kNull)}};
          }
        },
        setting.member);
  }
  return rule;
}

std::set<std::string> WordsOf(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

// Expected says what a rule must do, independently of the table.
struct Expected {
  std::string types;        // "" for none.
  std::set<By> keeps = {};  // The uses by which what it makes of unique values stays unique.
  bool nulls = false;       // It makes NULLs, which are unique wherever NULLs are not equal.
};
const std::string kTextTypes = "text varchar bpchar citext name";
const std::string kEveryType =
    kTextTypes + " bytea inet cidr uuid int2 int4 int8 numeric float4 float8 date timestamp timestamptz json jsonb " +
    "time interval bool money xml macaddr oid tsvector _text int4range hstore";
const std::map<std::string, Expected> kExpected = {
    {"email", {kTextTypes, {By::kValue, By::kCase, By::kText}}},
    {"name", {kTextTypes, {By::kValue, By::kCase, By::kText}}},
    {"first_name", {kTextTypes, {By::kValue, By::kCase, By::kText}}},
    {"last_name", {kTextTypes, {By::kValue, By::kCase, By::kText}}},
    {"address", {kTextTypes, {By::kValue, By::kCase, By::kText}}},
    {"url", {kTextTypes, {By::kValue, By::kCase, By::kText}}},
    {"phone", {kTextTypes, {By::kValue, By::kCase}}},
    {"text", {kTextTypes, {By::kValue, By::kCase}}},
    {"uuid", {kTextTypes + " uuid", {By::kValue, By::kCase, By::kText}}},
    {"ip", {kTextTypes + " inet cidr", {By::kValue, By::kCase, By::kText}}},
    {"hash", {kTextTypes + " bytea", {By::kValue, By::kCase, By::kText}}},
    {"number", {"int2 int4 int8 numeric float4 float8", {By::kValue, By::kCase}}},
    {"date", {"date timestamp timestamptz", {By::kValue, By::kCase, By::kDay}}},
    {"password", {kTextTypes}},
    {"null", {kEveryType, {}, true}},
    {"constant", {kEveryType}},
    {"json", {"json jsonb"}},
    {"keep", {""}},
    {"drop", {""}},
    {"sample", {""}},
    {"where", {""}},
};

class MaskRuleTableTest : public ::testing::TestWithParam<MaskRuleRow> {
 protected:
  const MaskRuleRow& row_ = GetParam();
  const MaskRule rule_ = FullRule(GetParam());
  Expected expected() const { return kExpected.at(std::string(row_.name)); }
};

INSTANTIATE_TEST_SUITE_P(EachRow, MaskRuleTableTest,
                         ::testing::ValuesIn(MaskRuleTable().begin(), MaskRuleTable().end()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(MaskRuleTableTest, ARowIsFoundByItsKindAndByItsName) {
  EXPECT_EQ(RowOf(row_.kind).name, row_.name);
  ASSERT_NE(RowNamed(row_.name), nullptr);
  EXPECT_EQ(RowNamed(row_.name)->kind, row_.kind);
  EXPECT_EQ(kExpected.count(std::string(row_.name)), 1U) << "say here what the rule is to do";
  EXPECT_FALSE(row_.help.empty());
  EXPECT_LE(row_.help.size(), 80U);
  const MaskRule suggested = SuggestedRule(row_.kind);
  EXPECT_EQ(suggested.kind, row_.kind);
  EXPECT_EQ(suggested.name, row_.name);
}

TEST_P(MaskRuleTableTest, ARuleMasksTheTypesOfItsRowAndRefusesAllOthers) {
  const std::set<std::string> takes = WordsOf(expected().types);
  for (const std::string& type : WordsOf(kEveryType)) {
    SCOPED_TRACE(type);
    bool taken = true;
    try {
      mask::MakeMasker(rule_, {.name = "c", .type = type}, kTableSecret);
    } catch (const Error& error) {
      taken = false;
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      EXPECT_THAT(error.what(), HasSubstr(fmt::format("\"{}\" cannot mask a column of type {}", row_.name, type)));
    }
    EXPECT_EQ(taken, takes.count(type) != 0);
  }
}

TEST_P(MaskRuleTableTest, ARuleIsForUniqueColumnsOnlyWhereWhatItMakesStaysUnique) {
  if (expected().types.empty()) return;
  // Floating point is never unique.
  const std::string type = row_.kind == MaskKind::kNumber ? "int4" : *WordsOf(expected().types).begin();
  for (const By by : {By::kValue, By::kCase, By::kText, By::kDay, By::kUnknown}) {
    for (const bool nulls_equal : {false, true}) {
      SCOPED_TRACE(fmt::format("{} {}", static_cast<int>(by), nulls_equal));
      mask::MaskColumn column{.name = "c", .type = type, .unique = true};
      column.unique_uses.push_back({.by = by, .nulls_equal = nulls_equal, .what = "unique index i"});
      bool taken = true;
      try {
        mask::MakeMasker(rule_, column, kTableSecret);
      } catch (const Error& error) {
        taken = false;
        EXPECT_EQ(error.code(), ErrorCode::kUsage);
      }
      EXPECT_EQ(taken, expected().nulls ? !nulls_equal : expected().keeps.count(by) != 0);
    }
  }
}

TEST_P(MaskRuleTableTest, ARuleIsStoredAndReadBackAsItWas) {
  const MaskRule again = mask::RuleOf(mask::StoredRule(rule_), rule_.pattern);
  EXPECT_EQ(again.kind, rule_.kind);
  EXPECT_EQ(mask::RuleText(again), mask::RuleText(rule_));
  EXPECT_EQ(mask::StoredRule(again).SerializeAsString(), mask::StoredRule(rule_).SerializeAsString());
  for (const MaskSetting& setting : row_.settings) {
    EXPECT_THAT(mask::RuleText(rule_), HasSubstr(fmt::format("{} = ", setting.name)));
    EXPECT_NE(mask::StoredRule(rule_).SerializeAsString(),
              mask::StoredRule({.name = rule_.name, .pattern = {}, .parts = {}}).SerializeAsString());
  }
}

TEST_P(MaskRuleTableTest, ARuleOfADocumentMasksWhatItsRowSays) {
  using InDocuments = MaskRuleRow::InDocuments;
  if (row_.in_documents == InDocuments::kNowhere) return;
  MaskRule json = SuggestedRule(MaskKind::kJson);
  json.pattern = "public.t.c";
  json.paths = {{"$.text", rule_}, {"$.number", rule_}};
  std::string out;
  mask::MakeMasker(json, {.name = "c", .type = "jsonb"}, kTableSecret)
      ->Append(R"({"text": "Anna", "number": 4711, "other": "Anna"})", &out);
  EXPECT_THAT(out, ::testing::Not(HasSubstr(R"("text": "Anna")")));
  EXPECT_THAT(out, ::testing::Not(HasSubstr("4711")));
  EXPECT_THAT(out, HasSubstr(R"("other": "Anna")"));
  const bool is_number =
      out.find("\"number\": \"") == std::string::npos && out.find("\"number\": null") == std::string::npos;
  EXPECT_EQ(is_number, row_.in_documents != InDocuments::kAll) << out;
}

// The rows of the manual's table that have the rule in their first cell are looked at.
TEST_P(MaskRuleTableTest, TheManualNamesTheRuleAndItsSettings) {
  std::ifstream manual(ROTV_SOURCE_DIR "/docs/masking.md");
  std::string found;
  for (std::string line; std::getline(manual, line);) {
    const size_t cell = line.starts_with("| ") ? line.find(" |", 2) : std::string::npos;
    if (cell != std::string::npos && line.substr(0, cell).find(fmt::format("`{}`", row_.name)) != std::string::npos) {
      found += line;
    }
  }
  ASSERT_FALSE(found.empty());
  for (const MaskSetting& setting : row_.settings) EXPECT_THAT(found, HasSubstr(fmt::format("`{}`", setting.name)));
  EXPECT_EQ(found.find("| tables |") != std::string::npos, row_.what != MaskRuleRow::For::kColumns);
}

TEST(MaskRuleNamesTest, NamesAreUniqueAndAnUnknownOneIsNone) {
  const std::vector<std::string> names = MaskRuleNames();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), MaskRuleTable().size());
  EXPECT_EQ(RowNamed("emial"), nullptr);
  EXPECT_EQ(RowNamed(""), nullptr);
}

}  // namespace
}  // namespace rotv
