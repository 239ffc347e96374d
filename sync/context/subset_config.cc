#include "sync/context/subset_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"
#include "storage/file_checksum.h"

namespace rotv {

bool SubsetConfig::has_start() const {
  return std::any_of(tables.begin(), tables.end(), [](const SubsetTable& table) { return table.is_start(); });
}

void RequireSubsetStart(const SubsetConfig& config) {
  if (config.has_start() || config.follow == SubsetConfig::Follow::kNothing) return;
  throw Error(
      ErrorCode::kUsage,
      config.declared ? "[subset] does not say where to start" : "there is no [subset] that says which rows are wanted",
      "write into rotv.toml, below [subset]:  \"public.users\" = { percent = 5 }  (docs/subsets.md)");
}

std::string SubsetFingerprint(const SubsetConfig& config) {
  // Increased when this program chooses other rows for the same section.
  constexpr int kRevision = 1;
  FileChecksum checksum;
  const auto add = [&](const std::string& text) { checksum.Add(text + '\0'); };
  add(fmt::format("{} {} {}", kRevision, config.small, static_cast<int>(config.others)));
  if (config.follow == SubsetConfig::Follow::kNothing) add(config.allows_not_valid ? "parts, not valid" : "parts");
  std::vector<const SubsetTable*> tables;
  for (const SubsetTable& table : config.tables) tables.push_back(&table);
  std::sort(tables.begin(), tables.end(),
            [](const SubsetTable* a, const SubsetTable* b) { return a->pattern < b->pattern; });
  for (const SubsetTable* table : tables) {
    add(table->pattern);
    add(fmt::format("{} {} {}", static_cast<int>(table->take), table->percent_millionths.value_or(0),
                    table->limit ? std::to_string(*table->limit) : ""));
    for (const std::string& condition : table->where) add(condition);
    add("");
  }
  return fmt::format("{:016x}", checksum.value());
}

}  // namespace rotv
