// Tells a connection that stalls from one whose server has much to do: both are silent, and TCP alone does not know, as
// long as something in between acknowledges what it is sent.

#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace rotv::postgres {

// What the server's end does, as another connection sees it.
enum class ServerState {
  kBusy,         // It works for us, or answers with something else than silence: go on waiting.
  kWaitsForUs,   // It believes that it is our turn. Once that is a coincidence.
  kUnreachable,  // No other connection was to be had.
};

class StallWatch {
 public:
  using Clock = std::chrono::steady_clock;

  // `look` finds the state out; it takes until `deadline` at most, and tries again until then before it gives
  // kUnreachable. `where` names the connection for people.
  StallWatch(std::chrono::milliseconds limit, std::string where,
             std::function<ServerState(Clock::time_point deadline)> look)
      : limit_(limit), where_(std::move(where)), look_(std::move(look)) {}

  // Something came.
  void Heard();

  // Nothing came. Looks once half of the limit has passed in silence. Throws kUnreachable at the limit, unless the
  // server was seen busy in between.
  void Quiet();

 private:
  const std::chrono::milliseconds limit_;
  const std::string where_;
  const std::function<ServerState(Clock::time_point)> look_;
  Clock::time_point since_ = Clock::now();  // Neither a word nor a sign of life.
  int waits_seen_ = 0;                      // In a row.
};

}  // namespace rotv::postgres
