#include "sync/mask/rule_text.h"

#include <fmt/format.h>

#include "sync/context/mask_rule_table.h"

namespace rotv::mask {
namespace {

// Returns a basic string of TOML, in which control characters are escaped.
std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted.push_back('\\');
      quoted.push_back(c);
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\u{:04X}", byte);
    } else {
      quoted.push_back(c);
    }
  }
  return quoted + "\"";
}

// Returns a key of TOML. A key with quotes in it reads better as a literal string, if one can hold it.
std::string Key(const std::string& pattern) {
  const std::string basic = Quoted(pattern);
  const bool plain = basic.size() == pattern.size() + 2;
  if (plain || pattern.find('\'') != std::string::npos || basic.find("\\u") != std::string::npos) return basic;
  return "'" + pattern + "'";
}

std::string TomlOf(int64_t number) { return std::to_string(number); }

std::string TomlOf(const std::string& text) { return Quoted(text); }

std::string TomlOf(const std::vector<std::string>& conditions) {
  std::string all;
  for (const std::string& condition : conditions) all += (all.empty() ? "" : ", ") + Quoted(condition);
  return "[" + all + "]";
}

std::string TomlOf(const std::vector<MaskPath>& paths) {
  std::string all;
  for (const MaskPath& path : paths) {
    all += fmt::format("{}{} = {}", all.empty() ? "" : ", ", Quoted(path.path), RuleText(path.rule));
  }
  return "{ " + all + " }";
}

std::string SettingsOf(const MaskRule& rule) {
  std::string settings;
  for (const MaskSetting& setting : RowOf(rule.kind).settings) {
    const std::string value = std::visit([&](auto member) { return TomlOf(rule.*member); }, setting.member);
    settings += fmt::format("{}{} = {}", settings.empty() ? "" : ", ", setting.name, value);
  }
  return settings;
}

}  // namespace

std::string MaskPattern(const std::vector<std::string>& parts) {
  std::string pattern;
  for (const std::string& part : parts) {
    if (!pattern.empty()) pattern.push_back('.');
    const bool plain = part.find_first_of(".\"*") == std::string::npos;
    if (!plain) pattern.push_back('"');
    for (char c : part) pattern += c == '"' ? std::string("\"\"") : std::string(1, c);
    if (!plain) pattern.push_back('"');
  }
  return pattern;
}

std::string RulePattern(const std::string& schema, const std::string& table, const std::string& column) {
  return column.empty() ? MaskPattern({schema, table}) : MaskPattern({schema, table, column});
}

std::string RuleText(const MaskRule& rule) {
  const std::string settings = SettingsOf(rule);
  return settings.empty() ? Quoted(rule.name) : fmt::format("{{ rule = {}, {} }}", Quoted(rule.name), settings);
}

std::string RuleLine(const std::string& pattern, const MaskRule& rule) { return Key(pattern) + " = " + RuleText(rule); }

}  // namespace rotv::mask
