#include "cli/launch/twin_variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/launch/facts_note.h"

namespace rotv {
namespace {

DatabaseFacts Facts() {
  DatabaseFacts facts;
  facts.server_version = 150004;
  facts.encoding = "UTF8";
  facts.locale_provider = "libc";
  facts.collate = facts.ctype = "C.UTF-8";
  facts.application_role = "app";
  return facts;
}

TEST(TwinVariablesTest, ThereAreNoneIfNothingIsKnown) { EXPECT_TRUE(launch::TwinVariables({}, {}).empty()); }

TEST(TwinVariablesTest, SettingsAreRowsOfCopy) {
  DatabaseFacts facts = Facts();
  facts.settings = {{SettingLevel::kDatabase, "", "app.odd", "a\\.\tb\nc\r"},
                    {SettingLevel::kRole, "app", "App.Tenant", "42"},
                    {SettingLevel::kRole, "other", "app.tenant", "43"}};
  EXPECT_EQ(launch::TwinVariables(facts, {}).at("ROTV_SETTINGS"), "app.odd\ta\\\\.\\tb\\nc\\r\napp.tenant\t42\n");
  config::AppConfig app;
  app.role = "other";
  app.settings = {{"app.odd", "x"}};
  EXPECT_EQ(launch::TwinVariables(facts, app).at("ROTV_SETTINGS"), "app.tenant\t43\n");
}

TEST(TwinVariablesTest, TheServersSettingsAreLinesOfItsConfiguration) {
  DatabaseFacts facts = Facts();
  facts.settings = {{SettingLevel::kServer, "", "max_prepared_transactions", "7"},
                    {SettingLevel::kServer, "", "track_commit_timestamp", "on'\nfsync = 'off"}};
  config::AppConfig app;
  app.settings = {{"shared_preload_libraries", "it's \\n"}};
  const os::Environment variables = launch::TwinVariables(facts, app);
  EXPECT_EQ(variables.at("ROTV_SERVER_SETTINGS"),
            "shared_preload_libraries = 'it''s \\\\n'\nmax_prepared_transactions = '7'\n");
  EXPECT_EQ(variables.at("ROTV_SETTINGS"), "");
  EXPECT_EQ(launch::TwinVariables({}, app).size(), 1U) << "[app] counts without a known source, too";
}

TEST(TwinVariablesTest, ANoteHasAllFacts) {
  DatabaseFacts facts = Facts();
  facts.settings = {{SettingLevel::kRoleInDatabase, "app", "a", "b"}};
  facts.roles = {"x"};
  facts.collations = {{"s", "n", "c", "t"}};
  facts.left_out = {"z"};
  const auto again = launch::FactsFrom(nlohmann::json::parse(launch::JsonOf(facts).dump()));
  EXPECT_EQ(launch::TwinVariables(again, {}), launch::TwinVariables(facts, {}));
  EXPECT_EQ(again.settings[0].level, SettingLevel::kRoleInDatabase);
  EXPECT_EQ(again.roles, facts.roles);
}

}  // namespace
}  // namespace rotv
