#include "sync/schema/stored_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace rotv {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

proto::SchemaVersion Stored() {
  proto::SchemaVersion schema;
  proto::DatabaseFacts& facts = *schema.mutable_database();
  facts.set_server_version(150004);
  facts.set_encoding("UTF8");
  facts.set_locale_provider("i");
  facts.set_collate("C.UTF-8");
  facts.set_ctype("C.UTF-8");
  facts.set_locale("de-DE");
  return schema;
}

void AddSetting(const std::string& name, const std::string& value, proto::SchemaVersion* schema,
                proto::SettingLevel level = proto::SETTING_OF_DATABASE) {
  proto::DatabaseSetting* setting = schema->mutable_database()->add_settings();
  setting->set_level(level);
  setting->set_role("app");
  setting->set_name(name);
  setting->set_value(value);
}

TEST(StoredFactsTest, AreKnownAsTheyWereRead) {
  proto::SchemaVersion schema = Stored();
  AddSetting("app.tenant", "line\nline", &schema);
  AddSetting("work_mem", "1", &schema, proto::SETTING_OF_ROLE);
  schema.mutable_database()->add_roles("Odd, one");
  schema.mutable_database()->add_tablespaces("fast");
  const DatabaseFacts facts = schema::FactsOf(schema);
  EXPECT_EQ(facts.major(), 15);
  EXPECT_EQ(facts.locale_provider, "icu");
  EXPECT_EQ(facts.locale, "de-DE");
  ASSERT_EQ(facts.settings.size(), 2U);
  EXPECT_EQ(facts.settings[0].value, "line\nline");
  EXPECT_EQ(facts.settings[0].role, "") << "a setting of the database is every role's";
  EXPECT_EQ(facts.settings[1].role, "app");
  EXPECT_EQ(facts.settings[1].level, SettingLevel::kRole);
  EXPECT_THAT(facts.roles, ElementsAre("Odd, one"));
  EXPECT_THAT(facts.tablespaces, ElementsAre("fast"));
  EXPECT_THAT(facts.left_out, IsEmpty());
}

TEST(StoredFactsTest, NothingIsKnownOfAStoreOfAnOlderProgramOrOfNonsense) {
  EXPECT_EQ(schema::FactsOf({}).server_version, 0);
  for (const auto& change : std::initializer_list<void (*)(proto::DatabaseFacts&)>{
           [](proto::DatabaseFacts& facts) { facts.set_encoding("UTF8' --"); },
           [](proto::DatabaseFacts& facts) { facts.set_locale_provider("x"); },
           [](proto::DatabaseFacts& facts) { facts.set_server_version(4'000'000'000U); },
           [](proto::DatabaseFacts& facts) { facts.set_collate("a\nb"); },
           [](proto::DatabaseFacts& facts) { facts.set_locale(std::string("a\0b", 3)); },
           [](proto::DatabaseFacts& facts) { facts.set_ctype(""); }}) {
    proto::SchemaVersion schema = Stored();
    change(*schema.mutable_database());
    const DatabaseFacts facts = schema::FactsOf(schema);
    EXPECT_EQ(facts.server_version, 0);
    EXPECT_EQ(facts.encoding, "");
  }
}

TEST(StoredFactsTest, TextsThatNoVariableCanHoldAreLeftOutAndNamed) {
  proto::SchemaVersion schema = Stored();
  AddSetting("a.zero", std::string("x\0y", 3), &schema);
  AddSetting("a.bytes", "\xff", &schema);
  AddSetting("a.long", std::string(9000, 'x'), &schema);
  AddSetting("a.good", "ü", &schema);
  AddSetting("a\nb", "x", &schema);
  AddSetting("a.level", "x", &schema, proto::SETTING_LEVEL_UNSPECIFIED);
  schema.mutable_database()->add_roles("a\nb");
  schema.mutable_database()->add_roles(std::string(300, 'x'));
  const DatabaseFacts facts = schema::FactsOf(schema);
  ASSERT_EQ(facts.settings.size(), 1U);
  EXPECT_EQ(facts.settings[0].name, "a.good");
  EXPECT_THAT(facts.left_out, ElementsAre("a.zero", "a.bytes", "a.long"));
  EXPECT_THAT(facts.roles, IsEmpty());

  // All of it together fits into an environment.
  for (int i = 0; i < 100; ++i) AddSetting("b." + std::to_string(i), std::string(8000, 'x'), &schema);
  size_t bytes = 0;
  for (const DatabaseSetting& setting : schema::FactsOf(schema).settings) bytes += setting.value.size();
  EXPECT_LE(bytes, size_t{48} * 1024);

  // In another encoding than UTF-8 only ASCII is.
  schema.mutable_database()->set_encoding("LATIN1");
  for (const DatabaseSetting& setting : schema::FactsOf(schema).settings) EXPECT_NE(setting.name, "a.good");
}

}  // namespace
}  // namespace rotv
