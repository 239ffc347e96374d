#include "cli/config/remote_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/config/subset_section.h"
#include "sync/context/mask_rule.h"

namespace rotv::config {
namespace {

// A table may have conditions and a sample; rows for which both hold are kept.
SubsetTable& EntryFor(const toml::key& key, std::string_view pattern, SubsetTable::Take take,
                      const ConfigValues& values, SubsetConfig* rows) {
  SubsetTable read = ReadTableName(key, pattern, values);
  read.take = take;
  const bool has_any = std::count(read.parts.begin(), read.parts.end(), kAnyPart) > 0;
  if (has_any && take != SubsetTable::Take::kExclude) {
    values.Fail(key.source(), fmt::format("\"{}\" names many tables", pattern), "name the table: * is for exclude");
  }
  const auto same = std::find_if(rows->tables.begin(), rows->tables.end(),
                                 [&](const SubsetTable& other) { return other.parts == read.parts; });
  if (same == rows->tables.end()) return rows->tables.emplace_back(std::move(read));
  if (take == SubsetTable::Take::kExclude || same->take == SubsetTable::Take::kExclude) {
    values.Fail(key.source(), fmt::format("{} has {} twice, and once excludes it", rows->section, pattern),
                "remove one of them");
  }
  return *same;
}

}  // namespace

bool ReadRowsKey(const toml::key& key, const toml::node& node, const std::string& section, const ConfigValues& values,
                 std::optional<SubsetConfig>* rows) {
  using Take = SubsetTable::Take;
  if (key.str() != "where" && key.str() != "sample" && key.str() != "exclude") return false;
  if (!*rows) {
    *rows = SubsetConfig{.section = section, .declared = true, .tables = {}};
    (*rows)->others = SubsetConfig::Others::kWhole;
    (*rows)->follow = SubsetConfig::Follow::kNothing;
  }
  if (key.str() == "exclude") {
    for (const std::string& pattern : values.Texts(key, node, "a list of tables: [\"public.audit_log\", \"tmp.*\"]")) {
      EntryFor(key, pattern, Take::kExclude, values, &**rows);
    }
    return true;
  }
  const bool is_where = key.str() == "where";
  if (!node.is_table()) {
    values.FailOnType(key, node,
                      is_where ? "{ \"public.orders\" = \"created_at >= 2026-01-01\" }"
                               : "a percentage for each table: { \"public.page_views\" = 5 }");
  }
  for (const auto& [table, value] : *node.as_table()) {
    SubsetTable& entry = EntryFor(table, table.str(), Take::kFollow, values, &**rows);
    if (is_where) {
      entry.where = ReadConditions(table, value, values);
    } else {
      entry.percent_millionths = ReadPercent(table, value, values);
    }
  }
  return true;
}

}  // namespace rotv::config
