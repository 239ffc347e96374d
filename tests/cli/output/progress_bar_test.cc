#include "cli/output/progress_bar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace rotv {
namespace {

using std::chrono::milliseconds;
using Unit = Progress::Unit;

constexpr const char* kErase = "\r\x1b[K";

// A clock that moves only when the test moves it, and everything that was written.
struct Stage {
  output::ProgressBar::TimePoint now{};
  int width = 100;
  std::vector<std::string> written;

  output::ProgressBar::Options Options(bool terminal) {
    output::ProgressBar::Options options;
    options.terminal = terminal;
    options.style.utf8 = true;
    options.width = [this] { return width; };
    options.now = [this] { return now; };
    options.write = [this](std::string_view text) { written.emplace_back(text); };
    return options;
  }
  void Pass(int ms) { now += milliseconds(ms); }
  std::string Last() const { return written.empty() ? "" : written.back(); }
  // The bar last drawn, without what erases the line before it.
  std::string Bar() const {
    EXPECT_EQ(Last().substr(0, 4), kErase);
    return Last().substr(4);
  }
};

TEST(ProgressBarTest, ShortWorkShowsNothing) {
  for (bool terminal : {false, true}) {
    Stage stage;
    output::ProgressBar bar(stage.Options(terminal));
    bar.Begin("copying rows", Unit::kBytes, 1000);
    stage.Pass(999);
    bar.Update(500);
    bar.Detail("public.notes");
    bar.End();
    EXPECT_TRUE(stage.written.empty());
  }
}

TEST(ProgressBarTest, ABarShowsProgressAndRemainingTime) {
  Stage stage;
  output::ProgressBar bar(stage.Options(true));
  bar.Begin("copying rows", Unit::kBytes, 4'000'000);
  stage.Pass(2000);
  bar.Update(1'000'000);
  EXPECT_EQ(stage.Bar(), "copying rows   25%  [██████                  ]  1.00 MB of 4.00 MB  500 kB/s  6 s left");
}

TEST(ProgressBarTest, RowsAndItemsAreCounted) {
  Stage stage;
  stage.width = 200;
  output::ProgressBar bar(stage.Options(true));
  bar.Begin("writing", Unit::kRows, 4000);
  stage.Pass(1000);
  bar.Update(2000);
  EXPECT_THAT(stage.Bar(), ::testing::HasSubstr("2,000 rows of 4,000 rows  2,000 rows/s"));
  bar.Begin("tables", Unit::kItems, 10);
  stage.Pass(2000);
  bar.Update(5);
  EXPECT_THAT(stage.Bar(), ::testing::HasSubstr("5 of 10  2.5/s"));
}

TEST(ProgressBarTest, WhoOnlyWaitsIsToldHowLong) {
  for (bool terminal : {false, true}) {
    Stage stage;
    output::ProgressBar bar(stage.Options(terminal));
    bar.Begin("waiting", Unit::kItems, 0);
    stage.Pass(5000);
    bar.Update(0);
    EXPECT_EQ(stage.Last(), terminal ? kErase + std::string("waiting  5.0 s") : "waiting: 5.0 s\n");
    stage.Pass(6000);
    bar.End();
    EXPECT_EQ(stage.Last(), "waiting: 11 s\n");
  }
}

TEST(ProgressBarTest, ItIsRedrawnAtMostTenTimesASecond) {
  Stage stage;
  output::ProgressBar bar(stage.Options(true));
  bar.Begin("copying", Unit::kBytes, 100'000);
  for (uint64_t ms = 1; ms <= 3000; ++ms) {
    stage.Pass(1);
    bar.Update(ms);
    bar.Detail("t");
  }
  EXPECT_EQ(stage.written.size(), 21u);
}

TEST(ProgressBarTest, ItFitsEveryWidth) {
  for (int width = 1; width <= 160; ++width) {
    Stage stage;
    stage.width = width;
    output::ProgressBar bar(stage.Options(true));
    bar.Begin("copying größe", Unit::kBytes, 4'000'000);
    stage.Pass(1000);
    bar.Detail("public.表表表表表表表表表表表表表表表表表表表表表表表表表表表表表表表表表表表表表表表表");
    EXPECT_LT(output::DisplayWidth(stage.Bar()), std::max(width, 2) + 0u) << width;
  }
}

TEST(ProgressBarTest, ANarrowTerminalStillShowsThePercentage) {
  Stage stage;
  stage.width = 20;
  output::ProgressBar bar(stage.Options(true));
  bar.Begin("copying rows", Unit::kBytes, 200);
  stage.Pass(1000);
  bar.Update(100);
  EXPECT_EQ(stage.Bar(), "copying rows   50%");
}

TEST(ProgressBarTest, AnOrdinaryTerminalHasRoomForAShortBar) {
  Stage stage;
  stage.width = 80;
  output::ProgressBar bar(stage.Options(true));
  bar.Begin("copying rows", Unit::kBytes, 30'000'000);
  stage.Pass(1000);
  bar.Update(14'000'000);
  EXPECT_EQ(stage.Bar(), "copying rows   46%  [████▋     ]  14.0 MB of 30.0 MB  14.0 MB/s  1 s left");
}

TEST(ProgressBarTest, WithoutATotalThereIsNoPercentage) {
  Stage stage;
  output::ProgressBar bar(stage.Options(true));
  bar.Begin("receiving", Unit::kBytes, 0);
  stage.Pass(1000);
  bar.Update(5000);
  EXPECT_EQ(stage.Bar(), "receiving  5.00 kB  5.00 kB/s");
}

TEST(ProgressBarTest, BeyondAnEstimatedTotalNoPercentageIsShown) {
  Stage stage;
  output::ProgressBar bar(stage.Options(true));
  bar.Begin("receiving", Unit::kBytes, 100);
  stage.Pass(1000);
  bar.Update(5000);
  EXPECT_EQ(stage.Bar(), "receiving  5.00 kB  5.00 kB/s");
}

TEST(ProgressBarTest, ADecreasingCountIsHarmless) {
  Stage stage;
  output::ProgressBar bar(stage.Options(true));
  bar.Begin("receiving", Unit::kBytes, 10000);
  stage.Pass(1000);
  bar.Update(5000);
  stage.Pass(1000);
  bar.Update(10);
  EXPECT_THAT(stage.Bar(), ::testing::HasSubstr("10 B of 10.0 kB"));
}

TEST(ProgressBarTest, WithoutUtf8TheBarIsAscii) {
  Stage stage;
  output::ProgressBar::Options options = stage.Options(true);
  options.style.utf8 = false;
  output::ProgressBar bar(options);
  bar.Begin("copying", Unit::kBytes, 2'000);
  stage.Pass(1000);
  bar.Update(1'000);
  EXPECT_THAT(stage.Bar(), ::testing::HasSubstr("[############            ]"));
  const std::string shown = stage.Bar();
  EXPECT_TRUE(std::all_of(shown.begin(), shown.end(), [](unsigned char c) { return c < 0x80; }));
}

TEST(ProgressBarTest, ShownWorkEndsWithAPermanentLine) {
  Stage stage;
  output::ProgressBar bar(stage.Options(true));
  bar.Begin("copying rows", Unit::kBytes, 2'000'000);
  stage.Pass(1000);
  bar.Update(1'000'000);
  stage.Pass(1000);
  bar.Update(2'000'000);
  bar.End();
  EXPECT_EQ(stage.written[stage.written.size() - 2], kErase);
  EXPECT_EQ(stage.Last(), "copying rows: 2.00 MB in 2.0 s (1.00 MB/s)\n");
  size_t count = stage.written.size();
  stage.Pass(5000);
  bar.Update(3'000'000);
  bar.End();
  EXPECT_EQ(stage.written.size(), count);
}

TEST(ProgressBarTest, NewWorkEndsThePreviousWork) {
  Stage stage;
  output::ProgressBar bar(stage.Options(true));
  bar.Begin("one", Unit::kItems, 0);
  stage.Pass(2000);
  bar.Update(4);
  bar.Begin("two", Unit::kItems, 0);
  EXPECT_EQ(stage.Last(), "one: 4 in 2.0 s (2.0/s)\n");
}

TEST(ProgressBarTest, WithoutATerminalALineIsWrittenEveryFiveSeconds) {
  Stage stage;
  output::ProgressBar bar(stage.Options(false));
  bar.Begin("copying rows", Unit::kBytes, 20'000'000);
  for (int i = 1; i <= 12; ++i) {
    stage.Pass(1000);
    bar.Detail("public.notes");
    bar.Update(static_cast<uint64_t>(i) * 1'000'000);
  }
  ASSERT_EQ(stage.written.size(), 2u);
  // The detail came first in the fifth second, together with the progress up to then.
  EXPECT_EQ(stage.written[0], "copying rows: 4.00 MB of 20.0 MB (20%), 800 kB/s, 20 s left (public.notes)\n");
  EXPECT_EQ(stage.written[1].find('\x1b'), std::string::npos);
}

TEST(ProgressBarTest, QuietShowsWarningsOnly) {
  Stage stage;
  output::ProgressBar::Options options = stage.Options(true);
  options.verbosity = output::Verbosity::kQuiet;
  output::ProgressBar bar(options);
  bar.Begin("copying", Unit::kBytes, 100);
  stage.Pass(60'000);
  bar.Update(50);
  bar.Note("note");
  bar.Say("say");
  bar.End();
  EXPECT_TRUE(stage.written.empty());
  bar.Warn("careful");
  EXPECT_EQ(stage.Last(), "rotv-sync: warning: careful\n");
}

TEST(ProgressBarTest, NotesAreShownOnlyIfVerbose) {
  Stage stage;
  output::ProgressBar::Options options = stage.Options(false);
  output::ProgressBar normal(options);
  normal.Note("note");
  EXPECT_TRUE(stage.written.empty());
  normal.Say("say");
  EXPECT_EQ(stage.Last(), "rotv-sync: say\n");
  options.verbosity = output::Verbosity::kVerbose;
  output::ProgressBar verbose(options);
  verbose.Note("note");
  EXPECT_EQ(stage.Last(), "rotv-sync: note\n");
}

TEST(ProgressBarTest, WarningsDoNotMixWithTheBar) {
  Stage stage;
  output::ProgressBar bar(stage.Options(true));
  bar.Begin("copying", Unit::kBytes, 100);
  stage.Pass(1000);
  bar.Update(50);
  bar.Warn("careful\x1b[2J");
  EXPECT_EQ(stage.Last(), std::string(kErase) + "rotv-sync: warning: careful?[2J\n");
  bar.Warn("again");
  EXPECT_EQ(stage.Last(), "rotv-sync: warning: again\n");
}

TEST(ProgressBarTest, AnErrorStartsOnACleanLine) {
  Stage stage;
  {
    output::ProgressBar bar(stage.Options(true));
    bar.Begin("copying", Unit::kBytes, 100);
    stage.Pass(1000);
    bar.Update(50);
  }
  EXPECT_EQ(stage.Last(), kErase);
}

TEST(ProgressBarTest, AnyThreadMayCallAnything) {
  std::vector<std::string> written;
  output::ProgressBar::Options options;
  std::atomic<int64_t> now_ms{0};
  options.terminal = true;
  options.now = [&] { return output::ProgressBar::TimePoint(milliseconds(now_ms.fetch_add(7))); };
  options.write = [&](std::string_view text) { written.emplace_back(text); };  // Calls are serialized.
  {
    output::ProgressBar bar(options);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&bar, t] {
        for (uint64_t i = 0; i < 2000; ++i) {
          if (t == 0 && i % 500 == 0) bar.Begin("work", Unit::kBytes, 2000);
          bar.Update(i);
          if (i % 100 == 0) bar.Detail("detail");
          if (i % 1000 == 0) bar.Warn("warning");
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    bar.End();
  }
  EXPECT_EQ(std::count(written.begin(), written.end(), "rotv-sync: warning: warning\n") +
                std::count(written.begin(), written.end(), std::string(kErase) + "rotv-sync: warning: warning\n"),
            8);
}

}  // namespace
}  // namespace rotv
