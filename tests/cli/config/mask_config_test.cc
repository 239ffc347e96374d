// Checks that the config takes of each masking rule what the rule's row in the table says.

#include "cli/config/mask_config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <set>

#include "storage/error.h"
#include "sync/context/mask_rule_table.h"

namespace rotv {

// Names a row in the output of a test.
void PrintTo(const MaskRuleRow& row, std::ostream* out) { *out << row.name; }

namespace {

using ::testing::HasSubstr;

MaskConfig ReadRules(const std::string& text) {
  return config::ReadMaskConfig(
      toml::parse(text), [](const toml::source_region& /*where*/, const std::string& what, const std::string& hint) {
        throw Error(ErrorCode::kUsage, what, hint);
      });
}

std::string ComplaintAbout(const std::string& text) {
  try {
    ReadRules(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// Gives a value that the setting takes.
std::string ValueFor(const MaskSetting& setting) {
  if (std::holds_alternative<std::string MaskRule::*>(setting.member)) return "\"x\"";
  if (std::holds_alternative<std::vector<std::string> MaskRule::*>(setting.member)) return "[\"a = 1\"]";
  if (std::holds_alternative<std::vector<MaskPath> MaskRule::*>(setting.member)) return "{ \"$.a\" = \"null\" }";
  return std::to_string(setting.most);
}

std::string RuleWith(const MaskRuleRow& row, const std::string& without = "", const std::string& and_also = "") {
  std::string text = fmt::format("rule = \"{}\"", row.name);
  for (const MaskSetting& setting : row.settings) {
    if (setting.name != without) text += fmt::format(", {} = {}", setting.name, ValueFor(setting));
  }
  return "{ " + text + and_also + " }";
}

class MaskConfigTest : public ::testing::TestWithParam<MaskRuleRow> {
 protected:
  const MaskRuleRow& row_ = GetParam();
  const bool for_tables_ = GetParam().what == MaskRuleRow::For::kTables;
  const std::string key_ = for_tables_ ? "\"a.b\" = " : "\"a.b.c\" = ";
};

INSTANTIATE_TEST_SUITE_P(EachRow, MaskConfigTest, ::testing::ValuesIn(MaskRuleTable().begin(), MaskRuleTable().end()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(MaskConfigTest, ARuleTakesItsSettings) {
  const MaskConfig config = ReadRules(key_ + RuleWith(row_));
  ASSERT_EQ(config.rules.size(), 1U);
  EXPECT_EQ(config.rules[0].kind, row_.kind);
  EXPECT_EQ(config.rules[0].name, row_.name);
  for (const MaskSetting& setting : row_.settings) {
    std::visit(
        [&](auto member) {
          const auto& value = config.rules[0].*member;
          if constexpr (std::is_integral_v<std::decay_t<decltype(value)>>) {
            EXPECT_EQ(value, setting.most);
          } else {
            EXPECT_FALSE(value.empty());
          }
        },
        setting.member);
  }
}

TEST_P(MaskConfigTest, ARuleTakesNoOtherSettings) {
  std::set<std::string_view> names;
  for (const MaskRuleRow& other : MaskRuleTable()) {
    for (const MaskSetting& setting : other.settings) {
      if (row_.Takes(setting.name) || !names.insert(setting.name).second) continue;
      EXPECT_EQ(ComplaintAbout(key_ + RuleWith(row_, "", fmt::format(", {} = {}", setting.name, ValueFor(setting)))),
                fmt::format("\"{}\" does not take \"{}\"", row_.name, setting.name));
    }
  }
}

TEST_P(MaskConfigTest, ASettingThatIsNeededIsAskedFor) {
  for (const MaskSetting& setting : row_.settings) {
    const std::string told = ComplaintAbout(key_ + RuleWith(row_, std::string(setting.name)));
    EXPECT_EQ(told, setting.required ? fmt::format("\"{}\" needs \"{}\"", row_.name, setting.name) : "");
  }
}

TEST_P(MaskConfigTest, ANumberOutOfRangeIsRefused) {
  for (const MaskSetting& setting : row_.settings) {
    if (setting.most == 0) continue;
    for (const int64_t value : {setting.least - 1, setting.most + 1}) {
      EXPECT_EQ(ComplaintAbout(fmt::format("{}{{ rule = \"{}\", {} = {} }}", key_, row_.name, setting.name, value)),
                fmt::format("\"{}\" is out of range", setting.name));
    }
  }
}

TEST_P(MaskConfigTest, ARuleIsForColumnsOrForTables) {
  const std::string other = ComplaintAbout((for_tables_ ? "\"a.b.c\" = " : "\"a.b\" = ") + RuleWith(row_));
  if (row_.what == MaskRuleRow::For::kBoth) {
    EXPECT_EQ(other, "");
  } else {
    EXPECT_EQ(other, fmt::format("\"{}\" is for {}", row_.name, for_tables_ ? "tables" : "columns"));
  }
}

TEST_P(MaskConfigTest, APartOfADocumentTakesTheRulesThatSaySo) {
  const std::string told =
      ComplaintAbout(fmt::format("\"a.b.c\" = {{ rule = \"json\", paths = {{ \"$.a\" = {} }} }}", RuleWith(row_)));
  const bool nowhere = row_.in_documents == MaskRuleRow::InDocuments::kNowhere;
  EXPECT_EQ(told, nowhere ? fmt::format("\"{}\" is not a rule for a part of a document", row_.name) : "");
}

TEST_P(MaskConfigTest, TheHelpNamesTheRule) {
  EXPECT_THAT(config::MaskRuleList(), HasSubstr(fmt::format("\n{:12}", "  " + std::string(row_.name)).substr(1)));
}

}  // namespace
}  // namespace rotv
