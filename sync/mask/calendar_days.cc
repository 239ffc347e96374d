#include "sync/mask/calendar_days.h"

namespace rotv::mask {

// Both functions are from "chrono-Compatible Low-Level Date Algorithms" by Howard Hinnant.

int64_t DaysOf(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t of_era = year - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void DateOf(int64_t days, int64_t* year, int64_t* month, int64_t* day) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t of_era = days - era * 146097;
  const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * of_year + 2) / 153;
  *day = of_year - (153 * shifted_month + 2) / 5 + 1;
  *month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  *year = year_of_era + era * 400 + (*month <= 2);
}

std::optional<int64_t> DaysFrom(std::string_view text, bool bc) {
  int64_t numbers[3] = {};  // Year, month, day.
  size_t part = 0;
  for (char c : text) {
    if (c == '-' && part < 2) {
      ++part;
    } else if (c >= '0' && c <= '9' && numbers[part] < 10'000'000) {
      numbers[part] = numbers[part] * 10 + (c - '0');
    } else {
      return std::nullopt;
    }
  }
  const auto [year, month, day] = numbers;
  if (part != 2 || month < 1 || month > 12 || day < 1 || day > 31) return std::nullopt;
  return DaysOf(bc ? 1 - year : year, month, day);
}

}  // namespace rotv::mask
