#include "cli/output/format.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cli/output/did_you_mean.h"
#include "cli/output/terminal.h"

namespace rotv {
namespace {

TEST(FormatTest, DurationsHaveAtMostTwoUnits) {
  EXPECT_EQ(output::HumanDuration(0), "<0.1 s");
  EXPECT_EQ(output::HumanDuration(0.44), "0.4 s");
  EXPECT_EQ(output::HumanDuration(12.4), "12 s");
  EXPECT_EQ(output::HumanDuration(59.6), "1 min 0 s");
  EXPECT_EQ(output::HumanDuration(200), "3 min 20 s");
  EXPECT_EQ(output::HumanDuration(7500), "2 h 5 min");
  EXPECT_EQ(output::HumanDuration(273600), "3 d 4 h");
}

TEST(FormatTest, SenselessDurationsAreHarmless) {
  EXPECT_EQ(output::HumanDuration(-5), "<0.1 s");
  EXPECT_EQ(output::HumanDuration(std::nan("")), "<0.1 s");
  EXPECT_EQ(output::HumanDuration(INFINITY), "for ever");
}

TEST(FormatTest, AgesAreInWords) {
  EXPECT_EQ(output::HumanAge(-100), "just now");
  EXPECT_EQ(output::HumanAge(4), "just now");
  EXPECT_EQ(output::HumanAge(45), "45 seconds ago");
  EXPECT_EQ(output::HumanAge(60), "1 minute ago");
  EXPECT_EQ(output::HumanAge(200), "3 minutes ago");
  EXPECT_EQ(output::HumanAge(3600), "1 hour ago");
  EXPECT_EQ(output::HumanAge(47 * 3600), "47 hours ago");
  EXPECT_EQ(output::HumanAge(9 * 86400), "9 days ago");
}

TEST(FormatTest, CountsHaveSeparators) {
  EXPECT_EQ(output::HumanCount(0), "0");
  EXPECT_EQ(output::HumanCount(999), "999");
  EXPECT_EQ(output::HumanCount(1000), "1,000");
  EXPECT_EQ(output::HumanCount(1234567), "1,234,567");
  EXPECT_EQ(output::Counted(1, "table", "tables"), "1 table");
  EXPECT_EQ(output::Counted(0, "table", "tables"), "0 tables");
  EXPECT_EQ(output::Counted(1200, "row", "rows"), "1,200 rows");
}

TEST(FormatTest, TimesAreUtc) {
  EXPECT_EQ(output::IsoTime(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(output::IsoTime(1'795'452'170'123'456), "2026-11-23T16:42:50.123456Z");
  EXPECT_EQ(output::HumanTime(1'795'452'170'999'999), "2026-11-23 16:42:50 UTC");
  EXPECT_EQ(output::IsoTime(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(output::IsoTime(1'709'164'800'000'000), "2024-02-29T00:00:00.000000Z");
}

TEST(TerminalTextTest, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(output::DisplayWidth("plain"), 5u);
  EXPECT_EQ(output::DisplayWidth("größe"), 5u);
  EXPECT_EQ(output::DisplayWidth("表"), 2u);
  EXPECT_EQ(output::DisplayWidth("e\u0301"), 1u);
  EXPECT_EQ(output::DisplayWidth("\u05e9\u05b4"), 1u);  // A Hebrew letter and its vowel.
  EXPECT_EQ(output::DisplayWidth("\U0001F680"), 2u);    // A rocket.
  EXPECT_EQ(output::DisplayWidth("\xff\xfe"), 2u);
  EXPECT_EQ(output::DisplayWidth("\xe2\x9c"), 2u);  // Cut in the middle.
}

TEST(TerminalTextTest, CuttingNeverSplitsACharacter) {
  output::TextStyle utf8{.utf8 = true};
  EXPECT_EQ(output::CutToWidth("größe", 5, utf8), "größe");
  EXPECT_EQ(output::CutToWidth("größe", 4, utf8), "grö…");
  EXPECT_EQ(output::CutToWidth("größe", 4, {}), "grö~");
  EXPECT_EQ(output::CutToWidth("表表表", 4, utf8), "表…");
  EXPECT_EQ(output::CutToWidth("abc", 0, utf8), "");
}

struct Steering {
  const char* what;
  std::string text;
  std::string shown;  // Between "a" and "b".
  std::string json;
};

// Characters of a name that move, hide or reorder the text around it; and characters that are allowed.
const Steering kSteering[] = {
    {"escape", "\x1b[2J", "?[2J", R"(\u001b[2J)"},
    {"bell", "\a", "?", R"(\u0007)"},
    {"delete", "\x7f", "?", R"(\u007f)"},
    {"C1: control sequence", "\u009b2J", "?2J", R"(\u009b2J)"},
    {"C1: operating system command", "\u009d0;title\u009c", "?0;title?", R"(\u009d0;title\u009c)"},
    {"C1 as a bare byte",
     "\x9b"
     "2J",
     "?2J", "?2J"},
    {"right to left", "\u202e", "?", R"(\u202e)"},
    {"embedding", "\u202a\u202b\u202c\u202d", "????", R"(\u202a\u202b\u202c\u202d)"},
    {"isolates", "\u2066\u2067\u2068\u2069", "????", R"(\u2066\u2067\u2068\u2069)"},
    {"marks of direction", "\u200e\u200f\u061c", "???", R"(\u200e\u200f\u061c)"},
    {"line and paragraph", "\u2028\u2029", "??", R"(\u2028\u2029)"},
    {"blanks of no width", "\u200b\u2060\ufeff", "???", R"(\u200b\u2060\ufeff)"},
    {"tags", "\U000e0041", "?", R"(\udb40\udc41)"},
    {"no UTF-8", "\xff\xc0\xaf\xed\xa0\x80", "??????", "??????"},
    {"cut UTF-8", "\xe2\x82", "??", "??"},
    {"letters", "ü中א👩‍👩", "ü中א👩‍👩", "ü中א👩‍👩"},
};

TEST(TerminalTextTest, ControlCharactersAreShownAsQuestionMarks) {
  for (const Steering& each : kSteering) {
    EXPECT_EQ(output::OneLine("a" + each.text + "b"), "a" + each.shown + "b") << each.what;
    EXPECT_EQ(output::TerminalText("a" + each.text + "b\n"), "a" + each.shown + "b\n") << each.what;
    EXPECT_EQ(output::TerminalJson("{\n\"a" + each.text + "b\"}"), "{\n\"a" + each.json + "b\"}") << each.what;
  }
}

TEST(TerminalTextTest, OurOwnColoursAndLineEndsStay) {
  for (const output::Colour colour :
       {output::Colour::kGreen, output::Colour::kYellow, output::Colour::kRed, output::Colour::kFaint}) {
    const std::string text = output::Coloured("x", colour, {.utf8 = true, .colour = true}) + "\t1\n  2\n";
    EXPECT_EQ(output::TerminalText(text), text);
  }
  EXPECT_EQ(output::TerminalText("\x1b[31;1mx\x1b[8mx\x1b[0"), "?[31;1mx?[8mx?[0");
}

TEST(TerminalTextTest, ASingleLineCannotControlATerminal) {
  EXPECT_EQ(output::OneLine("FATAL:  no\n  DETAIL: x\n"), "FATAL: no DETAIL: x");
  EXPECT_EQ(output::OneLine("a\x1b[2Jb"), "a?[2Jb");
}

TEST(TerminalTextTest, ColourIsUsedOnlyIfTheStyleHasIt) {
  EXPECT_EQ(output::Coloured("x", output::Colour::kRed, {}), "x");
  EXPECT_EQ(output::Coloured("x", output::Colour::kRed, {.colour = true}), "\x1b[31mx\x1b[0m");
}

TEST(TerminalTextTest, TheFirstSetLocaleVariableDecidesOnUtf8) {
  EXPECT_TRUE(output::StyleFor(-1, {{"LANG", "de_DE.UTF-8"}}).utf8);
  EXPECT_TRUE(output::StyleFor(-1, {{"LC_ALL", "C.utf8"}, {"LANG", "C"}}).utf8);
  EXPECT_FALSE(output::StyleFor(-1, {{"LC_ALL", "C"}, {"LANG", "de_DE.UTF-8"}}).utf8);
  EXPECT_FALSE(output::StyleFor(-1, {}).utf8);
}

TEST(DidYouMeanTest, OnlySimilarWordsAreSuggested) {
  std::vector<std::string> words = {"database", "container", "host"};
  EXPECT_EQ(output::NearestWord("databse", words), "database");
  EXPECT_EQ(output::NearestWord("hosts", words), "host");
  EXPECT_EQ(output::NearestWord("hsot", words), "host");  // Two letters that change places are one error.
  EXPECT_EQ(output::NearestWord("hots", {"hosts", "stoh"}), "hosts");
  EXPECT_EQ(output::NearestWord("port", words), "");
  EXPECT_EQ(output::NearestWord("", words), "");
  EXPECT_EQ(output::NearestWord(std::string(10000, 'x'), words), "");
  EXPECT_EQ(output::DidYouMean("zzz", words, "known are"), "known are: database, container, host");
}

}  // namespace
}  // namespace rotv
