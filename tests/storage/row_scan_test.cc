#include <gtest/gtest.h>
#include <rocksdb/perf_context.h>
#include <rocksdb/perf_level.h>

#include <map>
#include <random>

#include "storage/version_scan.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using testing::CodeOf;
using testing::IntegerKey;
using testing::Lines;
using testing::Partial;
using testing::Put;
using testing::StoreFixture;
using testing::Tombstone;
using Strings = std::vector<std::string>;

TEST(RowScanTest, SeesCommitsBeforeItsLsnButNotAtIt) {
  StoreFixture store;
  store.WriteAndPublish({{.id = 1, .lsn = 10, .text = "a"}, {.id = 1, .lsn = 20, .text = "b"}}, 100);
  EXPECT_EQ(Lines(*store, 10), Strings{});
  EXPECT_EQ(Lines(*store, 11), Strings{"a"});
  EXPECT_EQ(Lines(*store, 20), Strings{"a"});
  EXPECT_EQ(Lines(*store, 21), Strings{"b"});
  EXPECT_EQ(Lines(*store, 100), Strings{"b"});
}

TEST(RowScanTest, ADeletedRowIsGoneUntilItIsInsertedAgain) {
  StoreFixture store;
  store.WriteAndPublish({{.id = 1, .lsn = 10, .text = "a"}, Tombstone(1, 20), {.id = 1, .lsn = 30, .text = "c"}}, 100);
  EXPECT_EQ(Lines(*store, 20), Strings{"a"});
  EXPECT_EQ(Lines(*store, 30), Strings{});
  EXPECT_EQ(Lines(*store, 31), Strings{"c"});
}

TEST(RowScanTest, RowsComeInKeyOrderWithTheirKeys) {
  StoreFixture store;
  store.WriteAndPublish({{.id = 3, .lsn = 1, .text = "c"}, {.id = -1, .lsn = 1, .text = "a"}}, 100);
  testing::Write(*store, {{.id = 2, .lsn = 1, .text = "b"}});
  EXPECT_EQ(Lines(*store, 100), (Strings{"a", "b", "c"}));
  std::unique_ptr<RowScan> scan = store->ScanAt({.table = 1, .epoch = 0, .lsn = Lsn(100)});
  ASSERT_TRUE(scan->Next());
  EXPECT_EQ(scan->row_key(), IntegerKey(-1));
}

TEST(RowScanTest, OtherTablesAndEpochsAreNotSeen) {
  StoreFixture store;
  store.WriteAndPublish({{.id = 1, .lsn = 1, .text = "this"},
                         {.id = 1, .lsn = 1, .text = "epoch", .epoch = 1},
                         {.id = 1, .lsn = 1, .text = "table", .table = 2},
                         {.id = 1, .lsn = 1, .text = "before", .table = 0, .epoch = 0xFFFFFFFF},
                         {.id = 1, .lsn = 1, .text = "last", .table = 0xFFFFFFFF, .epoch = 0xFFFFFFFF}},
                        100);
  EXPECT_EQ(Lines(*store, 100), Strings{"this"});
  EXPECT_EQ(Lines(*store, 100, {}, 1, 1), Strings{"epoch"});
  EXPECT_EQ(Lines(*store, 100, {}, 0, 0xFFFFFFFF), Strings{"before"});
  EXPECT_EQ(Lines(*store, 100, {}, 0xFFFFFFFF, 0xFFFFFFFF), Strings{"last"});
}

TEST(RowScanTest, APartialRowIsCompletedFromSeveralOlderVersions) {
  StoreFixture store;
  store.WriteAndPublish({{.id = 1, .lsn = 10, .text = "1\told\tbig\thuge"},
                         Partial(1, 20, "1\tnew\t\\u\t\\u"),
                         Partial(1, 30, "1\tnewer\tBIG\t\\u"),
                         Partial(1, 40, "1\tnewest\t\\u\t\\u"),
                         {.id = 2, .lsn = 10, .text = "2\t\t\t"}},
                        100);
  EXPECT_EQ(Lines(*store, 100), (Strings{"1\tnewest\tBIG\thuge", "2\t\t\t"}));
  EXPECT_EQ(Lines(*store, 40), (Strings{"1\tnewer\tBIG\thuge", "2\t\t\t"}));
  EXPECT_EQ(Lines(*store, 30), (Strings{"1\tnew\tbig\thuge", "2\t\t\t"}));
}

