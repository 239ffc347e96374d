// How RocksDB is set up: for sorted runs that are written once, read in order, and little memory.

#pragma once

#include <rocksdb/options.h>

#include "storage/lsn.h"

namespace rotv {

// A full file of rows: small enough that a scan can be cut into parts at the files' boundaries.
inline constexpr uint64_t kRowFileBytes = uint64_t{8} << 20;

rocksdb::DBOptions StoreDbOptions();
rocksdb::ColumnFamilyOptions RowFamilyOptions();
rocksdb::ColumnFamilyOptions SmallFamilyOptions();

// Whether a file of rows can hold versions at or after `from`, by what was noted in it when it was written; true for
// one of an older program, which noted nothing.
bool MayHoldVersionsFrom(const rocksdb::TableProperties& properties, Lsn from);

}  // namespace rotv
