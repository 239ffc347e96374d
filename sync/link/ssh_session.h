// An SSH session: connected, its host key checked, logged in.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/interrupt.h"
#include "sync/context/ssh_target.h"
#include "sync/link/ssh_handle.h"

namespace rotv::link {

struct SshOptions {
  SshTarget target;
  std::string identity;                                               // As in SourceConfig; "~/" is understood.
  std::string known_hosts;                                            // As in SourceConfig; "~/" is understood.
  std::chrono::milliseconds stall_timeout = std::chrono::minutes(1);  // Connecting and logging in take no longer each.
};

// May be used by one thread at a time, and moved to another.
class SshSession {
 public:
  // Reads ~/.ssh/config (HOME's) and /etc/ssh/ssh_config, connects (ProxyCommand and ProxyJump too), checks the host
  // key, and logs in with a key; asks nobody anything. Throws as OpenLink() does.
  static std::unique_ptr<SshSession> Connect(const SshOptions& options, const Interrupt& interrupt);

  ssh_session get() const { return handle_.get(); }

  // For people: "root@db.example.org:22422".
  const std::string& label() const { return label_; }

  // What a person should hear of though the session stands: key files that were not used.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  explicit SshSession(SshHandle handle, std::string label) : handle_(std::move(handle)), label_(std::move(label)) {}

  SshHandle handle_;
  std::string label_;
  std::vector<std::string> warnings_;
};

}  // namespace rotv::link