TEST(RowScanTest, APartialRowWithoutItsOlderVersionIsCorrupt) {
  for (const std::vector<Put>& versions :
       {std::vector<Put>{Partial(1, 20, "1\t\\u")},
        std::vector<Put>{Partial(1, 20, "1\t\\u"), {.id = 2, .lsn = 10, .text = "2\tx"}},
        std::vector<Put>{Partial(1, 20, "1\t\\u"), Tombstone(1, 15), {.id = 1, .lsn = 10, .text = "1\tx"}},
        std::vector<Put>{Partial(1, 20, "1\t\\u"), {.id = 1, .lsn = 10, .text = "1\tx\ty"}}}) {
    StoreFixture store;
    store.WriteAndPublish(versions, 100);
    EXPECT_EQ(CodeOf([&] { Lines(*store, 100); }), ErrorCode::kCorrupt);
  }
}

TEST(RowScanTest, EqualRowsOfAMultisetComeAsOftenAsTheyAreCounted) {
  StoreFixture store;
  store.WriteAndPublish({{.id = 1, .lsn = 10, .text = "a", .count = 3},
                         {.id = 1, .lsn = 20, .text = "a", .count = 1},
                         Tombstone(1, 30),
                         {.id = 2, .lsn = 10, .text = "b", .count = 2}},
                        100);
  EXPECT_EQ(Lines(*store, 20), (Strings{"a", "a", "a", "b", "b"}));
  EXPECT_EQ(Lines(*store, 30), (Strings{"a", "b", "b"}));
  EXPECT_EQ(Lines(*store, 31), (Strings{"b", "b"}));
}

TEST(RowScanTest, ARangeIncludesItsBeginButNotItsEnd) {
  StoreFixture store;
  std::vector<Put> puts;
  for (int id = 0; id < 10; ++id) puts.push_back({.id = id, .lsn = 1, .text = std::to_string(id)});
  store.WriteAndPublish(puts, 100);
  auto at = [](int64_t id) { return EncodeRowPrefix(1, 0, IntegerKey(id)); };
  EXPECT_EQ(Lines(*store, 100, {at(3), at(6)}), (Strings{"3", "4", "5"}));
  EXPECT_EQ(Lines(*store, 100, {"", at(2)}), (Strings{"0", "1"}));
  EXPECT_EQ(Lines(*store, 100, {at(8), ""}), (Strings{"8", "9"}));
  EXPECT_EQ(Lines(*store, 100, {at(3), at(3)}), Strings{});
}

TEST(RowScanTest, AnEmptyTableHasNoRowsHoweverOftenAsked) {
  StoreFixture store;
  store.WriteAndPublish({}, 100);
  std::unique_ptr<RowScan> scan = store->ScanAt({.table = 1, .epoch = 0, .lsn = Lsn(100)});
  EXPECT_FALSE(scan->Next());
}

TEST(RowScanTest, SingleRowsAreFoundByTheirKeysAtTheLsn) {
  StoreFixture store;
  store.WriteAndPublish({{.id = 1, .lsn = 10, .text = "1\told\tbig"},
                         Partial(1, 20, "1\tnew\t\\u"),
                         {.id = 2, .lsn = 10, .text = "2\t\t", .count = 3},
                         Tombstone(2, 30),
                         {.id = 4, .lsn = 40, .text = "4\t\t"}},
                        100);
  auto find = [&](uint64_t lsn, int64_t id) {
    std::unique_ptr<RowScan> scan =
        store->ScanAt({.table = 1, .epoch = 0, .lsn = Lsn(lsn), .access = ScanRequest::Access::kSomeRows});
    uint32_t count = scan->Find(IntegerKey(id));
    return std::to_string(count) + (count > 0 ? ":" + std::string(scan->line()) : "");
  };
  EXPECT_EQ(find(10, 1), "0");
  EXPECT_EQ(find(20, 1), "1:1\told\tbig");
  EXPECT_EQ(find(100, 1), "1:1\tnew\tbig");
  EXPECT_EQ(find(30, 2), "3:2\t\t");
  EXPECT_EQ(find(31, 2), "0");
  EXPECT_EQ(find(100, 3), "0");
  EXPECT_EQ(find(40, 4), "0");
  EXPECT_EQ(find(41, 4), "1:4\t\t");
  // Keys may be asked for in any order, and Next() continues after the last of them.
  std::unique_ptr<RowScan> scan = store->ScanAt({.table = 1, .epoch = 0, .lsn = Lsn(100)});
  EXPECT_EQ(scan->Find(IntegerKey(4)), 1U);
  EXPECT_EQ(scan->Find(IntegerKey(1)), 1U);
  ASSERT_TRUE(scan->Next());
  EXPECT_EQ(scan->line(), "4\t\t");
}

