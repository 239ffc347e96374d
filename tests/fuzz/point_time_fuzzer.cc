// A time is parsed or refused; what is parsed can be written in the plainest form, and means the same.

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "sync/history/point_time.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv::history {
namespace {

constexpr int64_t kNowUs = 1'764'000'000'123'456;
constexpr int64_t kFirstYearUs = -62'135'596'800'000'000;  // 0001-01-01
constexpr int64_t kLastYearUs = 253'402'300'800'000'000;   // 10000-01-01

std::string Plain(int64_t time_us) {
  int64_t seconds = time_us / kUsPerSecond;
  int64_t fraction = time_us % kUsPerSecond;
  if (fraction < 0) --seconds, fraction += kUsPerSecond;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(static_cast<std::time_t>(seconds)), fraction);
}

std::optional<int64_t> Begin(const std::string& text, int64_t now_us) {
  const std::optional<PointTime> time = ParsePointTime(text, now_us);
  if (!time) return std::nullopt;
  FuzzCheck(time->to_us == time->from_us || time->to_us == time->from_us + kUsPerSecond - 1);
  return time->from_us;
}

void CheckTime(std::string_view bytes) {
  const std::string text(bytes);
  const std::optional<int64_t> time_us = Begin(text, kNowUs);
  if (!time_us) return;
  const bool relative = Begin(text, kNowUs + kUsPerSecond * 86400) != time_us;
  FuzzCheck(!relative || *time_us <= kNowUs + kUsPerSecond * 86400);  // "today 24:00" is the latest.
  if (*time_us >= kFirstYearUs && *time_us < kLastYearUs) FuzzCheck(Begin(Plain(*time_us), 0) == *time_us);
  // A time of day and an offset change nothing but what they say.
  if (text.size() == 10 && !relative) {
    FuzzCheck(Begin(text + " 01:02:03.5+01", kNowUs) == *time_us + 123'500'000);
    FuzzCheck(Begin(text + "T00:00-00:30", kNowUs) == *time_us + 1'800'000'000);
  }
}

}  // namespace
}  // namespace rotv::history

ROTV_FUZZ_TARGET(point_time, rotv::history::CheckTime)
