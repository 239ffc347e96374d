#include "cli/config/subset_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/config/pattern_parts.h"
#include "sync/context/mask_rule.h"
#include "sync/context/row_condition.h"

namespace rotv::config {
namespace {

constexpr const char* kEntryExample =
    "{ percent = 5 }, { where = \"plan = 'team'\" }, { limit = 1000 }, \"whole\" or "
    "\"exclude\"";

class SubsetReader {
 public:
  explicit SubsetReader(const ConfigValues& values) : values_(values) {}

  SubsetConfig Read(const toml::table& table) const {
    SubsetConfig config{.declared = true, .tables = {}};
    for (const auto& [key, node] : table) {
      if (key.str() == "small") {
        config.small = ReadCount(key, node, 0);
      } else if (key.str() == "others") {
        config.others = ReadOthers(key, node);
      } else if (key.str().find('.') == std::string_view::npos) {
        values_.FailOnUnknown(key, "[subset]", {"small", "others"});
      } else {
        config.tables.push_back(ReadEntry(key, node));
      }
    }
    return config;
  }

 private:
  uint64_t ReadCount(const toml::key& key, const toml::node& node, int64_t least) const {
    const std::optional<int64_t> count = node.value_exact<int64_t>();
    if (!count || *count < least) values_.FailOnType(key, node, fmt::format("a number of rows, {} or more", least));
    return static_cast<uint64_t>(*count);
  }

  SubsetConfig::Others ReadOthers(const toml::key& key, const toml::node& node) const {
    const std::string text = values_.Text(key, node);
    if (text == "exclude") return SubsetConfig::Others::kExclude;
    if (text == "whole") return SubsetConfig::Others::kWhole;
    values_.Fail(key.source(), fmt::format("\"others\" is \"{}\"", text), "expected \"exclude\" or \"whole\"");
  }

  SubsetTable ReadEntry(const toml::key& key, const toml::node& node) const {
    SubsetTable entry = ReadTableName(key, key.str(), values_);
    if (node.is_string()) {
      entry.take = ReadTake(key, values_.Text(key, node));
      return entry;
    }
    if (!node.is_table() || node.as_table()->empty()) values_.FailOnType(key, node, kEntryExample);
    for (const auto& [setting, value] : *node.as_table()) ReadSetting(setting, value, &entry);
    const bool has_any = std::count(entry.parts.begin(), entry.parts.end(), kAnyPart) > 0;
    if (has_any && entry.is_start()) {
      values_.Fail(key.source(), fmt::format("\"{}\" is where to start, and names many tables", key.str()),
                   "name the table: * is for limit, \"whole\" and \"exclude\"");
    }
    return entry;
  }

  SubsetTable::Take ReadTake(const toml::key& key, const std::string& text) const {
    if (text == "whole") return SubsetTable::Take::kWhole;
    if (text == "exclude") return SubsetTable::Take::kExclude;
    values_.Fail(key.source(), fmt::format("\"{}\" is \"{}\"", key.str(), text),
                 fmt::format("expected {}", kEntryExample));
  }

  void ReadSetting(const toml::key& key, const toml::node& node, SubsetTable* entry) const {
    if (key.str() == "percent") {
      entry->percent_millionths = ReadPercent(key, node, values_);
    } else if (key.str() == "where") {
      entry->where = ReadConditions(key, node, values_);
    } else if (key.str() == "limit") {
      entry->limit = ReadCount(key, node, 1);
    } else {
      values_.FailOnUnknown(key, fmt::format("\"{}\" of [subset]", entry->pattern), {"percent", "where", "limit"});
    }
  }

  const ConfigValues& values_;
};

}  // namespace

SubsetTable ReadTableName(const toml::key& key, std::string_view pattern, const ConfigValues& values) {
  const std::optional<std::vector<std::string>> parts = PatternParts(pattern);
  if (!parts || parts->size() != 2) {
    values.Fail(key.source(), fmt::format("\"{}\" does not name a table", pattern),
                "expected \"schema.table\", where * matches any");
  }
  return {.pattern = std::string(pattern), .parts = *parts};
}

uint32_t ReadPercent(const toml::key& key, const toml::node& node, const ConfigValues& values) {
  constexpr double kMillion = 1e6;
  const std::optional<double> percent = node.is_number() ? node.value<double>() : std::nullopt;
  const double millionths = percent ? std::round(*percent * kMillion) : 0;
  if (!(millionths >= 1 && millionths <= 100 * kMillion)) {
    values.FailOnType(key, node, "a number above 0, and at most 100: 5, or 0.5");
  }
  return static_cast<uint32_t>(millionths);
}

std::vector<std::string> ReadConditions(const toml::key& key, const toml::node& node, const ConfigValues& values) {
  const std::vector<std::string> conditions =
      node.is_string() ? std::vector<std::string>{values.Text(key, node)}
                       : values.Texts(key, node, "[\"plan = 'team'\", \"closed_at is null\"]");
  if (conditions.empty()) values.FailOnType(key, node, "a condition: \"plan = 'team'\"");
  for (const std::string& text : conditions) {
    if (ParseRowCondition(text)) continue;
    values.Fail(key.source(), fmt::format("\"{}\" is not a condition", text),
                "COLUMN = VALUE, with <>, <, <=, > or >=, or COLUMN is null, is not null");
  }
  return conditions;
}

SubsetConfig ReadSubsetSection(const toml::table& table, const ConfigValues& values) {
  return SubsetReader(values).Read(table);
}

}  // namespace rotv::config
