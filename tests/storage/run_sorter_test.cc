#include "storage/run_sorter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>

#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using testing::ErrorOf;
using testing::Lines;
using testing::StoreFixture;

std::string SortedText(int64_t id) {
  return "row " + std::to_string(id) + " " + std::to_string(id * 2654435761 % 99991);
}

void AddIds(RunSorter& sorter, const std::vector<int64_t>& ids) {
  auto buffer = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone);
  for (int64_t id : ids) testing::Add(*buffer, {.id = id, .lsn = 10, .text = SortedText(id)});
  ASSERT_FALSE(sorter.Add(std::move(buffer)));
}

// Adds the rows in buffers of `at_once`.
void AddInBuffers(RunSorter& sorter, const std::vector<int64_t>& ids, size_t at_once) {
  for (size_t i = 0; i < ids.size(); i += at_once) {
    const size_t end = std::min(i + at_once, ids.size());
    AddIds(sorter, {ids.begin() + static_cast<std::ptrdiff_t>(i), ids.begin() + static_cast<std::ptrdiff_t>(end)});
  }
}

std::vector<int64_t> ManyIds(int64_t count) {
  std::vector<int64_t> ids(static_cast<size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

std::vector<std::string> SortedTexts(int64_t count) {
  std::vector<std::string> texts;
  for (int64_t id = 0; id < count; ++id) texts.push_back(SortedText(id));
  return texts;
}

// How many files of rows have this key within their bounds, at most.
size_t MostRunsAt(RowStore& store, int64_t count) {
  size_t most = 0;
  for (int64_t id = 0; id < count; id += count / 50) {
    const std::string key =
        EncodeVersionKey({.table = 1, .epoch = 0, .row_key = testing::IntegerKey(id), .commit_lsn = Lsn(10)});
    size_t runs = 0;
    for (const DataFile& file : store.DataFiles()) {
      const bool has_rows = file.content == DataFile::Content::kRows || file.content == DataFile::Content::kPages;
      if (has_rows && file.first_key <= key && key <= file.last_key) ++runs;
    }
    most = std::max(most, runs);
  }
  return most;
}

const std::function<void()> kNoLook = [] {};

TEST(RunSorterTest, RowsInRandomOrderBecomeOneRun) {
  constexpr int64_t kSorted = 6000;
  std::vector<int64_t> ids = ManyIds(kSorted);
  std::shuffle(ids.begin(), ids.end(), std::mt19937(6));
  StoreFixture store;
  RunSorter sorter(*store);
  AddInBuffers(sorter, ids, 500);
  ASSERT_FALSE(sorter.Finish(kNoLook));
  EXPECT_EQ(MostRunsAt(*store, kSorted), 1U);
}

TEST(RunSorterTest, RowsInAnyOrderBecomeTwoRunsAtMost) {
  constexpr int64_t kSorted = 6000;
  std::vector<int64_t> random = ManyIds(kSorted);
  std::shuffle(random.begin(), random.end(), std::mt19937(7));
  std::vector<int64_t> nearly = ManyIds(kSorted);  // Every hundredth row was moved to the end, as updates do.
  std::stable_partition(nearly.begin(), nearly.end(), [](int64_t id) { return id % 100 != 0; });
  std::vector<int64_t> reverse = ManyIds(kSorted);
  std::reverse(reverse.begin(), reverse.end());
  std::vector<int64_t> far = random;  // A first row that comes after all others.
  std::iter_swap(far.begin(), std::max_element(far.begin(), far.end()));
  for (const std::vector<int64_t>& ids : {random, nearly, reverse, far, ManyIds(kSorted)}) {
    StoreFixture store;
    RunSorter sorter(*store);
    AddInBuffers(sorter, ids, 500);
    ASSERT_FALSE(sorter.Finish(kNoLook));
    store->Publish(testing::StateAt(100), {});
    EXPECT_TRUE(Lines(*store, 100) == SortedTexts(kSorted));
    EXPECT_LE(MostRunsAt(*store, kSorted), 2U);
  }
}

TEST(RunSorterTest, RowsThatFollowAreWrittenAtOnce) {
  StoreFixture store;
  RunSorter sorter(*store);
  AddInBuffers(sorter, ManyIds(3000), 1000);
  store->Publish(testing::StateAt(100), {});
  EXPECT_EQ(Lines(*store, 100).size(), 3000U);
  ASSERT_FALSE(sorter.Finish(kNoLook));
  AddInBuffers(sorter, {5000}, 1);  // One buffer alone.
  ASSERT_FALSE(sorter.Finish(kNoLook));
  EXPECT_EQ(Lines(*store, 100).size(), 3001U);
}

// More than are merged at once.
TEST(RunSorterTest, ThousandsOfRunsAreMerged) {
  constexpr int64_t kSorted = 9000;
  std::vector<int64_t> ids = ManyIds(kSorted);
  std::shuffle(ids.begin(), ids.end(), std::mt19937(8));
  StoreFixture store;
  RunSorter sorter(*store);
  AddInBuffers(sorter, ids, 15);
  ASSERT_FALSE(sorter.Finish(kNoLook));
  store->Publish(testing::StateAt(100), {});
  EXPECT_TRUE(Lines(*store, 100) == SortedTexts(kSorted));
}

TEST(RunSorterTest, LargeValuesAreKeptApartAlsoWhereRunsAreMergedTwice) {
  constexpr int64_t kLarge = 600;
  StoreFixture store;
  RunSorter sorter(*store);
  std::vector<std::string> expected;
  for (int64_t id = kLarge; id-- > 0;) {
    const size_t size = id % 10 == 0 ? 40'000 : 16'300 + static_cast<size_t>(id);  // Around the bound, too.
    expected.push_back(testing::Noise(size, static_cast<unsigned>(id)));
    auto buffer = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone);
    testing::Add(*buffer, {.id = id, .lsn = 10, .text = expected.back()});
    ASSERT_FALSE(sorter.Add(std::move(buffer)));
  }
  ASSERT_FALSE(sorter.Finish(kNoLook));
  store->Publish(testing::StateAt(100), {});
  std::reverse(expected.begin(), expected.end());
  EXPECT_TRUE(Lines(*store, 100) == expected);
}

// Of each buffer less than half comes too late, and between rows that are in pages already: such rows are many in the
// end, and are not all held at once.
TEST(RunSorterTest, ManyRowsThatComeTooLateAreWrittenInParts) {
  constexpr int64_t kBuffers = 7, kInOrder = 20'000, kLate = 17'000;
  StoreFixture store;
  RunSorter sorter(*store);
  const std::string filler(180, 'x');
  for (int64_t number = 0; number < kBuffers; ++number) {
    auto buffer = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone);
    for (int64_t i = 0; i < kInOrder; ++i) {
      testing::Add(*buffer, {.id = 2 * (number * kInOrder + i), .lsn = 10, .text = filler});
    }
    for (int64_t i = 0; number > 0 && i < kLate; ++i) {
      testing::Add(*buffer, {.id = 2 * ((number - 1) * kInOrder + i) + 1, .lsn = 10, .text = filler});
    }
    ASSERT_FALSE(sorter.Add(std::move(buffer)));
  }
  ASSERT_FALSE(sorter.Finish(kNoLook));
  store->Publish(testing::StateAt(100), {});
  size_t files = 0;
  for (const DataFile& file : store->DataFiles()) files += file.content == DataFile::Content::kRows ? 1 : 0;
  EXPECT_GE(files, 2U);
  EXPECT_EQ(Lines(*store, 100).size(), static_cast<size_t>(kBuffers * kInOrder + (kBuffers - 1) * kLate));
}

