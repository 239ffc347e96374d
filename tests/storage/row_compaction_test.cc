#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::Lines;
using testing::Put;
using testing::StateAt;
using testing::StoreFixture;
using Texts = std::vector<std::string>;

// Level 0 may have 23 files, and merging small neighbours may save 23: so many may remain.
constexpr size_t kMostLeftOver = 2 * 23;

// Text that hardly compresses.
std::string RandomText(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string noise(size, '\0');
  for (char& byte : noise) byte = static_cast<char>('!' + random() % 90);
  return noise;
}

std::vector<Put> NoisyRows(int64_t from, int64_t to, uint64_t lsn, size_t size) {
  std::vector<Put> puts;
  for (int64_t id = from; id < to; ++id) {
    puts.push_back(
        {.id = id, .lsn = lsn, .text = RandomText(size, static_cast<unsigned>(id + static_cast<int64_t>(lsn)))});
  }
  return puts;
}

// Files of at least `least` bytes. They include files of other column families, which are few and small.
std::set<std::string> Files(const StoreFixture& store, uint64_t least = 0) {
  std::set<std::string> files;
  for (const auto& file : fs::directory_iterator(store.path())) {
    if (file.path().extension() == ".sst" && file.file_size() >= least) files.insert(file.path().filename().string());
  }
  return files;
}

TEST(RowCompactionTest, PullsOfAnAppendOnlyTableLeaveFewFiles) {
  StoreFixture store;
  Texts expected;
  for (int64_t id = 0; id < 150; ++id) {
    auto lsn = static_cast<uint64_t>(10 + id);
    store.WriteAndPublish({{.id = id, .lsn = lsn, .text = std::to_string(id)}}, lsn + 1);
    expected.push_back(std::to_string(id));
    store->Compact();
    EXPECT_LE(Files(store).size(), kMostLeftOver) << id;
  }
  EXPECT_EQ(Lines(*store, UINT64_MAX), expected);
}

TEST(RowCompactionTest, ManySmallTablesHaveFewFiles) {
  StoreFixture store;
  constexpr TableId kTables = 200;
  for (TableId table = 1; table <= kTables; ++table) {
    testing::Write(*store, {{.id = 1, .lsn = 10, .text = std::to_string(table), .table = table}});
  }
  EXPECT_GE(Files(store).size(), size_t{kTables});
  store->Publish(StateAt(100), {});
  store->Compact();
  EXPECT_LE(Files(store).size(), kMostLeftOver);
  for (TableId table = 1; table <= kTables; ++table) {
    EXPECT_EQ(Lines(*store, 100, {}, table), Texts{std::to_string(table)});
  }
}

TEST(RowCompactionTest, SmallPullsAcrossALargeTableDoNotRewriteItsFiles) {
  StoreFixture store;
  constexpr int64_t kRows = 20000;
  constexpr uint64_t kLarge = uint64_t{3} << 20;
  for (int64_t id = 0; id < kRows; id += kRows / 4) testing::Write(*store, NoisyRows(id, id + kRows / 4, 10, 1000));
  store->Publish(StateAt(100), {});
  const std::set<std::string> large = Files(store, kLarge);
  ASSERT_EQ(large.size(), 4u);
  std::map<int64_t, std::string> rows;
  for (uint64_t lsn = 100; lsn < 200; ++lsn) {
    std::vector<Put> puts;
    for (int64_t id = static_cast<int64_t>(lsn); id < kRows; id += kRows / 10) {
      rows[id] = std::to_string(lsn);
      puts.push_back({.id = id, .lsn = lsn, .text = rows[id]});
    }
    store.WriteAndPublish(puts, lsn + 1);
    store->Compact();
    EXPECT_LE(Files(store).size(), large.size() + kMostLeftOver) << lsn;
  }
  EXPECT_EQ(Files(store, kLarge), large);
  Texts lines = Lines(*store, 200);
  ASSERT_EQ(lines.size(), static_cast<size_t>(kRows));
  for (const auto& [id, text] : rows) EXPECT_EQ(lines.at(static_cast<size_t>(id)), text);
}

