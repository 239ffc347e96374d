// Removes the history that no snapshot and no kept day needs.

#pragma once

#include <cstdint>

#include "storage/row_store.h"
#include "sync/context/context.h"

namespace rotv {

struct GcResult {
  uint64_t bytes_before = 0;  // Size of the store on disk.
  uint64_t bytes_after = 0;
  GarbageCounts counts;
  Lsn kept_from;  // Every state from here on exists, and those of snapshots and of the baseline.
  int64_t kept_from_time_us = 0;
  double seconds = 0;
};

// Keeps the head, the baseline, every snapshot, and every state of the last `keep_days` days before the head. Seeds of
// all of these are the same bytes before and after. A kill at any moment does no harm; the next gc continues.
GcResult CollectGarbage(const Context& context, int keep_days);
// The same for a store that is open. No other thread may use it meanwhile.
GcResult CollectGarbage(const Context& context, RowStore& store, int keep_days);

// Does the same after a pull, if the store has outgrown what the config allows and has grown by a quarter since the
// last time: with less growth little could be freed. No other thread may use the store meanwhile.
void CollectGarbageIfLarge(const Context& context, RowStore& store);

// Returns which states `keep_days` and the snapshots of the store keep.
Retention RetentionOf(const RowStore& store, int keep_days);

}  // namespace rotv
