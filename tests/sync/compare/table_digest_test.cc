#include "sync/compare/table_digest.h"

#include <gtest/gtest.h>

#include <numeric>

#include "storage/error.h"
#include "sync/compare/digest_sql.h"

namespace rotv {
namespace {

// Any hash function will do.
uint64_t HashOf(uint64_t row) { return (row + 1) * 0x9e3779b97f4a7c15; }

compare::TableDigest DigestOf(uint64_t rows, compare::DigestBuilder::Ranges ranges, uint64_t rows_per_key = 1) {
  compare::DigestBuilder builder(ranges);
  for (uint64_t row = 0; row < rows; ++row) {
    if (builder.WantsKey()) builder.Cut(std::to_string(row / rows_per_key));
    builder.Add(HashOf(row));
  }
  return builder.Finish();
}

// The same groups, computed by the digest's layout, as the source computes them.
std::vector<compare::GroupDigest> Grouped(const compare::TableDigest& layout, uint64_t rows,
                                          uint64_t rows_per_key = 1) {
  std::vector<compare::GroupDigest> groups(layout.groups.size());
  size_t range = 0;
  uint64_t next = layout.begins.empty() ? ~uint64_t{0} : std::stoull(layout.begins.front());
  for (uint64_t row = 0; row < rows; ++row) {
    while (row / rows_per_key >= next) {
      ++range;
      next = range < layout.begins.size() ? std::stoull(layout.begins[range]) : ~uint64_t{0};
    }
    groups[layout.GroupOf(range, HashOf(row))].Add(HashOf(row));
  }
  return groups;
}

TEST(TableDigestTest, AnEmptyTableHasOneEmptyGroup) {
  compare::TableDigest digest = DigestOf(0, compare::DigestBuilder::Ranges::kByKey);
  EXPECT_TRUE(digest.begins.empty());
  EXPECT_EQ(digest.groups, std::vector<compare::GroupDigest>(1));
}

TEST(TableDigestTest, RowsAreDividedIntoRangesByKey) {
  compare::TableDigest digest = DigestOf(45'000, compare::DigestBuilder::Ranges::kByKey);
  EXPECT_EQ(digest.begins, (std::vector<std::string>{"10001", "20002", "30003", "40004"}));
  EXPECT_EQ(digest.parts, 1u);
  EXPECT_EQ(digest.rows(), 45'000u);
  EXPECT_EQ(digest.groups, Grouped(digest, 45'000));
}

TEST(TableDigestTest, RowsOfOneFirstKeyColumnStayTogether) {
  compare::TableDigest digest = DigestOf(45'000, compare::DigestBuilder::Ranges::kByKey, 7'000);
  EXPECT_EQ(digest.begins, (std::vector<std::string>{"2", "4", "6"}));
  EXPECT_EQ(digest.groups, Grouped(digest, 45'000, 7'000));
}

TEST(TableDigestTest, ATableWithFewKeysIsDividedByHash) {
  compare::TableDigest digest = DigestOf(200'000, compare::DigestBuilder::Ranges::kByKey, 1'000'000);
  EXPECT_TRUE(digest.begins.empty());
  EXPECT_EQ(digest.parts, 16u);
  EXPECT_EQ(digest.groups, Grouped(digest, 200'000, 1'000'000));
}

TEST(TableDigestTest, RowsWithoutAKeyAreDividedByHash) {
  compare::TableDigest digest = DigestOf(200'000, compare::DigestBuilder::Ranges::kNone);
  EXPECT_TRUE(digest.begins.empty());
  EXPECT_EQ(digest.groups, Grouped(digest, 200'000));
}

TEST(TableDigestTest, TheNumberOfGroupsIsLimited) {
  constexpr uint64_t kRows = 6'000'000;
  compare::TableDigest digest = DigestOf(kRows, compare::DigestBuilder::Ranges::kByKey);
  EXPECT_LE(digest.ranges(), 256u);
  EXPECT_GE(digest.ranges(), 100u);
  EXPECT_LE(digest.groups.size(), 16'384u);
  EXPECT_EQ(digest.rows(), kRows);
  EXPECT_EQ(digest.groups, Grouped(digest, kRows));
}

TEST(TableDigestTest, ARowThatDiffersChangesItsGroups) {
  compare::TableDigest digest = DigestOf(30'000, compare::DigestBuilder::Ranges::kByKey);
  std::vector<compare::GroupDigest> changed = Grouped(digest, 30'000);
  changed[1].sum += 1;
  EXPECT_NE(digest.groups, changed);
}

TEST(ModuloWordTest, SumsOfAnyLengthAreTakenModuloTwoToThe64) {
  EXPECT_EQ(compare::ModuloWord("0"), 0u);
  EXPECT_EQ(compare::ModuloWord("-1"), ~uint64_t{0});
  EXPECT_EQ(compare::ModuloWord("18446744073709551616"), 0u);
  EXPECT_EQ(compare::ModuloWord("-18446744073709551617"), ~uint64_t{0});
  EXPECT_EQ(compare::ModuloWord("36893488147419103239"), 7u);
}

TEST(ModuloWordTest, NonNumbersAreRefused) {
  for (const char* text : {"", "-", "1.0", "1e5", "NaN", " 1"}) {
    try {
      compare::ModuloWord(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kProtocol);
    }
  }
}

}  // namespace
}  // namespace rotv
