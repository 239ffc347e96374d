#include "sync/link/password_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

const link::PasswordQuery kQuery{{"db.example.org", "localhost"}, "5432", "rotv", "app"};

TEST(PasswordFileTest, TheFirstMatchingLineIsUsed) {
  EXPECT_EQ(link::FindPassword("other:5432:rotv:app:no\ndb.example.org:5432:rotv:app:yes\n*:*:*:*:later\n", kQuery),
            "yes");
}

TEST(PasswordFileTest, AnyNameOfTheServerMatches) {
  EXPECT_EQ(link::FindPassword("localhost:5432:rotv:app:by socket", kQuery), "by socket");
}

TEST(PasswordFileTest, AStarMatchesEverything) { EXPECT_EQ(link::FindPassword("*:*:*:*:x", kQuery), "x"); }

TEST(PasswordFileTest, EveryFieldMustMatch) {
  EXPECT_EQ(link::FindPassword("localhost:5433:rotv:app:x", kQuery), std::nullopt);
  EXPECT_EQ(link::FindPassword("localhost:5432:other:app:x", kQuery), std::nullopt);
  EXPECT_EQ(link::FindPassword("localhost:5432:rotv:other:x", kQuery), std::nullopt);
}

TEST(PasswordFileTest, CommentsBlankAndMalformedLinesAreSkipped) {
  EXPECT_EQ(link::FindPassword("# *:*:*:*:no\n\nlocalhost:5432\n*:*:*:*:yes\r\n", kQuery), "yes");
}

TEST(PasswordFileTest, ABackslashEscapesAColonOrABackslash) {
  EXPECT_EQ(link::FindPassword(R"(*:*:*:*:a\:b\\c:d)", kQuery), R"(a:b\c:d)");
  EXPECT_EQ(link::FindPassword(R"(\:\:1:5432:rotv:app:six)", {{"::1"}, "5432", "rotv", "app"}), "six");
}

TEST(PasswordFileTest, AFileThatOthersCanReadIsIgnored) {
  testing::TempDir directory;
  std::string path = (directory.path() / "pgpass").string();
  std::ofstream(path) << "*:*:*:*:secret\n";
  setenv("PGPASSFILE", path.c_str(), 1);
  chmod(path.c_str(), 0600);
  EXPECT_EQ(link::LookUpPassword(kQuery), "secret");
  chmod(path.c_str(), 0640);
  EXPECT_EQ(link::LookUpPassword(kQuery), std::nullopt);
  setenv("PGPASSFILE", (path + ".none").c_str(), 1);
  EXPECT_EQ(link::LookUpPassword(kQuery), std::nullopt);
  unsetenv("PGPASSFILE");
}

}  // namespace
}  // namespace rotv
