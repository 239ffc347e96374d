// The scan at an LSN, over a RocksDB iterator.

#pragma once

#include <rocksdb/iterator.h>

#include <memory>
#include <string>

#include "storage/row_store.h"

namespace rotv {

// `iterator` is bounded to the range, below and above; `bounds` keeps what bounds it alive. Versions at or after `lsn`
// are not seen.
std::unique_ptr<RowScan> NewRowScan(std::unique_ptr<rocksdb::Iterator> iterator, std::shared_ptr<const void> bounds,
                                    Lsn lsn);

}  // namespace rotv
