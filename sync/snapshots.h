// Manages names for points of the history.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "sync/context/context.h"

namespace rotv {

struct SnapshotInfo {
  std::string name;
  Lsn lsn;
  int64_t time_us = 0;     // The time of the state, by the source's clock.
  int64_t created_us = 0;  // By this machine's clock.
  uint64_t rows = 0;       // Rows of all tables.
  bool kept = false;       // It belongs to a history that a later baseline has ended.
  // About how much the next gc would free if only this snapshot were deleted; set only by ListSnapshots().
  uint64_t sole_bytes = 0;
};

// Throws kUsage, saying what is allowed, unless the name has 1 to 100 letters, digits, dots, underscores or hyphens,
// does not begin with a dot or hyphen, and is neither "head" nor "baseline".
void CheckSnapshotName(const std::string& name);

// Throws kUsage also if the name could be a time (2026-01-31, yesterday): wherever a point is meant, either may be.
void CheckNewSnapshotName(const std::string& name);

// Names a point. Durable on return; nothing is copied. PointAt() says which texts `at` may be; empty: the head. A name
// that exists with the same point is left as it is. Throws kUsage if it exists with another point, if there is no such
// point, or if CheckNewSnapshotName() does.
SnapshotInfo CreateSnapshot(const Context& context, const std::string& name, const std::string& at);

// Returns snapshots in order of their points' time; head and baseline are not among them. Reads the keys of all
// versions, if there is a snapshot.
std::vector<SnapshotInfo> ListSnapshots(const Context& context);

// True if a store of the source has a snapshot of this name; false also if it has no store. Waits for nobody.
bool HasSnapshot(const Context& context, const std::string& name);

// Deletes a snapshot. Durable on return. What only this snapshot needed is removed by the next gc; a store that was
// kept only for it is removed at once. Throws kUsage if there is no such snapshot.
void DeleteSnapshot(const Context& context, const std::string& name);

}  // namespace rotv
