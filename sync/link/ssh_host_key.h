// Checks that the remote host is the one that it claims to be.

#pragma once

#include <libssh/libssh.h>

#include <string>
#include <vector>

#include "storage/interrupt.h"
#include "sync/context/ssh_target.h"
#include "sync/link/ssh_settings.h"

namespace rotv::link {

// The files that may have the keys of a host, and the name under which they have them.
struct HostKeyPlace {
  std::string name;                // "[host]:port", "host" for port 22, or the HostKeyAlias.
  std::string name_without_port;   // Used if no line matches `name`, like with ssh; empty: none.
  std::vector<std::string> files;  // known_hosts files; those that do not exist are ignored.
  std::string file_to_add_to;      // The file that the hint names.
  std::string revoked_keys;        // RevokedHostKeys; empty: none.
};

// `known_hosts` is that of the source, which replaces UserKnownHostsFile; empty: none.
HostKeyPlace PlaceOf(const SshTarget& target, const SshSettings& settings, const std::string& known_hosts);

// Called before the session connects: puts those key types first that are known for the host, among those that the
// configuration allows. Otherwise a host with several keys could show one that no known_hosts file has.
void PreferKnownKeys(ssh_session session, const HostKeyPlace& place, const SshSettings& settings);

// Checks the key of a connected session; StrictHostKeyChecking cannot turn this off. @revoked lines and revocation
// lists count before everything else. Throws kRefused if the key is unknown (the hint has the line to add and the
// fingerprint to compare), changed or revoked, if only a certificate authority is known for the host (libssh knows no
// host certificates), and if any of this cannot be determined; kInterrupted.
void CheckHostKey(ssh_session session, const HostKeyPlace& place, const Interrupt& interrupt);

}  // namespace rotv::link
