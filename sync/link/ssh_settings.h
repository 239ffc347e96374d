// What ~/.ssh/config and /etc/ssh/ssh_config say about a host, in the points where libssh does not listen to them.

#pragma once

#include <string>
#include <vector>

#include "storage/interrupt.h"
#include "sync/context/ssh_target.h"

namespace rotv::link {

struct SshSettings {
  std::string host_key_alias;                    // Empty: the host goes by its own name.
  std::string revoked_host_keys;                 // A file; empty: none.
  std::vector<std::string> user_known_hosts;     // Files, which need not exist.
  std::vector<std::string> global_known_hosts;   // The same.
  std::vector<std::string> host_key_algorithms;  // In order of preference.
  std::vector<std::string> identity_files;       // In the order in which they are tried; need not exist.
};

// Asks OpenSSH itself (ssh -G), so that every Host, Match and Include counts as it does for ssh. OpenSSH's defaults
// where there is no ssh and no configuration of it either.
// Throws kCannotStart if there is a configuration, and ssh is missing; kUsage if ssh cannot read it; kRefused if the
// configuration has host keys come from a program (KnownHostsCommand), which would be overlooked here; kInterrupted.
SshSettings ReadSshSettings(const SshTarget& target, const Interrupt& interrupt);

// "~/x" with HOME in place of the tilde.
std::string ExpandHome(const std::string& path);

}  // namespace rotv::link
