#include "cli/launch/container_runtime.h"

#include <gtest/gtest.h>

#include "os/base64.h"

namespace rotv {
namespace {

TEST(Base64Test, EncodesTheVectorsOfTheStandard) {
  EXPECT_EQ(os::Base64(""), "");
  EXPECT_EQ(os::Base64("f"), "Zg==");
  EXPECT_EQ(os::Base64("fo"), "Zm8=");
  EXPECT_EQ(os::Base64("foo"), "Zm9v");
  EXPECT_EQ(os::Base64("foob"), "Zm9vYg==");
  EXPECT_EQ(os::Base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(os::Base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(os::Base64("\xff\xfe"), "//4=");
}

TEST(EnvFileTextTest, ValuesAreWrittenUnchanged) {
  EXPECT_EQ(launch::EnvFileText({{"A", "with 'quotes' \"and\" # signs"}, {"B", ""}}),
            "A=with 'quotes' \"and\" # signs\nB=\n");
}

TEST(EnvFileTextTest, ValuesWithLineEndsAreEncodedAndListed) {
  EXPECT_EQ(launch::EnvFileText({{"KEY", "a\nb"}, {"PLAIN", "x"}, {"ZED", "\r\n"}}),
            "KEY=YQpi\nPLAIN=x\nZED=DQo=\nROTV_SECRETS_BASE64=KEY,ZED\n");
}

TEST(ContainerNameTest, EveryHomeHasItsOwnName) {
  os::Environment environment{{"HOME", "/people/ada"}};
  EXPECT_EQ(launch::ContainerName("/people/ada/.rotv", environment), "rotv");
  std::string other = launch::ContainerName("/srv/x", environment);
  EXPECT_EQ(other.size(), std::string("rotv-12345678").size());
  EXPECT_NE(other, launch::ContainerName("/srv/y", environment));
}

}  // namespace
}  // namespace rotv
