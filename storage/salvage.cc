#include "storage/salvage.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>

#include <algorithm>
#include <map>
#include <memory>

#include "proto/store.pb.h"
#include "storage/atomic_file.h"
#include "storage/corrupt.h"
#include "storage/error.h"
#include "storage/rocksdb_options.h"
#include "storage/rocksdb_status.h"

// RocksDB takes no table out of a store, and opens none with a table that is missing. So the new store is the old one
// (tables as links, everything else as copies) in which each damaged table has a substitute: a table with one deletion,
// of the damaged one's first key, and the size that the MANIFEST expects. Now all tables can be read, and a compaction
// of each substitute with what overlaps it leaves a store without them. Refused: importing the sound tables into a new
// column family (RocksDB 7.8 imports none that was ingested), and reading all rows and writing them again (the disk
// space and the time of the whole store).
//
// Invariant: no state is served that lacks rows. An epoch of which a damaged table may have rows is marked in the
// manifest, whichever states its other rows would be enough for; and if it is the table's last one, the table is marked
// for a resync. A substitute's deletion hides a key of such an epoch, or of none that is served.

namespace rotv {
namespace {

namespace fs = std::filesystem;

bool IsTable(const fs::path& path) { return path.extension() == ".sst"; }

bool HasRows(const DataFile& file) {
  return file.content == DataFile::Content::kRows || file.content == DataFile::Content::kPages;
}

class SalvageRun {
 public:
  explicit SalvageRun(const SalvageRequest& request) : request_(request) {}
  ~SalvageRun() { Close(); }
  SalvageRun(const SalvageRun&) = delete;
  SalvageRun& operator=(const SalvageRun&) = delete;

  SalvageResult Run() {
    Copy();
    for (const DataFile& file : request_.damaged) PutSubstitute(file);
    Open();
    FindLost();
    WriteManifest();
    RemoveSubstitutes();
    Close();
    SyncDirectory(request_.to);
    return std::move(result_);
  }

 private:
  void Copy() {
    for (const auto& entry : fs::directory_iterator(request_.from)) {
      const std::string name = entry.path().filename();
      if (!entry.is_regular_file() || IsDamaged(name) || name == "LOCK") continue;
      std::error_code error;
      if (IsTable(entry.path())) {
        fs::create_hard_link(entry.path(), request_.to / name, error);
      } else {
        fs::copy_file(entry.path(), request_.to / name, fs::copy_options::overwrite_existing, error);
      }
      if (error) ThrowDiskError("copy", entry.path(), error.value());
    }
  }

  void Open() {
    rocksdb::DBOptions options = StoreDbOptions();
    const auto losses = std::make_shared<LossWatch>();
    TolerateDamagedTables(losses, &options);
    options.verify_sst_unique_id_in_manifest = false;  // Substitutes have others.
    options.create_missing_column_families = false;
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    std::vector<std::string> names;
    CheckStatus(rocksdb::DB::ListColumnFamilies(options, request_.to.string(), &names), request_.to);
    for (const std::string& name : names) {
      const bool of_rows = name == "rows" || name == "pages";
      families.emplace_back(name, of_rows ? RowFamilyOptions() : SmallFamilyOptions());
    }
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    CheckStatus(rocksdb::DB::Open(options, request_.to.string(), families, &handles, &db), request_.to);
    db_.reset(db);
    for (size_t i = 0; i < names.size(); ++i) families_[names[i]] = handles[i];
    if (losses->any()) ThrowDamaged(request_.from, "a part of its write-ahead log cannot be read");
    std::string bytes;
    CheckStatus(db_->Get(rocksdb::ReadOptions(), families_.at("default"), kManifestKey, &bytes), request_.to);
    if (!manifest_.ParseFromString(bytes)) ThrowDamaged(request_.from, "its manifest cannot be read");
  }

