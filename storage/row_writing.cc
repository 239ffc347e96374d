#include <fmt/format.h>
#include <rocksdb/sst_file_writer.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "storage/free_space.h"
#include "storage/rocks_row_store.h"
#include "storage/rocksdb_options.h"
#include "storage/rocksdb_slice.h"
#include "storage/rocksdb_status.h"
#include "storage/row_compaction.h"

namespace rotv {

std::optional<TableId> RocksRowStore::TableWithTwins(const std::vector<VersionBuffer::Entry>& sorted) {
  const auto twin = std::adjacent_find(sorted.begin(), sorted.end(),
                                       [](const auto& one, const auto& next) { return one.key() == next.key(); });
  if (twin == sorted.end()) return std::nullopt;
  return DecodeVersionKey(twin->key()).table;
}

std::optional<TableId> RocksRowStore::Write(const VersionBuffer& versions) {
  if (versions.empty()) return std::nullopt;
  const std::vector<VersionBuffer::Entry> sorted = versions.Sorted();
  // The disk is not filled up to its end: what is stored can still be published then, or removed.
  RequireFreeSpace(directory_, versions.bytes());
  if (versions.keeps_twins()) {
    if (std::optional<TableId> twice = TableWithTwins(sorted)) return twice;
  }
  std::string file = (directory_ / fmt::format("{}{}{}", kRunPrefix, next_run_++, kRunSuffix)).string();
  try {
    // Most of what a copy writes goes to the last level, where filters are of no use.
    WriteRun(sorted, file, versions.keeps_twins() ? Filter::kNone : Filter::kRows);
    return std::nullopt;
  } catch (...) {
    unlink(file.c_str());  // The space is free at once, even if no later run opens the store (the disk may be full).
    throw;
  }
}

void RocksRowStore::WriteRun(const std::vector<VersionBuffer::Entry>& sorted, const std::string& file, Filter filter) {
  rocksdb::Options options(StoreDbOptions(), RowFamilyOptions());
  rocksdb::EnvOptions written_early;  // Writeback starts early, so that the sync at the end is short.
  written_early.bytes_per_sync = uint64_t{1} << 20;
  // The file stays in the page cache: ingestion reads it at once, and a seed often reads it soon.
  constexpr bool kInvalidatePageCache = false;
  rocksdb::SstFileWriter writer(written_early, options, families_[kRows], kInvalidatePageCache,
                                rocksdb::Env::IOPriority::IO_TOTAL, /*skip_filters=*/filter == Filter::kNone);
  CheckStatus(writer.Open(file), directory_);
  for (const VersionBuffer::Entry& entry : sorted) {
    CheckStatus(writer.Put(Slice(entry.key()), Slice(entry.value())), directory_);
  }
  CheckStatus(writer.Finish(), directory_);
  rocksdb::IngestExternalFileOptions ingest;
  ingest.move_files = true;
  ingest.snapshot_consistency = false;
  std::lock_guard lock(files_mutex_);
  const TablesStay stay;
  CheckStatus(db_->IngestExternalFile(families_[kRows], {file}, ingest), directory_);
}

void RocksRowStore::WriteLog(const std::vector<std::pair<std::string, std::string>>& chunks) {
  rocksdb::WriteBatch batch;
  for (const auto& [key, value] : chunks) batch.Put(families_[kLog], key, value);
  CheckStatus(db_->Write(rocksdb::WriteOptions(), &batch), directory_);
}

void RocksRowStore::DropEpoch(TableId table, EpochNumber epoch) {
  std::string begin = EncodeRowPrefix(table, epoch, "");
  CheckStatus(db_->DeleteRange(rocksdb::WriteOptions(), families_[kRows], begin, AfterPrefix(begin)), directory_);
}

void RocksRowStore::DropUnlistedEpochs(const std::set<TableId>& tables) {
  std::map<TableId, EpochNumber> first;  // The first epoch that is not listed.
  for (const proto::TableHistory& history : manifest().tables()) {
    if (!history.epochs().empty()) first[history.table()] = history.epochs().rbegin()->number() + 1;
  }
  for (TableId table : tables) {
    const std::string begin = EncodeRowPrefix(table, first[table], "");
    const std::string end = AfterPrefix(begin.substr(0, sizeof(TableId)));
    rocksdb::ReadOptions options = ReadInOrder();
    const rocksdb::Slice upper(end);
    if (!end.empty()) options.iterate_upper_bound = &upper;
    std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options, families_[kRows]));
    rows->Seek(begin);
    CheckStatus(rows->status(), directory_);
    // Most tables have none, and each range that is deleted makes every later read a little slower.
    if (!rows->Valid()) continue;
    CheckStatus(db_->DeleteRange(rocksdb::WriteOptions(), families_[kRows], begin, end), directory_);
  }
}

CompactionOwed RocksRowStore::compaction_owed() const { return CompactionOwedByRows(db_.get(), families_[kRows]); }

void RocksRowStore::Compact() {
  const auto has_room = [this](uint64_t bytes) { return HasFreeSpace(directory_, bytes); };
  // Publishing again names the files as they are now, and lets RocksDB remove those that were merged.
  const auto merged = [this] { Publish(state_, {}); };
  CheckStatus(CompactRows(db_.get(), families_[kRows], has_room, merged), directory_);
}

}  // namespace rotv
