#include "storage/row_page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "storage/error.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using testing::IntegerKey;
using testing::TextKey;

struct PagedRow {
  std::string key;
  std::string line;
  friend bool operator==(const PagedRow&, const PagedRow&) = default;
};

std::string PagedKey(std::string_view row_key, TableId table = 1, uint64_t lsn = 99) {
  return EncodeVersionKey({.table = table, .epoch = 0, .row_key = row_key, .commit_lsn = Lsn(lsn)});
}

std::string PagedValue(const std::string& line, uint32_t shape = 1) {
  std::string value;
  AppendRowVersion({.kind = RowVersion::Kind::kRow, .shape = shape, .count = 1, .text = line}, &value);
  return value;
}

std::vector<PagedRow> RowsOf(const Page& page) {
  std::vector<PagedRow> rows;
  PageReader reader;
  for (reader.Open(page.key, page.value); !reader.AtEnd(); reader.Next()) {
    rows.push_back({.key = std::string(reader.key()), .line = std::string(reader.line())});
  }
  return rows;
}

// Random rows of one kind of key, in order.
std::vector<PagedRow> RandomRows(int kind, std::mt19937& random) {
  std::map<std::string, std::string> rows;
  for (int i = 0; i < 3000; ++i) {
    const auto number = static_cast<int64_t>(random()) % 100'000 - 50'000;
    const std::string digits = std::to_string(number);
    const std::string filler(random() % 80, static_cast<char>('a' + random() % 26));
    const std::string letters = digits + "-" + std::to_string(random() % 10);
    switch (kind) {
      case 0:
        rows[IntegerKey(number)] = digits + "\t" + filler;
        break;
      case 1:
        rows[TextKey(letters)] = filler + "\t" + letters + "\t\\N";
        break;
      case 2:  // The columns of the key in another order, and a value that COPY escapes.
        rows[TextKey(filler + "\\") + IntegerKey(number)] = digits + "\t" + filler + "\\\\";
        break;
      case 3:
        rows[IntegerKey(number % 10) + TextKey(letters)] = letters + "\t" + std::to_string(number % 10);
        break;
      default:  // Whatever it is, it is not in the line.
        rows[letters + '\x01'] = filler;
        break;
    }
  }
  std::vector<PagedRow> sorted;
  for (const auto& [key, line] : rows) sorted.push_back({.key = PagedKey(key), .line = line});
  return sorted;
}

