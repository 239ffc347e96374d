#include "storage/change_log.h"

#include <gtest/gtest.h>

#include <random>

#include "storage/compress.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using testing::CodeOf;
using testing::StoreFixture;
using Change = ChangeLogBuilder::Change;
using Which = ChangeLogBuilder::Which;
using Chunks = std::vector<std::pair<std::string, std::string>>;

// The keys in TableChanges::keys.
std::vector<std::string> KeysOf(const proto::TableChanges& changes) {
  std::vector<std::string> keys;
  std::string_view rest = changes.keys();
  while (!rest.empty()) {
    size_t size = 0;
    for (int shift = 0;; shift += 7) {
      auto byte = static_cast<unsigned char>(rest.front());
      rest.remove_prefix(1);
      size |= size_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) break;
    }
    keys.emplace_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  return keys;
}

std::vector<proto::Transaction> TransactionsOf(const Chunks& chunks) {
  std::vector<proto::Transaction> transactions;
  for (const auto& [key, value] : chunks) {
    proto::LogChunk chunk = DecodeLogChunk(value);
    EXPECT_EQ(key.substr(0, 8), ChangeLogKey(Lsn(chunk.transactions(0).commit_lsn()), 0).substr(0, 8));
    for (const auto& transaction : chunk.transactions()) transactions.push_back(transaction);
  }
  return transactions;
}

void Small(ChangeLogBuilder& builder, uint64_t lsn) {
  builder.Begin(Lsn(lsn), static_cast<int64_t>(lsn) * 10, static_cast<uint32_t>(lsn));
  builder.Add(1, 0, Change::kInsert, "k" + std::to_string(lsn));
  builder.Commit();
}

// Adds a transaction with so many keys that it takes several chunks.
void Large(ChangeLogBuilder& builder, uint64_t lsn, int keys = 1000) {
  builder.Begin(Lsn(lsn), 1, 1);
  for (int i = 0; i < keys; ++i) {
    std::string key = std::to_string(i);
    builder.Add(1, 0, Change::kUpdate, key + std::string(1000 - key.size(), '.'));
  }
  builder.Commit();
}

std::vector<uint64_t> Visited(const RowStore& store, uint64_t from) {
  std::vector<uint64_t> lsns;
  store.VisitLog(Lsn(from), [&](const proto::Transaction& transaction) {
    lsns.push_back(transaction.commit_lsn());
    return true;
  });
  return lsns;
}

TEST(ChangeLogTest, ATransactionListsItsChanges) {
  ChangeLogBuilder builder;
  builder.Begin(Lsn(77), 123456, 9);
  builder.Add(1, 0, Change::kInsert, "a");
  builder.Add(2, 5, Change::kDelete, std::string(300, 'b'));
  builder.Add(1, 0, Change::kUpdate, "c");
  builder.AddKey(1, 0, "old c");
  builder.Truncate(2, 6);
  builder.Commit();
  std::vector<proto::Transaction> transactions = TransactionsOf(builder.Take(Which::kAll));
  ASSERT_EQ(transactions.size(), 1u);
  const proto::Transaction& transaction = transactions[0];
  EXPECT_EQ(transaction.commit_lsn(), 77u);
  EXPECT_EQ(transaction.commit_time_us(), 123456);
  EXPECT_EQ(transaction.xid(), 9u);
  EXPECT_FALSE(transaction.continued());
  ASSERT_EQ(transaction.changes_size(), 3);
  EXPECT_EQ(transaction.changes(0).inserted(), 1u);
  EXPECT_EQ(transaction.changes(0).updated(), 1u);
  EXPECT_EQ(KeysOf(transaction.changes(0)), (std::vector<std::string>{"a", "c", "old c"}));
  EXPECT_EQ(transaction.changes(1).epoch(), 5u);
  EXPECT_EQ(transaction.changes(1).deleted(), 1u);
  EXPECT_EQ(KeysOf(transaction.changes(1)), std::vector<std::string>{std::string(300, 'b')});
  EXPECT_EQ(transaction.changes(2).epoch(), 6u);
  EXPECT_TRUE(transaction.changes(2).truncated());
}

TEST(ChangeLogTest, ChunksAreTakenOnce) {
  ChangeLogBuilder builder;
  EXPECT_TRUE(builder.Take(Which::kAll).empty());
  Small(builder, 1);
  EXPECT_TRUE(builder.Take(Which::kComplete).empty());
  EXPECT_EQ(builder.Take(Which::kAll).size(), 1u);
  EXPECT_TRUE(builder.Take(Which::kAll).empty());
}

