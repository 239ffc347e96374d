// Reads this machine's clocks.

#pragma once

#include <chrono>
#include <cstdint>

namespace rotv::os {

// Unix time, microseconds.
inline int64_t NowMicroseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

// The seconds since a moment of the clock that nobody sets.
inline double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace rotv::os
