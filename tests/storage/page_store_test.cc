// Rows in pages beside single versions, in a store. The store's model (store_model_test.cc) has them too, with less
// rows.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "storage/retention.h"
#include "storage/run_sorter.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using testing::IntegerKey;
using testing::Lines;
using testing::Put;
using testing::StoreFixture;

constexpr int64_t kPagedRows = 2000;  // Some pages.

std::string PagedText(int64_t id) {
  return std::to_string(id) + "\tfirst " + testing::Noise(50, static_cast<unsigned>(id));
}

void CopyRows(StoreFixture& store) {
  RunSorter sorter(*store);
  auto buffer = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone);
  for (int64_t id = 0; id < kPagedRows; ++id) testing::Add(*buffer, {.id = id, .lsn = 9, .text = PagedText(id)});
  ASSERT_FALSE(sorter.Add(std::move(buffer)));
  ASSERT_FALSE(sorter.Finish([] {}));
  store->Publish(testing::StateAt(10), {});
}

uint64_t BytesInPages(RowStore& store) {
  uint64_t bytes = 0;
  for (const DataFile& file : store.DataFiles()) {
    if (file.content == DataFile::Content::kPages) bytes += file.bytes;
  }
  return bytes;
}

std::string TextByPieces(const RowStore& store, const ScanRequest& request) {
  std::string text;
  const std::unique_ptr<RowScan> scan = store.ScanAt(request);
  while (true) {
    const RowScan::Lines lines = scan->NextLines();
    text += lines.text;
    if (lines.rows > 0) continue;
    if (!scan->Next()) return text;
    text.append(scan->line()).push_back('\n');
  }
}

std::string TextByRows(const RowStore& store, const ScanRequest& request) {
  std::string text;
  const std::unique_ptr<RowScan> scan = store.ScanAt(request);
  while (scan->Next()) text.append(scan->line()).push_back('\n');
  return text;
}

// Random changes, each LSN with its expected rows.
class PagedStoreTest : public ::testing::Test {
 protected:
  PagedStoreTest() {
    CopyRows(store);
    for (int64_t id = 0; id < kPagedRows; ++id) rows[id] = PagedText(id);
    states[10] = rows;
  }

  // Few rows or many, near one another or not.
  void Change(int count) {
    std::map<int64_t, Put> puts;
    const auto from = static_cast<int64_t>(random() % kPagedRows);
    const bool near = random() % 2 == 0;
    for (int i = 0; i < count; ++i) {
      const auto id = near ? from + i / 2 : static_cast<int64_t>(random() % (kPagedRows + 200));
      const bool is_there = rows.count(id) != 0;
      Put put{.id = id, .lsn = lsn, .text = std::to_string(id) + "\tat " + std::to_string(lsn)};
      if (is_there && random() % 3 == 0) put = testing::Tombstone(id, lsn);
      if (is_there && random() % 3 == 0) put = testing::Partial(id, lsn, std::to_string(id) + "\t\\u");
      puts[id] = put;
    }
    std::vector<Put> all;
    for (const auto& [id, put] : puts) {
      all.push_back(put);
      if (put.kind == RowVersion::Kind::kTombstone) {
        rows.erase(id);
      } else if (put.kind == RowVersion::Kind::kRow) {
        rows[id] = put.text;
      }
    }
    lsn += 10;
    store.WriteAndPublish(all, lsn - 5);
    states[lsn - 5] = rows;
  }

  void ExpectStates() {
    for (const auto& [at, expected] : states) {
      std::string text;
      for (const auto& [id, line] : expected) text += line + "\n";
      ScanRequest request{.table = 1, .epoch = 0, .lsn = Lsn(at)};
      ASSERT_TRUE(TextByRows(*store, request) == text) << at;
      ASSERT_TRUE(TextByPieces(*store, request) == text) << at;
      const auto from = static_cast<int64_t>(random() % kPagedRows), to = from + static_cast<int64_t>(random() % 700);
      request.range = {EncodeRowPrefix(1, 0, IntegerKey(from)), EncodeRowPrefix(1, 0, IntegerKey(to))};
      text.clear();
      for (auto row = expected.lower_bound(from); row != expected.lower_bound(to); ++row) text += row->second + "\n";
      ASSERT_TRUE(TextByRows(*store, request) == text) << at << ", rows from " << from << " to " << to;
      ASSERT_TRUE(TextByPieces(*store, request) == text) << at << ", rows from " << from << " to " << to;
      std::string parts;
      for (const KeyRange& range : store->Split(1, 0, 4)) {
        parts += TextByPieces(*store, {.table = 1, .epoch = 0, .lsn = Lsn(at), .range = range});
      }
      ASSERT_TRUE(parts == TextByRows(*store, {.table = 1, .epoch = 0, .lsn = Lsn(at)}));
      Look(at, expected);
    }
  }

