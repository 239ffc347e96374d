// Writes a number of bytes for people.

#pragma once

#include <cstdint>
#include <string>

namespace rotv {

// Decimal units, three digits, the same in every locale: "0 B", "999 B", "1.23 kB", "363 MB", "1.20 GB".
std::string SizeText(uint64_t bytes);

}  // namespace rotv
