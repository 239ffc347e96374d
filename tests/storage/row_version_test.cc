#include "storage/row_version.h"

#include <gtest/gtest.h>

#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using namespace std::string_view_literals;
using testing::CodeOf;
using testing::IntegerKey;
using testing::TextKey;
using Kind = RowVersion::Kind;

std::string Encode(const RowVersion& version) {
  std::string bytes;
  AppendRowVersion(version, &bytes);
  return bytes;
}

std::string Filled(std::string partial, std::string_view older) {
  FillUnchanged(&partial, older);
  return partial;
}

TEST(RowVersionTest, AKeyIsReadBack) {
  std::string row_key = TextKey("a\0b"sv);
  std::string bytes = EncodeVersionKey({.table = 0xFFFFFFFF, .epoch = 7, .row_key = row_key, .commit_lsn = Lsn(99)});
  VersionKey key = DecodeVersionKey(bytes);
  EXPECT_EQ(key.table, 0xFFFFFFFFu);
  EXPECT_EQ(key.epoch, 7u);
  EXPECT_EQ(key.row_key, row_key);
  EXPECT_EQ(key.commit_lsn, Lsn(99));
}

TEST(RowVersionTest, AKeyBeginsWithItsRowsPrefixAndEndsWithTheLsn) {
  std::string bytes = EncodeVersionKey({.table = 1, .epoch = 2, .row_key = "key", .commit_lsn = Lsn(3)});
  EXPECT_EQ(bytes.substr(0, bytes.size() - kLsnSuffixSize), EncodeRowPrefix(1, 2, "key"));
  EXPECT_EQ(EncodeRowPrefix(1, 2, "").size(), kTablePrefixSize);
}

TEST(RowVersionTest, KeysSortByTableEpochRowAndThenNewestFirst) {
  std::vector<std::string> keys;
  for (TableId table : {1u, 256u}) {
    for (EpochNumber epoch : {0u, 1u, 300u}) {
      for (int64_t id : {-1, 0, 1, 256}) {
        for (uint64_t lsn : {UINT64_MAX, uint64_t{1} << 40, uint64_t{256}, uint64_t{255}, uint64_t{0}}) {
          keys.push_back(EncodeVersionKey({table, epoch, IntegerKey(id), Lsn(lsn)}));
        }
      }
    }
  }
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
}

TEST(RowVersionTest, AKeyThatIsTooShortIsCorrupt) {
  std::string bytes = EncodeVersionKey({.table = 1, .epoch = 2, .row_key = "", .commit_lsn = Lsn(3)});
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(CodeOf([&] { DecodeVersionKey(std::string_view(bytes).substr(0, size)); }), ErrorCode::kCorrupt);
  }
}

TEST(RowVersionTest, AVersionIsReadBack) {
  for (Kind kind : {Kind::kRow, Kind::kPartial}) {
    for (uint32_t number : {0u, 1u, 127u, 128u, 16383u, 16384u, 0x0FFFFFFFu, 0x10000000u, 0xFFFFFFFFu}) {
      for (std::string_view text : {""sv, "1\ta"sv, "\0\xFF"sv}) {
        std::string bytes = Encode({.kind = kind, .shape = number, .count = ~number, .text = text});
        RowVersion version = DecodeRowVersion(bytes);
        EXPECT_EQ(version.kind, kind);
        EXPECT_EQ(version.shape, number);
        EXPECT_EQ(version.count, ~number);
        EXPECT_EQ(version.text, text);
      }
    }
  }
}

TEST(RowVersionTest, ATombstoneIsOneByte) {
  std::string bytes = Encode({.kind = Kind::kTombstone, .shape = 5, .count = 6, .text = "ignored"});
  EXPECT_EQ(bytes, "T");
  EXPECT_EQ(DecodeRowVersion(bytes).kind, Kind::kTombstone);
}

TEST(RowVersionTest, EveryTruncationOfTheHeaderIsCorrupt) {
  std::string bytes = Encode({.kind = Kind::kRow, .shape = 0xFFFFFFFF, .count = 300, .text = ""});
  ASSERT_EQ(bytes.size(), 8u);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(CodeOf([&] { DecodeRowVersion(std::string_view(bytes).substr(0, size)); }), ErrorCode::kCorrupt) << size;
  }
}

TEST(RowVersionTest, MalformedVersionsAreCorrupt) {
  for (std::string_view bytes : {"T1"sv, "X\1\1a"sv, "\0\1\1"sv, "r\1\1"sv, "R\xFF\xFF\xFF\xFF\xFF\xFF\1"sv}) {
    EXPECT_EQ(CodeOf([&] { DecodeRowVersion(bytes); }), ErrorCode::kCorrupt);
  }
}

TEST(RowVersionTest, UnchangedFieldsComeFromTheOlderLine) {
  EXPECT_EQ(Filled("1\t\\u\t3", "a\tb\tc"), "1\tb\t3");
  EXPECT_EQ(Filled("\\u\t\\u", "a\t"), "a\t");
  EXPECT_EQ(Filled("\\u", ""), "");
  EXPECT_EQ(Filled("1\t2", "a\tb"), "1\t2");
  EXPECT_EQ(Filled("\\u\t\\N", "\\N\tx"), "\\N\t\\N");
}

TEST(RowVersionTest, TextThatLooksLikeAnUnchangedFieldIsKept) {
  EXPECT_EQ(Filled("\\\\u\t\\u", "a\t\\\\u"), "\\\\u\t\\\\u");
  EXPECT_EQ(Filled("\\ux\t\\u", "a\tb"), "\\ux\tb");
}

TEST(RowVersionTest, ALineIsCompleteOnceNoFieldIsUnchanged) {
  std::string line = "1\t\\u\t\\u";
  EXPECT_FALSE(FillUnchanged(&line, "0\tb\t\\u"));
  EXPECT_EQ(line, "1\tb\t\\u");
  EXPECT_TRUE(FillUnchanged(&line, "9\t9\tc"));
  EXPECT_EQ(line, "1\tb\tc");
}

TEST(RowVersionTest, LinesOfDifferentLengthAreCorrupt) {
  for (auto [partial, older] : {std::pair("1\t\\u", "a"), std::pair("\\u", "a\tb"), std::pair("1\t2\t\\u", "a\tb")}) {
    std::string line = partial;
    EXPECT_EQ(CodeOf([&, older = older] { FillUnchanged(&line, older); }), ErrorCode::kCorrupt) << partial;
  }
}

}  // namespace
}  // namespace rotv
