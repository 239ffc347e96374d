#include "sync/formats/text_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace rotv {
namespace {

// Bytes beside the tab, and with its bits and a high one, must stay.
TEST(TextHashTest, TabsCountAsTheSeparatorAndNothingElseDoes) {
  const std::string bytes("\t\x08\x0A\x89\xFF\x1F\x00\t\t a", 11);
  std::string text;
  for (size_t length = 0; length < 200; ++length) {
    std::string replaced = text;
    std::replace(replaced.begin(), replaced.end(), '\t', '\x1F');
    EXPECT_EQ(formats::HashTextBetweenTabs(text), formats::HashText(replaced, 0)) << length;
    text.push_back(bytes[length * 7 % bytes.size()]);
  }
}

}  // namespace
}  // namespace rotv