  void FindLost() {
    std::set<TableEpoch> known, lost;
    for (const proto::TableHistory& history : manifest_.tables()) {
      for (const proto::Epoch& epoch : history.epochs()) known.insert({history.table(), epoch.number()});
    }
    for (const DataFile& file : request_.damaged) {
      result_.log_lost = result_.log_lost || file.content == DataFile::Content::kChangeLog;
      if (HasRows(file)) lost.merge(EpochsIn(request_.from, file, known));
    }
    result_.lost.assign(lost.begin(), lost.end());
    for (proto::TableHistory& history : *manifest_.mutable_tables()) {
      for (proto::Epoch& epoch : *history.mutable_epochs()) {
        if (lost.count({history.table(), epoch.number()}) == 0) continue;
        epoch.set_damaged(true);
        if (epoch.number() == history.epochs().rbegin()->number()) result_.to_resync.insert(history.table());
      }
    }
  }

  // Writes a table of the size of the damaged one. Its last bytes say where everything else in it is.
  void PutSubstitute(const DataFile& file) {
    constexpr size_t kFooterBytes = 53;
    const fs::path path = request_.to / file.name;
    rocksdb::Options options(StoreDbOptions(), HasRows(file) ? RowFamilyOptions() : SmallFamilyOptions());
    // The damaged one may have no filter, and be hardly larger than this one.
    options.prefix_extractor.reset();
    rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), options, /*column_family=*/nullptr,
                                  /*invalidate_page_cache=*/true, rocksdb::Env::IOPriority::IO_TOTAL,
                                  /*skip_filters=*/true);
    CheckStatus(writer.Open(path.string()), request_.to);
    CheckStatus(writer.Delete(file.first_key), request_.to);
    CheckStatus(writer.Finish(), request_.to);
    const std::string table = ReadFile(path);
    if (table.size() > file.bytes) ThrowDamaged(request_.from, fmt::format("{} cannot be replaced", file.name));
    const std::string padding(file.bytes - table.size(), '\0');
    WriteFileAtomically(
        path, table.substr(0, table.size() - kFooterBytes) + padding + table.substr(table.size() - kFooterBytes));
  }

  // Merges the substitutes into what they overlap, until no table of theirs is left.
  void RemoveSubstitutes() {
    for (bool found = true; found;) {
      found = false;
      std::vector<rocksdb::LiveFileMetaData> live;
      db_->GetLiveFilesMetaData(&live);
      for (const rocksdb::LiveFileMetaData& file : live) {
        if (!IsDamaged(file.relative_filename)) continue;
        rocksdb::CompactionOptions options;
        options.compression = rocksdb::kDisableCompressionOption;
        options.output_file_size_limit = kRowFileBytes;
        CheckStatus(db_->CompactFiles(options, families_.at(file.column_family_name), {file.relative_filename},
                                      std::max(file.level, 1)),
                    request_.to);
        found = true;
        break;  // Others may have been merged with it.
      }
    }
  }

  bool IsDamaged(const std::string& name) const {
    return std::any_of(request_.damaged.begin(), request_.damaged.end(),
                       [&](const DataFile& file) { return file.name == name; });
  }

  // Rows that a killed pull left are removed by the next command that writes, whatever the tables know of an earlier
  // removal.
  void WriteManifest() {
    for (const TableId table : result_.to_resync) {
      const auto& marked = manifest_.must_copy();
      if (std::find(marked.begin(), marked.end(), table) == marked.end()) manifest_.add_must_copy(table);
    }
    manifest_.set_pull_in_progress(true);
    if (result_.log_lost) manifest_.set_log_from_lsn(manifest_.durable_lsn());
    rocksdb::WriteOptions synced;
    synced.sync = true;
    CheckStatus(db_->Put(synced, families_.at("default"), kManifestKey, manifest_.SerializeAsString()), request_.to);
  }

  void Close() {
    if (!db_) return;
    for (const auto& [name, handle] : families_) {
      if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle);
    }
    db_->Close();
    db_.reset();
  }

  const SalvageRequest& request_;
  std::unique_ptr<rocksdb::DB> db_;
  std::map<std::string, rocksdb::ColumnFamilyHandle*> families_;
  proto::Manifest manifest_;
  SalvageResult result_;
};

}  // namespace

SalvageResult Salvage(const SalvageRequest& request) { return SalvageRun(request).Run(); }

}  // namespace rotv
