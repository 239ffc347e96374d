// Receives every transaction committed since the last pull, up to a target fixed when the pull began.

#pragma once

#include <cstdint>

#include "storage/lsn.h"
#include "sync/context.h"

namespace rotv {

struct PullResult {
  Lsn from;
  Lsn to;  // The new head.
  uint64_t transactions = 0;
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t deleted = 0;
  uint64_t truncated = 0;   // Tables emptied.
  uint64_t wire_bytes = 0;  // Received over SSH; 0 without.
  double seconds = 0;
};

// Whether a complete baseline of this source is here, without which there is nothing to go on from. Takes no lock.
bool HasBaseline(const Context& context);

// There must be a baseline. What was received before an error is kept
// and not received again.
// Throws kSlotLost if the slot is gone, invalidated or ahead of the store, if this is another database, or if the
// schema changed in a way that cannot be followed yet.
PullResult Pull(const Context& context);

}  // namespace rotv
