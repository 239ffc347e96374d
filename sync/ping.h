// Asks for a URL, so that somebody else notices when a run does not come: a dead man's switch.

#pragma once

#include <string>

#include "sync/context/context.h"

namespace rotv {

// Asks for `url` (http or https, without a login) and returns once it has answered with 2xx. Has no body, and takes
// half a minute at most, unless the server asks for more time. Throws kUnreachable, kRefused or kProtocol with the
// host's name, never the URL, of which anybody who knows it can make use; and kInterrupted.
void Ping(const Context& context, const std::string& url);

// `url` with "/fail" at the end of its path: a run has failed, as healthchecks.io and those like it have it.
std::string FailureUrl(const std::string& url);

}  // namespace rotv
