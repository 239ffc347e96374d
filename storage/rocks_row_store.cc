#include "storage/rocks_row_store.h"

#include <fmt/format.h>
#include <rocksdb/convenience.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "storage/atomic_file.h"
#include "storage/compress.h"
#include "storage/rocksdb_options.h"
#include "storage/rocksdb_slice.h"
#include "storage/rocksdb_status.h"
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

constexpr std::string_view kShapesPrefix = "shape/";
// Begins and ends the name of a file that RocksDB writes its options to before it renames it. RocksDB leaves one that a
// killed process left for ever.
constexpr std::string_view kOptionsPrefix = "OPTIONS-";
constexpr std::string_view kRocksDbSuffix = ".dbtmp";

std::string ShapeKey(uint32_t id) {
  std::string key(kShapesPrefix);
  AppendBigEndian32(id, &key);
  return key;
}

// Where it has not, RocksDB would add those that are missing, also to a store that is refused for its format.
bool HasOurFamilies(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  const rocksdb::Status status = rocksdb::DB::ListColumnFamilies(StoreDbOptions(), directory.string(), &names);
  return !status.ok() ||
         std::is_permutation(names.begin(), names.end(), std::begin(kFamilyNames), std::end(kFamilyNames));
}

}  // namespace

std::string LsnKey(std::string_view prefix, Lsn lsn) {
  std::string key(prefix);
  AppendBigEndian64(lsn.value(), &key);
  return key;
}

RocksRowStore::RocksRowStore(std::filesystem::path directory, Mode mode) : directory_(std::move(directory)) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (int family = 0; family < kFamilyCount; ++family) {
    const bool of_rows = family == kRows || family == kPages;
    families.emplace_back(kFamilyNames[family], of_rows ? RowFamilyOptions() : SmallFamilyOptions());
  }
  std::optional<FoundFiles> found;
  if (mode != Mode::kCreate) {
    if (!std::filesystem::exists(directory_)) ThrowMissing();
    found.emplace(directory_);
    // RocksDB changes its files when it opens them for writing: where they are not as they were sealed, what they
    // hold is checked before.
    const bool as_it_was = found->as_sealed() && HasOurFamilies(directory_);
    if (mode == Mode::kReadWrite && !as_it_was) RocksRowStore(directory_, Mode::kReadOnly);
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
  const bool reads = mode == Mode::kReadOnly || mode == Mode::kInspect;
  if (status.IsInvalidArgument() && reads) {  // What RocksDB says of a family that is not there.
    families.resize(kPages);
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

void RocksRowStore::Close() {
  rocksdb::CancelAllBackgroundWork(db_.get(), true);
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    if (family != nullptr) db_->DestroyColumnFamilyHandle(family);
  }
  db_->Close();
}

void RocksRowStore::LoadManifest() {
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

void RocksRowStore::LoadShapes() {
  std::unique_ptr<rocksdb::Iterator> shapes = NewIterator(kMeta);
  for (shapes->Seek(Slice(kShapesPrefix)); shapes->Valid() && shapes->key().starts_with(Slice(kShapesPrefix));
       shapes->Next()) {
    shapes_.Add(Parse<proto::Shape>(View(shapes->value())));
  }
  CheckStatus(shapes->status(), directory_);
}

void RocksRowStore::ThrowMissing() const {
  throw Error(ErrorCode::kCorrupt, WithoutViews(fmt::format("the store {} is missing", directory_.string())),
              "put it back from a copy, or take a new baseline: rotv-sync baseline --force");
}

void RocksRowStore::KeepFiles() { CheckStatus(db_->DisableFileDeletions(), directory_); }

void RocksRowStore::RemoveObsoleteFiles() { CheckStatus(db_->EnableFileDeletions(/*force=*/true), directory_); }

uint64_t RocksRowStore::OldestLog() const {
  uint64_t number = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kMinLogNumberToKeep, &number);
  return number;
}

proto::StoredFiles RocksRowStore::NeededFiles() const {
  const uint64_t oldest = OldestLog();
  proto::StoredFiles files = ReadStoredFiles(directory_);
  auto& logs = *files.mutable_log_bytes();
  for (auto log = logs.begin(); log != logs.end();) log = log->first < oldest ? logs.erase(log) : std::next(log);
  return files;
}

void RocksRowStore::StartWriting() {
  KeepFiles();
  RemoveLeftovers();
  if (manifest().pull_in_progress()) {
    RemoveUnpublished();
  } else {
    Publish(state_, {});
  }
}

void RocksRowStore::RemoveLeftovers() {
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

void RocksRowStore::RemoveUnpublished() {
  const Lsn durable = state_.durable_lsn();
  rocksdb::WriteBatch batch;
  rocksdb::ReadOptions options = ReadInOrder();
  options.fill_cache = false;
  // A file without such versions is skipped: only its properties are read. A deletion has the key of the version that
  // it deletes, so the file it is in is read whenever that version's file is.
  options.table_filter = [durable](const rocksdb::TableProperties& properties) {
    return MayHoldVersionsFrom(properties, durable);
  };
  for (const Family family : kRowFamilies) {
    const std::unique_ptr<rocksdb::Iterator> rows = NewIterator(family, options);
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
      if (DecodeVersionKey(View(rows->key())).commit_lsn < durable) continue;
      batch.Delete(families_[family], rows->key());
      if (batch.GetDataSize() < (size_t{4} << 20)) continue;
      CheckStatus(db_->Write(rocksdb::WriteOptions(), &batch), directory_);
      batch.Clear();
    }
    CheckStatus(rows->status(), directory_);
  }
  batch.DeleteRange(families_[kLog], LsnKey("", durable), std::string(16, '\xFF'));
  StoreState cleaned = state_;
  cleaned.AbandonPull();
  WriteManifest(cleaned.manifest(), &batch);
  state_ = std::move(cleaned);
}

void RocksRowStore::WriteManifest(proto::Manifest manifest, rocksdb::WriteBatch* batch) {
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

void RocksRowStore::Publish(const StoreState& state, const Addition& addition) {
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
    if (shapes_.Knows(shape)) continue;
    batch.Put(families_[kMeta], ShapeKey(shape.id()), shape.SerializeAsString());
  }
  WriteManifest(state.manifest(), &batch);
  for (const proto::Shape& shape : addition.shapes) shapes_.Add(shape);
  state_ = state;
  durable_lsn_ = state.durable_lsn().value();
}

std::unique_ptr<RowStore> RowStore::Open(const std::filesystem::path& directory, Mode mode) {
  return std::make_unique<RocksRowStore>(directory, mode);
}

}  // namespace rotv
