#include "storage/size_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace rotv {
namespace {

TEST(SizeTextTest, BytesHaveThreeDigitsAndDecimalUnits) {
  EXPECT_EQ(SizeText(0), "0 B");
  EXPECT_EQ(SizeText(999), "999 B");
  EXPECT_EQ(SizeText(1000), "1.00 kB");
  EXPECT_EQ(SizeText(9994), "9.99 kB");
  EXPECT_EQ(SizeText(9996), "10.0 kB");
  EXPECT_EQ(SizeText(99960), "100 kB");
  EXPECT_EQ(SizeText(363'000'000), "363 MB");
  EXPECT_EQ(SizeText(1'200'000'000), "1.20 GB");
  EXPECT_EQ(SizeText(std::numeric_limits<uint64_t>::max()), "18.4 EB");
}

TEST(SizeTextTest, BytesThatRoundToAThousandUseTheNextUnit) {
  EXPECT_EQ(SizeText(999'499), "999 kB");
  EXPECT_EQ(SizeText(999'500), "1.00 MB");
}

}  // namespace
}  // namespace rotv
