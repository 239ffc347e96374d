// Varints like protobuf's: seven bits a byte, the lowest first.

#pragma once

#include <cstdint>
#include <string>

namespace rotv {

inline void AppendVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

}  // namespace rotv
