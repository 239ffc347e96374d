// The RowStore over RocksDB is one class whose functions are defined by job: rocks_row_store.cc opens and publishes;
// row_writing.cc, row_reading.cc, stored_history.cc (schemas, sequences, the change log) and garbage_collection.cc do
// as they are named. Only these files include this one.

#pragma once

#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/corrupt.h"
#include "storage/data_file.h"
#include "storage/error.h"
#include "storage/garbage.h"
#include "storage/parse_message.h"
#include "storage/row_key.h"
#include "storage/row_store.h"
#include "storage/store_seal.h"
#include "storage/store_state.h"
#include "storage/version_iterator.h"

namespace rotv {

inline constexpr std::string_view kSequencesPrefix = "sequences/";
// The name of a run before it is ingested: run-0.tmp. RocksDB never opens that name again.
inline constexpr std::string_view kRunPrefix = "run-";
inline constexpr std::string_view kRunSuffix = ".tmp";

// Pages come last: a store of format 3 that is opened for reading has none.
enum Family { kMeta, kRows, kLog, kSchema, kPages, kFamilyCount };
inline constexpr const char* kFamilyNames[kFamilyCount] = {"default", "rows", "log", "schema", "pages"};
inline constexpr Family kRowFamilies[] = {kRows, kPages};

inline rocksdb::Slice Slice(std::string_view view) { return {view.data(), view.size()}; }

// The key of what is stored for an LSN.
std::string LsnKey(std::string_view prefix, Lsn lsn);

template <typename Proto>
Proto Parse(std::string_view bytes) {
  Proto parsed;
  if (!ParseMessage(bytes, &parsed)) {
    throw Error(ErrorCode::kCorrupt, "the store's metadata is damaged", kDamagedHint);
  }
  return parsed;
}

class RocksRowStore : public RowStore {
 public:
  RocksRowStore(std::filesystem::path directory, Mode mode);
  ~RocksRowStore() override { Close(); }
  const std::filesystem::path& directory() const override { return directory_; }
  const StoreState& state() const override { return state_; }
  std::optional<TableId> Write(const VersionBuffer& versions) override;
  std::optional<TableId> WritePages(const PageBuffer& rows) override;
  void WriteLog(const std::vector<std::pair<std::string, std::string>>& chunks) override;
  void Publish(const StoreState& state, const Addition& addition) override;
  std::optional<VersionBuffer::Found> Newest(std::string_view row_prefix, std::string* storage) const override;
  std::unique_ptr<RowScan> ScanAt(const ScanRequest& request) const override;
  const ShapeMap& shapes() const override { return shapes_; }
  void DropEpoch(TableId table, EpochNumber epoch) override;
  void DropUnlistedEpochs(const std::set<TableId>& tables) override;
  std::vector<KeyRange> Split(TableId table, EpochNumber epoch, size_t parts) const override;
  proto::SchemaVersion SchemaAt(Lsn lsn) const override;
  proto::SequenceValues SequencesAt(Lsn lsn) const override;
  void VisitLog(Lsn from, const std::function<bool(const proto::Transaction&)>& visit) const override;
  std::optional<proto::Transaction> LastLogged(Lsn before) const override;
  std::vector<Lsn> SchemaLsns() const override { return LsnsOf(kSchema, ""); }
  std::vector<Lsn> SequenceLsns() const override { return LsnsOf(kMeta, kSequencesPrefix); }
  std::optional<Head> LastHead(Lsn lsn) const override;
  void VisitVersions(const std::function<void(const VersionKey&, const RowVersion&, size_t)>& visit,
                     Lsn from) const override;
  std::vector<DataFile> DataFiles() const override { return DataFilesOf(db_.get()); }
  GarbageCounts CollectGarbage(const Retention& retention, Lsn log_from, int64_t kept_from_time_us,
                               const std::function<void(uint64_t)>& look) override;
  uint64_t VersionsEstimate() const override;
  uint64_t DiskBytes() const override;
  CompactionOwed compaction_owed() const override;
  void Compact() override;

 private:
  // How much a scan reads ahead in each run: together no more than some MiB, however many runs there are.
  size_t ReadaheadBytes() const;

  // The LSNs with which those keys of a family end that begin with `prefix`, ascending.
  std::vector<Lsn> LsnsOf(Family family, std::string_view prefix) const;
  std::set<TableId> TablesOf(const std::vector<Lsn>& schemas) const;
  void DropVersions(const Retention& retention, const std::function<void(uint64_t)>& look, Dropped* dropped);
  void DropUnneededDescriptions(const Retention& retention, Lsn log_from);

  // Writes one sorted run to a family, as `fill` adds its entries.
  enum class Filter { kNone, kRows };
  using Fill = std::function<rocksdb::Status(rocksdb::SstFileWriter&)>;
  void WriteRun(Family family, Filter filter, const Fill& fill);
  void WriteSingles(const std::vector<VersionBuffer::Entry>& sorted, Filter filter);
  // Those without a value are removed.
  void WritePageRun(const std::vector<Page>& pages);

  // --- What RocksDB's files are held against: see store_seal.cc.

  [[noreturn]] void ThrowMissing() const;

  uint64_t OldestLog() const;

  // Gives the files that RocksDB has and needs. A log that it does not need may be removed at any time.
  proto::StoredFiles NeededFiles() const;

  // RocksDB has begun a new MANIFEST and may have removed logs: the next state names what there is now.
  void StartWriting();

  // Has RocksDB keep all files that there are, until the next state is sealed.
  void KeepFiles();
  void RemoveObsoleteFiles();

  // Adds `manifest` to `*batch`, writes that, and seals it.
  void WriteManifest(proto::Manifest manifest, rocksdb::WriteBatch* batch);

  void Close();
  // A process that is killed while RocksDB ingests a run leaves a second name (a hard link) of a file that is in use.
  // Writing a new run under that name would overwrite the file in use, so such names are removed first.
  void RemoveLeftovers();

  std::unique_ptr<rocksdb::Iterator> NewIterator(Family family) const;
  // Of rows or pages; one of nothing if the store has no such family.
  std::unique_ptr<rocksdb::Iterator> NewIterator(Family family, const rocksdb::ReadOptions& options) const;
  // All versions of all rows.
  VersionIterator AllVersions(const rocksdb::ReadOptions& options) const;
  // The row of a page that is the newest version of this row there; nullopt if there is none.
  std::optional<VersionBuffer::Found> NewestInPages(std::string_view row_prefix, std::string* storage) const;
  uint64_t RowsInPagesEstimate() const;
  void LoadManifest();
  void LoadShapes();
  // Unpublished rows of a killed run do harm: a transaction that is received again would find its own later rows, and
  // fill unchanged columns from them, or count equal rows of a multiset twice.
  void RemoveUnpublished();

  const std::filesystem::path directory_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* families_[kFamilyCount] = {};
  StoreState state_;
  ShapeMap shapes_;
  std::atomic<uint64_t> durable_lsn_{0};  // That of state_, for threads other than the one that publishes.
  std::atomic<uint64_t> next_run_{0};
  // Held while files are named, and while they change: an ingestion that has written to RocksDB's MANIFEST has not
  // synced it yet, and a state must not name a size that a power loss takes back.
  std::mutex files_mutex_;
  SealFile seal_{directory_};
  uint64_t state_number_ = 0;  // The number of the state that was published last.
};

}  // namespace rotv
