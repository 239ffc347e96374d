#pragma once

#include <algorithm>
#include <cstdint>

namespace rotv::launch {

// Returns the size of the tmpfs for a database of so many bytes of SQL. It has room for the rows, their indexes and a
// day's changes. Rows take about as much space as their text; bytea takes half of its hexadecimal text.
inline uint64_t TmpfsBytesFor(uint64_t sql_bytes) {
  constexpr uint64_t kMiB = 1 << 20;
  constexpr uint64_t kLeast = 1024 * kMiB;
  return std::max(kLeast, (2 * sql_bytes / kMiB + 512) * kMiB);
}

}  // namespace rotv::launch
