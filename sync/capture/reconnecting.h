// Runs work on a session and a store, and goes on with it over a new connection after the link broke.

#pragma once

#include <cstdint>
#include <functional>

#include "storage/row_store.h"
#include "storage/workspace.h"
#include "sync/context/link_retry.h"
#include "sync/postgres/source_session.h"

namespace rotv::capture {

// Opens the workspace's store and a session with a replication connection, removes leftovers on the source, and calls
// `work`. If that throws a LinkError, closes both and, as often as `retry` allows, opens new ones and calls `work`
// again, which continues from the store's durable LSN. When that LSN has advanced, the attempts are counted from the
// beginning. Returns the number of bytes that all of the links have received. Throws what `work` throws.
uint64_t RunReconnecting(Workspace& workspace, const Context& context, LinkRetry& retry,
                         const std::function<void(postgres::SourceSession& session, RowStore& store)>& work);

}  // namespace rotv::capture
