// Names for points of the history.

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
  int64_t time_us = 0;     // Of the state, by the source's clock.
  int64_t created_us = 0;  // By this machine's.
  uint64_t rows = 0;       // Of all tables.
  bool kept = false;       // Of a history that a later baseline has ended.
  // What dropping it, and nothing else, would free with the next gc: about, and only where ListSnapshots() gives it.
  uint64_t sole_bytes = 0;
};

// Throws kUsage, with what is allowed, unless it is 1 to 100 letters, digits, dots, underscores or hyphens, begins with
// none of the latter two and is neither "head" nor "baseline".
void CheckSnapshotName(const std::string& name);

// Durable on return; nothing is copied. `at` as PointAt() takes it; empty: the head. A name that exists with the same
// point is left as it is. Throws kUsage if it exists with another point, or if there is no such point.
SnapshotInfo CreateSnapshot(const Context& context, const std::string& name, const std::string& at);

// By the point's time; head and baseline are not among them. Reads the keys of all versions, if there is any.
std::vector<SnapshotInfo> ListSnapshots(const Context& context);

// Durable on return. What only this snapshot needed goes with the next gc, and the whole store at once if it was kept
// for nothing else. Throws kUsage if there is none.
void DeleteSnapshot(const Context& context, const std::string& name);

}  // namespace rotv
