// The scan at an LSN, over a RocksDB iterator.

#pragma once

#include <rocksdb/iterator.h>

#include <memory>
#include <string>

#include "storage/lsn.h"
#include "storage/row_scan.h"
#include "storage/shape_map.h"

namespace rotv {

struct RowScanParts {
  std::string table_prefix;                     // Table and epoch, as keys begin with them.
  std::unique_ptr<rocksdb::Iterator> iterator;  // Bounded to the range, below and above.
  std::shared_ptr<const void> bounds;           // Keeps what bounds it alive.
  Lsn lsn;                                      // Versions at or after it are not seen.
  const ShapeMap& shapes;                       // Outlives the scan.
  uint32_t shape = 0;                           // As in ScanRequest.
};
std::unique_ptr<RowScan> NewRowScan(RowScanParts parts);

}  // namespace rotv
