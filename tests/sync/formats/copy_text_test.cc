#include "sync/formats/copy_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "storage/error.h"
#include "tests/sync/formats/captured_file.h"
#include "tests/sync/formats/protocol_error.h"

namespace rotv {
namespace {

using testing::ElementsAre;

std::string Escaped(std::string_view text) {
  std::string escaped;
  formats::AppendCopyEscaped(text, &escaped);
  return escaped;
}

std::string Unescaped(std::string_view field) {
  std::string scratch = "left over from the last call";
  return std::string(formats::UnescapeCopyField(field, &scratch));
}

std::vector<std::string_view> Fields(std::string_view line, size_t column_count) {
  std::vector<std::string_view> fields = {"left over"};
  formats::SplitCopyLine(line, column_count, &fields);
  return fields;
}

// Text in which special bytes are at every distance from each other and from the ends.
std::string RandomText(std::mt19937* random) {
  std::string text(std::uniform_int_distribution<size_t>(0, 70)(*random), 'x');
  for (char& byte : text) {
    switch ((*random)() % 8) {
      case 0:
        byte = "\b\f\n\r\t\v\\N."[(*random)() % 9];
        break;
      case 1:
        byte = static_cast<char>((*random)() % 255 + 1);
        break;
    }
  }
  return text;
}

TEST(CopyTextTest, EscapesEveryByteAsTheServerDoes) {
  std::string expected;
  for (int byte = 1; byte <= 255; ++byte) {
    formats::AppendCopyEscaped(std::string(1, static_cast<char>(byte)), &expected);
    expected += '\n';
  }
  EXPECT_EQ(expected, FromHex(ReadCaptured("copy_bytes.hex")));
}

TEST(CopyTextTest, EscapesEveryByteAtEveryPlaceOfAnyLength) {
  for (int byte = 1; byte <= 255; ++byte) {
    std::string alone = Escaped(std::string(1, static_cast<char>(byte)));
    for (size_t size = 1; size <= 20; ++size) {
      for (size_t place = 0; place < size; ++place) {
        std::string text(size, 'x');
        text[place] = static_cast<char>(byte);
        ASSERT_EQ(Escaped(text), std::string(place, 'x') + alone + std::string(size - place - 1, 'x'));
      }
    }
  }
}

TEST(CopyTextTest, AppendsAfterExistingText) {
  std::string out = "a\t";
  formats::AppendCopyEscaped("", &out);
  formats::AppendCopyEscaped("b\tc", &out);
  EXPECT_EQ(out, "a\tb\\tc");
}

TEST(CopyTextTest, DataThatLooksLikeAMarkerIsEscaped) {
  EXPECT_EQ(Escaped("\\N"), "\\\\N");
  EXPECT_EQ(Escaped("\\u"), "\\\\u");
  EXPECT_EQ(Escaped("\\."), "\\\\.");
}

TEST(CopyTextTest, UnescapingUndoesEscaping) {
  std::mt19937 random(1);
  for (int i = 0; i < 100'000; ++i) {
    std::string text = RandomText(&random);
    ASSERT_EQ(Unescaped(Escaped(text)), text);
  }
}

TEST(CopyTextTest, RowSurvivesBeingWrittenAndRead) {
  std::mt19937 random(2);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::string> values(random() % 6 + 1);
    std::string line;
    for (std::string& value : values) {
      value = RandomText(&random);
      if (&value != &values.front()) line += '\t';
      formats::AppendCopyEscaped(value, &line);
    }
    ASSERT_EQ(line.find('\n'), std::string::npos);
    std::vector<std::string_view> fields = Fields(line, values.size());
    for (size_t column = 0; column < values.size(); ++column) ASSERT_EQ(Unescaped(fields[column]), values[column]);
  }
}

TEST(CopyTextTest, FieldWithoutEscapesIsNotCopied) {
  std::string field = "plain \xc3\xa4";
  std::string scratch;
  EXPECT_EQ(formats::UnescapeCopyField(field, &scratch).data(), field.data());
}

TEST(CopyTextTest, LargeFieldsKeepEveryByte) {
  std::string text(5'000'000, 'a');
  text.front() = '\\';
  text[3'000'001] = '\n';
  text.back() = '\t';
  std::string escaped = Escaped(text);
  EXPECT_EQ(escaped.size(), text.size() + 3);
  EXPECT_EQ(Unescaped(escaped), text);
}

TEST(CopyTextTest, BackslashThatCopyNeverWritesIsAProtocolError) {
  for (std::string_view field : {"\\", "a\\", "\\\\\\", "\\N", "\\u", "\\.", "\\x41", "\\101", "\\0", "\\\t"}) {
    ExpectProtocolError([&] { Unescaped(field); });
  }
}

TEST(CopyTextTest, TruncatedFieldIsItsBeginningOrAProtocolError) {
  std::string text = "a\tb\\c\nd";
  std::string escaped = Escaped(text);
  for (size_t size = 0; size < escaped.size(); ++size) {
    std::vector<char> truncated(escaped.begin(), escaped.begin() + static_cast<ptrdiff_t>(size));
    std::string_view field(truncated.data(), truncated.size());
    bool within_escape = size > 0 && escaped[size - 1] == '\\' && (size < 2 || escaped[size - 2] != '\\');
    if (within_escape) {
      ExpectProtocolError([&] { Unescaped(field); });
    } else {
      EXPECT_TRUE(text.starts_with(Unescaped(field)));
    }
  }
}

TEST(CopyTextTest, LineSplitsIntoEscapedFields) {
  EXPECT_THAT(Fields("1\t\\N\ta\\tb\t", 4), ElementsAre("1", formats::kCopyNull, "a\\tb", ""));
  EXPECT_THAT(Fields("", 1), ElementsAre(""));
  EXPECT_THAT(Fields("\t", 2), ElementsAre("", ""));
}

TEST(CopyTextTest, TableWithoutColumnsHasEmptyLines) { EXPECT_TRUE(Fields("", 0).empty()); }

TEST(CopyTextTest, LineWithAnotherNumberOfFieldsIsAProtocolError) {
  for (size_t column_count : {0, 1, 3}) ExpectProtocolError([&] { Fields("a\tb", column_count); });
  ExpectProtocolError([] { Fields("a", 0); });
  ExpectProtocolError([] { Fields("", 2); });
  ExpectProtocolError([] { Fields("a\t", 1); });
}

TEST(CopyTextTest, LineCutShortOfAFieldIsAProtocolError) {
  std::string line = "1\ttwo\t\\N";
  for (size_t size = 0; size <= line.rfind('\t'); ++size) {
    ExpectProtocolError([&] { Fields(line.substr(0, size), 3); });
  }
}

TEST(CopyTextTest, TheFirstFieldsAreThoseOfTheWholeLine) {
  std::vector<std::string_view> fields;
  formats::FirstCopyFields("a\t\\N\t\tc", 2, &fields);
  EXPECT_EQ(fields, (std::vector<std::string_view>{"a", "\\N"}));
  formats::FirstCopyFields("a\t\\N\t\tc", 4, &fields);
  EXPECT_EQ(fields, (std::vector<std::string_view>{"a", "\\N", "", "c"}));
  formats::FirstCopyFields("", 1, &fields);
  EXPECT_EQ(fields, std::vector<std::string_view>{""});
  ExpectProtocolError([&] { formats::FirstCopyFields("a\tb", 3, &fields); });
}

}  // namespace
}  // namespace rotv
