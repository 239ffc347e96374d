#include "cli/launch/ignore_file.h"

#include <gtest/gtest.h>

namespace rotv {
namespace {

struct Case {
  const char* patterns;
  const char* path;
  bool left_out;
};

// Patterns from Docker's manual, with the results of moby/patternmatcher.
TEST(IgnoreFileTest, IgnoresWhatDockerIgnores) {
  const Case cases[] = {
      {"# a\na", "a", true},
      {"#a\n", "#a", false},
      {"\\#a", "#a", true},
      {"  a  \r\n\n", "a", true},
      {"*/temp*", "somedir/temporary.txt", true},
      {"*/temp*", "somedir/temp", true},
      {"*/temp*", "temp", false},
      {"*/temp*", "somedir/sub/temp", false},
      {"*/*/temp*", "somedir/subdir/temporary.txt", true},
      {"temp?", "tempa", true},
      {"temp?", "temp", false},
      {"temp?", "temp/", false},
      {"**/*.go", "a.go", true},
      {"**/*.go", "a/b/c.go", true},
      {"**/*.go", "a/b/c.gone", false},
      {"a/**/b", "a/b", true},
      {"a/**/b", "a/x/y/b", true},
      {"a/**/b", "a/xb", false},
      {"a/**", "a/x/y", true},
      {"**", "anything/at/all", true},
      {"**/secrets/*.key", "x/secrets/a.key", true},
      {"**/secrets/*.key", "x/secrets/y/a.key", false},
      {"/docs/", "docs", true},
      {"/docs", "docs/README.md", true},
      {"docs", "a/docs", false},
      {"./a/../docs", "docs/x", true},
      {"..", "a", false},
      {".", "a", false},
      {"*.md\n!README.md", "README.md", false},
      {"*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true},
      {"*.md\nREADME-secret.md\n!README*.md", "README-secret.md", false},
      {"!a\na", "a", true},
      {"*\n!src", "src/deep/file", false},
      {"*\n!src", "other/file", true},
      {"docs\n!docs/keep/*.md", "docs/keep/a.md", false},
      {"docs\n!docs/keep/*.md", "docs/keep/a.txt", true},
      {"[a-c].txt", "b.txt", true},
      {"[a-c].txt", "d.txt", false},
      {"[^a-c].txt", "d.txt", true},
      {"a.b", "axb", false},
      {"a+b(c)$", "a+b(c)$", true},
      {"*a*b*c", "xaybzc", true},
      {"*a*b*c", "xaybz", false},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(launch::IgnoreFile(one.patterns).LeavesOut(one.path), one.left_out) << one.patterns << "  " << one.path;
  }
}

TEST(IgnoreFileTest, ManyStarsAreMatchedInReasonableTime) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(launch::IgnoreFile(pattern + "b").LeavesOut(std::string(4000, 'a')));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "**/a/";
  EXPECT_TRUE(launch::IgnoreFile(deep + "b").LeavesOut(std::string("x/") + [] {
    std::string path;
    for (int i = 0; i < 300; ++i) path += "a/";
    return path;
  }() + "b"));
}

}  // namespace
}  // namespace rotv
