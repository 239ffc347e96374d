// Implements RowScan, the scan at an LSN.

#pragma once

#include <memory>
#include <string>

#include "storage/lsn.h"
#include "storage/row_scan.h"
#include "storage/shape_map.h"
#include "storage/version_iterator.h"

namespace rotv {

struct RowScanParts {
  std::string table_prefix;         // Table and epoch, with which keys begin.
  VersionIterator::Parts versions;  // Bounded to the range.
  Lsn lsn;                          // Versions at or after it are not seen.
  const ShapeMap& shapes;           // Outlives the scan.
  uint32_t shape = 0;               // See ScanRequest.
};
std::unique_ptr<RowScan> NewRowScan(RowScanParts parts);

}  // namespace rotv
