#include "storage/version_buffer.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using testing::Add;
using testing::CodeOf;
using testing::IntegerKey;

std::string PrefixOf(int64_t id) { return EncodeRowPrefix(1, 0, IntegerKey(id)); }

std::vector<std::string> BufferTexts(const std::vector<VersionBuffer::Found>& versions) {
  std::vector<std::string> texts;
  for (const auto& found : versions) texts.emplace_back(found.version.text);
  return texts;
}

TEST(VersionBufferTest, ANewBufferIsEmpty) {
  VersionBuffer buffer(VersionBuffer::Index::kNewest);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.bytes(), 0u);
  EXPECT_TRUE(buffer.Sorted().empty());
  EXPECT_FALSE(buffer.Newest(PrefixOf(1)));
  EXPECT_TRUE(buffer.Versions(PrefixOf(1)).empty());
}

TEST(VersionBufferTest, NewestIsTheVersionPutLast) {
  VersionBuffer buffer(VersionBuffer::Index::kNewest);
  Add(buffer, {.id = 1, .lsn = 10, .text = "old"});
  Add(buffer, {.id = 2, .lsn = 10, .text = "other"});
  Add(buffer, {.id = 1, .lsn = 20, .text = "new"});
  ASSERT_TRUE(buffer.Newest(PrefixOf(1)));
  EXPECT_EQ(buffer.Newest(PrefixOf(1))->version.text, "new");
  EXPECT_EQ(buffer.Newest(PrefixOf(1))->commit_lsn, Lsn(20));
  EXPECT_EQ(BufferTexts(buffer.Versions(PrefixOf(1))), (std::vector<std::string>{"new", "old"}));
  EXPECT_FALSE(buffer.Newest(PrefixOf(3)));
}

TEST(VersionBufferTest, ALaterVersionOfTheSameTransactionReplacesTheEarlier) {
  VersionBuffer buffer(VersionBuffer::Index::kNewest);
  Add(buffer, {.id = 1, .lsn = 5, .text = "before"});
  Add(buffer, {.id = 1, .lsn = 10, .text = "first"});
  Add(buffer, testing::Tombstone(1, 10));
  Add(buffer, {.id = 1, .lsn = 10, .text = "last"});
  EXPECT_EQ(BufferTexts(buffer.Versions(PrefixOf(1))), (std::vector<std::string>{"last", "before"}));
  EXPECT_EQ(buffer.Sorted().size(), 2u);
}

TEST(VersionBufferTest, AQuestionBetweenVersionsChangesNothing) {
  VersionBuffer asked(VersionBuffer::Index::kNewest);
  VersionBuffer not_asked(VersionBuffer::Index::kNewest);
  std::mt19937 random(5);
  std::map<int64_t, std::string> newest;
  for (int i = 0; i < 20000; ++i) {
    const testing::Put put{.id = static_cast<int64_t>(random() % 900),
                           .lsn = static_cast<uint64_t>(100 + i / 40),
                           .text = std::to_string(i)};
    Add(asked, put);
    Add(not_asked, put);
    newest[put.id] = put.text;
    const auto any = static_cast<int64_t>(random() % 900);
    if (i % 7 != 0 || !newest.contains(any)) continue;
    ASSERT_TRUE(asked.Newest(PrefixOf(any)));
    ASSERT_EQ(asked.Newest(PrefixOf(any))->version.text, newest[any]);
  }
  const std::vector<VersionBuffer::Entry> sorted = asked.Sorted();
  const std::vector<VersionBuffer::Entry> also_sorted = not_asked.Sorted();
  ASSERT_EQ(sorted.size(), also_sorted.size());
  for (size_t i = 0; i < sorted.size(); ++i) {
    ASSERT_EQ(sorted[i].key(), also_sorted[i].key());
    ASSERT_EQ(sorted[i].value(), also_sorted[i].value());
    ASSERT_TRUE(i == 0 || sorted[i - 1].key() < sorted[i].key());
  }
  size_t found = 0;
  for (const auto& [id, text] : newest) {
    const std::vector<std::string> texts = BufferTexts(not_asked.Versions(PrefixOf(id)));
    EXPECT_EQ(texts.front(), text);
    EXPECT_EQ(texts, BufferTexts(asked.Versions(PrefixOf(id))));
    found += texts.size();
  }
  EXPECT_EQ(found, sorted.size());
}

TEST(VersionBufferTest, ARowIsNotMistakenForOneWhoseKeyBeginsWithItsKey) {
  VersionBuffer buffer(VersionBuffer::Index::kNewest);
  buffer.Put({1, 0, "ab", Lsn(1)}, {.text = "long"});
  EXPECT_FALSE(buffer.Newest(EncodeRowPrefix(1, 0, "a")));
}

