// Which LSN a person means, and in which store it can be had.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/row_store.h"
#include "storage/workspace.h"

namespace rotv::history {

struct Point {
  Lsn lsn;
  int64_t time_us = 0;  // Unix time, by the source's clock.
};

// All throw kUsage if there is no such point, with the range or the names that exist.

// The point at an LSN (16/B374D848), or just behind the last transaction that committed at or before a time
// (point_time.h).
Point PointAt(const RowStore& store, const std::string& at);

// "head", "baseline" or a snapshot of this store.
Point PointNamed(const RowStore& store, const std::string& name);

// The commit time of the last transaction before `lsn`, as far as it is known; else of what is known before it.
int64_t TimeAt(const RowStore& store, Lsn lsn);

// Just behind the last transaction that committed at or before `time_us`.
Lsn LsnAt(const RowStore& store, int64_t time_us);

struct PointInStore {
  std::shared_ptr<RowStore> store;  // For reading only.
  Point point;
};

// The point that `at`, where it is not empty, or else `snapshot` names. Snapshots outlive a new baseline: they are
// looked for in the stores that were kept for them, too.
PointInStore OpenPoint(const Workspace& workspace, const std::string& at, const std::string& snapshot);

// What a name or a time was resolved to: a point, and the history it is of, which is that of the baseline at this LSN
// and time. It stays this point when the name is deleted, or is given to another one.
struct ResolvedPoint {
  Lsn lsn;
  int64_t time_us = 0;
  Lsn baseline_lsn;
  int64_t baseline_time_us = 0;

  friend bool operator==(const ResolvedPoint&, const ResolvedPoint&) = default;
};
ResolvedPoint Resolved(const PointInStore& found);

// Opens the store of a resolved point, by whatever name it goes now. Throws kUsage if it is no longer stored.
PointInStore OpenPoint(const Workspace& workspace, const ResolvedPoint& resolved);

// The same for texts that may be the names of snapshots or anything that PointAt() takes. Points of one store share it.
std::vector<PointInStore> OpenAnyPoints(const Workspace& workspace, const std::vector<std::string>& texts);

}  // namespace rotv::history
