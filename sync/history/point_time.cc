#include "sync/history/point_time.h"

#include <chrono>
#include <regex>

namespace rotv::history {
namespace {

constexpr int64_t kSecondsPerMinute = 60;
constexpr int64_t kSecondsPerHour = 60 * kSecondsPerMinute;
constexpr int64_t kSecondsPerDay = 24 * kSecondsPerHour;

int64_t Number(const std::ssub_match& match) { return match.matched ? std::stoll(match.str()) : 0; }

// A time without a fraction means its second: so times that were printed in seconds lead to where they came from.
PointTime WholeSecondAt(int64_t time_us) { return {.from_us = time_us, .to_us = time_us + kUsPerSecond - 1}; }
PointTime ExactlyAt(int64_t time_us) { return {.from_us = time_us, .to_us = time_us}; }

// Returns the time of day whose hours, minutes and so on begin at group `first`; nothing if there is no such time.
std::optional<int64_t> TimeOfDayUs(const std::smatch& match, size_t first) {
  int64_t hours = Number(match[first]), minutes = Number(match[first + 1]), seconds = Number(match[first + 2]);
  if (hours > 24 || minutes > 59 || seconds > 59 || (hours == 24 && minutes + seconds > 0)) return std::nullopt;
  std::string fraction = match[first + 3].str();
  fraction.resize(6, '0');
  return (hours * kSecondsPerHour + minutes * kSecondsPerMinute + seconds) * kUsPerSecond + std::stoll(fraction);
}

constexpr const char* kTimeOfDay = R"((\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)";

std::optional<PointTime> ParseAbsolute(const std::string& text) {
  static const std::regex form(std::string(R"((\d{4})-(\d\d)-(\d\d)(?:[Tt ])") + kTimeOfDay +
                               R"(\s*(?:([Zz]|UTC|utc|GMT)|([+-])(\d\d)(?::?(\d\d))?)?)?)");
  std::smatch match;
  if (!std::regex_match(text, match, form)) return std::nullopt;
  std::chrono::year_month_day day{std::chrono::year(static_cast<int>(Number(match[1]))),
                                  std::chrono::month(static_cast<unsigned>(Number(match[2]))),
                                  std::chrono::day(static_cast<unsigned>(Number(match[3])))};
  std::optional<int64_t> time = TimeOfDayUs(match, 4);
  int64_t offset = Number(match[10]) * kSecondsPerHour + Number(match[11]) * kSecondsPerMinute;
  if (!day.ok() || !time || offset > kSecondsPerDay) return std::nullopt;
  if (match[9] == "-") offset = -offset;
  int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  const int64_t time_us = (days * kSecondsPerDay - offset) * kUsPerSecond + *time;
  return match[7].matched ? ExactlyAt(time_us) : WholeSecondAt(time_us);
}

// The units begin with different letters.
int64_t SecondsOf(char unit) {
  switch (unit) {
    case 'm':
      return kSecondsPerMinute;
    case 'h':
      return kSecondsPerHour;
    case 'd':
      return kSecondsPerDay;
    case 'w':
      return 7 * kSecondsPerDay;
    default:
      return 1;
  }
}

std::optional<PointTime> ParseAgo(const std::string& text, int64_t now_us) {
  static const std::string part =
      R"((?:(\d{1,6}) ?|an? )(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?))";
  static const std::regex form("(?:" + part + ")(?: ?" + part + ")* ago");
  if (!std::regex_match(text, form)) return std::nullopt;
  static const std::regex one(part + "(?![a-z])");
  int64_t time_us = now_us;
  for (std::sregex_iterator match(text.begin(), text.end(), one), end; match != end; ++match) {
    const int64_t count = (*match)[1].matched ? Number((*match)[1]) : 1;
    time_us -= count * SecondsOf((*match)[2].str().front()) * kUsPerSecond;
  }
  return ExactlyAt(time_us);
}

std::optional<PointTime> ParseDay(const std::string& text, int64_t now_us) {
  static const std::regex form(std::string("(today|yesterday)(?: ") + kTimeOfDay + ")?");
  std::smatch match;
  if (!std::regex_match(text, match, form)) return std::nullopt;
  std::optional<int64_t> time = TimeOfDayUs(match, 2);
  if (!time) return std::nullopt;
  int64_t day = now_us / kUsPerSecond / kSecondsPerDay - (match[1] == "yesterday" ? 1 : 0);
  const int64_t time_us = day * kSecondsPerDay * kUsPerSecond + *time;
  return match[5].matched ? ExactlyAt(time_us) : WholeSecondAt(time_us);
}

}  // namespace

std::optional<PointTime> ParsePointTime(const std::string& text, int64_t now_us) {
  constexpr size_t kLongest = 48;
  if (text.size() > kLongest) return std::nullopt;
  if (text == "now") return PointTime{.from_us = now_us, .to_us = now_us, .is_now = true};
  if (std::optional<PointTime> time = ParseAbsolute(text)) return time;
  if (std::optional<PointTime> time = ParseAgo(text, now_us)) return time;
  return ParseDay(text, now_us);
}

}  // namespace rotv::history
