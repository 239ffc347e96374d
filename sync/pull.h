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
  uint64_t truncated = 0;           // Tables emptied.
  std::vector<std::string> copied;  // Quoted names of the tables whose rows were copied again.
  uint64_t copied_rows = 0;
  bool schema_changed = false;
  std::vector<schema::SchemaChange>
      schema_changes;                      // From the head before to this one; may be none of those that dumps show.
  bool mask_changed = false;               // The rules of masking, or their secret.
  std::vector<std::string> carried_masks;  // In force by no rule of the config: "public.users.email (email)".
  uint64_t wire_bytes = 0;                 // Received over SSH; 0 without.
  double seconds = 0;
};

// Whether a complete baseline of this source is here, without which there is nothing to go on from. Takes no lock.
bool HasBaseline(const Context& context);

// There must be a baseline. What was received before an error is kept and not received again. Throws kSlotLost if the
// slot is gone, invalidated or ahead of the store, or if this is another database; and what CatchUp() throws, if the
// schema or a table that is not streamed has changed.
PullResult Pull(const Context& context);

// The same for a source and a store that are open.
PullResult Pull(postgres::SourceSession& session, RowStore& store);

}  // namespace rotv
