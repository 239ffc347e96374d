// Reads systemd's calendar expressions ("Mon..Fri *-*-* 02:00") and translates them for cron, on machines without
// systemd. Format: systemd.time(7), "CALENDAR EVENTS", as far as cron can do the same.

#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rotv::schedule {

class Calendar {
 public:
  // Accepts [DAYS] [[*-]MONTHS-DATES] [HOURS:MINUTES[:00]], each a list of numbers, ranges (a..b) and steps (a/n, */n),
  // and hourly, daily, weekly, monthly, quarterly, yearly. Throws kUsage for anything else, and for what cron cannot
  // do: years, seconds, time zones, the last days of months, days of the week together with dates.
  explicit Calendar(std::string_view text);

  // Reads the five fields of a crontab's line, as somebody may have changed them. Nothing if they are not understood.
  static std::optional<Calendar> FromCron(std::string_view fields);

  // The five fields of a crontab's line.
  std::string CronFields() const;

  // The first time after `now_us`, by this machine's clock and time zone; nothing if there is none within eight years.
  // Unix time, microseconds.
  std::optional<int64_t> Next(int64_t now_us) const;

 private:
  static constexpr size_t kMostValues = 60;
  using Values = std::bitset<kMostValues>;
  enum Field { kMinute, kHour, kDate, kMonth, kWeekday, kFields };

  Values ReadList(std::string_view list, Field field) const;
  int ReadNumber(std::string_view text, Field field) const;
  void ReadDays(std::string_view text);
  void ReadDate(std::string_view text);
  void ReadTime(std::string_view text);
  bool IsFull(Field field) const;
  [[noreturn]] void Fail(const std::string& why) const;

  std::string text_;
  std::array<Values, kFields> values_;
  bool either_day_ = false;  // The date or the day of the week is enough, as cron has it where both are given.
};

}  // namespace rotv::schedule
