#include "storage/change_log.h"
#include "storage/free_space.h"
#include "storage/garbage.h"
#include "storage/rocks_row_store.h"
#include "storage/rocksdb_options.h"
#include "storage/rocksdb_slice.h"
#include "storage/rocksdb_status.h"

namespace rotv {

std::set<TableId> RocksRowStore::TablesOf(const std::vector<Lsn>& schemas) const {
  std::set<TableId> tables;
  for (Lsn lsn : schemas) {
    proto::SchemaVersion schema = SchemaAt(lsn);
    for (const proto::Table& table : schema.tables()) tables.insert(table.id());
  }
  return tables;
}

void RocksRowStore::DropUnneededDescriptions(const Retention& retention, Lsn log_from) {
  rocksdb::WriteBatch batch;
  for (Lsn lsn : Unneeded(retention, LsnsOf(kSchema, ""), Valid::kFromKey)) {
    batch.Delete(families_[kSchema], LsnKey("", lsn));
  }
  for (Lsn lsn : Unneeded(retention, LsnsOf(kMeta, kSequencesPrefix), Valid::kUpToKey)) {
    batch.Delete(families_[kMeta], LsnKey(kSequencesPrefix, lsn));
  }
  // The chunk that holds `log_from` may begin before it, and stays.
  std::unique_ptr<rocksdb::Iterator> log = NewIterator(kLog);
  log->SeekForPrev(ChangeLogKey(log_from, 0));
  CheckStatus(log->status(), directory_);
  if (log->Valid()) batch.DeleteRange(families_[kLog], LsnKey("", Lsn()), log->key());
  CheckStatus(db_->Write(rocksdb::WriteOptions(), &batch), directory_);
}

void RocksRowStore::DropVersions(const Retention& retention, const std::function<void(uint64_t)>& look,
                                 Dropped* dropped) {
  rocksdb::ReadOptions options = ReadInOrder();
  options.fill_cache = false;
  options.readahead_size = size_t{1} << 20;
  VersionIterator versions = AllVersions(options);
  const auto replace_pages = [this](const std::vector<Page>& pages) {
    uint64_t bytes = 0;
    for (const Page& page : pages) bytes += page.value.size();
    // The reserve of the disk is for this, too.
    const std::optional<FreeSpace> space = FreeSpaceOf(directory_);
    if (bytes > 0 && space && space->free < 2 * bytes) return false;
    // In a file, also what is removed: RocksDB's MANIFEST has it before any tombstone is gone. A reader's view may have
    // the MANIFEST of a later moment than the log.
    WritePageRun(pages);
    return true;
  };
  CheckStatus(rotv::DropVersions({.db = db_.get(),
                                  .rows = families_[kRows],
                                  .versions = versions,
                                  .retention = retention,
                                  .look = look,
                                  .replace_pages = replace_pages},
                                 dropped),
              directory_);
}

GarbageCounts RocksRowStore::CollectGarbage(const Retention& retention, Lsn log_from, int64_t kept_from_time_us,
                                            const std::function<void(uint64_t)>& look) {
  GarbageCounts counts;
  std::vector<Lsn> schemas = LsnsOf(kSchema, "");
  for (Lsn lsn : Unneeded(retention, schemas, Valid::kFromKey)) std::erase(schemas, lsn);
  // The state is published first: no reader may be promised a state whose versions are about to be removed.
  StoreState state = state_;
  const bool broken_off = state.manifest().collecting();
  state.BeginCollection(retention, TablesOf(schemas), log_from, kept_from_time_us);
  const auto& dropping = state.manifest().dropping();
  counts.epochs = static_cast<uint64_t>(dropping.size());
  Publish(state, {});
  // What gc frees is free at once: the disk may be full. Files that belong together by accident cannot do harm here,
  // for each deletion is harmless by itself.
  RemoveObsoleteFiles();

  for (const proto::DroppedEpoch& epoch : dropping) DropEpoch(epoch.table(), epoch.epoch());
  Dropped dropped;
  DropVersions(retention, look, &dropped);
  counts.versions = dropped.seen;
  counts.dropped = dropped.versions;
  DropUnneededDescriptions(retention, log_from);
  for (const Family family : kRowFamilies) {
    std::vector<KeySpan>& spans = family == kRows ? dropped.rows : dropped.pages;
    for (const proto::DroppedEpoch& epoch : dropping) {
      std::string begin = EncodeRowPrefix(epoch.table(), epoch.epoch(), "");
      spans.emplace_back(begin, AfterPrefix(begin));
    }
    if (broken_off) spans = {{std::string(), std::string(32, '\xFF')}};
    CheckStatus(CompactSpans(db_.get(), families_[family], spans, [&] { look(counts.versions); }), directory_);
  }
  for (Family family : {kLog, kSchema, kMeta}) {
    CheckStatus(db_->CompactRange(rocksdb::CompactRangeOptions(), families_[family], nullptr, nullptr), directory_);
  }
  state.EndCollection(DiskBytes());
  Publish(state, {});
  return counts;
}

}  // namespace rotv
