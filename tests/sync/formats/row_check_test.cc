#include "sync/formats/row_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "storage/error.h"
#include "sync/formats/copy_text.h"

namespace rotv {
namespace {

using namespace std::string_literals;

bool Accepts(const std::function<void()>& check) {
  try {
    check();
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kProtocol);
    return false;
  }
}

bool AcceptsLine(std::string_view line, size_t columns, formats::TextEncoding encoding = formats::TextEncoding::kUtf8) {
  const formats::RowCheck check({.table = "t", .columns = columns, .encoding = encoding});
  return Accepts([&] { check.Line(line); });
}

TEST(RowCheckTest, LinesOfCopyAreAccepted) {
  for (const std::string& line :
       {""s, "a"s, "\\N"s, "abcdefgh"s, "abcdefghi"s, "\\\\."s, "\\\\N"s, "\\b\\f\\n\\r\\t\\v\\\\"s,
        "\x01\x07\x0e\x7f"s, "1234567\\\\"s, "1234567\\n"s, "\xc3\xa4\xf0\x9f\x98\x80"s}) {
    EXPECT_TRUE(AcceptsLine(line, 1)) << line;
  }
  EXPECT_TRUE(AcceptsLine("\\N\ta\t\\N\t\t\\N", 5));
  EXPECT_TRUE(AcceptsLine("\t\t\t\t\t\t\t\t\t\t", 11));
  EXPECT_TRUE(AcceptsLine("", 0));
}

TEST(RowCheckTest, LinesThatCopyNeverWritesAreRefused) {
  for (const std::string& bad : {"\n"s, "\r"s, "\b"s, "\f"s, "\v"s, "\0"s, "\\"s, "\\."s, "\\!"s, "\\x41"s, "\\101"s,
                                 "\\u"s, "\\Nx"s, "x\\N"s, "\\\\\\"s, "\\N\\N"s}) {
    // The bad bytes are at every place among bytes that are checked eight at a time.
    for (size_t before = 0; before < 20; ++before) {
      for (size_t after : {0, 1, 9}) {
        const std::string line = std::string(before, 'a') + bad + std::string(after, 'b');
        const bool is_letter = bad.ends_with('\\') && after != 0;  // "\b" is an escape.
        EXPECT_EQ(AcceptsLine(line, 1), is_letter) << before << ' ' << after << ' ' << bad;
      }
    }
  }
  EXPECT_FALSE(AcceptsLine("\\.", 1));
}

TEST(RowCheckTest, FieldsAreCounted) {
  for (size_t columns = 1; columns < 40; ++columns) {
    for (const char* field : {"", "a", "\\N", "abcdefghij"}) {
      std::string line = field;
      for (size_t i = 1; i < columns; ++i) line += "\t"s + field;
      EXPECT_TRUE(AcceptsLine(line, columns));
      EXPECT_FALSE(AcceptsLine(line, columns + 1));
      EXPECT_EQ(AcceptsLine(line, columns - 1), line.empty());  // A row of no columns.
    }
  }
}

TEST(RowCheckTest, AMessageIsOneLineWithItsLineEnd) {
  const formats::RowCheck check({.table = "t", .columns = 2});
  EXPECT_EQ(check.Message("a\tb\n"), "a\tb");
  for (const std::string& bad :
       {"a\tb"s, ""s, "\n"s, "a\tb\r\n"s, "a\tb\n\n"s, "a\tb\nc\td\n"s, "a\n"s, "a\tb\n\\.\n\\! touch MARK\n"s}) {
    EXPECT_FALSE(Accepts([&] { check.Message(bad); })) << bad;
  }
}

TEST(RowCheckTest, CharactersAreCheckedInTheirEncoding) {
  struct Case {
    const char* encoding;
    std::string good;
    std::vector<std::string> bad;
  };
  const Case cases[] = {
      {"UTF8",
       "a\xc3\xa4\xe2\x82\xac\xed\x9f\xbf\xf4\x8f\xbf\xbf",
       {"\x80", "\xc3", "\xc3\t", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x28\xa1", "\xf0\x9f\x98",
        "\xf0\x9f\x98\\"}},
      {"EUC_JP",
       "a\xa4\xa2\x8e\xb1\x8f\xb0\xa1",
       {"\xa4", "\xa4\\", "\xa4\x20", "\x8e\xa0", "\x8f\xb0", "\x80\xa1", "\xff\xa1"}},
      {"EUC_JIS_2004", "\xa4\xa2", {"\xa4\x27"}},
      {"EUC_KR", "\xb0\xa1", {"\xb0", "\xb0\\", "\xb0\xa0", "\x8e\xa1"}},
      {"EUC_CN", "\xb0\xa1", {"\xb0", "\xb0\x22"}},
      {"EUC_TW", "\xa4\xa4\x8e\xa2\xa1\xa1", {"\xa4", "\xa4\\", "\x8e\xa0\xa1\xa1", "\x8e\xa2\xa1", "\x8f\xa1\xa1"}},
      {"MULE_INTERNAL", "\x81\xe4\x92\xa4\xa2", {"\x81", "\x81\\", "\x92\xa4", "\x92\xa4\x27"}},
      {"LATIN1", "\x80\xff", {}},
      {"SQL_ASCII", "\xff\xfe", {}},
      {"WIN1252", "\x81", {}},
  };
  for (const Case& each : cases) {
    const formats::TextEncoding encoding = formats::EncodingNamed(each.encoding);
    EXPECT_TRUE(formats::IsEncoded(encoding, each.good)) << each.encoding;
    EXPECT_TRUE(formats::IsEncoded(encoding, "plain ASCII of some length")) << each.encoding;
    for (const std::string& bad : each.bad) {
      for (size_t before : {0, 1, 7, 8}) {
        EXPECT_FALSE(formats::IsEncoded(encoding, std::string(before, 'a') + bad))
            << each.encoding << ' ' << testing::PrintToString(bad);
        EXPECT_FALSE(formats::IsEncoded(encoding, each.good + bad + "a")) << each.encoding;
      }
    }
  }
  for (const char* client_only : {"SJIS", "BIG5", "GBK", "UHC", "GB18030", "JOHAB", "SHIFT_JIS_2004", ""}) {
    EXPECT_THROW(formats::EncodingNamed(client_only), Error) << client_only;
  }
}

// COPY could have written exactly the accepted lines: each is compared with the escaped form of its values.
TEST(RowCheckTest, ExactlyEscapedTextIsAccepted) {
  std::mt19937 random(7);
  const std::string bytes = "\n\r\t\\\b.Nnau!\xc3\xa4\x01"s;
  size_t accepted = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string text(random() % 12, 'x');
    for (char& byte : text) byte = bytes[random() % bytes.size()];
    std::string line;
    formats::AppendCopyEscaped(text, &line);
    ASSERT_EQ(AcceptsLine(line, 1), formats::IsEncoded(formats::TextEncoding::kUtf8, text))
        << testing::PrintToString(text);
    // The text is taken for a line.
    const auto columns = 1 + static_cast<size_t>(std::count(text.begin(), text.end(), '\t'));
    if (!AcceptsLine(text, columns, formats::TextEncoding::kOneByte)) continue;
    ++accepted;
    std::vector<std::string_view> fields;
    formats::SplitCopyLine(text, columns, &fields);
    std::string again, scratch;
    for (std::string_view field : fields) {
      if (field.data() != text.data()) again += '\t';
      if (field == formats::kCopyNull) {
        again += field;
      } else {
        formats::AppendCopyEscaped(formats::UnescapeCopyField(field, &scratch), &again);
      }
    }
    ASSERT_EQ(again, text);
  }
  EXPECT_GT(accepted, 1000u);
}

}  // namespace
}  // namespace rotv
