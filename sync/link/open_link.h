// Opens the link that a source's configuration asks for.

#pragma once

#include <memory>
#include <string>

#include "sync/link/link.h"

namespace rotv::link {

// Opens the link to `source`; over SSH this includes the host key check and the login. `private_dir` exists, is 0700
// and ours; sockets are created in it and removed by the link's destructor. `interrupt` outlives the link. Throws
// kRefused (unknown or changed host key, login refused, key needs a passphrase), kUnreachable (no such host, connection
// refused, time-out), kUsage (bad `ssh` value, key file missing), kInterrupted.
std::unique_ptr<Link> OpenLink(const SourceConfig& source, const std::string& private_dir, const Interrupt& interrupt);

}  // namespace rotv::link
