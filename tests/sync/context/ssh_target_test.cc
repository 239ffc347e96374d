#include "sync/context/ssh_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/error.h"

namespace rotv {
namespace {

struct Parsed {
  const char* text;
  const char* user;
  const char* host;
  int port;
};

class SshTargetTest : public ::testing::TestWithParam<Parsed> {};

TEST_P(SshTargetTest, IsParsed) {
  const SshTarget target = ParseSshTarget(GetParam().text);
  EXPECT_EQ(target.user, GetParam().user);
  EXPECT_EQ(target.host, GetParam().host);
  EXPECT_EQ(target.port, GetParam().port);
}

INSTANTIATE_TEST_SUITE_P(All, SshTargetTest,
                         ::testing::Values(Parsed{"db", "", "db", 0}, Parsed{"root@db", "root", "db", 0},
                                           Parsed{"root@db.example.org:22422", "root", "db.example.org", 22422},
                                           Parsed{"db:1", "", "db", 1}, Parsed{"[::1]:22", "", "::1", 22},
                                           Parsed{"a@[fe80::1%eth0]:65535", "a", "fe80::1%eth0", 65535},
                                           Parsed{"[::1]", "", "::1", 0}, Parsed{"a@fe80::1", "a", "fe80::1", 0},
                                           Parsed{"ssh://a@db:2222/", "a", "db", 2222},
                                           Parsed{"a@corp@db", "a@corp", "db", 0}));

class BadSshTargetTest : public ::testing::TestWithParam<const char*> {};

TEST_P(BadSshTargetTest, IsAUsageErrorThatNamesTheValue) {
  try {
    ParseSshTarget(GetParam());
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_THAT(error.what(), ::testing::HasSubstr(GetParam()));
    EXPECT_FALSE(error.hint().empty());
  }
}

INSTANTIATE_TEST_SUITE_P(All, BadSshTargetTest,
                         ::testing::Values("", "@db", "a@", "db:", "db:0", "db:65536", "db:22x", "db:-1", "[::1",
                                           "[::1]22", "[]:22", "a b", "db\n", "-oProxyCommand=id", "-l@db", "ssh://"));

TEST(SshTargetToStringTest, IsTheFormOfTheConfiguration) {
  for (const char* text : {"root@db.example.org:22422", "db", "a@[::1]:22", "[fe80::1]"}) {
    EXPECT_EQ(ToString(ParseSshTarget(text)), text);
  }
}

}  // namespace
}  // namespace rotv
