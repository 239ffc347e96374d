#include "os/random_text.h"

#include <gtest/gtest.h>

#include <map>

namespace rotv::os {
namespace {

TEST(RandomTextTest, EveryLetterComesAboutAsOften) {
  constexpr std::string_view kLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr size_t kEach = 2000;
  std::map<char, size_t> counts;
  for (char c : RandomText(kLetters, kEach * kLetters.size())) ++counts[c];
  EXPECT_EQ(counts.size(), kLetters.size());
  // Ten standard deviations: a letter that came twice as often, or a quarter more, would be far outside.
  for (const auto& [letter, count] : counts) EXPECT_NEAR(static_cast<double>(count), kEach, 450) << letter;
}

TEST(RandomTextTest, TextsHaveTheirSizeAndDiffer) {
  EXPECT_EQ(RandomText(kHexDigits, 0), "");
  EXPECT_EQ(RandomText("x", 200), std::string(200, 'x'));
  const std::string one = RandomText(kHexDigits, 32);
  EXPECT_EQ(one.size(), 32u);
  EXPECT_EQ(one.find_first_not_of(kHexDigits), std::string::npos);
  EXPECT_NE(one, RandomText(kHexDigits, 32));
}

}  // namespace
}  // namespace rotv::os
