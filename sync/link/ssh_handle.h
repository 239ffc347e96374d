// A libssh session as an object, and waiting for its steps.

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

// Calls `step`, a libssh function on a non-blocking session, until it gives something else than `again`, and waits for
// the session's socket in between. Throws kInterrupted; kUnreachable when `deadline` passes.
struct SshWait {
  ssh_session session;
  const Interrupt& interrupt;
  std::chrono::steady_clock::time_point deadline;
  std::string label;

  int Until(int again, const std::function<int()>& step) const;
};

}  // namespace rotv::link
