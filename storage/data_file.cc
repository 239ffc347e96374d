#include "storage/data_file.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table_properties.h>

#include <algorithm>
#include <memory>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/rocksdb_options.h"
#include "storage/rocksdb_slice.h"
#include "storage/row_key.h"

// RocksDB compares names and sizes with its MANIFEST when it opens a store, and reads the rest when it needs it. A file
// that has another's place (a copy that was put back under a wrong name) has the right checksums, so its keys are held
// against the MANIFEST too.

namespace rotv {
namespace {

namespace fs = std::filesystem;

DataFile::Content ContentOf(const std::string& family) {
  if (family == "rows") return DataFile::Content::kRows;
  if (family == "pages") return DataFile::Content::kPages;
  if (family == "log") return DataFile::Content::kChangeLog;
  return family == "schema" ? DataFile::Content::kSchemas : DataFile::Content::kOther;
}

TableEpoch EpochOfKey(std::string_view key) {
  std::string head(key.substr(0, kTablePrefixSize));
  head.resize(kTablePrefixSize, '\0');
  const uint64_t number = ReadBigEndian64(head.data());
  return {static_cast<TableId>(number >> 32), static_cast<EpochNumber>(number)};
}

// RocksDB's text names the file once more, with its path.
std::string TextOf(const rocksdb::Status& status, const fs::path& path) {
  std::string text = status.ToString();
  for (const std::string& part : {" in " + path.string(), path.string()}) {
    if (const size_t at = text.find(part); at != std::string::npos) text.erase(at, part.size());
  }
  return text;
}

rocksdb::ReadOptions ReadAllOptions() {
  rocksdb::ReadOptions options = ReadInOrder();
  options.fill_cache = false;
  options.readahead_size = size_t{1} << 20;
  return options;
}

class OpenFile {
 public:
  OpenFile(const fs::path& directory, const DataFile& file)
      : path_(directory / file.name), file_(file), reader_(rocksdb::Options(StoreDbOptions(), RowFamilyOptions())) {}

  std::optional<std::string> CheckForm() {
    std::error_code error;
    const uint64_t bytes = fs::file_size(path_, error);
    if (error == std::errc::no_such_file_or_directory) return "it is missing";
    if (error) ThrowDiskError("read", path_, error.value());
    if (bytes != file_.bytes) return fmt::format("it has {} bytes instead of {}", bytes, file_.bytes);
    if (auto damage = DamageIn(reader_.Open(path_.string()))) return damage;
    return CheckEnds();
  }

  std::optional<std::string> ReadAll(const VisitEntry& visit) {
    if (auto damage = DamageIn(reader_.VerifyChecksum(ReadAllOptions()))) return damage;
    std::unique_ptr<rocksdb::Iterator> entries(reader_.NewIterator(ReadAllOptions()));
    for (entries->SeekToFirst(); entries->Valid(); entries->Next()) visit(View(entries->key()), View(entries->value()));
    return DamageIn(entries->status());
  }

 private:
  std::optional<std::string> DamageIn(const rocksdb::Status& status) const {
    if (status.ok()) return std::nullopt;
    if (status.IsIOError() && !status.IsPathNotFound()) {
      throw Error(ErrorCode::kDisk, fmt::format("cannot read {}: {}", path_.string(), TextOf(status, path_)),
                  "check the disk that holds it");
    }
    return TextOf(status, path_);
  }

  std::optional<std::string> CheckEnds() {
    const std::shared_ptr<const rocksdb::TableProperties> properties = reader_.GetTableProperties();
    rocksdb::ReadOptions options = ReadInOrder();
    options.fill_cache = false;
    std::unique_ptr<rocksdb::Iterator> entries(reader_.NewIterator(options));
    entries->SeekToFirst();
    if (auto damage = DamageIn(entries->status())) return damage;
    const bool empty = !entries->Valid();  // All of its entries are deletions.
    const std::string first = empty ? "" : entries->key().ToString();
    entries->SeekToLast();
    if (auto damage = DamageIn(entries->status())) return damage;
    const std::string last = empty ? "" : entries->key().ToString();
    // A file with deletions begins or ends with one, perhaps, which an iterator does not show.
    const bool whole = properties->num_deletions == 0 && properties->num_range_deletions == 0;
    const bool fits = whole ? first == file_.first_key && last == file_.last_key
                            : empty || (first >= file_.first_key && last <= file_.last_key);
    if (fits) return std::nullopt;
    return "it has other keys than RocksDB's MANIFEST says: another file is in its place";
  }

  const fs::path path_;
  const DataFile& file_;
  rocksdb::SstFileReader reader_;
};

}  // namespace

std::vector<DataFile> DataFilesOf(rocksdb::DB* db) {
  std::vector<rocksdb::LiveFileMetaData> live;
  db->GetLiveFilesMetaData(&live);
  std::vector<DataFile> files;
  for (const rocksdb::LiveFileMetaData& file : live) {
    files.push_back({.name = file.relative_filename,
                     .content = ContentOf(file.column_family_name),
                     .bytes = file.size,
                     .first_key = file.smallestkey,
                     .last_key = file.largestkey});
  }
  return files;
}

std::optional<std::string> FindDamage(const fs::path& directory, const DataFile& file) {
  return OpenFile(directory, file).CheckForm();
}

std::optional<std::string> FindDamageByReading(const fs::path& directory, const DataFile& file,
                                               const VisitEntry& visit) {
  OpenFile open(directory, file);
  if (auto damage = open.CheckForm()) return damage;
  return open.ReadAll(visit);
}

std::set<TableEpoch> EpochsIn(const fs::path& directory, const DataFile& file, const std::set<TableEpoch>& known) {
  TableEpoch unread_from = EpochOfKey(file.first_key), unread_to = EpochOfKey(file.last_key);
  std::set<TableEpoch> found;
  rocksdb::SstFileReader reader(rocksdb::Options(StoreDbOptions(), RowFamilyOptions()));
  if (reader.Open((directory / file.name).string()).ok()) {
    std::unique_ptr<rocksdb::Iterator> entries(reader.NewIterator(ReadAllOptions()));
    const auto note = [&] { return *found.insert(EpochOfKey(View(entries->key()))).first; };
    for (entries->SeekToFirst(); entries->Valid(); entries->Next()) unread_from = note();
    entries.reset(reader.NewIterator(ReadAllOptions()));
    for (entries->SeekToLast(); entries->Valid(); entries->Prev()) unread_to = note();
  }
  std::erase_if(found, [&](const TableEpoch& epoch) { return known.count(epoch) == 0; });
  found.insert(known.lower_bound(unread_from), known.upper_bound(std::max(unread_from, unread_to)));
  return found;
}

}  // namespace rotv
