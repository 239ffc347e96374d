// Whether the far end is who it says it is.

#pragma once

#include <libssh/libssh.h>

#include <string>

#include "sync/ssh_target.h"

namespace rotv {

// Checks the key of a connected session against known_hosts, always: StrictHostKeyChecking of ~/.ssh/config is not
// asked. Throws kRefused if the key is unknown (the hint holds the line to add and the fingerprint to compare) or has
// changed. `known_hosts` is the config's value, empty if it has none.
void CheckHostKey(ssh_session session, const SshTarget& target, const std::string& known_hosts);

}  // namespace rotv
