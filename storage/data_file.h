// The files of RocksDB's tables (SST files) that a store has, and whether each is what it was when it was written.

#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/row_version.h"

namespace rocksdb {
class DB;
}

namespace rotv {

// DataFile is a file as RocksDB's MANIFEST describes it.
struct DataFile {
  enum class Content { kRows, kPages, kChangeLog, kSchemas, kOther };
  std::string name;  // Within the store's directory: 000012.sst
  Content content = Content::kOther;
  uint64_t bytes = 0;
  std::string first_key, last_key;  // No key in it is outside of these.
};

std::vector<DataFile> DataFilesOf(rocksdb::DB* db);

// TableEpoch is one epoch of a table.
struct TableEpoch {
  TableId table = 0;
  EpochNumber epoch = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy takes the generated comparison with 0 for a pointer.
  friend auto operator<=>(const TableEpoch&, const TableEpoch&) = default;
};

// Says what is wrong with the file, "it is missing", if its name, size, index and first and last keys tell; reads three
// blocks of it. Gives nullopt if nothing is. Throws kDisk if it cannot be read.
std::optional<std::string> FindDamage(const std::filesystem::path& directory, const DataFile& file);

// The same, and reads all of it: every block has a checksum. `visit` is called for each entry, in order of the keys,
// and may throw.
using VisitEntry = std::function<void(std::string_view key, std::string_view value)>;
std::optional<std::string> FindDamageByReading(const std::filesystem::path& directory, const DataFile& file,
                                               const VisitEntry& visit);

// Gives those of `known` that a damaged file of rows may have rows of: by its keys as far as they can be read, and by
// the MANIFEST for the rest.
std::set<TableEpoch> EpochsIn(const std::filesystem::path& directory, const DataFile& file,
                              const std::set<TableEpoch>& known);

}  // namespace rotv
