#include <algorithm>
#include <cstdlib>

#include "storage/rocks_row_store.h"
#include "storage/rocksdb_options.h"
#include "storage/rocksdb_slice.h"
#include "storage/rocksdb_status.h"
#include "storage/version_scan.h"

namespace rotv {
namespace {

struct Bounds {
  std::string lower_bytes, upper_bytes;
  rocksdb::Slice lower, upper;
};

}  // namespace

std::unique_ptr<rocksdb::Iterator> RocksRowStore::NewIterator(Family family) const {
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(ReadInOrder(), families_[family]));
}

size_t RocksRowStore::ReadaheadBytes() const {
  constexpr size_t kMostTogether = size_t{8} << 20;
  constexpr size_t kMost = size_t{1} << 20, kLeast = size_t{16} << 10;
  constexpr size_t kOtherLevels = 6;
  std::string runs;
  db_->GetProperty(families_[kRows], rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0", &runs);
  return std::clamp(kMostTogether / (std::strtoul(runs.c_str(), nullptr, 10) + kOtherLevels), kLeast, kMost);
}

std::optional<VersionBuffer::Found> RocksRowStore::Newest(std::string_view row_prefix, std::string* storage) const {
  rocksdb::ReadOptions options;  // By filters: not in order beyond the row.
  std::string upper = std::string(row_prefix) + std::string(kLsnSuffixSize, '\xFF') + '\0';
  rocksdb::Slice upper_slice(upper);
  options.iterate_upper_bound = &upper_slice;
  std::unique_ptr<rocksdb::Iterator> iterator(db_->NewIterator(options, families_[kRows]));
  iterator->Seek(std::string(row_prefix) + std::string(kLsnSuffixSize, '\0'));
  CheckStatus(iterator->status(), directory_);
  // No row key is a prefix of another, so the first key at or after the prefix is this row's if the row exists.
  if (!iterator->Valid() || !iterator->key().starts_with(Slice(row_prefix)) ||
      iterator->key().size() != row_prefix.size() + kLsnSuffixSize) {
    return std::nullopt;
  }
  VersionBuffer::Found found{DecodeVersionKey(View(iterator->key())).commit_lsn,
                             DecodeRowVersion(View(iterator->value()))};
  storage->assign(found.version.text);
  bool complete = found.version.kind != RowVersion::Kind::kPartial;
  for (iterator->Next(); !complete && iterator->Valid(); iterator->Next()) {
    RowVersion older = DecodeRowVersion(View(iterator->value()));
    if (older.kind == RowVersion::Kind::kTombstone) break;
    complete = shapes_.FillUnchanged(found.version.shape, storage, older);
    if (complete) found.version.kind = RowVersion::Kind::kRow;
  }
  CheckStatus(iterator->status(), directory_);
  found.version.text = *storage;
  return found;
}

std::unique_ptr<RowScan> RocksRowStore::ScanAt(const ScanRequest& request) const {
  std::string prefix = EncodeRowPrefix(request.table, request.epoch, "");
  const KeyRange& range = request.range;
  auto bounds = std::make_shared<Bounds>();
  bounds->lower_bytes = range.begin.empty() ? prefix : range.begin;
  bounds->upper_bytes = range.end.empty() ? AfterPrefix(prefix) : range.end;
  bounds->lower = bounds->lower_bytes;
  bounds->upper = bounds->upper_bytes;
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &bounds->lower;
  if (!bounds->upper_bytes.empty()) options.iterate_upper_bound = &bounds->upper;  // The last table of all has none.
  // Rows that are looked up one by one are looked for only in files whose filters say that they may have them.
  options.total_order_seek = request.access == ScanRequest::Access::kAllRows;
  if (request.access == ScanRequest::Access::kAllRows) {
    options.fill_cache = false;  // A scan reads each block once, and would evict everything else.
    options.readahead_size = ReadaheadBytes();
  }
  std::unique_ptr<rocksdb::Iterator> iterator(db_->NewIterator(options, families_[kRows]));
  return NewRowScan({.table_prefix = prefix,
                     .iterator = std::move(iterator),
                     .bounds = std::move(bounds),
                     .lsn = std::min(request.lsn, Lsn(durable_lsn_)),
                     .shapes = shapes_,
                     .shape = request.shape});
}

void RocksRowStore::VisitVersions(const std::function<void(const VersionKey&, const RowVersion&, size_t)>& visit,
                                  Lsn from) const {
  rocksdb::ReadOptions options = ReadInOrder();
  options.fill_cache = false;
  options.readahead_size = ReadaheadBytes();
  // A deletion has the key of the version that it deletes, so its file is read whenever that version's is.
  options.table_filter = [from](const rocksdb::TableProperties& properties) {
    return MayHoldVersionsFrom(properties, from);
  };
  std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options, families_[kRows]));
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    const VersionKey key = DecodeVersionKey(View(rows->key()));
    if (key.commit_lsn < from) continue;
    visit(key, DecodeRowVersion(View(rows->value())), rows->key().size() + rows->value().size());
  }
  CheckStatus(rows->status(), directory_);
}

std::vector<KeyRange> RocksRowStore::Split(TableId table, EpochNumber epoch, size_t parts) const {
  std::string prefix = EncodeRowPrefix(table, epoch, "");
  std::string end = AfterPrefix(prefix);
  // Boundaries of files are good places to cut, and are known without reading anything.
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::vector<std::string> cuts;
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (file.column_family_name != kFamilyNames[kRows]) continue;
    if (file.smallestkey > prefix && file.smallestkey < end) {
      // The cut has no LSN, so that all versions of a row are in one range.
      cuts.push_back(file.smallestkey.substr(0, file.smallestkey.size() - kLsnSuffixSize));
    }
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<KeyRange> ranges;
  std::string begin = prefix;
  size_t most = std::min(parts, cuts.size() + 1);
  for (size_t part = 1; part < most; ++part) {
    const std::string& cut = cuts[part * (cuts.size() + 1) / most - 1];
    ranges.push_back({begin, cut});
    begin = cut;
  }
  ranges.push_back({begin, end});
  return ranges;
}

uint64_t RocksRowStore::VersionsEstimate() const {
  uint64_t keys = 0;
  db_->GetIntProperty(families_[kRows], rocksdb::DB::Properties::kEstimateNumKeys, &keys);
  return keys;
}

uint64_t RocksRowStore::DiskBytes() const {
  uint64_t total = 0;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(directory_, ignored)) {
    uint64_t size = file.is_regular_file(ignored) ? file.file_size(ignored) : 0;
    if (!ignored) total += size;
  }
  return total;
}

}  // namespace rotv
