#include "sync/remote/position.h"

#include <algorithm>
#include <string>

namespace rotv::remote {
namespace {

std::string BytesOf(const PublicKey& key) { return {key.begin(), key.end()}; }

}  // namespace

proto::RemotePosition PositionOf(const FoundHead& found) {
  proto::RemotePosition position;
  position.set_generation(found.head.generation());
  position.set_number(found.head.number());
  if (found.signer) position.set_signed_by(BytesOf(*found.signer));
  position.set_sealed(found.is_sealed);
  return position;
}

bool IsTrusted(const proto::RemotePosition& here, const FollowerKeys& keys) {
  if (keys.team && !here.sealed()) return false;
  return keys.signers.empty() || std::any_of(keys.signers.begin(), keys.signers.end(), [&](const PublicKey& signer) {
           return here.signed_by() == BytesOf(signer);
         });
}

bool GoesOn(const proto::RemotePosition& here, const FoundHead& found, const FollowerKeys& keys) {
  if (!IsTrusted(here, keys)) return false;
  return keys.signers.empty() || here.signed_by() == (found.signer ? BytesOf(*found.signer) : std::string());
}

}  // namespace rotv::remote
