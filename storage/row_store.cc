#include "storage/row_store.h"

#include <fmt/format.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <set>

#include "storage/atomic_file.h"
#include "storage/change_log.h"
#include "storage/compress.h"
#include "storage/corrupt.h"
#include "storage/data_file.h"
#include "storage/error.h"
#include "storage/free_space.h"
#include "storage/garbage.h"
#include "storage/parse_message.h"
#include "storage/rocksdb_options.h"
#include "storage/rocksdb_slice.h"
#include "storage/rocksdb_status.h"
#include "storage/row_compaction.h"
#include "storage/row_key.h"
#include "storage/store_seal.h"
#include "storage/version_scan.h"
#include "storage/view_path.h"

// Rows bypass RocksDB's write-ahead log and memtable: a sorted VersionBuffer is written as one SST file, synced, and
// ingested, so that no row is written twice. Everything small (manifest, change log, schemas, sequences, shapes) goes
// through RocksDB's log.
//
// Invariant: the manifest alone decides what is visible. Scans skip versions at or after its durable LSN, and Publish()
// replaces it in one synced batch with the schema and sequences that belong to it. So versions may be on disk long
// before they are visible, and a kill between Write() and Publish() only leaves versions that no scan sees.
//
// Such versions must not stay, though: see RemoveUnpublished(). Finding them would mean reading the whole store after
// each kill; instead each file notes the greatest commit LSN in it, and only files that can hold such versions are
// read.

namespace rotv {
namespace {

constexpr std::string_view kSequencesPrefix = "sequences/";
constexpr std::string_view kShapesPrefix = "shape/";
// The name of a run before it is ingested: run-0.tmp. RocksDB never opens that name again.
constexpr std::string_view kRunPrefix = "run-";
constexpr std::string_view kRunSuffix = ".tmp";
// Begins and ends the name of a file that RocksDB writes its options to before it renames it. RocksDB leaves one that a
// killed process left for ever.
constexpr std::string_view kOptionsPrefix = "OPTIONS-";
constexpr std::string_view kRocksDbSuffix = ".dbtmp";

enum Family { kMeta, kRows, kLog, kSchema, kFamilyCount };
const char* const kFamilyNames[kFamilyCount] = {"default", "rows", "log", "schema"};

rocksdb::Slice Slice(std::string_view view) { return {view.data(), view.size()}; }

std::string ShapeKey(uint32_t id) {
  std::string key(kShapesPrefix);
  AppendBigEndian32(id, &key);
  return key;
}

std::string LsnKey(std::string_view prefix, Lsn lsn) {
  std::string key(prefix);
  AppendBigEndian64(lsn.value(), &key);
  return key;
}

template <typename Proto>
Proto Parse(std::string_view bytes) {
  Proto parsed;
  if (!ParseMessage(bytes, &parsed)) {
    throw Error(ErrorCode::kCorrupt, "the store's metadata is damaged", kDamagedHint);
  }
  return parsed;
}

struct Bounds {
  std::string lower_bytes, upper_bytes;
  rocksdb::Slice lower, upper;
};

class RocksRowStore : public RowStore {
 public:
  RocksRowStore(std::filesystem::path directory, Mode mode) : directory_(std::move(directory)) {
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (int family = 0; family < kFamilyCount; ++family) {
      families.emplace_back(kFamilyNames[family], family == kRows ? RowFamilyOptions() : SmallFamilyOptions());
    }
    std::optional<FoundFiles> found;
    if (mode != Mode::kCreate) {
      if (!std::filesystem::exists(directory_)) ThrowMissing();
      found.emplace(directory_);
      // RocksDB changes its files when it opens them for writing: where they are not as they were sealed, what they
      // hold is checked before.
      if (mode == Mode::kReadWrite && !found->as_sealed()) RocksRowStore(directory_, Mode::kReadOnly);
    }
    rocksdb::DBOptions options = StoreDbOptions();
    options.create_if_missing = mode == Mode::kCreate;
    options.error_if_exists = mode == Mode::kCreate;
    const auto losses = std::make_shared<LossWatch>();
    if (mode == Mode::kInspect) TolerateDamagedTables(losses, &options);
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    const auto open = [&] {
      return mode == Mode::kReadOnly || mode == Mode::kInspect
                 ? rocksdb::DB::OpenForReadOnly(options, directory_.string(), families, &handles, &db)
                 : rocksdb::DB::Open(options, directory_.string(), families, &handles, &db);
    };
    rocksdb::Status status = open();
    if (status.IsCorruption() && (mode == Mode::kReadOnly || mode == Mode::kReadWrite)) {
      // A power loss may have torn records of the log that were not synced: what is before them is taken. That no state
      // is lost with them is checked before RocksDB changes its files.
      if (mode == Mode::kReadWrite) RocksRowStore(directory_, Mode::kReadOnly);
      options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
      status = open();
    }
    CheckStatus(status, directory_);
    db_.reset(db);
    std::copy(handles.begin(), handles.end(), families_);
    if (mode == Mode::kCreate) {
      KeepFiles();
      return;
    }
    try {
      if (losses->any()) ThrowDamaged(directory_, "a part of its write-ahead log cannot be read");
      LoadManifest();
      // A log that RocksDB's MANIFEST does not need any more may have been removed after it was named.
      found->Check(manifest(), found->as_sealed() ? 0 : OldestLog());
      LoadShapes();
      if (mode == Mode::kReadWrite) StartWriting();
    } catch (...) {
      Close();  // The destructor does not run for an object whose constructor throws.
      throw;
    }
  }

