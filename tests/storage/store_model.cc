#include "tests/storage/store_model.h"

#include <algorithm>
#include <stdexcept>

namespace rotv::testing {

void StoreModel::Put(TableId table, EpochNumber epoch, const std::string& key, ModelVersion version) {
  std::vector<ModelVersion>& versions = rows_[{table, epoch}][key];
  if (!versions.empty() && versions.back().lsn == version.lsn) {
    versions.back() = std::move(version);
  } else {
    versions.push_back(std::move(version));
  }
}

const ModelRows& StoreModel::Rows(TableId table, EpochNumber epoch) const {
  static const ModelRows none;
  const auto rows = rows_.find({table, epoch});
  return rows == rows_.end() ? none : rows->second;
}

const ModelRow* StoreModel::Newest(TableId table, EpochNumber epoch, const std::string& key) const {
  const ModelRows& rows = Rows(table, epoch);
  const auto versions = rows.find(key);
  if (versions == rows.end() || !versions->second.back().row) return nullptr;
  return &*versions->second.back().row;
}

void StoreModel::RevertTo(const ModelState& published) {
  now = published;
  for (auto& [epoch, rows] : rows_) {
    for (auto& [key, versions] : rows) {
      while (!versions.empty() && versions.back().lsn >= now.durable) versions.pop_back();
    }
    std::erase_if(rows, [](const auto& row) { return row.second.empty(); });
  }
  while (!log_.empty() && log_.back().commit_lsn >= now.durable) log_.pop_back();
}

void StoreModel::Prune() {
  for (auto& [epoch, rows] : rows_) {
    for (auto& [key, versions] : rows) {
      std::vector<ModelVersion> kept;
      for (size_t i = 0; i < versions.size(); ++i) {
        const uint64_t next = i + 1 < versions.size() ? versions[i + 1].lsn : UINT64_MAX;
        if (NeedsAny(versions[i].lsn, next)) kept.push_back(std::move(versions[i]));
      }
      versions = std::move(kept);
    }
    std::erase_if(rows, [](const auto& row) { return row.second.empty(); });
  }
  for (auto& [table, epochs] : now.epochs) {
    for (size_t i = 0; i < epochs.size();) {
      const uint64_t next = i + 1 < epochs.size() ? epochs[i + 1].start_lsn : UINT64_MAX;
      if (NeedsAny(epochs[i].start_lsn, next)) {
        ++i;
        continue;
      }
      rows_.erase({table, epochs[i].number});
      epochs.erase(epochs.begin() + static_cast<ptrdiff_t>(i));
    }
  }
  std::erase_if(log_, [&](const ModelTransaction& one) { return one.commit_lsn < now.log_from; });
  for (auto schema = now.schemas.begin(); schema != now.schemas.end();) {
    const auto next = std::next(schema);
    const uint64_t to = next == now.schemas.end() ? UINT64_MAX : next->first - 1;
    schema = NeedsAny(schema->first - 1, to) ? next : now.schemas.erase(schema);
  }
  uint64_t before = 0;
  for (auto value = now.sequences.begin(); value != now.sequences.end();) {
    const uint64_t lsn = value->first;
    const bool needed = std::next(value) == now.sequences.end() || NeedsAny(before, lsn);
    value = needed ? std::next(value) : now.sequences.erase(value);
    before = lsn;
  }
}

bool StoreModel::IsRetained(uint64_t lsn) const {
  for (const auto& [name, at] : now.snapshots) {
    if (at == lsn) return true;
  }
  if (lsn == now.baseline) return true;
  if (lsn < std::max(now.kept_from, now.baseline) || lsn > now.durable) return false;
  if (lsn > now.head && !now.must_copy.empty()) return false;
  return std::none_of(now.gaps.begin(), now.gaps.end(),
                      [&](const auto& gap) { return lsn > gap.first && lsn < gap.second; });
}

bool StoreModel::NeedsAny(uint64_t after, uint64_t to) const {
  if (to <= after) return false;
  if (to >= now.kept_from) return true;
  const auto within = [&](uint64_t lsn) { return lsn > after && lsn <= to; };
  return within(now.baseline) || within(now.head) ||
         std::any_of(now.snapshots.begin(), now.snapshots.end(), [&](const auto& one) { return within(one.second); });
}

std::vector<uint64_t> StoreModel::RetainedLsns() const {
  std::set<uint64_t> lsns = {now.baseline, now.kept_from, now.head, now.durable};
  for (const auto& [name, lsn] : now.snapshots) lsns.insert(lsn);
  for (const auto& [after, before] : now.gaps) lsns.insert({after, before});
  for (const auto& [table, epochs] : now.epochs) {
    for (const ModelEpoch& epoch : epochs) lsns.insert({epoch.start_lsn, epoch.start_lsn + 1});
  }
  const size_t stride = log_.size() / 64 + 1;
  for (size_t i = 0; i < log_.size(); i += stride) lsns.insert({log_[i].commit_lsn, log_[i].commit_lsn + 1});
  std::erase_if(lsns, [&](uint64_t lsn) { return !IsRetained(lsn); });
  return {lsns.begin(), lsns.end()};
}

std::optional<EpochNumber> StoreModel::EpochAt(TableId table, uint64_t lsn) const {
  std::optional<EpochNumber> number;
  const auto epochs = now.epochs.find(table);
  if (epochs == now.epochs.end()) return number;
  for (const ModelEpoch& epoch : epochs->second) {
    if (epoch.start_lsn < lsn) number = epoch.number;
  }
  return number;
}

uint64_t StoreModel::SchemaLsnAt(uint64_t lsn) const {
  auto schema = now.schemas.upper_bound(lsn);
  if (schema == now.schemas.begin()) throw std::runtime_error("the model has no schema");
  return std::prev(schema)->first;
}

const ModelSchema& StoreModel::SchemaAt(uint64_t lsn) const { return now.schemas.at(SchemaLsnAt(lsn)); }

std::optional<int64_t> StoreModel::SequenceAt(uint64_t lsn) const {
  if (now.sequences.empty()) return std::nullopt;
  const auto value = now.sequences.lower_bound(lsn);
  return value == now.sequences.end() ? now.sequences.rbegin()->second : value->second;
}

std::vector<std::string> StoreModel::Converted(const ModelRow& row, uint32_t shape) const {
  const ModelShape& from = now.shapes.at(row.shape);
  std::vector<std::string> fields;
  for (const ModelColumn& column : now.shapes.at(shape).columns) {
    std::string field = column.missing.value_or("\\N");
    for (size_t i = 0; i < from.columns.size(); ++i) {
      if (from.columns[i].number == column.number) field = row.fields[i];
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

std::string StoreModel::LineOf(const ModelRow& row, uint32_t shape) const {
  std::string line;
  for (const std::string& field : shape == 0 ? row.fields : Converted(row, shape)) line += field + "\t";
  if (!line.empty()) line.pop_back();
  return line;
}

std::map<std::string, StoreModel::Line> StoreModel::RowsAt(TableId table, EpochNumber epoch, uint64_t lsn,
                                                           uint32_t shape) const {
  std::map<std::string, Line> lines;
  for (const auto& [key, versions] : Rows(table, epoch)) {
    const ModelVersion* seen = nullptr;
    for (const ModelVersion& version : versions) {
      if (version.lsn < lsn) seen = &version;
    }
    if (seen != nullptr && seen->row) lines[key] = {LineOf(*seen->row, shape), seen->row->count};
  }
  return lines;
}

}  // namespace rotv::testing