TEST(RunSorterTest, ASecondTableBeginsAnew) {
  StoreFixture store;
  RunSorter sorter(*store);
  for (TableId table : {9, 4}) {
    auto buffer = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone);
    testing::Add(*buffer, {.id = 1, .lsn = 10, .text = "one", .table = table});
    ASSERT_FALSE(sorter.Add(std::move(buffer)));
    ASSERT_FALSE(sorter.Finish(kNoLook));
  }
  store->Publish(testing::StateAt(100), {});
  for (TableId table : {9, 4}) EXPECT_EQ(Lines(*store, 100, {}, table), std::vector<std::string>{"one"});
}

TEST(RunSorterTest, RowsThatWereAddedTwiceAreNoticedAcrossBuffers) {
  StoreFixture store;
  RunSorter sorter(*store);
  AddIds(sorter, {1, 2, 100});
  AddIds(sorter, {3, 4, 5});
  AddIds(sorter, {3, 6, 7});
  EXPECT_EQ(sorter.Finish(kNoLook), TableId{1});
}

TEST(RunSorterTest, ItCanBeInterruptedAndLeavesNothing) {
  StoreFixture store;
  {
    RunSorter sorter(*store);
    std::vector<int64_t> ids = ManyIds(20'000);
    std::reverse(ids.begin(), ids.end());
    AddInBuffers(sorter, ids, 1000);
    const auto interrupt = [] { throw Error(ErrorCode::kInterrupted, "interrupted"); };
    EXPECT_EQ(ErrorOf([&] { (void)sorter.Finish(interrupt); }).code(), ErrorCode::kInterrupted);
  }
  for (const auto& file : std::filesystem::directory_iterator(store.path())) {
    EXPECT_FALSE(file.path().filename().string().starts_with("run-")) << file.path();
  }
}

}  // namespace
}  // namespace rotv
