// What a store that follows a remote knows of where its rows are from, and whether steps may go on from them.

#pragma once

#include "proto/store.pb.h"
#include "sync/remote/head_object.h"

namespace rotv::remote {

proto::RemotePosition PositionOf(const FoundHead& found);

// False if what the store has was taken from a head that these keys would refuse: before the follower named the key, or
// under one that it names no more. Anybody may have made such rows.
bool IsTrusted(const proto::RemotePosition& here, const FollowerKeys& keys);

// True if a step of the head may be added to what the store has. With keys that needs one signer for both: whoever
// names a new key beside the old one, and removes that later, must not keep rows of the old one.
bool GoesOn(const proto::RemotePosition& here, const FoundHead& found, const FollowerKeys& keys);

}  // namespace rotv::remote