  void Look(uint64_t at, const std::map<int64_t, std::string>& expected) {
    const auto some = store->ScanAt({.table = 1, .epoch = 0, .lsn = Lsn(at), .access = ScanRequest::Access::kSomeRows});
    const auto all = store->ScanAt({.table = 1, .epoch = 0, .lsn = Lsn(at)});
    for (int i = 0; i < 100; ++i) {
      const auto id = i % 4 == 0 ? static_cast<int64_t>(random() % (kPagedRows + 200)) : int64_t{i} * 20;
      const auto found = expected.find(id);
      for (RowScan* scan : {some.get(), all.get()}) {
        ASSERT_EQ(scan->Find(IntegerKey(id)), found == expected.end() ? 0U : 1U) << id << " at " << at;
        if (found == expected.end()) continue;
        ASSERT_EQ(scan->line(), found->second);
        if (scan == some.get()) continue;
        const auto next = std::next(found);
        ASSERT_EQ(scan->Next(), next != expected.end());
        if (next == expected.end()) continue;
        ASSERT_EQ(scan->line(), next->second);
        ASSERT_EQ(scan->row_key(), IntegerKey(next->first));
      }
    }
  }

  StoreFixture store;
  std::mt19937 random{23};
  uint64_t lsn = 20;
  std::map<int64_t, std::string> rows;
  std::map<uint64_t, std::map<int64_t, std::string>> states;
};

TEST_F(PagedStoreTest, EveryStateIsReadByRowsByPiecesAndByKeys) {
  store->Publish(testing::StateAt(10), {.shapes = {}});
  for (const int count : {1, 30, 3, 800, 2, 100}) Change(count);
  ExpectStates();
}

TEST_F(PagedStoreTest, CollectionTakesRowsOutOfPages) {
  for (const int count : {400, 30, 800, 100}) Change(count);
  const uint64_t before = BytesInPages(*store);
  const uint64_t kept = states.rbegin()->first;
  const GarbageCounts counts = store->CollectGarbage(Retention({}, Lsn(kept)), Lsn(kept), 0, [](uint64_t) {});
  EXPECT_GT(counts.dropped, 500U);
  states.erase(states.begin(), std::prev(states.end()));
  ExpectStates();
  EXPECT_LT(BytesInPages(*store), before * 9 / 10);
  uint64_t versions = 0;
  store->VisitVersions([&](const VersionKey&, const RowVersion& version, size_t) {
    ++versions;
    EXPECT_NE(version.kind, RowVersion::Kind::kTombstone);
  });
  EXPECT_GE(versions, rows.size());
  EXPECT_EQ(store->CollectGarbage(Retention({}, Lsn(kept)), Lsn(kept), 0, [](uint64_t) {}).dropped, 0U);
  // Pages of which the last row is gone are found by the rows that are left.
  Change(300);
  ExpectStates();
}

// As a repair does it, of rows anywhere in a page; one row is gone.
TEST_F(PagedStoreTest, ASingleVersionReplacesARowOfAPage) {
  std::vector<Put> puts;
  for (int64_t id = 0; id < kPagedRows; id += id % 5 == 0 ? 1 : 17) {
    puts.push_back({.id = id, .lsn = 9, .text = std::to_string(id) + "\trepaired"});
    rows[id] = puts.back().text;
  }
  puts.push_back(testing::Tombstone(kPagedRows - 2, 9));
  rows.erase(kPagedRows - 2);
  store.WriteAndPublish(puts, 10);
  states[10] = rows;
  ExpectStates();
  const auto count = [&] {
    std::map<std::string, int> seen;
    store->VisitVersions([&](const VersionKey& key, const RowVersion&, size_t) { ++seen[std::string(key.row_key)]; });
    return seen;
  };
  EXPECT_EQ(count().size(), static_cast<size_t>(kPagedRows));
  for (const auto& [key, times] : count()) EXPECT_EQ(times, 1);
  Change(500);
  const uint64_t kept = states.rbegin()->first;
  (void)store->CollectGarbage(Retention({}, Lsn(kept)), Lsn(kept), 0, [](uint64_t) {});
  states.erase(states.begin(), std::prev(states.end()));
  ExpectStates();
  EXPECT_EQ(count().size(), rows.size());
}

TEST_F(PagedStoreTest, TheEndIsTheEndHoweverOftenItIsAskedFor) {
  for (const TableId table : {1U, 2U}) {
    const auto scan = store->ScanAt({.table = table, .epoch = 0, .lsn = Lsn(10)});
    while (scan->NextLines().rows > 0) continue;
    for (int i = 0; i < 3; ++i) {
      EXPECT_FALSE(scan->Next());
      EXPECT_EQ(scan->NextLines().rows, 0U);
    }
  }
}

TEST_F(PagedStoreTest, AnEpochIsDroppedWithItsPages) {
  store->DropEpoch(1, 0);
  EXPECT_TRUE(Lines(*store, 10).empty());
}

TEST_F(PagedStoreTest, UnpublishedPagesAreRemoved) {
  testing::Begin(*store);
  RunSorter sorter(*store);
  auto buffer = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone);
  for (int64_t id = 0; id < 100; ++id) testing::Add(*buffer, {.id = id, .lsn = 30, .text = "new", .epoch = 1});
  ASSERT_FALSE(sorter.Add(std::move(buffer)));
  ASSERT_FALSE(sorter.Finish([] {}));
  store.Reopen();
  EXPECT_TRUE(Lines(*store, 100, {}, 1, 1).empty());
  uint64_t versions = 0;
  store->VisitVersions([&](const VersionKey&, const RowVersion&, size_t) { ++versions; });
  EXPECT_EQ(versions, static_cast<uint64_t>(kPagedRows));
  EXPECT_NEAR(static_cast<double>(store->VersionsEstimate()), kPagedRows, kPagedRows / 5.0);
}

}  // namespace
}  // namespace rotv
