// Opens TCP connections; connecting can be interrupted.

#pragma once

#include <chrono>
#include <string>

#include "storage/handle.h"
#include "storage/interrupt.h"

namespace rotv::link {

struct DialOptions {
  std::string host;  // A name or an address.
  int port = 0;
  std::chrono::steady_clock::time_point deadline;
};

// Connects to one of the host's addresses, tried in the resolver's order. The socket is non-blocking and close-on-exec,
// has TCP_NODELAY, and fails if sent data is not acknowledged for a minute. Throws kUnreachable (no such host, refused,
// no answer before the deadline), and kInterrupted within Interrupt::kPollMs.
FileDescriptor DialTcp(const DialOptions& options, const Interrupt& interrupt);

}  // namespace rotv::link
