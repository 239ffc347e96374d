// Logs in with a key.

#pragma once

#include <string>

#include "sync/ssh_session.h"

namespace rotv {

// Throws kUsage, with what to do, if there is no private key to be read at `path`.
void CheckKeyFile(const std::string& path);

// Logs in to a connected session whose host key was checked. With `identity` (a path) by that key only, and by the
// agent if the key needs a passphrase; without, by the agent, the keys of ~/.ssh/config, the usual files. A key is
// offered signed at once, without asking first whether it would do: one round trip each. Never prompts.
// Throws kRefused naming the user and the keys, kUnreachable, kInterrupted.
void LogIn(const SshWait& wait, const std::string& identity);

}  // namespace rotv
