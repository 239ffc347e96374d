#include "sync/context/database_facts.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace rotv {
namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

bool IsLocaleName(std::string_view name) {
  constexpr std::string_view kOther = "_.@-";
  return !name.empty() && name.front() != '-' && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOther.find(c) != std::string_view::npos;
  });
}

bool IsEverywhere(std::string_view locale) { return locale == "C" || locale == "POSIX" || locale.starts_with("C."); }

}  // namespace

std::vector<DatabaseSetting> SettingsOf(const DatabaseFacts& facts, const std::string& role) {
  std::map<std::string, DatabaseSetting> by_name;
  for (const DatabaseSetting& setting : facts.settings) {
    if (setting.level >= SettingLevel::kRole && setting.role != role) continue;
    DatabaseSetting& effective = by_name[Lower(setting.name)];
    if (effective.name.empty() || effective.level <= setting.level) effective = setting;
  }
  std::vector<DatabaseSetting> settings;
  for (auto& [name, setting] : by_name) {
    settings.push_back(std::move(setting));
    settings.back().name = name;
  }
  return settings;
}

std::set<std::string> NeededLocales(const DatabaseFacts& facts) {
  std::set<std::string> locales = {facts.collate, facts.ctype, facts.lc_monetary};
  for (const DatabaseSetting& setting : facts.settings) {
    if (Lower(setting.name).starts_with("lc_")) locales.insert(setting.value);
  }
  for (const DatabaseCollation& collation : facts.collations) {
    locales.insert(collation.collate);
    locales.insert(collation.ctype);
  }
  std::erase_if(locales, [](const std::string& name) { return !IsLocaleName(name) || IsEverywhere(name); });
  return locales;
}

}  // namespace rotv
