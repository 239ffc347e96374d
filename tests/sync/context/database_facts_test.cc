#include "sync/context/database_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace rotv {
namespace {

std::map<std::string, std::string> Effective(const DatabaseFacts& facts, const std::string& role) {
  std::map<std::string, std::string> settings;
  for (const DatabaseSetting& setting : SettingsOf(facts, role)) settings[setting.name] = setting.value;
  return settings;
}

TEST(DatabaseFactsTest, TheLevelNearestToASessionDecidesAboutASetting) {
  DatabaseFacts facts;
  facts.settings = {{SettingLevel::kRoleInDatabase, "app", "work_mem", "5"},
                    {SettingLevel::kServer, "", "TimeZone", "UTC"},
                    {SettingLevel::kRole, "app", "work_mem", "4"},
                    {SettingLevel::kRole, "other", "work_mem", "9"},
                    {SettingLevel::kDatabase, "", "timezone", "Europe/Berlin"},
                    {SettingLevel::kAll, "", "TIMEZONE", "Asia/Tokyo"},
                    {SettingLevel::kServer, "", "xmlbinary", "hex"}};
  EXPECT_EQ(Effective(facts, "app"), (std::map<std::string, std::string>{
                                         {"work_mem", "5"}, {"timezone", "Europe/Berlin"}, {"xmlbinary", "hex"}}));
  EXPECT_EQ(Effective(facts, "other").at("work_mem"), "9");
  EXPECT_EQ(Effective(facts, "").count("work_mem"), 0U);
}

TEST(DatabaseFactsTest, LocalesThatAnImageNeedsAreWordsOfAShell) {
  DatabaseFacts facts;
  facts.collate = "de_DE.UTF-8";
  facts.ctype = "C.UTF-8";
  facts.lc_monetary = "C";
  facts.settings = {{SettingLevel::kDatabase, "", "lc_time", "fr_FR@euro"},
                    {SettingLevel::kDatabase, "", "LC_NUMERIC", "x; rm -r /"},
                    {SettingLevel::kDatabase, "", "lc_messages", ""},
                    {SettingLevel::kDatabase, "", "search_path", "app"}};
  facts.collations = {{"public", "c", "tr_TR.utf8", "-x"}};
  EXPECT_THAT(NeededLocales(facts), ::testing::ElementsAre("de_DE.UTF-8", "fr_FR@euro", "tr_TR.utf8"));
}

}  // namespace
}  // namespace rotv
