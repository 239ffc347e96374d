// RevokedHostKeys of ssh_config(5).

#pragma once

#include <string>

#include "storage/interrupt.h"

namespace rotv::link {

// Whether `file` revokes `key_line` ("ssh-ed25519 AAAA…"). The file holds public keys, one a line, or is a key
// revocation list (KRL), which ssh-keygen is asked about. Throws kRefused if that cannot be found out: then no host key
// may be accepted, as with ssh.
bool IsRevoked(const std::string& key_line, const std::string& file, const Interrupt& interrupt);

}  // namespace rotv::link
