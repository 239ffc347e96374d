// Counts days of the proleptic Gregorian calendar, as PostgreSQL does. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rotv::mask {

// Convert between a date and its days since 1970-01-01; year 0 is 1 BC. They take any year of PostgreSQL's, which end
// with 5874897: std::chrono's end with 32767.
int64_t DaysOf(int64_t year, int64_t month, int64_t day);

void DateOf(int64_t days, int64_t* year, int64_t* month, int64_t* day);

// Returns the days of a text such as "2026-01-31", which is before Christ if `bc` says so; nothing if the text is no
// date.
std::optional<int64_t> DaysFrom(std::string_view text, bool bc);

}  // namespace rotv::mask
