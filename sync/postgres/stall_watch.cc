#include "sync/postgres/stall_watch.h"

#include <algorithm>

#include "fmt/format.h"
#include "sync/context/link_error.h"

// Silence proves nothing: a server that sorts a large table is silent for minutes, and so is a connection that a
// firewall has dropped. TCP only notices a peer that acknowledges nothing, and a proxy acknowledges on behalf of a peer
// that is gone. So after half of the limit another connection asks what the server's backend does. If it works, the
// wait goes on without limit. If it says that it waits for us, its message may just be on the way, so that counts only
// when it is seen twice in a row. A fixed limit on silence would break off long statements.

namespace rotv::postgres {

void StallWatch::Heard() {
  since_ = Clock::now();
  waits_seen_ = 0;
}

void StallWatch::Quiet() {
  if (Clock::now() - since_ < limit_ / 2) return;
  // There is time for one look even if this was not called for a long time.
  const ServerState state = look_(std::max(since_ + limit_, Clock::now() + limit_ / 2));
  if (state != ServerState::kUnreachable && (state == ServerState::kBusy || ++waits_seen_ == 1)) {
    if (state == ServerState::kBusy) waits_seen_ = 0;
    since_ = Clock::now();
    return;
  }
  const char* why = state == ServerState::kUnreachable ? "and nothing else gets through to the server"
                                                       : "though the server has sent its answer";
  throw LinkError(LinkError::Kind::kBroke,
                  fmt::format("the connection to {} stalls: nothing was received for {} s, {}", where_,
                              std::chrono::duration_cast<std::chrono::seconds>(limit_).count(), why),
                  "check the network, a VPN or a proxy in between; then run the same command again");
}

}  // namespace rotv::postgres
