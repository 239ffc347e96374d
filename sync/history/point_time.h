// Parses the times that people write for a point: absolute ones, and ones relative to now. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rotv::history {

inline constexpr int64_t kUsPerSecond = 1'000'000;

// Says in hints how to write an LSN or a time.
inline constexpr const char* kPointForms =
    "write an LSN as 16/B374D848, a time (UTC) as 2026-01-31T12:00:00Z, \"5m ago\", \"2 hours ago\" or "
    "\"yesterday 18:00\"";

// What a time that was written may mean, in microseconds of Unix time. Both ends belong to it.
struct PointTime {
  int64_t from_us = 0;
  int64_t to_us = 0;    // The end of the second, if no fraction was written: so are times printed.
  bool is_now = false;  // It was written as "now".
};

// Returns what is meant by one of
//   2026-01-31, 2026-01-31T12:00, 2026-01-31 12:00:30.25, with Z, UTC or an offset (+01, +01:00) after the time
//   now, 10 minutes ago, an hour ago, 2 days ago, 1 week ago, 5m ago, 1h 30m ago
//   today, yesterday, with or without a time of day: yesterday 18:00
// A time without an offset is UTC, as all times that are printed are. Returns nothing if the text is none of these, or
// no such day exists.
std::optional<PointTime> ParsePointTime(const std::string& text, int64_t now_us);

}  // namespace rotv::history
