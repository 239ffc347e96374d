#include "sync/seed/version_search.h"

#include <fmt/format.h>

#include <set>
#include <string_view>

#include "storage/epochs.h"
#include "sync/formats/copy_text.h"

namespace rotv::seed {
namespace {

class VersionSearch {
 public:
  explicit VersionSearch(const VersionSearchRequest& request)
      : request_(request), epochs_(EpochsAt(request.store.manifest(), Lsn(request.store.manifest().head_lsn()))) {
    for (const proto::Table& table : request.schema.tables()) tables_[table.id()] = &table;
  }

  void Version(const VersionKey& key, const RowVersion& version) {
    if (IsOfHead(key) || version.kind == RowVersion::Kind::kTombstone) return;
    ++finds_.versions;
    const proto::Shape& shape = request_.store.shapes().Get(version.shape);
    formats::SplitCopyLine(version.text, static_cast<size_t>(shape.columns_size()), &fields_);
    std::set<std::pair<size_t, int>> owners;  // Each owner counts once for each version and column.
    for (int i = 0; i < shape.columns_size(); ++i) {
      const bool masked = request_.history.WasMasked(key.table, shape.columns(i).number(), key.commit_lsn);
      request_.finder.Find(fields_[static_cast<size_t>(i)], [&](size_t owner) {
        if (!masked || request_.unlike[owner]) owners.emplace(owner, i);
      });
    }
    CompareWithItsRow(key, shape, &owners);
    for (const auto& [owner, column] : owners) ++finds_.found[{owner, NameOf(key.table, shape, column)}];
  }

  VersionFinds Finds() { return std::move(finds_); }

 private:
  // True for the newest version of a row in the head's epoch.
  bool IsOfHead(const VersionKey& key) {
    std::string prefix = EncodeRowPrefix(key.table, key.epoch, key.row_key);
    const bool is_newest = prefix != row_;
    row_.swap(prefix);
    const auto epoch = epochs_.find(key.table);
    return is_newest && tables_.count(key.table) != 0 && epoch != epochs_.end() && epoch->second == key.epoch;
  }

  // Numbers, dates and words are recognised by their row, and only if they were stored unmasked: a fake one may equal
  // another row's.
  void CompareWithItsRow(const VersionKey& key, const proto::Shape& shape, std::set<std::pair<size_t, int>>* owners) {
    const auto table = tables_.find(key.table);
    if (table == tables_.end()) return;
    const auto sample = request_.rows.find(table->second->quoted_name());
    if (sample == request_.rows.end()) return;
    std::string of_row;
    for (const std::string& column : sample->second.key) {
      const int place = PlaceOf(shape, column);
      if (place < 0) return;
      of_row.append(fields_[static_cast<size_t>(place)]).push_back('\t');
    }
    const auto row = sample->second.rows.find(of_row);
    if (row == sample->second.rows.end()) return;
    for (const SampledRows::Value& value : row->second) {
      const int place = PlaceOf(shape, value.column);
      if (place < 0 || fields_[static_cast<size_t>(place)] != value.text) continue;
      if (request_.history.WasMasked(key.table, shape.columns(place).number(), key.commit_lsn)) continue;
      owners->emplace(value.owner, place);
    }
  }

  // Returns the column's index; -1 if there is none of this name.
  static int PlaceOf(const proto::Shape& shape, const std::string& name) {
    for (int i = 0; i < shape.columns_size(); ++i) {
      if (shape.columns(i).name() == name) return i;
    }
    return -1;
  }

  std::string NameOf(TableId id, const proto::Shape& shape, int column) const {
    const auto table = tables_.find(id);
    const std::string name = table == tables_.end() ? "a dropped table" : table->second->quoted_name();
    return fmt::format("{}.{}", name, shape.columns(column).name());
  }

  const VersionSearchRequest& request_;
  const std::map<TableId, EpochNumber> epochs_;
  std::map<TableId, const proto::Table*> tables_;
  std::string row_;
  std::vector<std::string_view> fields_;
  VersionFinds finds_;
};

}  // namespace

VersionFinds SearchVersions(const VersionSearchRequest& request) {
  constexpr uint64_t kVersionsBetweenLooks = 4096;
  VersionSearch search(request);
  uint64_t seen = 0;
  request.progress.Begin("searching earlier states", Progress::Unit::kRows, 0);
  request.store.VisitVersions([&](const VersionKey& key, const RowVersion& version, size_t /*bytes*/) {
    if (++seen % kVersionsBetweenLooks == 0) {
      request.interrupt.Check();
      request.progress.Update(seen);
    }
    search.Version(key, version);
  });
  request.progress.End();
  return search.Finds();
}

}  // namespace rotv::seed
