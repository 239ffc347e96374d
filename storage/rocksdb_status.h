// Turns a failed RocksDB status into an Error.

#pragma once

#include <rocksdb/status.h>

#include <filesystem>

namespace rotv {

// True if it failed because too many files were open.
bool IsForOpenFiles(const rocksdb::Status& status);

// Throws kDisk, kInUse, kCannotStart or kCorrupt, unless `status` is ok. `directory` is the store's.
void CheckStatus(const rocksdb::Status& status, const std::filesystem::path& directory);

}  // namespace rotv
