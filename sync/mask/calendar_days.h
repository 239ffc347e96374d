// Days of the proleptic Gregorian calendar, as PostgreSQL counts them. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rotv::mask {

// Days since 1970-01-01; year 0 is 1 BC. Any year of PostgreSQL's, which end with 5874897: std::chrono's end with
// 32767.
int64_t DaysOf(int64_t year, int64_t month, int64_t day);

void DateOf(int64_t days, int64_t* year, int64_t* month, int64_t* day);

// Of "2026-01-31", before Christ where `bc` says so; nothing if it is no such text.
std::optional<int64_t> DaysFrom(std::string_view text, bool bc);

}  // namespace rotv::mask