TEST(RowCompactionTest, AMergeAmongLargeFilesKeepsEveryVersion) {
  StoreFixture store;
  std::mt19937 random(11);
  constexpr int64_t kRows = 3000;
  constexpr uint64_t kPulls = 150;
  std::map<int64_t, std::string> rows;
  std::map<uint64_t, std::map<int64_t, std::string>> states;
  for (uint64_t pull = 1; pull <= kPulls; ++pull) {
    std::vector<Put> puts;
    int64_t some = pull % 25 == 0 ? kRows : static_cast<int64_t>(random() % 40) + 1;  // Every 25th pull is large.
    for (int64_t i = 0; i < some; ++i) {
      int64_t id = some == kRows ? i : static_cast<int64_t>(random()) % kRows;
      if (random() % 5 == 0) {
        puts.push_back(testing::Tombstone(id, pull));
        rows.erase(id);
      } else {
        puts.push_back({.id = id, .lsn = pull, .text = RandomText(700, static_cast<unsigned>(random()))});
        rows[id] = puts.back().text;
      }
    }
    store.WriteAndPublish(puts, pull + 1);
    store->Compact();
    if (pull % 10 == 3) states[pull + 1] = rows;
  }
  states[kPulls + 1] = rows;
  store.Reopen();
  for (const auto& [lsn, state] : states) {
    Texts expected;
    for (const auto& [id, text] : state) expected.push_back(text);
    EXPECT_TRUE(Lines(*store, lsn) == expected) << lsn;
  }
}

TEST(RowCompactionTest, ALargeBacklogIsCompactedInPortions) {
  StoreFixture store;
  constexpr int64_t kRows = 8000;
  for (int64_t id = 0; id < kRows; id += kRows / 4) testing::Write(*store, NoisyRows(id, id + kRows / 4, 10, 2000));
  Texts expected;
  for (const Put& put : NoisyRows(0, kRows, 10, 2000)) expected.push_back(put.text);
  for (uint64_t lsn = 100; lsn < 132; ++lsn) {  // The first runs end up in levels of their own.
    std::vector<Put> puts;
    for (int64_t id = static_cast<int64_t>(lsn % 12); id < kRows; id += 12) {
      puts.push_back({.id = id,
                      .lsn = lsn,
                      .text = RandomText(4000, static_cast<unsigned>(id + kRows * static_cast<int64_t>(lsn)))});
      expected[static_cast<size_t>(id)] = puts.back().text;
    }
    testing::Write(*store, puts);
  }
  store->Publish(StateAt(200), {});
  const Texts before = Lines(*store, 110);
  store->Compact();
  EXPECT_LE(Files(store).size(), store->DiskBytes() / (2 << 20) + kMostLeftOver);
  store.Reopen();
  EXPECT_TRUE(Lines(*store, 200) == expected);
  EXPECT_TRUE(Lines(*store, 110) == before);
}

TEST(RowCompactionTest, MoreRunsThanAreMergedAtOnceAreMergedInTheirOrder) {
  StoreFixture store;
  constexpr int64_t kRows = 50;
  EXPECT_EQ(store->compaction_owed(), CompactionOwed::kNothing);
  for (uint64_t lsn = 1; lsn <= 200; ++lsn) {
    std::vector<Put> puts;
    for (int64_t id = static_cast<int64_t>(lsn % 3); id < kRows; id += 3) {
      // A version that sank below an older one would give its text to the later states.
      puts.push_back({.id = id, .lsn = lsn, .text = std::to_string(lsn)});
      if (id % 7 == 0) puts.back() = testing::Tombstone(id, lsn);
    }
    testing::Write(*store, puts);
    if (lsn == 100) {
      EXPECT_EQ(store->compaction_owed(), CompactionOwed::kSome);
    }
  }
  store->Publish(StateAt(1000), {});
  EXPECT_EQ(store->compaction_owed(), CompactionOwed::kMuch);
  std::map<uint64_t, Texts> before;
  for (uint64_t lsn : {5, 60, 120, 199, 201}) before[lsn] = Lines(*store, lsn);
  store->Compact();
  EXPECT_EQ(store->compaction_owed(), CompactionOwed::kNothing);
  EXPECT_LE(Files(store).size(), kMostLeftOver);
  store.Reopen();
  for (const auto& [lsn, lines] : before) EXPECT_EQ(Lines(*store, lsn), lines) << lsn;
}

// Otherwise every pull would begin and end with merges that gain nothing.
TEST(RowCompactionTest, ACompactStoreIsNotCompactedAgain) {
  StoreFixture store;
  for (TableId table = 1; table <= 100; ++table) {
    std::vector<Put> puts = NoisyRows(0, 100, 10, 1000);
    for (Put& put : puts) put.table = table;
    testing::Write(*store, puts);
  }
  store->Publish(StateAt(100), {});
  store->Compact();
  const std::set<std::string> files = Files(store);
  EXPECT_LE(files.size(), kMostLeftOver);
  store->Compact();
  EXPECT_EQ(Files(store), files);
}

}  // namespace
}  // namespace rotv
