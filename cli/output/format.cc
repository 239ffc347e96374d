#include "cli/output/format.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>

namespace rotv::output {
namespace {

struct CivilTime {
  int year, month, day, hour, minute, second, microsecond;
};

CivilTime Civil(int64_t time_us) {
  using namespace std::chrono;
  sys_time<microseconds> time{microseconds(time_us)};
  auto day = floor<days>(time);
  year_month_day date(day);
  hh_mm_ss<microseconds> clock(time - day);
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          static_cast<int>(clock.subseconds().count())};
}

}  // namespace

std::string HumanDuration(double seconds) {
  if (!(seconds >= 0.05)) return "<0.1 s";
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  constexpr double kLongestSeconds = 1e12;  // Beyond it the rounding below would overflow.
  if (seconds > kLongestSeconds) return "for ever";
  auto whole = static_cast<uint64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
}

std::string HumanAge(double seconds) {
  if (!(seconds >= 5)) return "just now";
  auto whole = static_cast<uint64_t>(seconds);
  if (whole < 60) return fmt::format("{} seconds ago", whole);
  if (whole < 3600) return Counted(whole / 60, "minute", "minutes") + " ago";
  if (whole / 86400 < 2) return Counted(whole / 3600, "hour", "hours") + " ago";
  return Counted(whole / 86400, "day", "days") + " ago";
}

std::string HumanCount(uint64_t count) {
  std::string text = std::to_string(count);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string Counted(uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", HumanCount(count), count == 1 ? one : many);
}

std::string IsoTime(int64_t time_us) {
  CivilTime t = Civil(time_us);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", t.year, t.month, t.day, t.hour, t.minute, t.second,
                     t.microsecond);
}

std::string HumanTime(int64_t time_us) {
  CivilTime t = Civil(time_us);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", t.year, t.month, t.day, t.hour, t.minute, t.second);
}

}  // namespace rotv::output
