// What went wrong in RocksDB, in the user's words.

#pragma once

#include <rocksdb/status.h>

#include <filesystem>

namespace rotv {

// Throws kDisk, kInUse or kCorrupt, unless `status` is fine. `directory` is the store's.
void CheckStatus(const rocksdb::Status& status, const std::filesystem::path& directory);

}  // namespace rotv
