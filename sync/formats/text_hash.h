// Computes PostgreSQL's hashtextextended() of a text under the collation "C", like servers on little-endian machines
// do, so that a row can be compared with the source's row without moving it. Pure. Source: hash_bytes_extended() in
// PostgreSQL's hashfn.c, a variant of Bob Jenkins' lookup3.

#pragma once

#include <cstdint>
#include <string_view>

namespace rotv::formats {

uint64_t HashText(std::string_view text, uint64_t seed);

// The same with seed 0, of the text that has 0x1F in the place of each tab.
uint64_t HashTextBetweenTabs(std::string_view text);

}  // namespace rotv::formats
