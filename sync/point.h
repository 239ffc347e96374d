// Which LSN a person means.

#pragma once

#include <string>

#include "storage/row_store.h"
#include "sync/materialize.h"

namespace rotv {

struct Point {
  Lsn lsn;
  int64_t time_us = 0;  // Unix time, by the source's clock.
};

// The point that `at` (an LSN, or a time as 2026-01-31T12:00:00Z) or else `snapshot` names. Throws kUsage, with the
// range that exists, if there is no such point.
Point FindPoint(const RowStore& store, const std::string& at, const std::string& snapshot);

}  // namespace rotv