TEST(ChangeLogTest, ALargeTransactionSpansSeveralChunks) {
  ChangeLogBuilder builder;
  Small(builder, 5);
  Large(builder, 10);
  Small(builder, 20);
  Chunks chunks = builder.Take(Which::kAll);
  ASSERT_GE(chunks.size(), 4u);
  EXPECT_TRUE(std::is_sorted(chunks.begin(), chunks.end()));
  // The large transaction begins in the chunk of the one before it; the one after it is in its last chunk.
  EXPECT_EQ(chunks[0].first, ChangeLogKey(Lsn(5), 0));
  for (size_t i = 1; i < chunks.size(); ++i) {
    EXPECT_EQ(chunks[i].first, ChangeLogKey(Lsn(10), static_cast<uint32_t>(i)));
  }

  std::vector<proto::Transaction> transactions = TransactionsOf(chunks);
  EXPECT_EQ(transactions.front().commit_lsn(), 5u);
  EXPECT_EQ(transactions.back().commit_lsn(), 20u);
  uint64_t updated = 0;
  std::vector<std::string> keys;
  for (size_t i = 1; i + 1 < transactions.size(); ++i) {
    EXPECT_EQ(transactions[i].commit_lsn(), 10u);
    EXPECT_EQ(transactions[i].continued(), i + 2 < transactions.size());
    for (const auto& changes : transactions[i].changes()) {
      updated += changes.updated();
      for (const std::string& key : KeysOf(changes)) keys.push_back(key);
    }
  }
  EXPECT_EQ(updated, 1000u);
  ASSERT_EQ(keys.size(), 1000u);
  for (size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(keys[i].substr(0, keys[i].find('.')), std::to_string(i));
}

TEST(ChangeLogTest, CompleteChunksAreTakenInTheMiddleOfATransaction) {
  ChangeLogBuilder builder;
  Chunks chunks;
  builder.Begin(Lsn(10), 1, 1);
  for (int i = 0; i < 2000; ++i) {
    builder.Add(1, 0, Change::kInsert, std::string(1000, 'k'));
    for (auto& chunk : builder.Take(Which::kComplete)) chunks.push_back(std::move(chunk));
  }
  EXPECT_GE(chunks.size(), 5u);
  builder.Commit();
  for (auto& chunk : builder.Take(Which::kAll)) chunks.push_back(std::move(chunk));
  uint64_t inserted = 0;
  for (size_t i = 0; i < chunks.size(); ++i) {
    EXPECT_EQ(chunks[i].first, ChangeLogKey(Lsn(10), static_cast<uint32_t>(i)));
    proto::LogChunk chunk = DecodeLogChunk(chunks[i].second);
    for (const auto& transaction : chunk.transactions()) {
      for (const auto& changes : transaction.changes()) inserted += changes.inserted();
    }
  }
  EXPECT_EQ(inserted, 2000u);
}

TEST(ChangeLogTest, EveryChunkHasItsOwnKey) {
  std::mt19937 random(5);
  ChangeLogBuilder builder;
  std::vector<std::string> keys;
  for (uint64_t lsn = 1; lsn < 300; ++lsn) {
    if (random() % 10 == 0) {
      Large(builder, lsn, static_cast<int>(random() % 800));
    } else {
      Small(builder, lsn);
    }
    if (random() % 7 == 0) {
      for (auto& chunk : builder.Take(random() % 2 == 0 ? Which::kAll : Which::kComplete)) keys.push_back(chunk.first);
    }
  }
  for (auto& chunk : builder.Take(Which::kAll)) keys.push_back(chunk.first);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
}

TEST(ChangeLogTest, ADamagedChunkIsCorrupt) {
  EXPECT_EQ(CodeOf([] { DecodeLogChunk("garbage"); }), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf([] { DecodeLogChunk(ZstdCompress("\xFF\xFF\xFF")); }), ErrorCode::kCorrupt);
}

TEST(ChangeLogTest, AVisitSeesExactlyTheTransactionsFromItsStart) {
  StoreFixture store;
  ChangeLogBuilder builder;
  std::vector<uint64_t> all;
  for (uint64_t lsn = 10; lsn <= 400; lsn += 10) {
    if (lsn % 100 == 0) {
      Large(builder, lsn, 700);
    } else {
      Small(builder, lsn);
    }
    if (lsn % 70 == 0) store->WriteLog(builder.Take(Which::kAll));
  }
  store->WriteLog(builder.Take(Which::kAll));
  store->Publish(testing::StateAt(1000), {});
  all = Visited(*store, 0);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  for (uint64_t lsn = 10; lsn <= 400; lsn += 10) {
    EXPECT_EQ(std::count(all.begin(), all.end(), lsn) > 1, lsn % 100 == 0) << lsn;
  }
  for (uint64_t from = 0; from <= 410; from += 5) {
    std::vector<uint64_t> expected;
    for (uint64_t lsn : all) {
      if (lsn >= from) expected.push_back(lsn);
    }
    EXPECT_EQ(Visited(*store, from), expected) << from;
  }
}

TEST(ChangeLogTest, AVisitEndsWhenTheVisitorStopsIt) {
  StoreFixture store;
  ChangeLogBuilder builder;
  for (uint64_t lsn = 1; lsn < 10; ++lsn) Small(builder, lsn);
  store->WriteLog(builder.Take(Which::kAll));
  store->Publish(testing::StateAt(100), {});
  int visits = 0;
  store->VisitLog(Lsn(3), [&](const proto::Transaction&) { return ++visits < 2; });
  EXPECT_EQ(visits, 2);
}

TEST(ChangeLogTest, UnpublishedTransactionsAreNotVisited) {
  StoreFixture store;
  ChangeLogBuilder builder;
  Small(builder, 10);
  Small(builder, 20);
  store->WriteLog(builder.Take(Which::kAll));
  EXPECT_TRUE(Visited(*store, 0).empty());
  store->Publish(testing::StateAt(20), {});
  EXPECT_EQ(Visited(*store, 0), std::vector<uint64_t>{10});
  store->Publish(testing::StateAt(21), {});
  EXPECT_EQ(Visited(*store, 0), (std::vector<uint64_t>{10, 20}));
}

}  // namespace
}  // namespace rotv
