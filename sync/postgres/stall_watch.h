// StallWatch tells a stalled connection from one whose server is busy. Both are silent, and TCP cannot tell them apart
// as long as something in between acknowledges what is sent.

#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace rotv::postgres {

// The state of the server's backend, seen from another connection.
enum class ServerState {
  kBusy,         // It works for us, or the server refuses the other connection: keep waiting.
  kWaitsForUs,   // It waits for our next message. Seen once, that may be a coincidence.
  kUnreachable,  // No other connection could be opened.
};

class StallWatch {
 public:
  using Clock = std::chrono::steady_clock;

  // `look` determines the state; it takes until `deadline` at most, and tries again until then before it returns
  // kUnreachable. `where` describes the connection in messages.
  StallWatch(std::chrono::milliseconds limit, std::string where,
             std::function<ServerState(Clock::time_point deadline)> look)
      : limit_(limit), where_(std::move(where)), look_(std::move(look)) {}

  // Called when something was received.
  void Heard();

  // Called when nothing was received for a while. Looks once half of the limit has passed in silence. Throws
  // kUnreachable at the limit, unless the server was seen busy in between.
  void Quiet();

 private:
  const std::chrono::milliseconds limit_;
  const std::string where_;
  const std::function<ServerState(Clock::time_point)> look_;
  Clock::time_point since_ = Clock::now();  // When something was last received, or the server was last seen alive.
  int waits_seen_ = 0;                      // kWaitsForUs results in a row.
};

}  // namespace rotv::postgres
