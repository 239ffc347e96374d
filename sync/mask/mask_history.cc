#include "sync/mask/mask_history.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/mask/rule_text.h"
#include "sync/mask/stored_mask.h"
#include "sync/schema/follow.h"

namespace rotv::mask {

void MaskHistory::Add(Lsn lsn, const proto::SchemaVersion& schema) {
  for (const proto::ConfigMaskRule& rule : schema.mask_record().rules()) {
    if (rule.rule().name() == "keep") kept_.insert(rule.pattern());
  }
  unmasked_.clear();
  std::set<ColumnId> masked_now;
  for (const proto::Table& table : schema.tables()) {
    for (const proto::MaskedColumn& masked : table.mask().columns()) {
      const ColumnId id{table.id(), masked.number()};
      masked_now.insert(id);
      Masked& known = columns_[id];
      known.rule = masked.rule().name();
      known.from[lsn] = true;
      const std::string pattern = RulePattern(table.schema(), table.name(), masked.name());
      const auto [begin, end] = patterns_.equal_range(masked.name());
      if (std::none_of(begin, end, [&](const auto& one) { return one.second == pattern; })) {
        patterns_.emplace(masked.name(), pattern);
      }
    }
    if (!schema::HasRows(table)) continue;
    for (const proto::ColumnState& column : table.state().columns()) {
      if (column.generated() || MaskOf(table, column.number()) != nullptr) continue;
      unmasked_[{table.id(), column.number()}] = {.schema = table.schema(),
                                                  .table = table.name(),
                                                  .column = column.name(),
                                                  .quoted = fmt::format("{}.{}", table.quoted_name(), column.name())};
    }
  }
  for (auto& [id, known] : columns_) {
    if (masked_now.count(id) == 0) known.from[lsn] = false;
  }
}

bool MaskHistory::WasMasked(uint32_t table, uint32_t column, Lsn commit_lsn) const {
  const auto found = columns_.find({table, column});
  if (found == columns_.end()) return false;
  // Rows copied at L are stored with a commit LSN of L - 1, before the schema version that they belong to.
  const auto after = found->second.from.upper_bound(Lsn(commit_lsn.value() + 1));
  return after != found->second.from.begin() && std::prev(after)->second;
}

bool MaskHistory::IsKept(const Name& column) const {
  if (kept_.count(RulePattern(column.schema, column.table, column.column)) != 0) return true;
  if (kept_.count("*." + RulePattern(column.table, column.column)) != 0) return true;
  // A partition's mask ends together with its parent's.
  const auto [begin, end] = patterns_.equal_range(column.column);
  return std::any_of(begin, end, [&](const auto& one) { return kept_.count(one.second) != 0; });
}

std::vector<MaskHistory::Lost> MaskHistory::LostMasks() const {
  std::vector<Lost> lost;
  for (const auto& [id, name] : unmasked_) {
    const auto masked = columns_.find(id);
    if (masked == columns_.end() || IsKept(name)) continue;
    lost.push_back({.column = name.quoted, .rule = masked->second.rule});
  }
  return lost;
}

}  // namespace rotv::mask
