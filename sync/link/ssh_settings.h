// Reads those settings of ~/.ssh/config and /etc/ssh/ssh_config for a host that libssh does not honour.

#pragma once

#include <string>
#include <vector>

#include "storage/interrupt.h"
#include "sync/context/ssh_target.h"

namespace rotv::link {

struct SshSettings {
  std::string host_key_alias;                    // Empty: the host's own name is used.
  std::string revoked_host_keys;                 // A file; empty: none.
  std::vector<std::string> user_known_hosts;     // Files, which need not exist.
  std::vector<std::string> global_known_hosts;   // The same.
  std::vector<std::string> host_key_algorithms;  // In order of preference.
  std::vector<std::string> identity_files;       // In the order of use; they need not exist.
};

// Asks OpenSSH itself (ssh -G), so that Host, Match and Include work like they do for ssh. Gives OpenSSH's defaults if
// there is neither an ssh nor a configuration for it. Throws kCannotStart if there is a configuration, but ssh is
// missing; kUsage if ssh cannot read it; kRefused if the configuration takes host keys from a program
// (KnownHostsCommand), which is not supported here; kInterrupted.
SshSettings ReadSshSettings(const SshTarget& target, const Interrupt& interrupt);

// Replaces the tilde of "~/x" by HOME.
std::string ExpandHome(const std::string& path);

}  // namespace rotv::link
