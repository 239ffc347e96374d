// Follows a remote as it is published to.

#pragma once

#include <functional>

#include "sync/follow_remote.h"

namespace rotv {

struct KeepFollowingRequest {
  OlderHead older = OlderHead::kRefuse;
  int interval_s = 0;  // Between two looks, each of which is one request; 0: 5.
  // Called after each pull; false ends it.
  std::function<bool(const FollowResult&)> took;
};

// Pulls at once, and whenever something new is published; no lock is held in between. After the first pull another run
// that pulls is waited for; with Context::retry so is a remote that is away, at any time. Throws what FollowRemote()
// throws, kInterrupted as a rule.
void KeepFollowing(const Context& context, const KeepFollowingRequest& request);

}  // namespace rotv