TEST(RowScanTest, ARowIsLookedForOnlyInTheRunsThatHaveIt) {
  StoreFixture store;
  constexpr int64_t kRuns = 40;
  for (int64_t run = 0; run < kRuns; ++run) {  // Each with rows between those of all others, and one of its own.
    std::vector<Put> puts = {{.id = 5000 + run, .lsn = 10, .text = "own\t" + std::to_string(run)}};
    if (run % 10 == 0) puts.push_back({.id = 7, .lsn = static_cast<uint64_t>(20 + run), .text = std::to_string(run)});
    for (int64_t row = 0; row < 50; ++row)
      puts.push_back({.id = 10000 + row * kRuns + run, .lsn = 10, .text = "other"});
    puts.push_back({.id = run, .lsn = 10, .text = "first"});
    testing::Write(*store, puts);
  }
  store->Publish(testing::StateAt(100), {});
  std::unique_ptr<RowScan> scan =
      store->ScanAt({.table = 1, .epoch = 0, .lsn = Lsn(100), .access = ScanRequest::Access::kSomeRows});
  EXPECT_EQ(scan->Find(IntegerKey(5000)), 1U);  // Filters and indexes are read now.
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kEnableCount);
  const auto blocks_for = [&](int64_t id, const std::string& line) {
    rocksdb::get_perf_context()->Reset();
    EXPECT_EQ(scan->Find(IntegerKey(id)), 1U);
    EXPECT_EQ(scan->line(), line);
    return rocksdb::get_perf_context()->block_read_count + rocksdb::get_perf_context()->block_cache_hit_count -
           rocksdb::get_perf_context()->block_cache_filter_hit_count;
  };
  // An index and a block of each run that has the row; now and then a filter says yes for nothing.
  EXPECT_LE(blocks_for(5020, "own\t20"), 8U);
  EXPECT_LE(blocks_for(7, "30"), 2U * 5 + 6);
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  std::string bytes;
  EXPECT_EQ(store->Newest(EncodeRowPrefix(1, 0, IntegerKey(7)), &bytes)->commit_lsn, Lsn(50));
  EXPECT_FALSE(store->Newest(EncodeRowPrefix(1, 0, IntegerKey(9999)), &bytes));
}

TEST(RowScanTest, ATableWithoutColumnsHasEmptyLines) {
  StoreFixture store;
  store.WriteAndPublish({{.id = 1, .lsn = 1, .text = "", .count = 2}}, 100);
  EXPECT_EQ(Lines(*store, 100), (Strings{"", ""}));
}

// Random histories are compared with the simplest model: at each LSN the whole table is a map.
TEST(RowScanTest, EveryStateOfARandomHistoryMatchesTheModel) {
  std::mt19937 random(6);
  for (int round = 0; round < 3; ++round) {
    StoreFixture store;
    std::map<int64_t, std::array<std::string, 3>> rows;
    std::map<uint64_t, Strings> states;
    auto buffer = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
    for (uint64_t lsn = 1; lsn <= 400; ++lsn) {
      int64_t id = static_cast<int64_t>(random() % 20);
      auto row = rows.find(id);
      auto action = random() % 4;
      if (row == rows.end() || action == 0) {
        rows[id] = {std::to_string(id), std::to_string(random()), std::to_string(random())};
        testing::Add(*buffer, {.id = id, .lsn = lsn, .text = rows[id][0] + "\t" + rows[id][1] + "\t" + rows[id][2]});
      } else if (action == 1) {
        rows.erase(row);
        testing::Add(*buffer, Tombstone(id, lsn));
      } else {
        row->second[action - 1] = std::to_string(random());
        std::array<std::string, 3> line = {row->second[0], "\\u", "\\u"};
        line[action - 1] = row->second[action - 1];
        testing::Add(*buffer, Partial(id, lsn, line[0] + "\t" + line[1] + "\t" + line[2]));
      }
      Strings& state = states[lsn + 1];
      for (const auto& [key, columns] : rows) state.push_back(columns[0] + "\t" + columns[1] + "\t" + columns[2]);
      if (random() % 8 != 0 && lsn != 400) continue;
      store->Write(*buffer);
      buffer = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
    }
    store->Publish(testing::StateAt(1000), {});
    for (const auto& [lsn, state] : states) ASSERT_EQ(Lines(*store, lsn), state) << lsn;
    store->Compact();
    store.Reopen();
    for (const auto& [lsn, state] : states) ASSERT_EQ(Lines(*store, lsn), state) << lsn;
  }
}

}  // namespace
}  // namespace rotv
