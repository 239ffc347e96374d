// An SSH session: connected, its host key checked, logged in.

#pragma once

#include <libssh/libssh.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/interrupt.h"
#include "sync/context/ssh_target.h"

namespace rotv {

struct SshOptions {
  SshTarget target;
  std::string identity;                                               // As in SourceConfig; "~/" is understood.
  std::string known_hosts;                                            // As in SourceConfig; "~/" is understood.
  std::chrono::milliseconds stall_timeout = std::chrono::minutes(1);  // Connecting and logging in take no longer each.
};

struct SshSessionDeleter {
  void operator()(ssh_session session) const;
};
using SshHandle = std::unique_ptr<ssh_session_struct, SshSessionDeleter>;

// May be used by one thread at a time, and moved to another.
class SshSession {
 public:
  // Reads ~/.ssh/config (HOME's) and /etc/ssh/ssh_config, connects (ProxyCommand and ProxyJump too), checks the host
  // key, and logs in with a key; asks nobody anything. Throws as Link::Open() does.
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

// Calls `step`, a libssh function on a non-blocking session, until it gives something else than `again`, and waits for
// the session's socket in between. Throws kInterrupted; kUnreachable when `deadline` passes.
struct SshWait {
  ssh_session session;
  const Interrupt& interrupt;
  std::chrono::steady_clock::time_point deadline;
  std::string label;

  int Until(int again, const std::function<int()>& step) const;
};

}  // namespace rotv
