// A remote that a web server has: it can only be read.

#pragma once

#include <memory>
#include <string>

#include "sync/context/context.h"
#include "sync/remote/remote_place.h"

namespace rotv::remote {

// `url` is https://HOST/PATH, or http:// on this machine; `query` is empty, or sent with each request, and shown to
// nobody. Asks nothing of the network. The context outlives the place.
std::unique_ptr<RemotePlace> OpenWeb(const std::string& url, const std::string& query, const Context& context);

}  // namespace rotv::remote