TEST(VersionBufferTest, LookingUpWithoutAnIndexIsABug) {
  VersionBuffer buffer(VersionBuffer::Index::kNone);
  Add(buffer, {.id = 1, .lsn = 10, .text = "a"});
  EXPECT_EQ(CodeOf([&] { (void)buffer.Newest(PrefixOf(1)); }), ErrorCode::kBug);
  EXPECT_EQ(CodeOf([&] { (void)buffer.Versions(PrefixOf(1)); }), ErrorCode::kBug);
}

TEST(VersionBufferTest, SortedHoldsEachVersionOnceInTheOrderOfTheKeys) {
  for (VersionBuffer::Index index : {VersionBuffer::Index::kNone, VersionBuffer::Index::kNewest}) {
    VersionBuffer buffer(index);
    std::map<std::string, std::string> expected;
    std::mt19937 random(3);
    std::vector<int> ids(5000);
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int>(i);
    std::shuffle(ids.begin(), ids.end(), random);
    for (int id : ids) {
      for (uint64_t lsn : {uint64_t{7}, uint64_t{9}}) {
        std::string text(random() % 50, 'x');
        Add(buffer, {.id = id, .lsn = lsn, .text = text});
        expected[EncodeVersionKey({1, 0, IntegerKey(id), Lsn(lsn)})] = text;
      }
    }
    auto next = expected.begin();
    for (const VersionBuffer::Entry& entry : buffer.Sorted()) {
      ASSERT_NE(next, expected.end());
      EXPECT_EQ(entry.key(), next->first);
      EXPECT_EQ(DecodeRowVersion(entry.value()).text, next->second);
      ++next;
    }
    EXPECT_EQ(next, expected.end());
  }
}

TEST(VersionBufferTest, SortedOrdersKeysOfAnyLengthByTheirBytes) {
  VersionBuffer buffer(VersionBuffer::Index::kNone);
  std::set<std::string> expected;
  std::mt19937 random(5);
  const std::string letters("\x00\x01\x7F\x80\xFF", 5);
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (auto left = random() % 20; left > 0; --left) text.push_back(letters[random() % letters.size()]);
    std::string key;
    if (i % 100 != 0) AppendTextKey(text, &key);  // A table may have a key of no columns.
    VersionKey version{.table = random() % 2 == 0 ? 7 : 0x80000007,
                       .epoch = static_cast<EpochNumber>(random() % 3),
                       .row_key = key,
                       .commit_lsn = Lsn(random() % 3)};
    if (!expected.insert(EncodeVersionKey(version)).second) continue;
    buffer.Put(version, {.text = "x"});
  }
  std::vector<std::string> sorted;
  for (const VersionBuffer::Entry& entry : buffer.Sorted()) sorted.emplace_back(entry.key());
  EXPECT_TRUE(sorted == std::vector<std::string>(expected.begin(), expected.end()));
}

TEST(VersionBufferTest, RowsLargerThanABlockAndManySmallOnesStayWhole) {
  VersionBuffer buffer(VersionBuffer::Index::kNewest);
  std::vector<size_t> sizes = {0, 1, 300 << 10, 5, (1 << 20) - 1, 1 << 20, 3 << 20, 200 << 10, 200 << 10};
  for (size_t i = 0; i < sizes.size(); ++i) {
    Add(buffer, {.id = static_cast<int64_t>(i), .lsn = 1, .text = std::string(sizes[i], static_cast<char>('a' + i))});
  }
  size_t total = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    auto found = buffer.Newest(PrefixOf(static_cast<int64_t>(i)));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->version.text, std::string(sizes[i], static_cast<char>('a' + i)));
    total += sizes[i];
  }
  EXPECT_GE(buffer.bytes(), total);
  EXPECT_LT(buffer.bytes(), total + 4096);
}

TEST(VersionBufferTest, ItsIndexFindsEveryRowHoweverManyThereAre) {
  VersionBuffer buffer(VersionBuffer::Index::kNewest);
  constexpr int kRows = 100000;
  for (int id = 0; id < kRows; ++id) Add(buffer, {.id = id, .lsn = 1, .text = std::to_string(id)});
  for (int id = 0; id < kRows; ++id) {
    ASSERT_TRUE(buffer.Newest(PrefixOf(id)));
    ASSERT_EQ(buffer.Newest(PrefixOf(id))->version.text, std::to_string(id));
  }
  EXPECT_FALSE(buffer.Newest(PrefixOf(kRows)));
}

TEST(VersionBufferTest, ATombstoneKeepsNoText) {
  VersionBuffer buffer(VersionBuffer::Index::kNewest);
  buffer.Put({1, 0, IntegerKey(1), Lsn(1)}, {.kind = RowVersion::Kind::kTombstone, .text = "left over"});
  EXPECT_EQ(buffer.Newest(PrefixOf(1))->version.kind, RowVersion::Kind::kTombstone);
  EXPECT_EQ(buffer.Sorted().at(0).value(), "T");
}

}  // namespace
}  // namespace rotv
