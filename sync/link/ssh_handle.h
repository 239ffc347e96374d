// Owns a libssh session, and waits for its steps.

#pragma once

#include <libssh/libssh.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "storage/interrupt.h"

namespace rotv::link {

struct SshSessionDeleter {
  void operator()(ssh_session session) const;
};
using SshHandle = std::unique_ptr<ssh_session_struct, SshSessionDeleter>;

// Until() calls `step`, a libssh function on a non-blocking session, until its result is not `again`, waits for the
// session's socket in between, and returns the result. Throws kInterrupted, and kUnreachable when `deadline` passes.
struct SshWait {
  ssh_session session;
  const Interrupt& interrupt;
  std::chrono::steady_clock::time_point deadline;
  std::string label;

  int Until(int again, const std::function<int()>& step) const;
};

}  // namespace rotv::link
