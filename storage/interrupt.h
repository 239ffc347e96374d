// Whether the user asked the program to stop. Set by a signal handler, looked at by every loop that can wait.

#pragma once

#include <atomic>

#include "storage/error.h"

namespace rotv {

class Interrupt {
 public:
  // Safe in a signal handler.
  void Request() { requested_.store(true, std::memory_order_relaxed); }
  bool requested() const { return requested_.load(std::memory_order_relaxed); }

  // Throws Error(kInterrupted) once requested. Loops that wait call this at least every kPollMs.
  void Check() const {
    if (requested()) throw Error(ErrorCode::kInterrupted, "interrupted", "run the same command again to go on");
  }

  static constexpr int kPollMs = 200;

 private:
  std::atomic<bool> requested_{false};
};

}  // namespace rotv
