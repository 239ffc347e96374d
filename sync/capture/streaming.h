// Receives the changes of a pull into the store.

#pragma once

#include <functional>
#include <vector>

#include "storage/row_store.h"
#include "sync/capture/applier.h"
#include "sync/postgres/source_session.h"

namespace rotv::capture {

// Streams from the state's durable LSN to `target`: on return everything that commits before it is durable and
// acknowledged, and state->durable_lsn() is where the stream ended (see ChangeStream::ReceiveUntil). `state` is the
// store's, with its BeginPull() published; tables may be marked for a resync on return. `meanwhile` runs on another
// thread while the stream takes a round trip to end; its exception is thrown here.
Applier::Counts StreamUntil(postgres::SourceSession& session, RowStore& store, const std::vector<StreamedTable>& tables,
                            Lsn target, StoreState* state, const std::function<void()>& meanwhile);

}  // namespace rotv::capture
