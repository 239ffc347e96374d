#include "sync/subset/key_hash.h"

#include <gtest/gtest.h>

namespace rotv::subset {
namespace {

constexpr uint32_t kInt4 = 23, kInt8 = 20, kText = 25, kBpchar = 1042, kNumeric = 1700, kFloat4 = 700, kFloat8 = 701;
constexpr uint32_t kDate = 1082, kTimestamp = 1114, kInet = 869, kCidr = 650, kInterval = 1186, kOfUsers = 16400;

uint64_t HashOf(std::string_view text, KeyForm form) {
  std::string scratch;
  return HashKey({text}, {{.index = 0, .form = form}}, &scratch);
}

bool Meet(uint32_t from_type, std::string_view from, uint32_t to_type, std::string_view to) {
  const KeyForms forms = FormsOf(from_type, to_type);
  return HashOf(from, forms.referencing) == HashOf(to, forms.referenced);
}

TEST(KeyHashTest, ValuesThatAreEqualForAForeignKeyMeet) {
  EXPECT_TRUE(Meet(kInt4, "-5", kInt8, "-5"));
  EXPECT_TRUE(Meet(kNumeric, "1.50", kNumeric, "1.5"));
  EXPECT_TRUE(Meet(kInt4, "100", kNumeric, "100.000"));
  EXPECT_TRUE(Meet(kNumeric, "-0.0", kNumeric, "0"));
  EXPECT_TRUE(Meet(kNumeric, "NaN", kNumeric, "NaN"));
  EXPECT_TRUE(Meet(kFloat8, "-0", kFloat8, "0"));
  EXPECT_TRUE(Meet(kFloat4, "0.1", kFloat8, "0.10000000149011612"));
  EXPECT_TRUE(Meet(kNumeric, "0.50", kFloat8, "0.5"));
  EXPECT_TRUE(Meet(kNumeric, "0.10000000001", kFloat4, "0.1")) << "it is made a float4";
  EXPECT_TRUE(Meet(kInt4, "16777217", kFloat4, "1.6777216e+07"));
  EXPECT_FALSE(Meet(kFloat8, "0.1", kFloat4, "0.1")) << "the float4 is made a float8";
  EXPECT_TRUE(Meet(kBpchar, "ab   ", kBpchar, "ab "));
  EXPECT_TRUE(Meet(kText, "ab", kBpchar, "ab        "));
  EXPECT_TRUE(Meet(kCidr, "10.0.0.1/32", kInet, "10.0.0.1"));
  EXPECT_TRUE(Meet(kOfUsers, "Ada@Example.org", kOfUsers, "ada@example.ORG")) << "citext";
  EXPECT_TRUE(Meet(kOfUsers, "1.50", kNumeric, "1.5")) << "a domain";
}

TEST(KeyHashTest, OtherValuesDoNot) {
  EXPECT_FALSE(Meet(kInt4, "1", kInt8, "10"));
  EXPECT_FALSE(Meet(kNumeric, "1", kNumeric, "-1"));
  EXPECT_FALSE(Meet(kNumeric, "10", kNumeric, "1"));
  EXPECT_FALSE(Meet(kNumeric, "100", kNumeric, "1"));
  EXPECT_FALSE(Meet(kText, "ab", kText, " ab"));
  EXPECT_FALSE(Meet(kText, "ab", kText, "AB"));
}

TEST(KeyHashTest, TypesWhoseEqualityTheTextDoesNotTellAreUnclear) {
  EXPECT_EQ(FormsOf(kInterval, kInterval).referenced, KeyForm::kUnclear);
  EXPECT_EQ(FormsOf(kDate, kTimestamp).referenced, KeyForm::kUnclear);
  EXPECT_EQ(FormsOf(kDate, kDate).referenced, KeyForm::kExact);
}

TEST(KeyHashTest, AKeyWithNullReferencesNothing) {
  std::string scratch;
  const std::vector<KeyField> key = {{.index = 0}, {.index = 2}};
  EXPECT_EQ(HashKey({"1", "x", "\\N"}, key, &scratch), 0U);
  EXPECT_NE(HashKey({"1", "\\N", "2"}, key, &scratch), 0U);
  EXPECT_NE(HashKey({"1", "x", "23"}, key, &scratch), HashKey({"12", "x", "3"}, key, &scratch));
}

}  // namespace
}  // namespace rotv::subset
