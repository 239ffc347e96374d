// The options of RocksDB: for sorted runs that are written once and read in order, with little memory.

#pragma once

#include <rocksdb/options.h>

#include "storage/lsn.h"

namespace rotv {

// The size of a full file of rows. It is small enough that a scan can be cut into parts at the files' boundaries.
inline constexpr uint64_t kRowFileBytes = uint64_t{8} << 20;

rocksdb::DBOptions StoreDbOptions();
rocksdb::ColumnFamilyOptions RowFamilyOptions();
rocksdb::ColumnFamilyOptions SmallFamilyOptions();

// True if a file of rows can hold versions at or after `from`, by the greatest commit LSN noted in it when it was
// written; also true for a file of an older program, which noted nothing.
bool MayHoldVersionsFrom(const rocksdb::TableProperties& properties, Lsn from);

}  // namespace rotv
