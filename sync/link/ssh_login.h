// Logs in to an SSH server with a key.

#pragma once

#include <string>
#include <vector>

#include "sync/link/ssh_handle.h"

namespace rotv::link {

// Throws kUsage, with a hint, if there is no readable private key at `path`, or if others may read it.
void CheckKeyFile(const std::string& path);

// Logs in to a connected session whose host key was checked. With `identity` (a path) only that key is used, by the
// agent if it needs a passphrase; without it, the agent's keys, then `files` in turn. Each key is offered with a
// signature at once, without asking first whether the server accepts it: one round trip each. Never prompts. A key file
// that others may read is not used, like with ssh. Returns warnings about such files.
// Throws kRefused naming the user and the keys, kUnreachable, kInterrupted.
std::vector<std::string> LogIn(const SshWait& wait, const std::string& identity, const std::vector<std::string>& files);

}  // namespace rotv::link
