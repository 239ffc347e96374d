// The request to stop the program. A signal handler sets it, and every loop that can wait checks it.

#pragma once

#include <atomic>

#include "storage/error.h"

namespace rotv {

class Interrupt {
 public:
  // Async-signal-safe.
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
