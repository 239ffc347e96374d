// SshSession is an SSH session that is connected and logged in, with its host key checked.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/interrupt.h"
#include "sync/context/source_config.h"
#include "sync/context/ssh_target.h"
#include "sync/link/ssh_handle.h"

namespace rotv::link {

struct SshOptions {
  SshTarget target;
  std::string identity;                                               // See SourceConfig; may begin with "~/".
  std::string known_hosts;                                            // See SourceConfig; may begin with "~/".
  std::chrono::milliseconds stall_timeout = std::chrono::minutes(1);  // The limit for connecting, and for logging in.
  Compress compress = Compress::kNever;  // A host that forbids compression goes on without.
};

// One thread at a time may use it; it may move from one thread to another.
class SshSession {
 public:
  // Reads ~/.ssh/config (below HOME) and /etc/ssh/ssh_config, connects (also by ProxyCommand and ProxyJump), checks the
  // host key, and logs in with a key. Never prompts. Throws like OpenLink().
  static std::unique_ptr<SshSession> Connect(const SshOptions& options, const Interrupt& interrupt);

  ssh_session get() const { return handle_.get(); }

  // A name for messages: "root@db.example.org:22422".
  const std::string& label() const { return label_; }

  // Warnings about key files that were not used.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  explicit SshSession(SshHandle handle, std::string label) : handle_(std::move(handle)), label_(std::move(label)) {}

  SshHandle handle_;
  std::string label_;
  std::vector<std::string> warnings_;
};

}  // namespace rotv::link
