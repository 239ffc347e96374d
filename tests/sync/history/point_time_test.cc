#include "sync/history/point_time.h"

#include <gtest/gtest.h>

namespace rotv {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kHour = 3600 * kSecondUs;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kMidnight = 1769817600 * kSecondUs;  // 2026-01-31T00:00:00Z, a Saturday
constexpr int64_t kNow = kMidnight + 15 * kHour + 30 * 60 * kSecondUs;

std::optional<int64_t> Parse(const std::string& text) {
  const std::optional<history::PointTime> time = history::ParsePointTime(text, kNow);
  if (!time) return std::nullopt;
  return time->from_us;
}

TEST(PointTimeTest, AbsoluteTimesAreUtcUnlessTheySayOtherwise) {
  EXPECT_EQ(Parse("2026-01-31"), kMidnight);
  EXPECT_EQ(Parse("2026-01-31 12:00"), kMidnight + 12 * kHour);
  EXPECT_EQ(Parse("2026-01-31T12:00:05"), kMidnight + 12 * kHour + 5 * kSecondUs);
  EXPECT_EQ(Parse("2026-01-31T12:00:05.25Z"), kMidnight + 12 * kHour + 5 * kSecondUs + 250'000);
  EXPECT_EQ(Parse("2026-01-31T12:00:00.123456Z"), kMidnight + 12 * kHour + 123'456);
  EXPECT_EQ(Parse("2026-01-31T12:00+01:00"), kMidnight + 11 * kHour);
  EXPECT_EQ(Parse("2026-01-31 12:00:00 -0530"), kMidnight + 17 * kHour + 30 * 60 * kSecondUs);
  EXPECT_EQ(Parse("2026-01-31 12:00+02"), kMidnight + 10 * kHour);
  EXPECT_EQ(Parse("2026-01-31 12:00:05 UTC"), kMidnight + 12 * kHour + 5 * kSecondUs);
  EXPECT_EQ(Parse("2026-01-30T24:00"), kMidnight);
  EXPECT_EQ(Parse("2024-02-29"), 1709164800 * kSecondUs);
}

TEST(PointTimeTest, RelativeTimesCountFromNow) {
  EXPECT_EQ(Parse("now"), kNow);
  EXPECT_EQ(Parse("2 hours ago"), kNow - 2 * kHour);
  EXPECT_EQ(Parse("1 hour ago"), kNow - kHour);
  EXPECT_EQ(Parse("an hour ago"), kNow - kHour);
  EXPECT_EQ(Parse("a minute ago"), kNow - 60 * kSecondUs);
  EXPECT_EQ(Parse("90 seconds ago"), kNow - 90 * kSecondUs);
  EXPECT_EQ(Parse("3 days ago"), kNow - 3 * kDay);
  EXPECT_EQ(Parse("2 weeks ago"), kNow - 14 * kDay);
  EXPECT_EQ(Parse("5m ago"), kNow - 5 * 60 * kSecondUs);
  EXPECT_EQ(Parse("5 min ago"), kNow - 5 * 60 * kSecondUs);
  EXPECT_EQ(Parse("2h ago"), kNow - 2 * kHour);
  EXPECT_EQ(Parse("1h 30m ago"), kNow - 90 * 60 * kSecondUs);
  EXPECT_EQ(Parse("1h30m ago"), kNow - 90 * 60 * kSecondUs);
  EXPECT_EQ(Parse("10s ago"), kNow - 10 * kSecondUs);
  EXPECT_EQ(Parse("3d ago"), kNow - 3 * kDay);
  EXPECT_EQ(Parse("1w ago"), kNow - 7 * kDay);
  EXPECT_EQ(Parse("today"), kMidnight);
  EXPECT_EQ(Parse("today 9:15"), kMidnight + 9 * kHour + 15 * 60 * kSecondUs);
  EXPECT_EQ(Parse("yesterday"), kMidnight - kDay);
  EXPECT_EQ(Parse("yesterday 18:00"), kMidnight - kDay + 18 * kHour);
}

TEST(PointTimeTest, ATimeWithoutAFractionMeansItsSecond) {
  const auto width = [](const std::string& text) {
    const history::PointTime time = history::ParsePointTime(text, kNow).value();
    return time.to_us - time.from_us;
  };
  for (const char* text : {"2026-01-31", "2026-01-31 12:00", "2026-01-31T12:00:05Z", "yesterday 18:00", "today"}) {
    EXPECT_EQ(width(text), kSecondUs - 1) << text;
  }
  for (const char* text : {"2026-01-31T12:00:05.0Z", "today 12:00:05.25", "2 hours ago", "now"}) {
    EXPECT_EQ(width(text), 0) << text;
  }
  EXPECT_TRUE(history::ParsePointTime("now", kNow)->is_now);
  EXPECT_FALSE(history::ParsePointTime("0s ago", kNow)->is_now);
}

TEST(PointTimeTest, MalformedTimesAreRefused) {
  for (const char* text : {"",
                           "0/16B3748",
                           "2026-02-29",
                           "2026-13-01",
                           "2026-01-31T25:00",
                           "2026-01-31T24:00:01",
                           "2026-01-31 12:60",
                           "2026-01-31 12:00Zulu",
                           " 2026-01-31",
                           "2026-01-31 ",
                           "tomorrow",
                           "yesterday 25:00",
                           "2 hours",
                           "-2 hours ago",
                           "1234567 hours ago",
                           "5mm ago",
                           "5m",
                           "ago",
                           "m ago",
                           "5m5 ago",
                           "a5m ago",
                           "head",
                           "12:00",
                           "99999-01-01",
                           "2026-01-31 12:00+99"}) {
    EXPECT_EQ(Parse(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace rotv
