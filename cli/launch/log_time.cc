#include "cli/launch/log_time.h"

#include <algorithm>
#include <charconv>

#include "sync/history_log.h"

namespace rotv::launch {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;

// Seconds in the unit that a letter stands for; 0 if it stands for none.
int64_t SecondsIn(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 60 * 60;
    case 'd':
      return 24 * 60 * 60;
    default:
      return 0;
  }
}

// Reads "1h30m": numbers, each with its unit.
std::optional<int64_t> ParseDuration(std::string_view text) {
  constexpr int64_t kMost = int64_t{100} * 365 * 24 * 60 * 60;
  if (text.empty()) return std::nullopt;
  int64_t seconds = 0;
  while (!text.empty()) {
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end == text.data() + text.size()) return std::nullopt;
    const int64_t unit = SecondsIn(*end);
    if (unit == 0) return std::nullopt;
    seconds += unit * number;
    if (seconds > kMost) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end + 1 - text.data()));
  }
  return seconds;
}

}  // namespace

std::optional<int64_t> ParseLogTime(std::string_view text, int64_t now_us) {
  constexpr std::string_view kAgo = " ago";
  std::string_view duration = text;
  if (duration.ends_with(kAgo)) duration.remove_suffix(kAgo.size());
  if (const std::optional<int64_t> seconds = ParseDuration(duration)) return now_us - *seconds * kUsPerSecond;
  return ParseTime(std::string(text), now_us);
}

uint64_t LogBytesBefore(std::string_view times, int64_t since_us, uint64_t log_bytes) {
  uint64_t before = 0;
  for (size_t start = 0, end; (end = times.find('\n', start)) != std::string_view::npos; start = end + 1) {
    int64_t seconds = 0;
    uint64_t bytes = 0;
    const char* line_end = times.data() + end;
    const auto [space, error] = std::from_chars(times.data() + start, line_end, seconds);
    if (error != std::errc() || space == line_end) continue;
    if (std::from_chars(space + 1, line_end, bytes).ec != std::errc()) continue;
    if (seconds > since_us / kUsPerSecond) break;
    before = bytes;
  }
  return std::min(before, log_bytes);
}

}  // namespace rotv::launch
