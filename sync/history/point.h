// Finds the LSN that a person means, and the store that has its state.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/row_store.h"
#include "storage/workspace.h"

namespace rotv::history {

struct Point {
  Lsn lsn;
  int64_t time_us = 0;  // Unix time, by the source's clock: TimeAt(lsn).
};

// True if the text can be a snapshot's name: 1 to 100 letters, digits, dots, underscores and hyphens, with neither a
// dot nor a hyphen in front. Some texts that can be are times as well (2026-01-31).
bool IsSnapshotName(std::string_view text);

// Returns a name for a point that was written as `text`: the text, if it can be a name, else the LSN: "16-B374D848".
std::string NameOfPoint(const std::string& text, Lsn lsn);

// Returns the point named "head" or "baseline", or a snapshot of this store; nothing if it has none of this name.
std::optional<Point> FindNamed(const RowStore& store, const std::string& name);

// Returns the time of an LSN, which is the same in every command: when the head was last seen there; for any other, the
// time of the last commit or former head before it. After gc, that of a snapshot is as it was.
int64_t TimeAt(const RowStore& store, Lsn lsn);

// Returns the last LSN with a time at or before `time_us` that is a former head, or just after a transaction.
Lsn LsnAt(const RowStore& store, int64_t time_us);

// All of these throw kUsage if there is no such point, naming the range or the names that exist. Times that such an
// error names lead to the LSNs that it names.

// Returns the point that a text means: a name (FindNamed()), an LSN (16/B374D848), or a time (point_time.h), which
// means the last state that had been seen by then.
Point PointAt(const RowStore& store, const std::string& at);

struct PointInStore {
  std::shared_ptr<RowStore> store;  // Opened for reading only.
  Point point;
};

// kOlderTables: a point between two pulls is also one if only tables that are not streamed changed there, and no
// foreign key joins them with others. Their state is that of the first pull (gap.h names them).
enum class InGap { kRefused, kOlderTables };

// Opens the point that a text means, as PointAt() does. Snapshots outlive a new baseline: the stores that were kept for
// them are searched, too.
PointInStore OpenPoint(const Workspace& workspace, const std::string& text, InGap in_gap = InGap::kRefused);
// The same for several. Points of one store share it.
std::vector<PointInStore> OpenPoints(const Workspace& workspace, const std::vector<std::string>& texts,
                                     InGap in_gap = InGap::kRefused);
// Throws unless there is a snapshot of this name.
void RequireSnapshot(const Workspace& workspace, const std::string& name);

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

// True if the store is of the point's history, and still has its state.
bool HasState(const RowStore& store, const ResolvedPoint& resolved);

// Opens the store of a resolved point, whatever name it has now. Throws kUsage if it is no longer stored.
PointInStore OpenPoint(const Workspace& workspace, const ResolvedPoint& resolved);

}  // namespace rotv::history
