#include "cli/launch/twin_variables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace rotv::launch {
namespace {

// A field of COPY's text format.
std::string Field(std::string_view text) {
  std::string field;
  for (char c : text) {
    switch (c) {
      case '\\':
        field += "\\\\";
        break;
      case '\t':
        field += "\\t";
        break;
      case '\n':
        field += "\\n";
        break;
      case '\r':
        field += "\\r";
        break;
      default:
        field += c;
    }
  }
  return field;
}

// A line of postgresql.conf.
std::string ConfigLine(std::string_view name, std::string_view value) {
  std::string quoted;
  for (char c : value) {
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return fmt::format("{} = '{}'\n", name, quoted);
}

// These belong to the server, not to a session: what transactions an application may make depends on them.
bool IsOfServer(std::string_view name) {
  return name == "max_prepared_transactions" || name == "track_commit_timestamp";
}

bool IsPlain(std::string_view value) {
  return value == "on" || value == "off" ||
         (!value.empty() && value.size() < 6 &&
          std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; }));
}

}  // namespace

os::Environment TwinVariables(const DatabaseFacts& facts, const config::AppConfig& app) {
  os::Environment variables;
  std::string server;
  for (const auto& [name, value] : app.settings) server += ConfigLine(name, value);
  if (!app.skip_extensions.empty()) {
    variables["ROTV_SKIP_EXTENSIONS"] = fmt::format("{}", fmt::join(app.skip_extensions, "\n"));
  }
  if (facts.server_version > 0) {
    std::string settings;
    for (const DatabaseSetting& setting : SettingsOf(facts, app.role.empty() ? facts.application_role : app.role)) {
      if (app.settings.contains(setting.name)) continue;
      if (!IsOfServer(setting.name)) {
        settings += Field(setting.name) + '\t' + Field(setting.value) + '\n';
      } else if (IsPlain(setting.value)) {
        server += ConfigLine(setting.name, setting.value);
      }
    }
    std::string collations;
    for (const DatabaseCollation& one : facts.collations) {
      collations +=
          fmt::format("{}\t{}\t{}\t{}\n", Field(one.schema), Field(one.name), Field(one.collate), Field(one.ctype));
    }
    variables["ROTV_SOURCE_VERSION"] = std::to_string(facts.server_version);
    variables["ROTV_ENCODING"] = facts.encoding;
    variables["ROTV_LOCALE_PROVIDER"] = facts.locale_provider;
    variables["ROTV_COLLATE"] = facts.collate;
    variables["ROTV_CTYPE"] = facts.ctype;
    variables["ROTV_LOCALE"] = facts.locale;
    variables["ROTV_ICU_RULES"] = facts.icu_rules;
    variables["ROTV_COLLATION_VERSION"] = facts.collation_version;
    variables["ROTV_LOCALES"] = fmt::format("{}", fmt::join(NeededLocales(facts), " "));
    variables["ROTV_LC_MONETARY"] = facts.lc_monetary;
    variables["ROTV_SETTINGS"] = settings;
    variables["ROTV_COLLATIONS"] = collations;
    variables["ROTV_TABLESPACES"] = fmt::format("{}", fmt::join(facts.tablespaces, "\n"));
    variables["ROTV_UNKNOWN_SETTINGS"] = fmt::format("{}", fmt::join(facts.left_out, ", "));
  }
  if (!server.empty()) variables["ROTV_SERVER_SETTINGS"] = server;
  return variables;
}

}  // namespace rotv::launch