  ~RocksRowStore() override { Close(); }

  const std::filesystem::path& directory() const override { return directory_; }

  const StoreState& state() const override { return state_; }

  std::optional<TableId> Write(const VersionBuffer& versions) override {
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

  void WriteLog(const std::vector<std::pair<std::string, std::string>>& chunks) override {
    rocksdb::WriteBatch batch;
    for (const auto& [key, value] : chunks) batch.Put(families_[kLog], key, value);
    CheckStatus(db_->Write(rocksdb::WriteOptions(), &batch), directory_);
  }

  void Publish(const StoreState& state, const Addition& addition) override {
    rocksdb::WriteBatch batch;
    const auto put_schema = [&](const std::pair<Lsn, proto::SchemaVersion>& schema) {
      batch.Put(families_[kSchema], LsnKey("", schema.first), ZstdCompress(schema.second.SerializeAsString()));
    };
    if (addition.schema) put_schema(*addition.schema);
    for (const auto& schema : addition.more_schemas) put_schema(schema);
    if (addition.sequences) {
      auto [lsn, values] = *addition.sequences;
      if (lsn == state.head_lsn()) values.set_time_us(state.manifest().head_time_us());
      batch.Put(families_[kMeta], LsnKey(kSequencesPrefix, lsn), values.SerializeAsString());
    }
    for (const auto& [lsn, values] : addition.more_sequences) {
      batch.Put(families_[kMeta], LsnKey(kSequencesPrefix, lsn), values.SerializeAsString());
    }
    for (const proto::Shape& shape : addition.shapes) {
      batch.Put(families_[kMeta], ShapeKey(shape.id()), shape.SerializeAsString());
    }
    WriteManifest(state.manifest(), &batch);
    for (const proto::Shape& shape : addition.shapes) shapes_.Add(shape);
    state_ = state;
    durable_lsn_ = state.durable_lsn().value();
  }

  std::optional<VersionBuffer::Found> Newest(std::string_view row_prefix, std::string* storage) const override {
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

  std::unique_ptr<RowScan> ScanAt(const ScanRequest& request) const override {
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

  const ShapeMap& shapes() const override { return shapes_; }

  void DropEpoch(TableId table, EpochNumber epoch) override {
    std::string begin = EncodeRowPrefix(table, epoch, "");
    CheckStatus(db_->DeleteRange(rocksdb::WriteOptions(), families_[kRows], begin, AfterPrefix(begin)), directory_);
  }

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

  uint64_t VersionsEstimate() const override {
    uint64_t keys = 0;
    db_->GetIntProperty(families_[kRows], rocksdb::DB::Properties::kEstimateNumKeys, &keys);
    return keys;
  }

  uint64_t DiskBytes() const override {
    uint64_t total = 0;
    std::error_code ignored;
    for (const auto& file : std::filesystem::directory_iterator(directory_, ignored)) {
      uint64_t size = file.is_regular_file(ignored) ? file.file_size(ignored) : 0;
      if (!ignored) total += size;
    }
    return total;
  }

  CompactionOwed compaction_owed() const override { return CompactionOwedByRows(db_.get(), families_[kRows]); }

  void Compact() override {
    const auto has_room = [this](uint64_t bytes) { return HasFreeSpace(directory_, bytes); };
    // Publishing again names the files as they are now, and lets RocksDB remove those that were merged.
    const auto merged = [this] { Publish(state_, {}); };
    CheckStatus(CompactRows(db_.get(), families_[kRows], has_room, merged), directory_);
  }

 private:
  // How much a scan reads ahead in each run: together no more than some MiB, however many runs there are.
  size_t ReadaheadBytes() const {
    constexpr size_t kMostTogether = size_t{8} << 20;
    constexpr size_t kMost = size_t{1} << 20, kLeast = size_t{16} << 10;
    constexpr size_t kOtherLevels = 6;
    std::string runs;
    db_->GetProperty(families_[kRows], rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0", &runs);
    return std::clamp(kMostTogether / (std::strtoul(runs.c_str(), nullptr, 10) + kOtherLevels), kLeast, kMost);
  }

  // The LSNs with which those keys of a family end that begin with `prefix`, ascending.
  std::vector<Lsn> LsnsOf(Family family, std::string_view prefix) const;
  std::set<TableId> TablesOf(const std::vector<Lsn>& schemas) const;
  void DropUnneededDescriptions(const Retention& retention, Lsn log_from);

  static std::optional<TableId> TableWithTwins(const std::vector<VersionBuffer::Entry>& sorted) {
    const auto twin = std::adjacent_find(sorted.begin(), sorted.end(),
                                         [](const auto& one, const auto& next) { return one.key() == next.key(); });
    if (twin == sorted.end()) return std::nullopt;
    return DecodeVersionKey(twin->key()).table;
  }

  enum class Filter { kNone, kRows };
  void WriteRun(const std::vector<VersionBuffer::Entry>& sorted, const std::string& file, Filter filter) {
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

  // --- What RocksDB's files are held against: see store_seal.cc.

  [[noreturn]] void ThrowMissing() const {
    throw Error(ErrorCode::kCorrupt, WithoutViews(fmt::format("the store {} is missing", directory_.string())),
                "put it back from a copy, or take a new baseline: rotv-sync baseline --force");
  }

  uint64_t OldestLog() const {
    uint64_t number = 0;
    db_->GetIntProperty(rocksdb::DB::Properties::kMinLogNumberToKeep, &number);
    return number;
  }

  // Gives the files that RocksDB has and needs. A log that it does not need may be removed at any time.
  proto::StoredFiles NeededFiles() const {
    const uint64_t oldest = OldestLog();
    proto::StoredFiles files = ReadStoredFiles(directory_);
    auto& logs = *files.mutable_log_bytes();
    for (auto log = logs.begin(); log != logs.end();) log = log->first < oldest ? logs.erase(log) : std::next(log);
    return files;
  }

  // RocksDB has begun a new MANIFEST and may have removed logs: the next state names what there is now.
  void StartWriting() {
    KeepFiles();
    RemoveLeftovers();
    if (manifest().pull_in_progress()) {
      RemoveUnpublished();
    } else {
      Publish(state_, {});
    }
  }

  // Has RocksDB keep all files that there are, until the next state is sealed.
  void KeepFiles() { CheckStatus(db_->DisableFileDeletions(), directory_); }
  void RemoveObsoleteFiles() { CheckStatus(db_->EnableFileDeletions(/*force=*/true), directory_); }

  // Adds `manifest` to `*batch`, writes that, and seals it.
  void WriteManifest(proto::Manifest manifest, rocksdb::WriteBatch* batch) {
    // A state with a number and no seal at all would be taken for damage: the first one is sealed before, as number 0.
    if (state_number_ == 0) seal_.Write(0, NeededFiles());
    if (manifest.format_version() < kFormatVersion) manifest.set_format_version(kFormatVersion);
    std::lock_guard lock(files_mutex_);
    manifest.set_state_number(state_number_ + 1);
    *manifest.mutable_files() = NeededFiles();
    batch->Put(families_[kMeta], kManifestKey, manifest.SerializeAsString());
    rocksdb::WriteOptions synced;
    synced.sync = true;
    CheckStatus(db_->Write(synced, batch), directory_);
    ++state_number_;
    seal_.Write(state_number_, manifest.files());
    RemoveObsoleteFiles();
    KeepFiles();
  }

  void Close() {
    rocksdb::CancelAllBackgroundWork(db_.get(), true);
    for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
    db_->Close();
  }

  // A process that is killed while RocksDB ingests a run leaves a second name (a hard link) of a file that is in use.
  // Writing a new run under that name would overwrite the file in use, so such names are removed first.
  void RemoveLeftovers() {
    std::vector<std::filesystem::path> leftovers;
    for (const auto& file : std::filesystem::directory_iterator(directory_)) {
      std::string name = file.path().filename().string();
      const bool is_run = name.starts_with(kRunPrefix) && name.ends_with(kRunSuffix);
      const bool is_options = name.starts_with(kOptionsPrefix) && name.ends_with(kRocksDbSuffix);
      if (is_run || is_options) leftovers.push_back(file.path());
    }
    for (const std::filesystem::path& file : leftovers) {
      if (unlink(file.c_str()) != 0) ThrowDiskError("remove", file, errno);
    }
  }

  std::unique_ptr<rocksdb::Iterator> NewIterator(Family family) const {
    return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(ReadInOrder(), families_[family]));
  }

  void LoadManifest() {
    std::string bytes;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), families_[kMeta], kManifestKey, &bytes);
    if (status.IsNotFound()) status = rocksdb::Status::Corruption("it has no manifest");
    CheckStatus(status, directory_);
    state_ = StoreState::FromStored(Parse<proto::Manifest>(bytes));
    durable_lsn_ = state_.durable_lsn().value();
    state_number_ = manifest().state_number();
    const uint32_t format = manifest().format_version();
    if (format < kOldestFormatVersion || format > kFormatVersion) {
      throw Error(ErrorCode::kDisk,
                  WithoutViews(fmt::format("the store in {} has format {}, this program knows {}", directory_.string(),
                                           format, kFormatVersion)),
                  format > kFormatVersion
                      ? "use the newer rotv-sync that wrote it, or take a new baseline: rotv-sync baseline --force"
                      : "take a new baseline: rotv-sync baseline --force");
    }
  }

  void LoadShapes() {
    std::unique_ptr<rocksdb::Iterator> shapes = NewIterator(kMeta);
    for (shapes->Seek(Slice(kShapesPrefix)); shapes->Valid() && shapes->key().starts_with(Slice(kShapesPrefix));
         shapes->Next()) {
      shapes_.Add(Parse<proto::Shape>(View(shapes->value())));
    }
    CheckStatus(shapes->status(), directory_);
  }

  // Unpublished rows of a killed run do harm: a transaction that is received again would find its own later rows, and
  // fill unchanged columns from them, or count equal rows of a multiset twice.
  void RemoveUnpublished() {
    const Lsn durable = state_.durable_lsn();
    rocksdb::WriteBatch batch;
    rocksdb::ReadOptions options = ReadInOrder();
    options.fill_cache = false;
    // A file without such versions is skipped: only its properties are read. A deletion has the key of the version that
    // it deletes, so the file it is in is read whenever that version's file is.
    options.table_filter = [durable](const rocksdb::TableProperties& properties) {
      return MayHoldVersionsFrom(properties, durable);
    };
    std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options, families_[kRows]));
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
      if (DecodeVersionKey(View(rows->key())).commit_lsn < durable) continue;
      batch.Delete(families_[kRows], rows->key());
      if (batch.GetDataSize() < (size_t{4} << 20)) continue;
      CheckStatus(db_->Write(rocksdb::WriteOptions(), &batch), directory_);
      batch.Clear();
    }
    CheckStatus(rows->status(), directory_);
    batch.DeleteRange(families_[kLog], LsnKey("", durable), std::string(16, '\xFF'));
    StoreState cleaned = state_;
    cleaned.AbandonPull();
    WriteManifest(cleaned.manifest(), &batch);
    state_ = std::move(cleaned);
  }

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

proto::SchemaVersion RocksRowStore::SchemaAt(Lsn lsn) const {
  std::unique_ptr<rocksdb::Iterator> schemas = NewIterator(kSchema);
  schemas->SeekForPrev(LsnKey("", lsn));
  CheckStatus(schemas->status(), directory_);
  if (!schemas->Valid()) throw Error(ErrorCode::kCorrupt, "the store has no schema for " + lsn.ToString());
  return Parse<proto::SchemaVersion>(ZstdDecompress(View(schemas->value())));
}

proto::SequenceValues RocksRowStore::SequencesAt(Lsn lsn) const {
  std::unique_ptr<rocksdb::Iterator> values = NewIterator(kMeta);
  values->Seek(LsnKey(kSequencesPrefix, lsn));
  if (!values->Valid() || !values->key().starts_with(Slice(kSequencesPrefix))) {
    values->SeekForPrev(LsnKey(kSequencesPrefix, lsn));
  }
  CheckStatus(values->status(), directory_);
  if (!values->Valid() || !values->key().starts_with(Slice(kSequencesPrefix))) return {};
  return Parse<proto::SequenceValues>(View(values->value()));
}

std::optional<RowStore::Head> RocksRowStore::LastHead(Lsn lsn) const {
  const rocksdb::Slice prefix = Slice(kSequencesPrefix);
  std::unique_ptr<rocksdb::Iterator> values = NewIterator(kMeta);
  std::optional<Head> head;
  for (values->SeekForPrev(LsnKey(kSequencesPrefix, lsn)); values->Valid() && values->key().starts_with(prefix);
       values->Prev()) {
    const int64_t time_us = Parse<proto::SequenceValues>(View(values->value())).time_us();
    if (time_us == 0) continue;
    head = Head{.lsn = Lsn(ReadBigEndian64(values->key().data() + prefix.size())), .time_us = time_us};
    break;
  }
  CheckStatus(values->status(), directory_);
  return head;
}

void RocksRowStore::VisitLog(Lsn from, const std::function<bool(const proto::Transaction&)>& visit) const {
  std::unique_ptr<rocksdb::Iterator> log = NewIterator(kLog);
  Lsn durable(durable_lsn_);
  from = std::max(from, Lsn(manifest().log_from_lsn()));
  // A chunk that begins before `from` may hold transactions at or after it.
  log->SeekForPrev(ChangeLogKey(from, 0));
  if (!log->Valid()) log->SeekToFirst();
  for (; log->Valid(); log->Next()) {
    proto::LogChunk chunk = DecodeLogChunk(View(log->value()));
    for (const proto::Transaction& transaction : chunk.transactions()) {
      Lsn commit_lsn(transaction.commit_lsn());
      if (commit_lsn >= durable) return;
      if (commit_lsn >= from && !visit(transaction)) return;
    }
  }
  CheckStatus(log->status(), directory_);
}

std::optional<proto::Transaction> RocksRowStore::LastLogged(Lsn before) const {
  std::unique_ptr<rocksdb::Iterator> log = NewIterator(kLog);
  const Lsn end = std::min(before, Lsn(durable_lsn_));
  for (log->SeekForPrev(ChangeLogKey(end, 0)); log->Valid(); log->Prev()) {
    proto::LogChunk chunk = DecodeLogChunk(View(log->value()));
    for (int i = chunk.transactions_size(); i-- > 0;) {
      if (Lsn(chunk.transactions(i).commit_lsn()) < end) return std::move(*chunk.mutable_transactions(i));
    }
  }
  CheckStatus(log->status(), directory_);
  return std::nullopt;
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

std::vector<Lsn> RocksRowStore::LsnsOf(Family family, std::string_view prefix) const {
  std::vector<Lsn> lsns;
  std::unique_ptr<rocksdb::Iterator> values = NewIterator(family);
  for (values->Seek(Slice(prefix)); values->Valid() && values->key().starts_with(Slice(prefix)); values->Next()) {
    lsns.emplace_back(ReadBigEndian64(values->key().data() + prefix.size()));
  }
  CheckStatus(values->status(), directory_);
  return lsns;
}

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

  std::vector<KeySpan> spans;
  for (const proto::DroppedEpoch& epoch : dropping) DropEpoch(epoch.table(), epoch.epoch());
  CheckStatus(DropVersions(db_.get(), families_[kRows], retention, look, &counts.versions, &counts.dropped, &spans),
              directory_);
  for (const proto::DroppedEpoch& epoch : dropping) {
    std::string begin = EncodeRowPrefix(epoch.table(), epoch.epoch(), "");
    spans.emplace_back(begin, AfterPrefix(begin));
  }
  DropUnneededDescriptions(retention, log_from);
  if (broken_off) spans = {{std::string(), std::string(32, '\xFF')}};
  CheckStatus(CompactSpans(db_.get(), families_[kRows], spans, [&] { look(counts.versions); }), directory_);
  for (Family family : {kLog, kSchema, kMeta}) {
    CheckStatus(db_->CompactRange(rocksdb::CompactRangeOptions(), families_[family], nullptr, nullptr), directory_);
  }
  state.EndCollection(DiskBytes());
  Publish(state, {});
  return counts;
}

}  // namespace

std::unique_ptr<RowStore> RowStore::Open(const std::filesystem::path& directory, Mode mode) {
  return std::make_unique<RocksRowStore>(directory, mode);
}

}  // namespace rotv
