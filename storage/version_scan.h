// Implements RowScan, the scan at an LSN, over a RocksDB iterator.

#pragma once

#include <rocksdb/iterator.h>

#include <memory>
#include <string>

#include "storage/lsn.h"
#include "storage/row_scan.h"
#include "storage/shape_map.h"

namespace rotv {

struct RowScanParts {
  std::string table_prefix;                     // Table and epoch, with which keys begin.
  std::unique_ptr<rocksdb::Iterator> iterator;  // Bounded to the range, below and above.
  std::shared_ptr<const void> bounds;           // Owns the bounds that the iterator refers to.
  Lsn lsn;                                      // Versions at or after it are not seen.
  const ShapeMap& shapes;                       // Outlives the scan.
  uint32_t shape = 0;                           // See ScanRequest.
};
std::unique_ptr<RowScan> NewRowScan(RowScanParts parts);

}  // namespace rotv