TEST(RowPageTest, RowsOfAnyKeysAreReadAsTheyWereAdded) {
  std::mt19937 random(17);
  for (int kind = 0; kind < 5; ++kind) {
    const std::vector<PagedRow> rows = RandomRows(kind, random);
    PageBuffer buffer;
    for (const PagedRow& row : rows) buffer.Add(row.key, PagedValue(row.line));
    buffer.EndPage();
    EXPECT_TRUE(buffer.Singles().empty());
    EXPECT_GT(buffer.pages().size(), 2U);
    std::vector<PagedRow> read;
    for (const Page& page : buffer.pages()) {
      const std::vector<PagedRow> some = RowsOf(page);
      EXPECT_EQ(some.size(), RowsInPage(page.value));
      EXPECT_EQ(some.back().key, page.key);
      EXPECT_LT(page.value.size(), 40'000U);
      read.insert(read.end(), some.begin(), some.end());
    }
    EXPECT_TRUE(read == rows) << kind;
  }
}

TEST(RowPageTest, KeysThatAreColumnsAreNotStored) {
  PageBuffer derived, stored;
  for (int64_t id = 1000; id < 1100; ++id) {
    const std::string key = "key of " + std::to_string(id);
    derived.Add(PagedKey(TextKey(key)), PagedValue("x\t" + key));
    stored.Add(PagedKey(TextKey(key)), PagedValue("x\t" + key + "!"));
  }
  derived.EndPage();
  stored.EndPage();
  EXPECT_LT(derived.pages().at(0).value.size() + 300, stored.pages().at(0).value.size());
}

// The first row has one value in two columns, of which the later rows tell which is the key.
TEST(RowPageTest, AKeyThatIsGuessedWrongIsStored) {
  PageBuffer buffer;
  std::vector<PagedRow> rows;
  for (int64_t id = 1; id < 50; ++id) {
    rows.push_back({.key = PagedKey(IntegerKey(id)), .line = "1\t" + std::to_string(id)});
    buffer.Add(rows.back().key, PagedValue(rows.back().line));
  }
  buffer.EndPage();
  EXPECT_EQ(RowsOf(buffer.pages().at(0)), rows);
}

TEST(RowPageTest, APageHasOneTableOneShapeAndOneLsn) {
  PageBuffer buffer;
  buffer.Add(PagedKey(IntegerKey(1)), PagedValue("1"));
  buffer.Add(PagedKey(IntegerKey(2)), PagedValue("2", 2));
  buffer.Add(PagedKey(IntegerKey(3), 1, 55), PagedValue("3", 2));
  buffer.Add(PagedKey(IntegerKey(1), 2, 55), PagedValue("1", 2));
  buffer.EndPage();
  EXPECT_EQ(buffer.pages().size(), 4U);
}

TEST(RowPageTest, WhatFitsIntoNoPageIsKeptApart) {
  PageBuffer buffer;
  buffer.Add(PagedKey(IntegerKey(1)), PagedValue("1"));
  buffer.Add(PagedKey(IntegerKey(2)), PagedValue(std::string(100'000, 'x')));
  buffer.Add(PagedKey(IntegerKey(3)), PagedValue("two\nlines"));
  std::string value;
  AppendRowVersion({.kind = RowVersion::Kind::kRow, .shape = 1, .count = 2, .text = "4"}, &value);
  buffer.Add(PagedKey(IntegerKey(4)), value);
  value.clear();
  AppendRowVersion({.kind = RowVersion::Kind::kTombstone}, &value);
  buffer.Add(PagedKey(IntegerKey(5)), value);
  buffer.EndPage();
  ASSERT_EQ(buffer.pages().size(), 1U);
  EXPECT_EQ(RowsInPage(buffer.pages()[0].value), 1U);
  EXPECT_EQ(buffer.Singles().size(), 4U);
}

TEST(RowPageTest, TheBytesAreThoseOfTheFormatDocument) {
  PageBuffer buffer;
  buffer.Add(PagedKey(IntegerKey(257)), PagedValue("257\ta"));
  buffer.Add(PagedKey(IntegerKey(258)), PagedValue("258\tb"));
  buffer.EndPage();
  buffer.Add(PagedKey("no column"), PagedValue("c"));
  buffer.Add(PagedKey("no columns"), PagedValue("d"));
  buffer.EndPage();
  ASSERT_EQ(buffer.pages().size(), 2U);
  EXPECT_EQ(buffer.pages()[0].key, PagedKey(IntegerKey(258)));
  EXPECT_EQ(buffer.pages()[0].value, std::string("\x01\x02\x01\x01\x01"
                                                 "257\ta\n258\tb\n"));
  EXPECT_EQ(buffer.pages()[1].value, std::string("\x01\x02\x01", 3) + '\0' + "\x0E" + '\0' +
                                         "\x09no column"
                                         "\x09\x01s"
                                         "c\nd\n");
}

TEST(RowPageTest, ARowIsSought) {
  PageBuffer buffer;
  for (int64_t id = 0; id < 100; id += 2) buffer.Add(PagedKey(IntegerKey(id)), PagedValue(std::to_string(id)));
  buffer.EndPage();
  PageReader reader;
  reader.Open(buffer.pages()[0].key, buffer.pages()[0].value);
  for (const int64_t id : {0, 1, 17, 18, 18, 97, 98}) {
    reader.SeekForward(EncodeRowPrefix(1, 0, IntegerKey(id)));
    EXPECT_EQ(reader.line(), std::to_string((id + 1) / 2 * 2));
  }
  reader.SeekForward(EncodeRowPrefix(1, 0, IntegerKey(99)));
  EXPECT_TRUE(reader.AtEnd());
}

// Whatever the bytes are, reading them ends, with rows or with the error.
TEST(RowPageTest, DamageIsAnError) {
  std::mt19937 random(5);
  for (int kind : {0, 4}) {
    PageBuffer buffer;
    for (const PagedRow& row : RandomRows(kind, random)) buffer.Add(row.key, PagedValue(row.line));
    buffer.EndPage();
    const Page& whole = buffer.pages().at(0);
    int errors = 0;
    constexpr int kTries = 2000;
    for (int i = 0; i < kTries; ++i) {
      Page damaged = whole;
      const size_t at = random() % (i % 2 == 0 ? 64 : damaged.value.size());
      if (i % 5 == 0) {
        damaged.value.resize(at);
      } else {
        damaged.value[at] = static_cast<char>(random());
      }
      try {
        (void)RowsOf(damaged);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
        ++errors;
      }
    }
    EXPECT_GT(errors, kTries / 5);
  }
}

}  // namespace
}  // namespace rotv
