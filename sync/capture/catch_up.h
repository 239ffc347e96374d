// Does the resync of a pull: something has changed on the source that the stream does not tell. The exported snapshot
// of a temporary slot fixes one exact LSN; tables that need it are copied there, everything else is streamed up to it.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/row_store.h"
#include "sync/capture/applier.h"
#include "sync/capture/exported_snapshot_reading.h"
#include "sync/postgres/exported_snapshot_slot.h"
#include "sync/postgres/source_session.h"

namespace rotv::capture {

struct CatchUpResult {
  std::vector<std::string> copied;  // Quoted names of the tables whose rows were copied.
  uint64_t copied_rows = 0;
  bool schema_changed = false;
  bool mask_changed = false;
  Applier::Counts counts;
  std::optional<postgres::HeldExportedSnapshot> snapshot;  // The new head's, with AtHead::kHoldExportedSnapshot.
};

// Says whether the source's state at the new head is kept readable.
enum class AtHead { kLeave, kHoldExportedSnapshot };

// Brings `store` to a new head at the exported snapshot of a slot that is created and dropped here. `state` is the
// store's, with its BeginPull() published, and `expected` says whether the schema is known to have changed; on return
// the new head is published, too. Starts over by itself if a migration comes in between. Throws kUnreachable if a
// transaction on the source stays open for more than ten seconds, naming it; kRefused if the role lacks a privilege on
// something new; kSlotLost if the publication was dropped. What was streamed before an error is kept.
CatchUpResult CatchUp(postgres::SourceSession& session, RowStore& store, StoreState* state,
                      ExportedSnapshotReading::Texts expected, AtHead at_head = AtHead::kLeave);

// Goes on with the unfinished baseline in `store`, of which some tables are complete: brings these to the exported
// snapshot of a new temporary slot, which is the baseline from then on, and copies all others there. Returns false if
// the source's schema changed in between: the caller calls it again. What was complete, and what has become so, stays
// whether it returns or throws. Throws what CatchUp() does. Adds to `counts` what it has copied.
bool GoOnWithBaseline(postgres::SourceSession& session, RowStore& store, CopyCounts* counts);

}  // namespace rotv::capture
