#include "cli/launch/container_runtime.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace rotv {
namespace {

TEST(EnvFileTextTest, ValuesAreWrittenUnchanged) {
  EXPECT_EQ(launch::EnvFileText({{"A", "with 'quotes' \"and\" # signs"}, {"B", ""}}),
            "A=with 'quotes' \"and\" # signs\nB=\n");
}

TEST(EnvFileTextTest, ValuesWithLineEndsAreEncodedAndListed) {
  EXPECT_EQ(launch::EnvFileText({{"KEY", "a\nb"}, {"PLAIN", "x"}, {"ZED", "\r\n"}}),
            "KEY=YQpi\nPLAIN=x\nZED=DQo=\nROTV_SECRETS_BASE64=KEY,ZED\n");
}

// The ends that Base64 pads differently, and its last two digits.
TEST(EnvFileTextTest, ValuesOfEveryLengthAreEncoded) {
  for (const auto& [value, encoded] : std::map<std::string, std::string>{{"\n", "Cg=="},
                                                                         {"\nf", "CmY="},
                                                                         {"\nfo", "CmZv"},
                                                                         {"\nfoo", "CmZvbw=="},
                                                                         {"\xff\xfe\n", "//4K"},
                                                                         {"\n\xfb", "Cvs="}}) {
    EXPECT_EQ(launch::EnvFileText({{"A", value}}), "A=" + encoded + "\nROTV_SECRETS_BASE64=A\n");
  }
}

TEST(ContainerNameTest, EveryHomeHasItsOwnName) {
  os::Environment environment{{"HOME", "/people/ada"}};
  EXPECT_EQ(launch::ContainerName("/people/ada/.rotv", environment), "rotv");
  std::string other = launch::ContainerName("/srv/x", environment);
  EXPECT_EQ(other.size(), std::string("rotv-12345678").size());
  EXPECT_NE(other, launch::ContainerName("/srv/y", environment));
  EXPECT_EQ(launch::ContainerName("/people/ada/.rotv/apps/shop", environment), "rotv-shop");
  const std::string elsewhere = launch::ContainerName("/srv/x/apps/shop", environment);
  EXPECT_EQ(elsewhere.substr(0, 10), "rotv-shop-");
  // Two users of one Docker.
  EXPECT_NE(launch::ContainerNameWithNumber("/people/ada/.rotv"), launch::ContainerNameWithNumber("/people/bob/.rotv"));
}

}  // namespace
}  // namespace rotv
