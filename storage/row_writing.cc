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

std::optional<TableId> RocksRowStore::Write(const VersionBuffer& versions) {
  if (versions.empty()) return std::nullopt;
  const std::vector<VersionBuffer::Entry> sorted = versions.Sorted();
  // The disk is not filled up to its end: what is stored can still be published then, or removed.
  RequireFreeSpace(directory_, versions.bytes());
  if (versions.keeps_twins()) {
    if (std::optional<TableId> twice = VersionBuffer::TableWithTwins(sorted)) return twice;
  }
  // Most of what a copy writes goes to the last level, where filters are of no use.
  WriteSingles(sorted, versions.keeps_twins() ? Filter::kNone : Filter::kRows);
  return std::nullopt;
}

void RocksRowStore::WriteSingles(const std::vector<VersionBuffer::Entry>& sorted, Filter filter) {
  WriteRun(kRows, filter, [&](rocksdb::SstFileWriter& writer) {
    rocksdb::Status status;
    for (auto entry = sorted.begin(); entry != sorted.end() && status.ok(); ++entry) {
      status = writer.Put(Slice(entry->key()), Slice(entry->value()));
    }
    return status;
  });
}

std::optional<TableId> RocksRowStore::WritePages(const PageBuffer& rows) {
  const std::vector<VersionBuffer::Entry> singles = rows.Singles();
  if (const std::optional<TableId> twice = VersionBuffer::TableWithTwins(singles)) return twice;
  RequireFreeSpace(directory_, rows.bytes());
  if (!singles.empty()) WriteSingles(singles, Filter::kNone);
  if (!rows.pages().empty()) WritePageRun(rows.pages());
  return std::nullopt;
}

void RocksRowStore::WritePageRun(const std::vector<Page>& pages) {
  std::vector<const Page*> sorted;
  sorted.reserve(pages.size());
  for (const Page& page : pages) sorted.push_back(&page);
  // Tables may come in any order.
  std::sort(sorted.begin(), sorted.end(), [](const Page* a, const Page* b) { return a->key < b->key; });
  WriteRun(kPages, Filter::kNone, [&](rocksdb::SstFileWriter& writer) {
    rocksdb::Status status;
    for (auto page = sorted.begin(); page != sorted.end() && status.ok(); ++page) {
      status = (*page)->value.empty() ? writer.Delete((*page)->key) : writer.Put((*page)->key, (*page)->value);
    }
    return status;
  });
}

void RocksRowStore::WriteRun(Family family, Filter filter, const Fill& fill) {
  const std::string file = (directory_ / fmt::format("{}{}{}", kRunPrefix, next_run_++, kRunSuffix)).string();
  try {
    rocksdb::Options options(StoreDbOptions(), RowFamilyOptions());
    rocksdb::EnvOptions written_early;  // Writeback starts early, so that the sync at the end is short.
    written_early.bytes_per_sync = uint64_t{1} << 20;
    // The file stays in the page cache: ingestion reads it at once, and a seed often reads it soon.
    constexpr bool kInvalidatePageCache = false;
    rocksdb::SstFileWriter writer(written_early, options, families_[family], kInvalidatePageCache,
                                  rocksdb::Env::IOPriority::IO_TOTAL, /*skip_filters=*/filter == Filter::kNone);
    CheckStatus(writer.Open(file), directory_);
    CheckStatus(fill(writer), directory_);
    CheckStatus(writer.Finish(), directory_);
    rocksdb::IngestExternalFileOptions ingest;
    ingest.move_files = true;
    ingest.snapshot_consistency = false;
    std::lock_guard lock(files_mutex_);
    const TablesStay stay;
    CheckStatus(db_->IngestExternalFile(families_[family], {file}, ingest), directory_);
  } catch (...) {
    unlink(file.c_str());  // The space is free at once, even if no later run opens the store (the disk may be full).
    throw;
  }
}

void RocksRowStore::WriteLog(const std::vector<std::pair<std::string, std::string>>& chunks) {
  rocksdb::WriteBatch batch;
  for (const auto& [key, value] : chunks) batch.Put(families_[kLog], key, value);
  CheckStatus(db_->Write(rocksdb::WriteOptions(), &batch), directory_);
}

void RocksRowStore::DropEpoch(TableId table, EpochNumber epoch) {
  std::string begin = EncodeRowPrefix(table, epoch, "");
  for (const Family family : kRowFamilies) {
    CheckStatus(db_->DeleteRange(rocksdb::WriteOptions(), families_[family], begin, AfterPrefix(begin)), directory_);
  }
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
    for (const Family family : kRowFamilies) {
      const std::unique_ptr<rocksdb::Iterator> rows = NewIterator(family, options);
      rows->Seek(begin);
      CheckStatus(rows->status(), directory_);
      // Most tables have none, and each range that is deleted makes every later read a little slower.
      if (!rows->Valid()) continue;
      CheckStatus(db_->DeleteRange(rocksdb::WriteOptions(), families_[family], begin, end), directory_);
    }
  }
}

CompactionOwed RocksRowStore::compaction_owed() const {
  CompactionOwed owed = CompactionOwed::kNothing;
  for (const Family family : kRowFamilies) {
    if (families_[family] != nullptr) owed = std::max(owed, CompactionOwedByRows(db_.get(), families_[family]));
  }
  return owed;
}

void RocksRowStore::Compact() {
  const auto has_room = [this](uint64_t bytes) { return HasFreeSpace(directory_, bytes); };
  // Publishing again names the files as they are now, and lets RocksDB remove those that were merged.
  const auto merged = [this] { Publish(state_, {}); };
  for (const Family family : kRowFamilies) {
    CheckStatus(CompactRows(db_.get(), families_[family], has_room, merged), directory_);
  }
}

}  // namespace rotv
