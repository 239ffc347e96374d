#include "storage/row_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using namespace std::string_view_literals;
using testing::CodeOf;
using testing::IntegerKey;
using testing::TextKey;

std::vector<int64_t> Integers() {
  std::vector<int64_t> values = {INT64_MIN, INT64_MIN + 1, INT32_MIN, -65536, -256, -255,  -2,        -1,       0, 1,
                                 2,         127,           128,       255,    256,  65535, INT32_MAX, INT64_MAX};
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) values.push_back(static_cast<int64_t>(random()));
  return values;
}

// Short texts over few bytes, so that many are prefixes of others, with every text of 0x00, 0x01 and 0xFF among them.
std::vector<std::string> KeyTexts() {
  std::vector<std::string> texts = {""};
  const std::string alphabet(
      "\x00\x01\x02"
      "a\xFE\xFF",
      6);
  for (size_t from = 0, length = 1; length <= 3; ++length) {
    size_t end = texts.size();
    for (; from < end; ++from) {
      for (char byte : alphabet) texts.push_back(texts[from] + byte);
    }
  }
  return texts;
}

TEST(RowKeyTest, IntegersKeepTheirOrder) {
  std::vector<int64_t> values = Integers();
  for (int64_t a : values) {
    for (int64_t b : values) EXPECT_EQ(a < b, IntegerKey(a) < IntegerKey(b)) << a << " " << b;
  }
}

TEST(RowKeyTest, AnIntegerTakesEightBytes) {
  for (int64_t value : Integers()) EXPECT_EQ(IntegerKey(value).size(), 8u);
}

TEST(RowKeyTest, NonIntegersAreRefused) {
  std::string key;
  for (std::string_view text : {""sv, " 1"sv, "1 "sv, "+1"sv, "1.0"sv, "1e3"sv, "0x1"sv, "9223372036854775808"sv,
                                "-9223372036854775809"sv, "NaN"sv, "1\0"sv}) {
    EXPECT_EQ(CodeOf([&] { AppendIntegerKey(text, &key); }), ErrorCode::kProtocol) << text;
  }
}

TEST(RowKeyTest, TextsKeepTheOrderOfTheirBytes) {
  std::vector<std::string> texts = KeyTexts();
  std::vector<std::string> keys;
  std::sort(texts.begin(), texts.end());  // std::string compares as unsigned bytes.
  for (const std::string& text : texts) keys.push_back(TextKey(text));
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
}

TEST(RowKeyTest, NoTextKeyIsAPrefixOfAnother) {
  std::set<std::string> keys;
  for (const std::string& text : KeyTexts()) EXPECT_TRUE(keys.insert(TextKey(text)).second) << "two texts have one key";
  // In key order, a prefix comes right before a key that begins with it.
  for (auto key = keys.begin(), next = std::next(key); next != keys.end(); key = next++) {
    EXPECT_FALSE(next->starts_with(*key)) << ::testing::PrintToString(*key);
  }
}

TEST(RowKeyTest, KeysOfSeveralColumnsKeepTheOrderOfTheColumns) {
  std::vector<std::string> texts = KeyTexts();
  std::mt19937 random(2);
  auto pick = [&]() -> const std::string& { return texts[random() % texts.size()]; };
  for (int i = 0; i < 20000; ++i) {
    std::pair<std::string, std::string> a(pick(), pick()), b(pick(), pick());
    std::string key_a = TextKey(a.first) + TextKey(a.second), key_b = TextKey(b.first) + TextKey(b.second);
    ASSERT_EQ(a < b, key_a < key_b);
    ASSERT_EQ(a == b, key_a == key_b);
    ASSERT_TRUE(a == b || !key_b.starts_with(key_a));
  }
}

TEST(RowKeyTest, ColumnsOfAKeyAreReadBack) {
  for (const std::string& text : KeyTexts()) {
    std::string key = TextKey(text) + IntegerKey(-7) + TextKey("end");
    std::string_view left = key;
    EXPECT_EQ(TakeTextKey(&left), text);
    EXPECT_EQ(TakeIntegerKey(&left), -7);
    EXPECT_EQ(TakeTextKey(&left), "end");
    EXPECT_TRUE(left.empty());
  }
  for (int64_t value : Integers()) {
    std::string key = IntegerKey(value);
    std::string_view left = key;
    EXPECT_EQ(TakeIntegerKey(&left), value);
  }
}

TEST(RowKeyTest, MalformedKeysHaveNoColumns) {
  for (std::string_view key : {""sv, "a"sv, "a\0"sv, "\xFF"sv, "a\0\xFF"sv}) {
    EXPECT_EQ(CodeOf([&] {
                std::string_view left = key;
                TakeTextKey(&left);
              }),
              ErrorCode::kCorrupt);
    EXPECT_EQ(CodeOf([&] {
                std::string_view left = key;
                TakeIntegerKey(&left);
              }),
              ErrorCode::kCorrupt);
  }
}

TEST(RowKeyTest, EqualLinesShareAMultisetKeyAndDifferentLinesDoNot) {
  std::set<std::string> keys;
  for (const std::string& text : KeyTexts()) {
    std::string key, again;
    AppendMultisetKey(text, &key);
    AppendMultisetKey(text, &again);
    EXPECT_EQ(key.size(), 16u);
    EXPECT_EQ(key, again);
    keys.insert(key);
  }
  EXPECT_EQ(keys.size(), KeyTexts().size());
}

// A store written by one build is read by the next.
TEST(RowKeyTest, KeyBytesMatchTheFormatDocument) {
  EXPECT_EQ(IntegerKey(-2), "\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFE"sv);
  EXPECT_EQ(IntegerKey(258), "\x80\x00\x00\x00\x00\x00\x01\x02"sv);
  EXPECT_EQ(TextKey("a\0b"sv),
            "a\x00\xFF"
            "b\x00\x01"sv);
  std::string key;
  AppendMultisetKey("", &key);  // The published test vector of XXH3-128.
  EXPECT_EQ(key, "\x99\xAA\x06\xD3\x01\x47\x98\xD8\x60\x01\xC3\x24\x46\x8D\x49\x7F"sv);
}

TEST(RowKeyTest, BigEndianNumbersAreReadBack) {
  std::string bytes;
  AppendBigEndian32(0x01020304, &bytes);
  EXPECT_EQ(bytes, "\x01\x02\x03\x04"sv);
  bytes.clear();
  AppendBigEndian64(0x0102030405060708, &bytes);
  EXPECT_EQ(bytes, "\x01\x02\x03\x04\x05\x06\x07\x08"sv);
  EXPECT_EQ(ReadBigEndian64(bytes.data()), 0x0102030405060708u);
}

}  // namespace
}  // namespace rotv
