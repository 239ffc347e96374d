// Arithmetic on eight bytes at once, in one word.

#pragma once

#include <cstdint>

namespace rotv::formats {

// A word with this value in each of its bytes.
constexpr uint64_t EachByte(uint8_t byte) { return uint64_t{0x0101010101010101} * byte; }

}  // namespace rotv::formats
