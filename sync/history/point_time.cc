#include "sync/history/point_time.h"

#include <chrono>
#include <regex>

namespace rotv::history {
namespace {

constexpr int64_t kSecondsPerMinute = 60;
constexpr int64_t kSecondsPerHour = 60 * kSecondsPerMinute;
constexpr int64_t kSecondsPerDay = 24 * kSecondsPerHour;

int64_t Number(const std::ssub_match& match) { return match.matched ? std::stoll(match.str()) : 0; }

// Returns the time of day whose hours, minutes and so on begin at group `first`; nothing if there is no such time.
std::optional<int64_t> TimeOfDayUs(const std::smatch& match, size_t first) {
  int64_t hours = Number(match[first]), minutes = Number(match[first + 1]), seconds = Number(match[first + 2]);
  if (hours > 24 || minutes > 59 || seconds > 59 || (hours == 24 && minutes + seconds > 0)) return std::nullopt;
  std::string fraction = match[first + 3].str();
  fraction.resize(6, '0');
  return (hours * kSecondsPerHour + minutes * kSecondsPerMinute + seconds) * kUsPerSecond + std::stoll(fraction);
}

constexpr const char* kTimeOfDay = R"((\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)";

std::optional<int64_t> ParseAbsolute(const std::string& text) {
  static const std::regex form(std::string(R"((\d{4})-(\d\d)-(\d\d)(?:[Tt ])") + kTimeOfDay +
                               R"(\s*(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)?)?)");
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
  return (days * kSecondsPerDay - offset) * kUsPerSecond + *time;
}

std::optional<int64_t> ParseAgo(const std::string& text, int64_t now_us) {
  static const std::regex form(R"((?:(\d{1,6})|an?) (second|minute|hour|day|week)s? ago)");
  std::smatch match;
  if (!std::regex_match(text, match, form)) return std::nullopt;
  int64_t count = match[1].matched ? Number(match[1]) : 1;
  std::string unit = match[2];
  int64_t seconds = 1;
  if (unit == "minute") seconds = kSecondsPerMinute;
  if (unit == "hour") seconds = kSecondsPerHour;
  if (unit == "day") seconds = kSecondsPerDay;
  if (unit == "week") seconds = 7 * kSecondsPerDay;
  return now_us - count * seconds * kUsPerSecond;
}

std::optional<int64_t> ParseDay(const std::string& text, int64_t now_us) {
  static const std::regex form(std::string("(today|yesterday)(?: ") + kTimeOfDay + ")?");
  std::smatch match;
  if (!std::regex_match(text, match, form)) return std::nullopt;
  std::optional<int64_t> time = TimeOfDayUs(match, 2);
  if (!time) return std::nullopt;
  int64_t day = now_us / kUsPerSecond / kSecondsPerDay - (match[1] == "yesterday" ? 1 : 0);
  return day * kSecondsPerDay * kUsPerSecond + *time;
}

}  // namespace

std::optional<int64_t> ParsePointTime(const std::string& text, int64_t now_us) {
  if (text == "now") return now_us;
  if (std::optional<int64_t> time = ParseAbsolute(text)) return time;
  if (std::optional<int64_t> time = ParseAgo(text, now_us)) return time;
  return ParseDay(text, now_us);
}

}  // namespace rotv::history
