// Reads this machine's clock.

#pragma once

#include <chrono>
#include <cstdint>

namespace rotv::os {

// Unix time, microseconds.
inline int64_t NowMicroseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace rotv::os
