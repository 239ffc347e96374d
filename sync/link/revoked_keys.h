// Checks a host key against RevokedHostKeys of ssh_config(5).

#pragma once

#include <string>

#include "storage/interrupt.h"

namespace rotv::link {

// True if `file` revokes `key_line` ("ssh-ed25519 AAAA…"). The file has one public key a line, or is a key revocation
// list (KRL), for which ssh-keygen is asked. Throws kRefused if that cannot be determined: then no host key may be
// accepted, like with ssh.
bool IsRevoked(const std::string& key_line, const std::string& file, const Interrupt& interrupt);

}  // namespace rotv::link
