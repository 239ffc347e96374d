// A wait that an interrupt ends.

#pragma once

#include <chrono>
#include <thread>

#include "storage/interrupt.h"

namespace rotv {

// Throws kInterrupted.
inline void Pause(std::chrono::milliseconds length, const Interrupt& interrupt) {
  constexpr std::chrono::milliseconds kLook{50};
  for (std::chrono::milliseconds passed{0}; passed < length; passed += kLook) {
    interrupt.Check();
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace rotv
