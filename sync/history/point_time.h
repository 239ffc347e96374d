// Parses the times that people write for a point: absolute ones, and ones relative to now. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rotv::history {

inline constexpr int64_t kUsPerSecond = 1'000'000;

// Says in hints how to write an LSN or a time.
inline constexpr const char* kPointForms =
    "write an LSN as 16/B374D848, a time (UTC) as 2026-01-31T12:00:00Z, \"2 hours ago\" or \"yesterday 18:00\"";

// Returns the Unix time in microseconds of one of
//   2026-01-31, 2026-01-31T12:00, 2026-01-31 12:00:30.25, with Z or an offset (+01, +01:00) after the time
//   now, 10 minutes ago, an hour ago, 2 days ago, 1 week ago
//   today, yesterday, with or without a time of day: yesterday 18:00
// A time without an offset is UTC, as all times that are printed are. Returns nothing if the text is none of these, or
// no such day exists.
std::optional<int64_t> ParsePointTime(const std::string& text, int64_t now_us);

}  // namespace rotv::history
