#include "os/shell_quote.h"

#include <gtest/gtest.h>

#include "tests/support/files/subprocess.h"

namespace rotv {
namespace {

TEST(ShellQuoteTest, LeavesPlainWordsAsTheyAre) {
  EXPECT_EQ(os::ShellQuote("pg_dump"), "pg_dump");
  EXPECT_EQ(os::ShellQuote("--no-owner"), "--no-owner");
  EXPECT_EQ(os::ShellQuote("/usr/lib/postgresql/15/bin"), "/usr/lib/postgresql/15/bin");
}

TEST(ShellQuoteTest, KeepsAnEmptyWord) { EXPECT_EQ(os::ShellQuote(""), "''"); }

TEST(ShellQuoteTest, EveryByteSurvivesARealShell) {
  std::string every;
  for (int byte = 1; byte < 256; ++byte) every += static_cast<char>(byte);
  const std::vector<std::string> words = {every, "$HOME `id` $(id)", "it's", "-n", "a\nb\n", "*", "~", "\\", "#x", ""};
  for (const char* shell : {"sh", "bash"}) {
    // The line is itself one word of another line, like one that goes over SSH into a container.
    const std::string inner = "printf '%s|' " + os::ShellJoin(words);
    const auto result = testing::MustRun({.argv = {shell, "-c", "exec sh -c " + os::ShellQuote(inner)}});
    std::string expected;
    for (const std::string& word : words) expected += word + "|";
    EXPECT_EQ(result.out, expected) << shell;
  }
}

}  // namespace
}  // namespace rotv
