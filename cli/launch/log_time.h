// Says where in a log to begin: `rotv logs --since`. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rotv::launch {

// Says in hints how to write it.
inline constexpr const char* kLogTimeForms =
    "write how long ago (90s, 10m, 1h30m, 2d) or a time (UTC): 2026-01-31T12:00:00Z, \"yesterday 18:00\"";

// Returns the Unix time in microseconds of a duration before now ("10m", "1h30m", "10m ago"), or of a time as
// `rotv-sync log --since` takes it. Nothing if the text is neither.
std::optional<int64_t> ParseLogTime(std::string_view text, int64_t now_us);

// Returns how many bytes at the beginning of a log were written before `since_us`, as far as `times` tells: lines of
// "SECONDS BYTES", the length of the log at a time, in order (entrypoint/log_times.sh). Never more than `log_bytes`.
uint64_t LogBytesBefore(std::string_view times, int64_t since_us, uint64_t log_bytes);

}  // namespace rotv::launch
