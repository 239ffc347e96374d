// Makes keys and names that nobody can guess.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rotv::os {

inline constexpr std::string_view kHexDigits = "0123456789abcdef";

// Returns `size` characters, each of which is any of `letters` (at most 256) with the same probability, from the
// kernel's random numbers. Throws kBug if it gives none.
std::string RandomText(std::string_view letters, size_t size);

}  // namespace rotv::os
