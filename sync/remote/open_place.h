// Opens the place of a remote, whatever kind it is.

#pragma once

#include <memory>
#include <string>

#include "sync/context/context.h"
#include "sync/context/s3_options.h"
#include "sync/remote/purpose.h"
#include "sync/remote/remote_place.h"

namespace rotv::remote {

struct PlaceAddress {
  // A directory; s3://BUCKET[/PREFIX]; ssh://HOST/PATH; https://…, or http://… on this machine, which can only be read.
  std::string url;
  S3Options s3;                                 // Of no meaning but for s3://….
  std::string query = {};                       // Of no meaning but for https://….
  std::string identity = {}, known_hosts = {};  // Of no meaning but for ssh://….
};

// A directory that is missing is made with kPublish, for its owner alone, and else throws kUnreachable. Asks
// nothing of the network but for ssh://…. Throws kUsage if the address is none, or if what can only be read is to be
// published to. The context outlives the place.
std::unique_ptr<RemotePlace> OpenPlace(const PlaceAddress& address, Purpose purpose, const Context& context);

// The place that context.source follows, to be read.
std::unique_ptr<RemotePlace> OpenFollowed(const Context& context);

}  // namespace rotv::remote
