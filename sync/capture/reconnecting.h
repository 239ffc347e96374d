// Runs work on a session, and goes on with it over a new one after the link broke.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "storage/row_store.h"
#include "storage/workspace.h"
#include "sync/context/link_retry.h"
#include "sync/postgres/source_session.h"

namespace rotv::capture {

// Opens one session after the other on the same source. All arguments outlive it.
class ReconnectingSessions {
 public:
  ReconnectingSessions(Workspace& workspace, const Context& context, LinkRetry& retry,
                       postgres::SourceSession::Connections connections = postgres::SourceSession::Connections::kOne)
      : workspace_(workspace), context_(context), retry_(retry), connections_(connections) {}

  // Opens a session, ends what the source still has of those before it, and calls `work` once. Throws what that throws;
  // the session has ended then. The link's warnings are told with the first session only.
  void Make(const std::function<void(postgres::SourceSession& session)>& work);

  // Received by the links of all sessions until now.
  uint64_t wire_bytes() const { return wire_bytes_; }

 private:
  Workspace& workspace_;
  const Context& context_;
  LinkRetry& retry_;
  const postgres::SourceSession::Connections connections_;
  std::vector<std::string> former_sessions_;  // Their application names.
  uint64_t wire_bytes_ = 0;
};

// Opens a session and calls `work`. If that throws a LinkError, closes the session and, as often as `retry` allows,
// opens another one and calls `work` again. Throws what `work` throws.
void RunReconnecting(Workspace& workspace, const Context& context, LinkRetry& retry,
                     const std::function<void(postgres::SourceSession& session)>& work);

// Opens the workspace's store and a session with a replication connection, removes leftovers on the source, and calls
// `work`. If that throws a LinkError, closes both and, as often as `retry` allows, opens new ones and calls `work`
// again, which continues from the store's durable LSN. When that LSN has advanced, the attempts are counted from the
// beginning. Returns the number of bytes that all of the links have received. Throws what `work` throws.
uint64_t RunReconnecting(Workspace& workspace, const Context& context, LinkRetry& retry,
                         const std::function<void(postgres::SourceSession& session, RowStore& store)>& work);

}  // namespace rotv::capture
