// The head of a remote: what it names, and how it is stored. storage/REMOTE.md describes the bytes.

#pragma once

#include <string>
#include <string_view>

#include "proto/remote.pb.h"
#include "sync/remote/remote_place.h"
#include "sync/remote/team_key.h"

namespace rotv::remote {

inline constexpr uint32_t kRemoteFormat = 1;

// Sealed with `key`, if that is not null.
std::string PackHead(const proto::RemoteHead& head, const TeamKey* key);

// Parses and checks the head that `place` (for messages) has: its hash, its format, and that what it says fits
// together. Throws kCorrupt if it is damaged, kUsage if it is of a newer program.
// A head that is sealed needs its key, else kUsage; with a key, one that is not sealed with it throws kCorrupt.
proto::RemoteHead ParseHead(std::string_view bytes, const std::string& place, const TeamKey* key);

// Reads the head of a place, and parses it. Throws also kUsage if nothing is published there yet.
proto::RemoteHead ReadHeadOf(RemotePlace& place, const TeamKey* key);

// True if nothing has damaged these bytes since PackHead() has made them.
bool IsIntactHead(std::string_view bytes);

// True if it is sealed with a key, whichever.
bool IsSealedHead(std::string_view bytes);

// The generation that a store's history is: it is another one with each baseline.
std::string GenerationOf(const proto::Manifest& manifest);

}  // namespace rotv::remote
