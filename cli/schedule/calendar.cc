#include "cli/schedule/calendar.h"

#include <fmt/format.h>

#include <charconv>
#include <ctime>
#include <map>
#include <vector>

#include "storage/error.h"

namespace rotv::schedule {
namespace {

struct Range {
  int first;
  int last;
};
// The ranges of minutes, hours, dates, months and days of the week (0 is Sunday), in the order of Field.
constexpr Range kRanges[] = {{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 6}};

constexpr std::string_view kWeekdays[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

const std::map<std::string, std::string, std::less<>> kShorthands = {
    {"minutely", "*-* *:*"}, {"hourly", "*-* *:00"},    {"daily", "*-* 00:00"},
    {"weekly", "Mon 00:00"}, {"monthly", "*-01 00:00"}, {"quarterly", "1,4,7,10-1 0:0"},
    {"yearly", "1-1 00:00"}, {"annually", "1-1 00:00"}, {"semiannually", "1,7-1 0:0"}};

// A field of a crontab in the form that this class reads: "1-5" as "mon..fri".
std::string FromCronField(std::string_view field, bool is_weekday) {
  std::string text;
  bool is_step = false;
  for (char c : Lower(field)) {
    if (c == '-') {
      text += "..";
      continue;
    }
    is_step = c == '/' || (is_step && c >= '0' && c <= '9');
    if (is_weekday && !is_step && c >= '0' && c <= '7') {
      text += kWeekdays[(c - '0') % 7];
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::optional<Calendar> Calendar::FromCron(std::string_view fields) {
  std::vector<std::string_view> words;
  for (std::string_view word : Split(fields, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  if (words.size() != kFields) return std::nullopt;
  Calendar calendar("hourly");
  calendar.text_ = fields;
  try {
    for (int field = 0; field < kFields; ++field) {
      calendar.values_[field] =
          calendar.ReadList(FromCronField(words[field], field == kWeekday), static_cast<Field>(field));
    }
  } catch (const Error&) {
    return std::nullopt;
  }
  calendar.either_day_ = !words[kDate].starts_with('*') && !words[kWeekday].starts_with('*');
  return calendar;
}

Calendar::Calendar(std::string_view text) : text_(text) {
  std::string expanded = Lower(text);
  if (auto found = kShorthands.find(expanded); found != kShorthands.end()) expanded = Lower(found->second);
  ReadDays("*");
  ReadDate("*-*");
  ReadTime("00:00");
  bool empty = true;
  for (std::string_view word : Split(expanded, ' ')) {
    if (word.empty()) continue;
    empty = false;
    if (word.find(':') != std::string_view::npos) {
      ReadTime(word);
    } else if (word.front() >= 'a' && word.front() <= 'z') {
      ReadDays(word);
    } else {
      ReadDate(word);
    }
  }
  if (empty) Fail("it is empty");
  if (!IsFull(kWeekday) && !(IsFull(kDate) && IsFull(kMonth))) {
    Fail("cron runs if the day of the week or the date matches, and cannot require both");
  }
}

void Calendar::Fail(const std::string& why) const {
  throw Error(ErrorCode::kUsage, fmt::format("\"{}\" cannot be put into a crontab: {}", text_, why),
              "for example '*-*-* 02:00', 'Mon..Fri 07:30' or 'hourly'");
}

int Calendar::ReadNumber(std::string_view text, Field field) const {
  if (field == kWeekday) {
    for (size_t i = 0; i < std::size(kWeekdays); ++i) {
      if (text == kWeekdays[i] || text == kWeekdays[i].substr(0, 3)) return static_cast<int>(i);
    }
    Fail(fmt::format("there is no day \"{}\"", text));
  }
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) Fail(fmt::format("\"{}\" is not a number", text));
  if (number < kRanges[field].first || number > kRanges[field].last) {
    Fail(fmt::format("{} is not from {} to {}", number, kRanges[field].first, kRanges[field].last));
  }
  return number;
}

Calendar::Values Calendar::ReadList(std::string_view list, Field field) const {
  const Range range = kRanges[field];
  Values values;
  for (std::string_view item : Split(list, ',')) {
    const size_t slash = item.find('/');
    const std::string_view start = item.substr(0, slash);
    int first = range.first, last = range.last, step = 1;
    if (const size_t dots = start.find(".."); dots != std::string_view::npos) {
      first = ReadNumber(start.substr(0, dots), field);
      last = ReadNumber(start.substr(dots + 2), field);
    } else if (start != "*") {
      first = ReadNumber(start, field);
      if (slash == std::string_view::npos) last = first;
    }
    if (slash != std::string_view::npos) {
      const std::string_view text = item.substr(slash + 1);
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
      if (error != std::errc() || end != text.data() + text.size() || step < 1) {
        Fail(fmt::format("\"{}\" is not a step", text));
      }
    }
    // Days of the week wrap around: Sat..Mon.
    if (field == kWeekday && last < first) last += 7;
    if (last < first) Fail(fmt::format("\"{}\" ends before it begins", item));
    for (int value = first; value <= last; value += step) {
      values.set(static_cast<size_t>(field == kWeekday ? value % 7 : value));
    }
  }
  return values;
}

void Calendar::ReadDays(std::string_view text) { values_[kWeekday] = ReadList(text, kWeekday); }

void Calendar::ReadDate(std::string_view text) {
  if (text.find('~') != std::string_view::npos) Fail("cron does not count from the end of a month");
  std::vector<std::string_view> parts = Split(text, '-');
  if (parts.size() == 3) {
    if (parts.front() != "*") Fail("cron has no years");
    parts.erase(parts.begin());
  }
  if (parts.size() != 2) Fail(fmt::format("\"{}\" is not a date", text));
  values_[kMonth] = ReadList(parts[0], kMonth);
  values_[kDate] = ReadList(parts[1], kDate);
}

void Calendar::ReadTime(std::string_view text) {
  const std::vector<std::string_view> parts = Split(text, ':');
  if (parts.size() > 3) Fail(fmt::format("\"{}\" is not a time", text));
  if (parts.size() == 3 && parts[2] != "00" && parts[2] != "0") Fail("cron has no seconds");
  values_[kHour] = ReadList(parts[0], kHour);
  values_[kMinute] = ReadList(parts[1], kMinute);
}

bool Calendar::IsFull(Field field) const {
  return static_cast<int>(values_[field].count()) == kRanges[field].last - kRanges[field].first + 1;
}

std::string Calendar::CronFields() const {
  std::string line;
  for (int field = 0; field < kFields; ++field) {
    std::string list;
    for (size_t value = 0; value < kMostValues; ++value) {
      if (values_[field].test(value)) list += fmt::format("{}{}", list.empty() ? "" : ",", value);
    }
    line += (line.empty() ? "" : " ") + (IsFull(static_cast<Field>(field)) ? "*" : list);
  }
  return line;
}

std::optional<int64_t> Calendar::Next(int64_t now_us) const {
  constexpr int64_t kUsPerSecond = 1'000'000;
  constexpr int kDays = 8 * 366;  // The next 29 February may be that far away (around 2100).
  const std::time_t now = static_cast<std::time_t>(now_us / kUsPerSecond);
  std::tm today{};
  localtime_r(&now, &today);
  // Every day of eight years is tried in turn; mktime() does the calendar's and the time zone's arithmetic, so that
  // none of it is repeated here.
  for (int day = 0; day <= kDays; ++day) {
    std::tm date{};
    date.tm_year = today.tm_year;
    date.tm_mon = today.tm_mon;
    date.tm_mday = today.tm_mday + day;
    date.tm_hour = 12;  // Clocks do not change at noon.
    date.tm_isdst = -1;
    mktime(&date);
    const bool is_date = values_[kDate].test(static_cast<size_t>(date.tm_mday));
    const bool is_weekday = values_[kWeekday].test(static_cast<size_t>(date.tm_wday));
    const bool is_day = either_day_ ? is_date || is_weekday : is_date && is_weekday;
    if (!values_[kMonth].test(static_cast<size_t>(date.tm_mon) + 1) || !is_day) continue;
    for (int hour = 0; hour < 24; ++hour) {
      if (!values_[kHour].test(static_cast<size_t>(hour))) continue;
      for (int minute = 0; minute < 60; ++minute) {
        if (!values_[kMinute].test(static_cast<size_t>(minute))) continue;
        std::tm moment = date;
        moment.tm_hour = hour;
        moment.tm_min = minute;
        moment.tm_isdst = -1;
        const std::time_t time = mktime(&moment);
        if (time > now) return static_cast<int64_t>(time) * kUsPerSecond;
      }
    }
  }
  return std::nullopt;
}

}  // namespace rotv::schedule
