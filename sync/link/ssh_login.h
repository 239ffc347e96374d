// Logs in with a key.

#pragma once

#include <string>
#include <vector>

#include "sync/link/ssh_handle.h"

namespace rotv::link {

// Throws kUsage, with what to do, if there is no private key to be read at `path`, or if others may read it.
void CheckKeyFile(const std::string& path);

// Logs in to a connected session whose host key was checked. With `identity` (a path) by that key only, and by the
// agent if the key needs a passphrase; without, by the agent, then by `files` in turn. A key is offered signed at once,
// without asking first whether it would do: one round trip each. Never prompts. A key file that others may read is not
// used, as with ssh. Returns what a person should hear of: such files.
// Throws kRefused naming the user and the keys, kUnreachable, kInterrupted.
std::vector<std::string> LogIn(const SshWait& wait, const std::string& identity, const std::vector<std::string>& files);

}  // namespace rotv::link
