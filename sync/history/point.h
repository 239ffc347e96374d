// Finds the LSN that a person means, and the store that has its state.

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

// All of these throw kUsage if there is no such point, naming the range or the names that exist.

// Returns the point at an LSN (16/B374D848), or just after the last transaction that committed at or before a time
// (point_time.h).
Point PointAt(const RowStore& store, const std::string& at);

// Returns the point named "head" or "baseline", or a snapshot of this store.
Point PointNamed(const RowStore& store, const std::string& name);

// Returns the commit time of the last transaction before `lsn`, if it is known; else the latest time known before it.
int64_t TimeAt(const RowStore& store, Lsn lsn);

// Returns the LSN just after the last transaction that committed at or before `time_us`.
Lsn LsnAt(const RowStore& store, int64_t time_us);

struct PointInStore {
  std::shared_ptr<RowStore> store;  // Opened for reading only.
  Point point;
};

// Opens the point that `at` names, or `snapshot` if `at` is empty. Snapshots outlive a new baseline: the stores that
// were kept for them are searched, too.
PointInStore OpenPoint(const Workspace& workspace, const std::string& at, const std::string& snapshot);

// What a name or a time was resolved to: a point and its history, which is that of the baseline at this LSN and time.
// It stays the same point if the name is deleted or given to another one.
struct ResolvedPoint {
  Lsn lsn;
  int64_t time_us = 0;
  Lsn baseline_lsn;
  int64_t baseline_time_us = 0;

  friend bool operator==(const ResolvedPoint&, const ResolvedPoint&) = default;
};
ResolvedPoint Resolved(const PointInStore& found);

// Opens the store of a resolved point, whatever name it has now. Throws kUsage if it is no longer stored.
PointInStore OpenPoint(const Workspace& workspace, const ResolvedPoint& resolved);

// Opens points for texts that may be names of snapshots or anything that PointAt() takes. Points of one store share it.
std::vector<PointInStore> OpenAnyPoints(const Workspace& workspace, const std::vector<std::string>& texts);

}  // namespace rotv::history
