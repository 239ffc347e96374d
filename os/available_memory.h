// How much memory this machine has left. Linux only (/proc/meminfo, proc(5)).

#pragma once

#include <cstdint>
#include <fstream>
#include <string>

namespace rotv::os {

// The bytes that programs can have without swapping; 0 where that is not known.
inline uint64_t AvailableMemory() {
  std::ifstream file("/proc/meminfo");
  for (std::string name; file >> name;) {
    uint64_t kib = 0;
    if (name == "MemAvailable:" && file >> kib) return kib * 1024;
  }
  return 0;
}

}  // namespace rotv::os
