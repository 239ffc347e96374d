#include "cli/launch/facts_note.h"

#include <string>

namespace rotv::launch {
namespace {

using Json = nlohmann::json;

// The texts of the facts under their names in a note.
struct TextField {
  const char* name;
  std::string DatabaseFacts::*field;
};
constexpr TextField kTexts[] = {{"encoding", &DatabaseFacts::encoding},
                                {"locale_provider", &DatabaseFacts::locale_provider},
                                {"collate", &DatabaseFacts::collate},
                                {"ctype", &DatabaseFacts::ctype},
                                {"locale", &DatabaseFacts::locale},
                                {"icu_rules", &DatabaseFacts::icu_rules},
                                {"collation_version", &DatabaseFacts::collation_version},
                                {"lc_monetary", &DatabaseFacts::lc_monetary},
                                {"application_role", &DatabaseFacts::application_role}};

}  // namespace

Json JsonOf(const DatabaseFacts& facts) {
  Json note = {{"server_version", facts.server_version},
               {"roles", facts.roles},
               {"tablespaces", facts.tablespaces},
               {"left_out", facts.left_out},
               {"settings", Json::array()},
               {"collations", Json::array()}};
  for (const TextField& text : kTexts) note[text.name] = facts.*text.field;
  for (const DatabaseSetting& setting : facts.settings) {
    note["settings"].push_back({static_cast<int>(setting.level), setting.role, setting.name, setting.value});
  }
  for (const DatabaseCollation& collation : facts.collations) {
    note["collations"].push_back({collation.schema, collation.name, collation.collate, collation.ctype});
  }
  return note;
}

DatabaseFacts FactsFrom(const Json& note) {
  DatabaseFacts facts;
  if (!note.is_object()) return facts;
  facts.server_version = note.value("server_version", 0);
  for (const TextField& text : kTexts) facts.*text.field = note.value(text.name, "");
  facts.roles = note.value("roles", facts.roles);
  facts.tablespaces = note.value("tablespaces", facts.tablespaces);
  facts.left_out = note.value("left_out", facts.left_out);
  for (const Json& one : note.value("settings", Json::array())) {
    facts.settings.push_back({static_cast<SettingLevel>(one.at(0).get<int>()), one.at(1).get<std::string>(),
                              one.at(2).get<std::string>(), one.at(3).get<std::string>()});
  }
  for (const Json& one : note.value("collations", Json::array())) {
    facts.collations.push_back({one.at(0).get<std::string>(), one.at(1).get<std::string>(),
                                one.at(2).get<std::string>(), one.at(3).get<std::string>()});
  }
  return facts;
}

}  // namespace rotv::launch
