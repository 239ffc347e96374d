#include "storage/trimmed.h"

#include <gtest/gtest.h>

namespace rotv {
namespace {

TEST(TrimmedTest, SpacesAtBothEndsAreLeftOut) {
  EXPECT_EQ(Trimmed(" \t\r\n\v\fa  b\n "), "a  b");
  EXPECT_EQ(Trimmed("a"), "a");
  EXPECT_EQ(Trimmed(""), "");
  EXPECT_EQ(Trimmed(" \n"), "");
  EXPECT_EQ(Trimmed("\xc2\xa0"), "\xc2\xa0") << "of ASCII alone";
  EXPECT_EQ(Trimmed(" \ta ", " "), "\ta") << "of these alone";
}

}  // namespace
}  // namespace rotv
