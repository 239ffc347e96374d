// Waits for the source to release a replication slot that another connection holds.

#pragma once

#include <functional>
#include <optional>

#include "storage/interrupt.h"
#include "sync/postgres/pg_failure.h"

namespace rotv::postgres {

// Calls `use`, which takes or drops a slot, until it works or fails for another reason than that the slot is in use;
// returns that failure. `waiting` is called before each wait. An aborted run's connection holds a slot until the server
// notices its end, after wal_sender_timeout at the latest (a minute by default): kUnreachable is thrown 75 seconds
// after the first call.
std::optional<PgFailure> UseSlotOnceReleased(const std::function<std::optional<PgFailure>()>& use,
                                             const Interrupt& interrupt, const std::function<void()>& waiting);

}  // namespace rotv::postgres
