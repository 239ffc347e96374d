// How RocksDB is set up: for sorted runs that are written once, read in order, and little memory.

#pragma once

#include <rocksdb/options.h>

namespace rotv {

rocksdb::DBOptions StoreDbOptions();
rocksdb::ColumnFamilyOptions RowFamilyOptions();
rocksdb::ColumnFamilyOptions SmallFamilyOptions();

}  // namespace rotv
