#include "cli/report/diff_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ShareOutTest, TablesGetTheirRowsInTurn) {
  EXPECT_THAT(ShareOut({1500, 1112}, 1000), ElementsAre(500, 500));
  EXPECT_THAT(ShareOut({1500, 3, 1112}, 1000), ElementsAre(499, 3, 498));
  EXPECT_THAT(ShareOut({5, 5, 5}, 100), ElementsAre(5, 5, 5));
  EXPECT_THAT(ShareOut({5, 5, 5}, 2), ElementsAre(1, 1, 0));
  EXPECT_THAT(ShareOut({5, 5}, 0), ElementsAre(0, 0));
  EXPECT_THAT(ShareOut({}, 10), IsEmpty());
}

// Against the definition: one row each in turn.
TEST(ShareOutTest, ItIsWhatTakingTurnsGives) {
  std::mt19937 random(17);
  for (int round = 0; round < 500; ++round) {
    std::vector<uint64_t> counts(random() % 6);
    for (uint64_t& count : counts) count = random() % 12;
    const size_t limit = random() % 40;
    std::vector<size_t> expected(counts.size(), 0);
    size_t left = limit;
    for (bool gave = true; gave && left > 0;) {
      gave = false;
      for (size_t i = 0; i < counts.size() && left > 0; ++i) {
        if (expected[i] == counts[i]) continue;
        ++expected[i];
        --left;
        gave = true;
      }
    }
    EXPECT_EQ(ShareOut(counts, limit), expected) << round;
  }
}

// What is kept meanwhile is always the beginning of a table's rows.
TEST(DiffRowChoiceTest, TheFirstRowsOfEachTableAreKept) {
  std::mt19937 random(18);
  for (int round = 0; round < 100; ++round) {
    const size_t limit = random() % 12;
    std::vector<uint64_t> counts(1 + random() % 9);
    DiffRowChoice choice(limit);
    for (size_t i = 0; i < counts.size(); ++i) {
      counts[i] = 1 + random() % 30;
      TableDiff table;
      table.name = "t" + std::to_string(i);
      table.columns = {"n"};
      for (uint64_t n = 0; n < counts[i]; ++n) {
        const std::string text = std::to_string(n);
        const std::vector<std::string_view> none, row = {text};
        choice.Add(table, {.kind = history::RowChange::Kind::kAdded, .before = &none, .after = &row});
      }
    }
    const DiffRows rows = choice.Take();
    ASSERT_EQ(rows.tables.size(), counts.size());
    EXPECT_EQ(rows.total(), std::accumulate(counts.begin(), counts.end(), uint64_t{0}));
    const std::vector<size_t> shares = ShareOut(counts, limit);
    for (size_t i = 0; i < counts.size(); ++i) {
      ASSERT_EQ(rows.tables[i].rows.size(), shares[i]);
      for (size_t n = 0; n < shares[i]; ++n) EXPECT_EQ(rows.tables[i].rows[n].after[0], std::to_string(n));
    }
  }
}

}  // namespace
}  // namespace rotv::report
