// Checks that the remote host is the one that it claims to be.

#pragma once

#include <libssh/libssh.h>

#include <string>
#include <vector>

#include "storage/interrupt.h"
#include "sync/context/ssh_target.h"
#include "sync/link/ssh_settings.h"

namespace rotv::link {

// Where the keys of a host are looked for, and under which name.
struct HostKeyPlace {
  std::string name;                // "[host]:port", "host" for port 22, or the HostKeyAlias.
  std::string name_without_port;   // Counts where nothing is known of `name`, as with ssh; empty: it has none.
  std::vector<std::string> files;  // known_hosts files; those that do not exist are left out of account.
  std::string file_to_add_to;      // For the hint.
  std::string revoked_keys;        // RevokedHostKeys; empty: none.
};

// `known_hosts` is the source's, empty if it has none: it takes the place of UserKnownHostsFile.
HostKeyPlace PlaceOf(const SshTarget& target, const SshSettings& settings, const std::string& known_hosts);

// Before the session connects: asks for the kinds of key first that are known of the host, among those that the
// configuration allows. A host that has several would else show one that nobody has written down.
void PreferKnownKeys(ssh_session session, const HostKeyPlace& place, const SshSettings& settings);

// Checks the key of a connected session, always: StrictHostKeyChecking is not asked. @revoked lines and revocation
// lists count before all else. Throws kRefused if the key is unknown (the hint holds the line to add and the
// fingerprint to compare), changed or revoked, if only a certificate authority is known for the host (libssh knows no
// host certificates), and if any of this cannot be found out; kInterrupted.
void CheckHostKey(ssh_session session, const HostKeyPlace& place, const Interrupt& interrupt);

}  // namespace rotv::link
