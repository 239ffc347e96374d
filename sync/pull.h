// Receives every transaction committed since the last pull, up to a target fixed when the pull began.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "sync/context/context.h"
#include "sync/schema/schema_diff.h"

namespace rotv {

class RowStore;
namespace postgres {
class SourceSession;
}

struct PullResult {
  Lsn from;
  Lsn to;  // The new head.
  uint64_t transactions = 0;
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t deleted = 0;
  uint64_t truncated = 0;           // TRUNCATEs of single tables.
  std::vector<std::string> copied;  // Quoted names of the tables that were resynced.
  uint64_t copied_rows = 0;
  bool schema_changed = false;
  std::vector<schema::SchemaChange>
      schema_changes;                      // From the previous head to this one; empty if dumps do not show the change.
  bool mask_changed = false;               // The masking rules or their secret have changed.
  std::vector<std::string> carried_masks;  // Masks in force without a rule in the config: "public.users.email (email)".
  uint64_t wire_bytes = 0;                 // Received over SSH; 0 without.
  bool compaction_owed = false;            // Files of the store should be merged, by Compact().
  int reconnects = 0;                      // How often the link broke and was made again.
  double seconds = 0;
};

// True if there is a complete baseline of this source, which a pull needs. Takes no lock.
bool HasBaseline(const Context& context);

// Pulls; there must be a baseline. Connects again when the link breaks, and goes on (LinkRetry). What was received
// before an error is kept and not received again. Throws kSlotLost if the slot was dropped, invalidated or is ahead of
// the store, or if this is another database; and, if the schema or a table that is not streamed has changed, what
// CatchUp() throws.
PullResult Pull(const Context& context);

// Pulls from a source into a store that are open already. A link that breaks ends it. What an attempt that failed has
// written must be gone before the next one: the store must be opened again. No garbage is collected, since others may
// be reading the store: the caller does so (CollectGarbageIfLarge()) once nobody is.
PullResult Pull(postgres::SourceSession& session, RowStore& store);

}  // namespace rotv
