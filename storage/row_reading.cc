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
  std::string lower_bytes, upper_bytes, after_table_bytes;
  rocksdb::Slice lower, upper, after_table;
};

}  // namespace

std::unique_ptr<rocksdb::Iterator> RocksRowStore::NewIterator(Family family) const {
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(ReadInOrder(), families_[family]));
}

size_t RocksRowStore::ReadaheadBytes() const {
  constexpr size_t kMostTogether = size_t{8} << 20;
  constexpr size_t kMost = size_t{1} << 20, kLeast = size_t{16} << 10;
  constexpr size_t kOtherLevels = 6;
  size_t runs = kOtherLevels;
  for (const Family family : kRowFamilies) {
    std::string here;
    if (families_[family] == nullptr) continue;
    db_->GetProperty(families_[family], rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0", &here);
    runs += std::strtoul(here.c_str(), nullptr, 10);
  }
  return std::clamp(kMostTogether / runs, kLeast, kMost);
}

std::unique_ptr<rocksdb::Iterator> RocksRowStore::NewIterator(Family family,
                                                              const rocksdb::ReadOptions& options) const {
  if (families_[family] == nullptr) return std::unique_ptr<rocksdb::Iterator>(rocksdb::NewEmptyIterator());
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(options, families_[family]));
}

VersionIterator RocksRowStore::AllVersions(const rocksdb::ReadOptions& options) const {
  return VersionIterator({.singles = NewIterator(kRows, options), .pages = NewIterator(kPages, options)});
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
    return NewestInPages(row_prefix, storage);
  }
  VersionBuffer::Found found{DecodeVersionKey(View(iterator->key())).commit_lsn,
                             DecodeRowVersion(View(iterator->value()))};
  storage->assign(found.version.text);
  bool complete = found.version.kind != RowVersion::Kind::kPartial;
  bool deleted = false;
  for (iterator->Next(); !complete && iterator->Valid(); iterator->Next()) {
    RowVersion older = DecodeRowVersion(View(iterator->value()));
    deleted = older.kind == RowVersion::Kind::kTombstone;
    if (deleted) break;
    complete = shapes_.FillUnchanged(found.version.shape, storage, older);
    if (complete) found.version.kind = RowVersion::Kind::kRow;
  }
  CheckStatus(iterator->status(), directory_);
  if (!complete && !deleted) {
    std::string bytes;
    if (const std::optional<VersionBuffer::Found> older = NewestInPages(row_prefix, &bytes)) {
      complete = shapes_.FillUnchanged(found.version.shape, storage, older->version);
      if (complete) found.version.kind = RowVersion::Kind::kRow;
    }
  }
  found.version.text = *storage;
  return found;
}

std::optional<VersionBuffer::Found> RocksRowStore::NewestInPages(std::string_view row_prefix,
                                                                 std::string* storage) const {
  const std::string end = AfterPrefix(std::string(row_prefix.substr(0, kTablePrefixSize)));
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions options = ReadInOrder();
  if (!end.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> pages = NewIterator(kPages, options);
  pages->Seek(Slice(row_prefix));
  CheckStatus(pages->status(), directory_);
  if (!pages->Valid()) return std::nullopt;
  PageReader page;
  page.Open(View(pages->key()), View(pages->value()));
  page.SeekForward(row_prefix);
  if (page.AtEnd() || page.key().substr(0, page.key().size() - kLsnSuffixSize) != row_prefix) return std::nullopt;
  storage->assign(page.line());
  VersionBuffer::Found found{page.commit_lsn(), page.version()};
  found.version.text = *storage;
  return found;
}

std::unique_ptr<RowScan> RocksRowStore::ScanAt(const ScanRequest& request) const {
  std::string prefix = EncodeRowPrefix(request.table, request.epoch, "");
  const KeyRange& range = request.range;
  auto bounds = std::make_shared<Bounds>();
  bounds->after_table_bytes = AfterPrefix(prefix);
  bounds->lower_bytes = range.begin.empty() ? prefix : range.begin;
  bounds->upper_bytes = range.end.empty() ? bounds->after_table_bytes : range.end;
  bounds->lower = bounds->lower_bytes;
  bounds->upper = bounds->upper_bytes;
  bounds->after_table = bounds->after_table_bytes;
  rocksdb::ReadOptions options = ReadInOrder();
  options.iterate_lower_bound = &bounds->lower;
  if (request.access == ScanRequest::Access::kAllRows) {
    options.fill_cache = false;  // A scan reads each block once, and would evict everything else.
    options.readahead_size = ReadaheadBytes();
  }
  // The last table of all has no upper bound.
  if (!bounds->after_table_bytes.empty()) options.iterate_upper_bound = &bounds->after_table;
  std::unique_ptr<rocksdb::Iterator> pages = NewIterator(kPages, options);
  if (!bounds->upper_bytes.empty()) options.iterate_upper_bound = &bounds->upper;
  // Rows that are looked up one by one are looked for only in files whose filters say that they may have them.
  options.total_order_seek = request.access == ScanRequest::Access::kAllRows;
  return NewRowScan({.table_prefix = prefix,
                     .versions = {.singles = NewIterator(kRows, options),
                                  .pages = std::move(pages),
                                  .begin = bounds->lower_bytes,
                                  .end = range.end,
                                  .bounds = bounds},
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
  VersionIterator versions = AllVersions(options);
  for (versions.SeekToFirst(); versions.Valid(); versions.Next()) {
    if (versions.commit_lsn() < from) continue;
    const RowVersion version = versions.version();
    visit(DecodeVersionKey(versions.key()), version, versions.key().size() + version.text.size());
  }
  CheckStatus(versions.status(), directory_);
}

std::vector<KeyRange> RocksRowStore::Split(TableId table, EpochNumber epoch, size_t parts) const {
  std::string prefix = EncodeRowPrefix(table, epoch, "");
  std::string end = AfterPrefix(prefix);
  // Boundaries of files are good places to cut, and are known without reading anything.
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::vector<std::string> cuts;
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (file.column_family_name != kFamilyNames[kRows] && file.column_family_name != kFamilyNames[kPages]) continue;
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
  return keys + RowsInPagesEstimate();
}

// By some pages from everywhere.
uint64_t RocksRowStore::RowsInPagesEstimate() const {
  constexpr size_t kSample = 8;
  uint64_t pages = 0;
  if (families_[kPages] == nullptr) return 0;
  db_->GetIntProperty(families_[kPages], rocksdb::DB::Properties::kEstimateNumKeys, &pages);
  rocksdb::ColumnFamilyMetaData files;
  db_->GetColumnFamilyMetaData(families_[kPages], &files);
  std::vector<std::string> places;
  for (const rocksdb::LevelMetaData& level : files.levels) {
    for (const rocksdb::SstFileMetaData& file : level.files) places.push_back(file.smallestkey);
  }
  const std::unique_ptr<rocksdb::Iterator> some = NewIterator(kPages, ReadInOrder());
  uint64_t seen = 0, rows = 0;
  for (size_t i = 0; i < places.size(); i += places.size() / kSample + 1) {
    some->Seek(places[i]);
    if (!some->Valid()) continue;
    ++seen;
    rows += RowsInPage(View(some->value()));
  }
  return seen == 0 ? 0 : pages * rows / seen;
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
