// Converts RocksDB's slices to string views.

#pragma once

#include <rocksdb/slice.h>

#include <string_view>

namespace rotv {

inline std::string_view View(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

}  // namespace rotv
