// Tests every masking rule as a property over generated values: the result is the same each time, differs under another
// secret, fits the column, is unique where it must be, and never equals the input.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "storage/error.h"
#include "sync/mask/make_masker.h"
#include "sync/mask/permutation.h"

namespace rotv {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr int kLookedAt = 300;  // Values whose form is compared, which takes most of the time.
constexpr mask::MaskSecret kSecret = {1, 2, 3, 4};
constexpr mask::MaskSecret kOther = {1, 2, 3, 5};

MaskRule Rule(MaskKind kind, const std::string& name) {
  return {.kind = kind, .name = name, .pattern = "public.t.c", .parts = {"public", "t", "c"}, .by = 100};
}

std::string Masked(const mask::Masker& masker, const std::string& value) {
  std::string out;
  return masker.Append(value, &out) ? out : "NULL";
}
std::string Masked(const MaskRule& rule, const mask::MaskColumn& column, const std::string& value) {
  return Masked(*mask::MakeMasker(rule, column, kSecret), value);
}

// Values that a column of this type may have.
class Values {
 public:
  explicit Values(const std::string& type) : type_(type) {}

  std::string Next() {
    if (type_ == "uuid") return Shape("hhhhhhhh-hhhh-4hhh-ahhh-hhhhhhhhhhhh");
    if (type_ == "inet") return fmt::format("{}.{}.{}.{}", Below(256), Below(256), Below(256), Below(256));
    if (type_ == "cidr") return fmt::format("{}.{}.0.0/16", Below(256), Below(256));
    if (type_ == "int2") return std::to_string(static_cast<int>(Below(65536)) - 32768);
    if (type_ == "int4") return std::to_string(static_cast<int32_t>(random_()));
    if (type_ == "int8") return std::to_string(static_cast<int64_t>(random_()));
    if (type_ == "numeric") return fmt::format("{}{}.{:02}", Below(2) == 0 ? "-" : "", Below(100'000), Below(100));
    if (type_ == "float8") return fmt::format("{}", static_cast<double>(random_()) / 1e9);
    if (type_ == "date") return fmt::format("{:04}-{:02}-{:02}", 1900 + Below(200), 1 + Below(12), 1 + Below(28));
    if (type_ == "timestamptz") {
      return fmt::format("{:04}-{:02}-{:02} 10:{:02}:00.{:06}+00", 1 + Below(3000), 1 + Below(12), 1 + Below(28),
                         Below(60), 1 + Below(999'998));
    }
    if (type_ == "bytea") return "\\x" + Shape("hhhhhhhhhh");
    if (type_ == "jsonb") return fmt::format(R"({{"email": "{}", "n": {}}})", Shape("llll@ll.ll"), Below(1'000'000));
    static const char* const kShapes[] = {"llllll",
                                          "Lllll Llllllll",
                                          "+dd ddd ddddddd",
                                          "lll.llll@llll.ll",
                                          "dd",
                                          "ü-llß-漢L",
                                          "llllllllllllllllllllllll llllllllll"};
    return Shape(kShapes[Below(std::size(kShapes))]);
  }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  std::string Shape(const std::string& shape) {
    std::string text;
    for (char c : shape) {
      switch (c) {
        case 'l':
          text.push_back(static_cast<char>('a' + Below(26)));
          break;
        case 'L':
          text.push_back(static_cast<char>('A' + Below(26)));
          break;
        case 'd':
          text.push_back(static_cast<char>('0' + Below(10)));
          break;
        case 'h':
          text.push_back("0123456789abcdef"[Below(16)]);
          break;
        default:
          text.push_back(c);
      }
    }
    return text;
  }

  const std::string type_;
  std::mt19937_64 random_{20261127};
};

struct Case {
  MaskRule rule;
  std::string type;
  std::string looks_like;  // POSIX regular expression for the masked values.
  bool unique = true;      // True if the rule can mask a unique column.
};

std::vector<Case> Cases() {
  const std::string date = "-?[0-9]{4}-[01][0-9]-[0-3][0-9]";
  return {
      {Rule(MaskKind::kEmail, "email"), "text", "[a-z]+[.][a-z]+[.][a-z0-9]{13}@example[.]com"},
      {Rule(MaskKind::kName, "name"), "text", "[A-Z][a-z]+ [A-Z][a-z]+( [a-z0-9]{13})?"},
      {Rule(MaskKind::kFirstName, "first_name"), "varchar", "[A-Z][a-z]+( [a-z0-9]{13})?"},
      {Rule(MaskKind::kLastName, "last_name"), "text", "[A-Z][a-z]+( [a-z0-9]{13})?"},
      {Rule(MaskKind::kAddress, "address"), "text", "[0-9]{1,3} [A-Z][a-z]+ [A-Z][a-z]+( [a-z0-9]{13})?"},
      {Rule(MaskKind::kPhone, "phone"), "text", ".*"},
      {Rule(MaskKind::kText, "text"), "text", ".*"},
      {Rule(MaskKind::kUrl, "url"), "text", "https://example[.]com/[a-z0-9]{13}"},
      {Rule(MaskKind::kUuid, "uuid"), "uuid", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"},
      {Rule(MaskKind::kHash, "hash"), "text", "[0-9a-f]{32}"},
      {Rule(MaskKind::kHash, "hash"), "bytea", "\\\\x[0-9a-f]{64}"},
      {Rule(MaskKind::kIp, "ip"), "inet", "(10[.][0-9.]+|fd[0-9a-f:]+)"},
      {Rule(MaskKind::kIp, "ip"), "cidr", "(10[.][0-9]+[.]0[.]0/16|fd[0-9a-f:]+)"},
      {Rule(MaskKind::kNumber, "number"), "int2", "-?[0-9]{1,5}"},
      {Rule(MaskKind::kNumber, "number"), "int4", "-?[0-9]{1,10}"},
      {Rule(MaskKind::kNumber, "number"), "int8", "-?[0-9]{1,19}"},
      {Rule(MaskKind::kNumber, "number"), "numeric", "-?[0-9]+[.][0-9]{2}"},
      {Rule(MaskKind::kNumber, "number"), "float8", "-?[0-9.e+-]+", false},
      {Rule(MaskKind::kDate, "date"), "date", date},
      {Rule(MaskKind::kDate, "date"), "timestamptz", date + " 10:[0-9]{2}:00[.][0-9]{6}[+]00( BC)?"},
  };
}

TEST(MaskerTest, EveryRuleIsDeterministicKeyedAndFitsAndNeverKeepsAValue) {
  for (const Case& test : Cases()) {
    SCOPED_TRACE(test.rule.name + " of " + test.type);
    const mask::MaskColumn column{.name = "c", .type = test.type};
    const auto masker = mask::MakeMasker(test.rule, column, kSecret);
    const auto again = mask::MakeMasker(test.rule, column, kSecret);
    const auto other = mask::MakeMasker(test.rule, column, kOther);
    Values values(test.type);
    int differ = 0;
    for (int i = 0; i < 3000; ++i) {
      const std::string value = values.Next();
      const std::string masked = Masked(*masker, value);
      ASSERT_NE(masked, value);
      ASSERT_EQ(masked, Masked(*again, value));
      if (i < kLookedAt) {
        ASSERT_THAT(masked, MatchesRegex(test.looks_like)) << value;
      }
      differ += masked != Masked(*other, value);
    }
    EXPECT_GT(differ, 2900);
  }
}

TEST(MaskerTest, UniqueColumnsStayUnique) {
  for (const Case& test : Cases()) {
    SCOPED_TRACE(test.rule.name + " of " + test.type);
    const mask::MaskColumn column{.name = "c", .type = test.type, .unique = true};
    if (!test.unique) {
      EXPECT_THROW(mask::MakeMasker(test.rule, column, kSecret), Error);
      continue;
    }
    const auto masker = mask::MakeMasker(test.rule, column, kSecret);
    Values values(test.type);
    std::set<std::string> seen, masked;
    for (int i = 0; i < 10'000; ++i) {
      const std::string value = values.Next();
      if (!seen.insert(value).second) continue;
      const std::string out = Masked(*masker, value);
      if (i < kLookedAt) {
        ASSERT_THAT(out, MatchesRegex(test.looks_like)) << value;
      }
      ASSERT_TRUE(masked.insert(out).second) << out;
    }
  }
}

TEST(MaskerTest, ASmallDomainIsPermutedWithoutFixedPoints) {
  // All texts of one digit, of two letters, of one letter with an accent; all values of a block of numbers and days.
  const auto text = mask::MakeMasker(Rule(MaskKind::kText, "text"), {.name = "c", .type = "text"}, kSecret);
  for (const std::string last : {"", "a", "-z"}) {
    std::set<std::string> masked;
    for (char c = '0'; c <= '9'; ++c) {
      const std::string value = c + last, out = Masked(*text, value);
      EXPECT_NE(out, value);
      EXPECT_EQ(out.size(), value.size());
      masked.insert(out);
    }
    EXPECT_TRUE(!last.empty() || masked.size() == 10U);
  }
  std::set<std::string> pairs;
  for (char a = 'a'; a <= 'z'; ++a) {
    for (char b = 'A'; b <= 'Z'; ++b) {
      const std::string value{a, b};
      const std::string out = Masked(*text, value);
      EXPECT_NE(out, value);
      EXPECT_THAT(out, MatchesRegex("[a-z][A-Z]"));
      pairs.insert(out);
    }
  }
  EXPECT_EQ(pairs.size(), 26U * 26U);
  MaskRule by = Rule(MaskKind::kNumber, "number");
  for (int64_t block : {2, 3, 7, 100}) {
    by.by = block;
    const auto number = mask::MakeMasker(by, {.name = "c", .type = "int2", .unique = true}, kSecret);
    std::set<std::string> all;
    for (int value = INT16_MIN; value <= INT16_MAX; ++value) {
      const std::string out = Masked(*number, std::to_string(value));
      const int moved = std::stoi(out);
      EXPECT_EQ(out, std::to_string(moved));
      EXPECT_LT(std::abs(moved - value), block);
      EXPECT_GE(moved, INT16_MIN);
      EXPECT_LE(moved, INT16_MAX);
      all.insert(out);
    }
    EXPECT_EQ(all.size(), 65536U) << block;
  }
}

TEST(MaskerTest, NumbersAndDatesStayNear) {
  MaskRule number = Rule(MaskKind::kNumber, "number");
  number.by = 10;
  const mask::MaskColumn numeric{.name = "c", .type = "numeric", .precision = 8, .scale = 3};
  const auto masker = mask::MakeMasker(number, numeric, kSecret);
  for (const char* value : {"0.000", "-0.001", "99999.999", "-99999.999", "5.500", "12345.678"}) {
    const std::string out = Masked(*masker, value);
    EXPECT_LT(std::abs(std::stod(out) - std::stod(value)), 10) << value << " " << out;
    EXPECT_NE(out, value);
    EXPECT_LE(std::abs(std::stod(out)), 99999.999);
    EXPECT_THAT(out, MatchesRegex("-?[0-9]+[.][0-9]{3}"));
  }
  const mask::MaskColumn any{.name = "c", .type = "numeric"};
  const std::string huge = "123456789012345678901234567890123456789012345678901234567890.5";
  EXPECT_EQ(Masked(number, any, huge).size(), huge.size());
  EXPECT_NE(Masked(number, any, huge), huge);
  EXPECT_EQ(Masked(number, any, "NaN"), "NaN");

  MaskRule date = Rule(MaskKind::kDate, "date");
  date.by = 30;
  const mask::MaskColumn days{.name = "c", .type = "date"};
  EXPECT_EQ(Masked(date, days, "infinity"), "infinity");
  EXPECT_THAT(Masked(date, days, "2026-01-31"), MatchesRegex("202[56]-(12|01|02|03)-[0-9]{2}"));
  EXPECT_THAT(Masked(date, days, "0044-03-15 BC"), MatchesRegex("0044-0[2-4]-[0-9]{2} BC"));
  EXPECT_THAT(Masked(date, days, "5874897-12-31"), MatchesRegex("5874897-1[12]-[0-9]{2}"));
  EXPECT_THAT(Masked(date, {.name = "c", .type = "timestamp"}, "2024-02-29 23:59:59.5"),
              MatchesRegex("2024-0[1-4]-[0-9]{2} 23:59:59[.]5"));
  for (const char* broken : {"", "2026", "2026-13-01", "x"}) EXPECT_THROW(Masked(date, days, broken), Error) << broken;
  EXPECT_THROW(Masked(number, any, "1e5"), Error);
}

TEST(MaskerTest, LengthsFitTheColumn) {
  const mask::MaskColumn narrow{.name = "c", .type = "varchar", .limit = 25};
  EXPECT_THAT(Masked(Rule(MaskKind::kEmail, "email"), narrow, "somebody@home.example"),
              MatchesRegex("[a-z0-9]{13}@example[.]com"));
  const mask::MaskColumn tiny{.name = "c", .type = "varchar", .limit = 9};
  for (const auto& rule : {Rule(MaskKind::kEmail, "email"), Rule(MaskKind::kName, "name"), Rule(MaskKind::kUrl, "url"),
                           Rule(MaskKind::kHash, "hash"), Rule(MaskKind::kAddress, "address")}) {
    EXPECT_THROW(mask::MakeMasker(rule, tiny, kSecret), Error) << rule.name;
  }
  EXPECT_EQ(Masked(Rule(MaskKind::kText, "text"), tiny, "Österrei7").size(), std::string("Österrei7").size());
  MaskRule hash = Rule(MaskKind::kHash, "hash");
  hash.length = 9;
  EXPECT_EQ(Masked(hash, tiny, "x").size(), 9U);
  EXPECT_THROW(mask::MakeMasker(hash, {.name = "c", .type = "text", .unique = true}, kSecret), Error);
  const mask::MaskColumn padded{.name = "c", .type = "bpchar", .limit = 12};
  EXPECT_EQ(Masked(Rule(MaskKind::kFirstName, "first_name"), padded, "Somebody    ").size(), 12U);
}

TEST(MaskerTest, RulesThatDoNotFitAreRefused) {
  struct Bad {
    MaskRule rule;
    mask::MaskColumn column;
    std::string expected;
  };
  const auto column = [](const std::string& type) { return mask::MaskColumn{.name = "c", .type = type}; };
  std::vector<Bad> all = {{Rule(MaskKind::kEmail, "email"), column("int4"), "cannot mask a column of type int4"},
                          {Rule(MaskKind::kText, "text"), column("_text"), "cannot mask a column of type _text"},
                          {Rule(MaskKind::kNumber, "number"), column("text"), "cannot mask"},
                          {Rule(MaskKind::kDate, "date"), column("time"), "cannot mask"},
                          {Rule(MaskKind::kJson, "json"), column("text"), "cannot mask"},
                          {Rule(MaskKind::kNull, "null"), column("text"), "takes no NULL"},
                          {Rule(MaskKind::kConstant, "constant"), column("text"), "would not keep the column unique"},
                          {Rule(MaskKind::kText, "text"), column("text"), "generated"},
                          {Rule(MaskKind::kText, "text"), column("text"), "which partition"}};
  all[5].column.not_null = true;
  all[6].column.unique = true;
  all[7].column.generated = true;
  all[8].column.partition_key = true;
  for (const Bad& bad : all) {
    try {
      mask::MakeMasker(bad.rule, bad.column, kSecret);
      ADD_FAILURE() << bad.expected;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      EXPECT_THAT(error.what(), HasSubstr(bad.expected));
      EXPECT_THAT(error.what(), HasSubstr("public.t.c"));
    }
  }
}

TEST(MaskerTest, EqualTextsOfACaseInsensitiveTypeStayEqual) {
  const MaskRule email = Rule(MaskKind::kEmail, "email");
  const mask::MaskColumn citext{.name = "c", .type = "citext", .unique = true}, text{.name = "c", .type = "text"};
  EXPECT_EQ(Masked(email, citext, "Me@Home.example"), Masked(email, citext, "me@home.example"));
  EXPECT_NE(Masked(email, text, "Me@Home.example"), Masked(email, text, "me@home.example"));
}

TEST(MaskerTest, BlanksAtTheEndOfCharDoNotCount) {
  const mask::MaskColumn any{.name = "c", .type = "bpchar"}, six{.name = "c", .type = "bpchar", .limit = 6};
  for (const MaskRule& rule : {Rule(MaskKind::kText, "text"), Rule(MaskKind::kFirstName, "first_name")}) {
    EXPECT_EQ(Masked(rule, any, "ab  "), Masked(rule, any, "ab"));
    EXPECT_EQ(mask::RevisionOf(rule, "bpchar"), 1u) << "a former version counted them";
    EXPECT_EQ(mask::RevisionOf(rule, "text"), 0u);
  }
  const MaskRule text = Rule(MaskKind::kText, "text");
  EXPECT_EQ(Masked(text, six, "ab    "), Masked(text, any, "ab") + "    ");
  EXPECT_EQ(Masked(text, six, "      "), "      ");
  EXPECT_EQ(mask::RevisionOf(Rule(MaskKind::kConstant, "constant"), "bpchar"), 0u);
}

// Numbers of a narrower type stay within it, and have the same neighbours in both types.
TEST(MaskerTest, WholeNumbersOfTwoWidthsAreMaskedAlike) {
  MaskRule rule = Rule(MaskKind::kNumber, "number");
  for (const int64_t by : {int64_t{100}, int64_t{1'000'000'000'000}}) {
    rule.by = by;
    const mask::MaskColumn narrow{.name = "c", .type = "int4", .unique = true};
    const mask::MaskColumn wide{.name = "c", .type = "int8", .unique = true, .narrowest = "int4"};
    std::set<std::string> masked;
    for (const int64_t end : {int64_t{INT32_MIN}, int64_t{-50}, int64_t{INT32_MAX}}) {
      for (int64_t number = end - 100; number <= end + 100; ++number) {
        const std::string value = std::to_string(number), out = Masked(rule, wide, value);
        EXPECT_TRUE(masked.insert(out).second) << value;
        const bool fits = number >= INT32_MIN && number <= INT32_MAX;
        const int64_t moved = std::stoll(out);
        EXPECT_EQ(moved >= INT32_MIN && moved <= INT32_MAX, fits) << value;
        EXPECT_TRUE(!fits || Masked(rule, narrow, value) == out) << value;
      }
    }
  }
}

TEST(MaskerTest, OnlyPathsOfTheRuleAreMaskedInADocument) {
  MaskRule rule = Rule(MaskKind::kJson, "json");
  rule.paths = {{"$.user.email", Rule(MaskKind::kEmail, "email")},
                {"$.orders[*].phone", Rule(MaskKind::kText, "text")},
                {"$..secret", Rule(MaskKind::kNull, "null")},
                {"$.*.age", Rule(MaskKind::kNumber, "number")},
                {"$.list[1]", Rule(MaskKind::kConstant, "constant")}};
  rule.paths.back().rule.value = "x";
  const mask::MaskColumn column{.name = "c", .type = "jsonb"};
  const std::string masked = Masked(
      rule, column,
      R"({"user": {"email": "a@b.cc", "age": 41, "name": "N\u00fc\n"}, "orders": [{"phone": "12 34", "secret": [1, {"a": "b"}]},)"
      R"( {"phone": 5678}], "list": ["a", "b", "c"], "n": 1.10, "big": 123456789012345678901234567890, "e": 1e300, "t": true})");
  const auto document = nlohmann::json::parse(masked);
  EXPECT_THAT(document.at("user").at("email").get<std::string>(), HasSubstr("@example.com"));
  EXPECT_NE(document.at("user").at("age"), 41);
  EXPECT_EQ(document.at("user").at("name"), "Nü\n");
  EXPECT_THAT(document.at("orders")[0].at("phone").get<std::string>(), MatchesRegex("[0-9]{2} [0-9]{2}"));
  EXPECT_EQ(document.at("orders")[0].at("secret").dump(), R"([null,{"a":null}])");
  EXPECT_TRUE(document.at("orders")[1].at("phone").is_number());
  EXPECT_EQ(document.at("list").dump(), R"(["a","x","c"])");
  EXPECT_THAT(masked, HasSubstr(R"("n": 1.10, "big": 123456789012345678901234567890, "e": 1e300, "t": true})"));
  EXPECT_EQ(Masked(rule, column, "\"scalar\""), "\"scalar\"");
  EXPECT_EQ(Masked(rule, column, "{}"), "{}");
  for (const char* unreadable : {"{\"a\": \"\xFF\"}", "[1e400]"}) EXPECT_EQ(Masked(rule, column, unreadable), "null");
  for (const char* path : {"", "email", "$", "$.", "$.a.", "$.a[", "$[]", "$...", "$.a]b["}) {
    MaskRule bad = rule;
    bad.paths = {{path, Rule(MaskKind::kText, "text")}};
    EXPECT_THROW(mask::MakeMasker(bad, column, kSecret), Error) << path;
  }
}

TEST(PermutationTest, IsAPermutationForEverySize) {
  const mask::Permutation permutation{mask::KeyedHash(kSecret, "test")};
  for (uint64_t size : {1U, 2U, 3U, 5U, 16U, 17U, 100U, 1000U}) {
    std::set<uint64_t> images;
    for (uint64_t number = 0; number < size; ++number) {
      const uint64_t image = permutation.Apply("x", size, number);
      EXPECT_LT(image, size);
      EXPECT_TRUE(size == 1 || image != number);
      images.insert(image);
    }
    EXPECT_EQ(images.size(), size);
  }
  const uint64_t large = uint64_t{1} << 62;
  EXPECT_LT(permutation.Apply("x", large, large - 1), large);
}

}  // namespace
}  // namespace rotv
