#include "cli/launch/log_time.h"

#include <gtest/gtest.h>

namespace rotv::launch {
namespace {

constexpr int64_t kNow = int64_t{1'800'000'000} * 1'000'000;

int64_t SecondsAgo(std::string_view text) { return (kNow - ParseLogTime(text, kNow).value_or(kNow + 1)) / 1'000'000; }

TEST(LogTimeTest, DurationsAndTimesAreUnderstood) {
  EXPECT_EQ(SecondsAgo("90s"), 90);
  EXPECT_EQ(SecondsAgo("10m"), 600);
  EXPECT_EQ(SecondsAgo("10m ago"), 600);
  EXPECT_EQ(SecondsAgo("1h30m"), 5400);
  EXPECT_EQ(SecondsAgo("2d"), 172'800);
  EXPECT_EQ(SecondsAgo("10 minutes ago"), 600);
  EXPECT_EQ(ParseLogTime("2026-01-31T12:00:00Z", kNow), int64_t{1'769'860'800} * 1'000'000);
  EXPECT_EQ(ParseLogTime("2026-01-31T13:00+01:00", kNow), int64_t{1'769'860'800} * 1'000'000);
  for (const char* text : {"", "m", "10", "10x", "-10m", "10m5", "99999999999999999999s", "4000000000d", "soon"}) {
    EXPECT_FALSE(ParseLogTime(text, kNow).has_value()) << text;
  }
}

TEST(LogTimeTest, WhatWasWrittenBeforeIsPassedOver) {
  constexpr std::string_view kTimes = "100 10\n102 25\nnonsense\n108 60\n";
  const auto before = [&](int64_t seconds) { return LogBytesBefore(kTimes, seconds * 1'000'000, 80); };
  EXPECT_EQ(before(99), 0u);
  EXPECT_EQ(before(100), 10u);
  EXPECT_EQ(before(107), 25u);
  EXPECT_EQ(before(108), 60u);
  EXPECT_EQ(before(1000), 60u) << "what came since the last note may be newer";
  EXPECT_EQ(LogBytesBefore(kTimes, 1'000'000'000, 40), 40u) << "the log of a later start";
  EXPECT_EQ(LogBytesBefore("", 5, 40), 0u);
  EXPECT_EQ(LogBytesBefore("100 10", 200'000'000, 40), 0u) << "a line that is not complete";
}

}  // namespace
}  // namespace rotv::launch
