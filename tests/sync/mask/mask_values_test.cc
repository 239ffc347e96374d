// No value of any type makes a rule loop, recurse without bound or grow: every rule is tried on every type that it
// takes, on the extreme values and on huge ones. A rule that hangs is ended by the alarm, together with the program.

#include "tests/support/random/mask_values.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "storage/error.h"
#include "sync/mask/calendar_days.h"
#include "sync/mask/letter_case.h"
#include "sync/mask/make_masker.h"
#include "sync/mask/permutation.h"
#include "sync/mask/value_test.h"

namespace rotv {
namespace {

using ::testing::HasSubstr;
using testing::MaskedType;
using ::testing::MatchesRegex;
using testing::PlainRule;

constexpr mask::MaskSecret kValuesSecret = {1, 2, 3, 4};
constexpr unsigned kHangGuardSeconds = 300;

class MaskValuesTest : public ::testing::Test {
 protected:
  MaskValuesTest() { alarm(kHangGuardSeconds); }
  ~MaskValuesTest() override { alarm(0); }
};

std::string MaskedBy(const mask::Masker& masker, const std::string& value) {
  std::string out;
  return masker.Append(value, &out) ? out : "NULL";
}
std::string MaskedBy(const MaskRule& rule, const mask::MaskColumn& column, const std::string& value) {
  return MaskedBy(*mask::MakeMasker(rule, column, kValuesSecret), value);
}

TEST_F(MaskValuesTest, EveryRuleEndsOnEveryValueAndDoesNotGrow) {
  // What takes time quadratic in the length takes minutes for one value of this one.
  constexpr size_t kLongText = size_t{1} << 18;
  for (const MaskedType& type : testing::MaskedTypes(kLongText)) {
    for (const MaskRule& rule : type.rules) {
      for (const mask::MaskColumn& column : type.columns) {
        SCOPED_TRACE(rule.name + " of " + column.type);
        const auto masker = mask::MakeMasker(rule, column, kValuesSecret);
        for (const std::string& value : type.values) {
          const std::string masked = MaskedBy(*masker, value);
          EXPECT_LE(masked.size(), value.size() * 2 + 64) << value.substr(0, 80);
        }
      }
    }
  }
}

TEST_F(MaskValuesTest, ExtremeDatesStayWithinTheirType) {
  struct End {
    const char* type;
    int64_t first, last;
    std::vector<const char*> values;
  };
  const int64_t least = mask::DaysOf(-4713, 11, 24);
  const End ends[] = {
      {"date",
       least,
       mask::DaysOf(5874897, 12, 31),
       {"4714-11-24 BC", "4713-01-01 BC", "4713-01-02 BC", "0001-01-01 BC", "0001-01-01", "5874897-12-31"}},
      {"timestamp",
       least,
       mask::DaysOf(294276, 12, 31),
       {"4714-11-24 00:00:00 BC", "4713-01-01 10:00:00 BC", "294276-12-31 23:59:59.999999"}},
      {"timestamptz",
       least,
       mask::DaysOf(294276, 12, 31),
       {"4714-11-24 00:00:00+00 BC", "0044-03-15 12:00:00.5+00 BC", "294276-12-31 23:59:59.999999+00"}},
  };
  for (const End& end : ends) {
    for (const int64_t by : {int64_t{2}, int64_t{365}, int64_t{1'000'000}, int64_t{1'000'000'000'000}}) {
      const auto masker = mask::MakeMasker(PlainRule(MaskKind::kDate, "date", by),
                                           {.name = "c", .type = end.type, .unique = true}, kValuesSecret);
      for (const std::string value : end.values) {
        const std::string masked = MaskedBy(*masker, value);
        SCOPED_TRACE(fmt::format("{} by {}: {} to {}", end.type, by, value, masked));
        const bool bc = masked.ends_with(" BC");
        const std::optional<int64_t> days = mask::DaysFrom(masked.substr(0, masked.find(' ')), bc);
        ASSERT_TRUE(days);
        EXPECT_GE(*days, end.first);
        EXPECT_LE(*days, end.last);
      }
    }
  }
}

TEST_F(MaskValuesTest, DaysOfTheFirstBlockArePermuted) {
  const auto masker =
      mask::MakeMasker(PlainRule(MaskKind::kDate, "date", 365), {.name = "c", .type = "date"}, kValuesSecret);
  std::set<std::string> masked;
  for (int64_t day = mask::DaysOf(-4713, 11, 24); day < mask::DaysOf(-4710, 1, 1); ++day) {
    int64_t year = 0, month = 0, of_month = 0;
    mask::DateOf(day, &year, &month, &of_month);
    const std::string value = fmt::format("{:04}-{:02}-{:02} BC", 1 - year, month, of_month);
    const std::string out = MaskedBy(*masker, value);
    EXPECT_NE(out, value);
    EXPECT_TRUE(masked.insert(out).second) << value;
  }
}

TEST_F(MaskValuesTest, ImpossibleValuesAreRefusedWithoutASearch) {
  const MaskRule date = PlainRule(MaskKind::kDate, "date");
  EXPECT_THROW(MaskedBy(date, {.name = "c", .type = "date"}, "4714-11-23 BC"), Error);
  EXPECT_THROW(MaskedBy(date, {.name = "c", .type = "date"}, "9999999-01-01"), Error);
  EXPECT_THROW(MaskedBy(date, {.name = "c", .type = "timestamp"}, "294277-01-01 00:00:00"), Error);
  const mask::Permutation permutation{mask::KeyedHash(kValuesSecret, "test")};
  for (const uint64_t size : {uint64_t{1}, uint64_t{100}, mask::Permutation::kLargest}) {
    EXPECT_THROW(permutation.Apply("x", size, size), Error);
    EXPECT_THROW(permutation.Apply("x", size, ~uint64_t{0}), Error);
  }
}

// numeric(p, s) with its greatest number, and numbers below and above it, of either sign.
TEST_F(MaskValuesTest, NumbersStayWithinTheirPrecision) {
  struct Shape {
    int precision, scale;
  };
  for (const Shape shape : {Shape{1, 0},
                            {2, 0},
                            {5, 2},
                            {2, 5},
                            {10, 10},
                            {18, 4},
                            {36, 0},
                            {38, 20},
                            {40, 38},
                            {3, 40},
                            {1000, 500},
                            {60, 20}}) {
    const auto masker = mask::MakeMasker(
        PlainRule(MaskKind::kNumber, "number", 7),
        {.name = "c", .type = "numeric", .precision = shape.precision, .scale = shape.scale, .unique = true},
        kValuesSecret);
    std::set<std::string> values, seen;
    for (const char digit : {'9', '1', '5', '0'}) {
      std::string digits(static_cast<size_t>(shape.precision), digit);
      if (digit == '0') digits.back() = '1';
      if (shape.scale >= shape.precision) digits.insert(0, static_cast<size_t>(shape.scale - shape.precision) + 1, '0');
      if (shape.scale > 0) digits.insert(digits.size() - static_cast<size_t>(shape.scale), 1, '.');
      for (const char* sign : {"", "-"}) {
        if (!values.insert(sign + digits).second) continue;
        const std::string out = MaskedBy(*masker, sign + digits);
        SCOPED_TRACE(fmt::format("numeric({},{}) {}{} to {}", shape.precision, shape.scale, sign, digits, out));
        EXPECT_TRUE(seen.insert(out).second);
        std::string kept_digits;
        for (const char c : out) {
          if (c >= '0' && c <= '9') kept_digits.push_back(c);
        }
        kept_digits.erase(0, std::min(kept_digits.find_first_not_of('0'), kept_digits.size()));
        EXPECT_LE(kept_digits.size(), static_cast<size_t>(shape.precision));
        const size_t point = out.find('.');
        EXPECT_EQ(point == std::string::npos ? 0 : out.size() - point - 1, static_cast<size_t>(shape.scale));
        EXPECT_FALSE(out.starts_with('-') && kept_digits.empty()) << "a negative zero";
      }
    }
  }
}

TEST_F(MaskValuesTest, LongFractionsGetAsMuchNoiseAsShortOnes) {
  const auto masker =
      mask::MakeMasker(PlainRule(MaskKind::kNumber, "number", 1000), {.name = "c", .type = "numeric"}, kValuesSecret);
  int far = 0;
  for (int i = 0; i < 100; ++i) {
    for (const size_t decimals : {20U, 40U, 400U}) {
      const std::string value = fmt::format("{}.{}", 50'000 + i, std::string(decimals, '3'));
      const std::string out = MaskedBy(*masker, value);
      EXPECT_EQ(out.size(), value.size());
      const double moved = std::abs(std::stod(out) - std::stod(value));
      EXPECT_LT(moved, 1000);
      far += moved > 10 ? 1 : 0;
      EXPECT_NE(out.substr(out.size() - 15), value.substr(value.size() - 15)) << "the fraction would reveal the value";
    }
  }
  EXPECT_GT(far, 250);
}

// Neighbours in the last place of fractions of any length, negative ones, and equal numbers that are written in two
// ways.
TEST_F(MaskValuesTest, NumericsOfAnyScaleStayUniqueByValue) {
  const auto masker = mask::MakeMasker(PlainRule(MaskKind::kNumber, "number", 2),
                                       {.name = "c", .type = "numeric", .unique = true}, kValuesSecret);
  std::set<std::string> values, masked;
  for (const char* sign : {"", "-"}) {
    for (int whole = 0; whole < 12; ++whole) {
      for (int fraction = 0; fraction < 100; ++fraction) {
        for (const size_t zeros : {0U, 20U, 40U}) {
          std::string value = fmt::format("{}{}.{}{:02}", sign, whole, std::string(zeros, '0'), fraction);
          std::string out = MaskedBy(*masker, value);
          EXPECT_EQ(value.size() - (value[0] == '-' ? 1 : 0) >= out.size() - (out[0] == '-' ? 1 : 0) - 1, true);
          for (std::string* text : {&value, &out}) {
            text->erase(text->find_last_not_of('0') + 1);
            if (text->back() == '.') text->pop_back();
            if (*text == "-0") *text = "0";
          }
          if (values.insert(value).second) {
            EXPECT_TRUE(masked.insert(out).second) << value << " " << out;
          } else {
            EXPECT_EQ(masked.count(out), 1U) << value;
          }
        }
      }
    }
  }
}

TEST_F(MaskValuesTest, FloatsTooLargeForTheNoiseStillChange) {
  for (const char* value : {"1.7976931348623157e+308", "-1.7976931348623157e+308", "1e+30"}) {
    const std::string out = MaskedBy(PlainRule(MaskKind::kNumber, "number"), {.name = "c", .type = "float8"}, value);
    EXPECT_NE(std::stod(out), std::stod(value));
    EXPECT_TRUE(std::isfinite(std::stod(out)));
  }
  const std::string single =
      MaskedBy(PlainRule(MaskKind::kNumber, "number"), {.name = "c", .type = "float4"}, "3.4028235e+38");
  EXPECT_NE(std::stof(single), 3.4028235e+38F);
}

std::string Nested(size_t depth, const std::string& open, const std::string& inner, const std::string& close) {
  std::string text;
  for (size_t i = 0; i < depth; ++i) text += open;
  text += inner;
  for (size_t i = 0; i < depth; ++i) text += close;
  return text;
}

MaskRule JsonRule(const std::vector<std::string>& paths, MaskKind kind = MaskKind::kConstant) {
  MaskRule rule = PlainRule(MaskKind::kJson, "json");
  for (const std::string& path : paths) {
    rule.paths.push_back({path, PlainRule(kind, kind == MaskKind::kConstant ? "constant" : "number")});
    rule.paths.back().rule.value = "x";
  }
  return rule;
}

TEST_F(MaskValuesTest, DocumentsOfAnyDepthAreMaskedInOnePass) {
  const mask::MaskColumn column{.name = "c", .type = "json"};
  // Each of these once took time exponential in the number of the path's steps, or in the depth.
  for (const size_t depth : {400U, 100'000U}) {
    for (const auto& paths : std::vector<std::vector<std::string>>{
             {"$..a"}, {"$..a..a..a..a..b"}, {"$..*..*..*..x"}, {"$..a", "$..a.a", "$..a[0]..a", "$.*.*..a"}}) {
      EXPECT_THAT(MaskedBy(JsonRule(paths), column, Nested(depth, R"({"a": )", R"("planted")", "}")),
                  ::testing::Not(HasSubstr("planted\"}}}}}}}}a")));
      const std::string arrays = Nested(depth, "[", R"({"a": "planted"})", "]");
      const std::string masked = MaskedBy(JsonRule(paths), column, arrays);
      EXPECT_EQ(masked.size() + (paths[0] == "$..a" ? 6 : 0), arrays.size()) << paths[0];
    }
  }
  const std::string wide = "[" + Nested(200'000, R"({"a": "planted"}, )", "0", "") + "]";
  EXPECT_THAT(MaskedBy(JsonRule({"$..a"}), column, wide), ::testing::Not(HasSubstr("planted")));
}

// The definition in its earlier form: it tries all ways.
bool Leads(const std::vector<std::string>& steps, size_t step, const std::vector<std::string>& at, size_t depth) {
  if (step == steps.size()) return true;
  if (depth == at.size()) return false;
  if (steps[step] == "**") return Leads(steps, step + 1, at, depth) || Leads(steps, step, at, depth + 1);
  return (steps[step] == "*" || steps[step] == at[depth]) && Leads(steps, step + 1, at, depth + 1);
}

TEST_F(MaskValuesTest, PathsMatchTheirDefinition) {
  std::mt19937 random(14);
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> steps, at;
    std::string path = "$";
    for (size_t i = 0; i < 1 + random() % 5; ++i) {
      if (random() % 3 == 0) {
        steps.emplace_back("**");
        path += ".";
      }
      steps.emplace_back(std::string(1, "ab*"[random() % 3]));
      path += "." + steps.back();
    }
    std::string open, close;
    for (size_t i = 0; i < random() % 7; ++i) {
      at.emplace_back(1, "abc"[random() % 3]);
      open += R"({")" + at.back() + R"(": )";
      close += "}";
    }
    const std::string masked = MaskedBy(JsonRule({path}), {.name = "c", .type = "json"}, open + R"("planted")" + close);
    EXPECT_EQ(masked.find("planted") == std::string::npos, Leads(steps, 0, at, 0)) << path << " in " << open;
  }
}

TEST_F(MaskValuesTest, OddDocumentsAreMaskedOrBecomeNull) {
  const mask::MaskColumn column{.name = "c", .type = "json"};
  const auto masked = [&](const std::string& document) { return MaskedBy(JsonRule({"$..a"}), column, document); };
  EXPECT_EQ(masked(R"({"a": "1", "a": "2", "b": 3})"), R"({"a": "x", "a": "x", "b": 3})");
  EXPECT_EQ(masked(R"({"a": 1e309})"), "null");
  EXPECT_EQ(masked("{\"b\": \"\xC3\"}"), "null");
  EXPECT_EQ(masked(Nested(100'000, "[", "", "")), "null");
  EXPECT_EQ(masked(R"({"b": -0.0, "c": )" + std::string(100'000, '9') + "}"), "null");
  EXPECT_EQ(masked(R"({"b": 0.)" + std::string(100'000, '9') + "}"), R"({"b": 0.)" + std::string(100'000, '9') + "}");
  const std::string moved = MaskedBy(JsonRule({"$..a"}, MaskKind::kNumber), column,
                                     R"({"a": [-0, 0.)" + std::string(100'000, '3') + ", 1E300]}");
  EXPECT_TRUE(nlohmann::json::accept(moved));
  EXPECT_THAT(moved.substr(0, 200), ::testing::Not(HasSubstr("3333333333333333")));
}

// Letters of alphabets, including the few without another case, digits and signs.
std::string AnyText(std::mt19937& random, size_t length) {
  static const char* const kCharacters[] = {"a", "A", "z", "M", "7", "-", " ", "é", "É",  "ß", "ñ", "Ñ", "ş", "Ş", "ı",
                                            "İ", "Ω", "ω", "ς", "ж", "Ж", "ạ", "Ạ", "漢", "א", "ə", "Ə", "ა", "☃"};
  std::string text;
  for (size_t i = 0; i < length; ++i) text += kCharacters[random() % std::size(kCharacters)];
  return text;
}

TEST_F(MaskValuesTest, WhereCaseIsIgnoredItChangesOnlyTheCaseOfTheResult) {
  std::mt19937 random(3);
  for (const MaskKind kind : {MaskKind::kText, MaskKind::kPhone}) {
    const auto masker =
        mask::MakeMasker(PlainRule(kind, "text"), {.name = "c", .type = "text", .ignores_case = true}, kValuesSecret);
    const auto exact = mask::MakeMasker(PlainRule(kind, "text"), {.name = "c", .type = "text"}, kValuesSecret);
    std::set<std::string> values, masked;
    for (int i = 0; i < 20'000; ++i) {
      const std::string value = AnyText(random, 1 + random() % 20);
      const std::string out = MaskedBy(*masker, value);
      for (const mask::Lowering lowering : {mask::Lowering::kAscii, mask::Lowering::kUnicode}) {
        const std::string lower = mask::LowerCase(value, lowering);
        ASSERT_EQ(mask::LowerCase(out, lowering), mask::LowerCase(MaskedBy(*masker, lower), lowering)) << value;
      }
      if (values.insert(mask::LowerCase(value, mask::Lowering::kUnicode)).second) {
        ASSERT_TRUE(masked.insert(mask::LowerCase(out, mask::Lowering::kUnicode)).second) << value << " " << out;
      }
    }
    // Joins with columns that do not ignore case work for values without capitals.
    EXPECT_EQ(MaskedBy(*masker, "anna-47"), MaskedBy(*exact, "anna-47"));
  }
}

TEST_F(MaskValuesTest, PathsOfTooManyStepsAreRefused) {
  std::string path = "$";
  for (int i = 0; i < 64; ++i) path += ".a";
  EXPECT_THROW(mask::MakeMasker(JsonRule({path}), {.name = "c", .type = "json"}, kValuesSecret), Error);
  EXPECT_NO_THROW(
      mask::MakeMasker(JsonRule({path.substr(0, path.size() - 2)}), {.name = "c", .type = "json"}, kValuesSecret));
}

TEST_F(MaskValuesTest, ConditionsEndOnEveryValue) {
  for (const MaskedType& type : testing::MaskedTypes()) {
    const std::string& name = type.columns.front().type;
    if (name == "json" || name == "jsonb") continue;
    const auto test =
        mask::MakeValueTest({.column = "c", .comparison = Comparison::kEqual, .value = type.values.front()}, name);
    EXPECT_TRUE(test->Holds(type.values.front())) << name;
    for (const std::string& value : type.values) test->Holds(value);
  }
}

// Stores hold the masked forms of these values, so the forms must never change: they are written down here.
TEST_F(MaskValuesTest, MaskedValuesDoNotChangeBetweenVersions) {
  const mask::MaskColumn text{.name = "c", .type = "text"};
  std::string all;
  for (const char* value :
       {"Anna-Lena Müller", "12 34", "x", "漢字 ABC", "\xE9t\xE9", "a long text of which all letters count"})
    all += MaskedBy(PlainRule(MaskKind::kText, "text"), text, value) + "|";
  for (const char* value : {"1", "-12.50", "99999999999999999999999999999999999999.5", "0"})
    all += MaskedBy(PlainRule(MaskKind::kNumber, "number"), {.name = "c", .type = "numeric"}, value) + "|";
  all += MaskedBy(PlainRule(MaskKind::kNumber, "number"), {.name = "c", .type = "int4"}, "-2147483648") + "|";
  all += MaskedBy(PlainRule(MaskKind::kDate, "date"), {.name = "c", .type = "date"}, "2026-01-31") + "|";
  all += MaskedBy(PlainRule(MaskKind::kEmail, "email"), {.name = "c", .type = "citext"}, "Anna@Home.example");
  EXPECT_EQ(all,
            "Wfhu-Rmwt XÒuqjt|77 07|a|潲孕 BQK|\xE8"
            "d\xE2|z ljbr lzkr zu qcttd hnk yubnazf djizr|68|-4.74|99999999999999999999999999999999999908.1|7|"
            "-2147483612|2025-11-08|bjorn.kaur.5gem4b84rbg5m@example.com");
}

}  // namespace
}  // namespace rotv
