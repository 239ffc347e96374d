// Where a remote of the config is.

#pragma once

#include "sync/remote/open_place.h"
#include "sync/remote_config.h"

namespace rotv {

inline remote::PlaceAddress AddressOf(const RemoteConfig& remote) {
  return {.url = remote.url, .s3 = remote.s3, .identity = remote.identity, .known_hosts = remote.known_hosts};
}

}  // namespace rotv
