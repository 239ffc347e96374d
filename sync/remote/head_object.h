// The head of a remote: what it names, and how it is stored. storage/REMOTE.md describes the bytes.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/remote.pb.h"
#include "sync/context/signing_key.h"
#include "sync/context/source_config.h"
#include "sync/remote/remote_place.h"
#include "sync/remote/team_key.h"

namespace rotv::remote {

inline constexpr uint32_t kRemoteFormat = 1;

// Sealed with `key`, and signed with `signing`, if they are not null.
std::string PackHead(const proto::RemoteHead& head, const TeamKey* key, const SigningKey* signing);

// Parses and checks the head that `place` (for messages) has: its hash, its format, and that what it says fits
// together. Throws kCorrupt if it is damaged, kUsage if it is of a newer program.
// A head that is sealed needs its key, else kUsage; with a key, one that is not sealed with it throws kCorrupt. A
// signature must fit, whoever has signed: RequireSigner() looks at that.
proto::RemoteHead ParseHead(std::string_view bytes, const std::string& place, const TeamKey* key);

// With what a follower reads a head.
struct FollowerKeys {
  std::optional<TeamKey> team = {};
  std::vector<PublicKey> signers = {};

  const TeamKey* team_key() const { return team ? &*team : nullptr; }
};
// Throws as ReadTeamKey() does.
FollowerKeys KeysOf(const SourceConfig& follower);

// Reads the head of a place, and parses it. Throws also what RequireSigner() throws, and kUsage if nothing is published
// there yet.
struct FoundHead {
  proto::RemoteHead head;
  std::optional<PublicKey> signer;  // Nullopt: it is not signed.
  bool is_sealed = false;           // It is encrypted with the team's key.
};
FoundHead ReadHeadOf(RemotePlace& place, const FollowerKeys& keys);

// The generation that a store's history is: it is another one with each baseline.
std::string GenerationOf(const proto::Manifest& manifest);

}  // namespace rotv::remote
