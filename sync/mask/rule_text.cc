#include "sync/mask/rule_text.h"

#include <fmt/format.h>

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

std::string SettingsOf(const MaskRule& rule) {
  switch (rule.kind) {
    case MaskKind::kHash:
      return fmt::format("length = {}", rule.length);
    case MaskKind::kNumber:
      return fmt::format("by = {}", rule.by);
    case MaskKind::kDate:
      return fmt::format("days = {}", rule.by);
    case MaskKind::kPassword:
    case MaskKind::kConstant:
      return fmt::format("value = {}", Quoted(rule.value));
    case MaskKind::kSample:
      return fmt::format("percent = {}", rule.percent);
    case MaskKind::kWhere: {
      std::string all;
      for (const std::string& condition : rule.conditions) all += (all.empty() ? "" : ", ") + Quoted(condition);
      return fmt::format("all = [{}]", all);
    }
    case MaskKind::kJson: {
      std::string paths;
      for (const MaskPath& path : rule.paths) {
        paths += fmt::format("{}{} = {}", paths.empty() ? "" : ", ", Quoted(path.path), RuleText(path.rule));
      }
      return fmt::format("paths = {{ {} }}", paths);
    }
    default:
      return "";
  }
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
