#include "cli/program/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rotv::program {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Words = std::vector<std::string>;

class CompletionTest : public ::testing::Test {
 protected:
  CompletionTest() {
    app_.add_option("--source", text_, "Which")->type_name("SOURCE");
    app_.add_option("--home", text_, "Where")->type_name("DIR");
    app_.add_flag("-q,--quiet", flag_, "Less");
    CLI::App* make = app_.add_subcommand("make", "Makes");
    make->fallthrough();
    make->add_option("--compress", text_, "How")->type_name("HOW")->check(CLI::IsMember({"none", "zstd"}));
    make->add_option("-t,--table", many_, "Only these")->type_name("TABLE");
    make->add_option("--output", text_, "To")->type_name("PATH|-");
    make->add_flag("-f", flag_, "Goes on");
    CLI::App* group = app_.add_subcommand("group", "Has more");
    group->fallthrough();
    CLI::App* two = group->add_subcommand("two", "Of two points");
    two->fallthrough();
    two->add_option("before", text_, "One")->type_name("SNAPSHOT");
    two->add_option("file", text_, "The other")->type_name("FILE");
    CLI::App* all = app_.add_subcommand("all", "Passes everything on");
    all->fallthrough(false);
    app_.add_subcommand("help", "Help")->add_option("command", many_, "Which")->type_name("COMMAND");
    app_.add_subcommand("secret", "Not shown")->group("");
  }

  Completions At(const Words& words) {
    return Complete(app_, words, [&](const std::string& kind, const GivenOptions& given) {
      asked_ = kind;
      given_ = given;
      return kind == "SOURCE" || kind == "SNAPSHOT" || kind == "TABLE" ? Words{"monday", "tuesday", "two\nlines"}
                                                                       : Words{};
    });
  }
  Words WordsAt(const Words& words) {
    Words found;
    for (const Candidate& candidate : At(words).candidates) found.push_back(candidate.word);
    return found;
  }

  CLI::App app_{"Does much", "tool"};
  std::string text_, asked_;
  Words many_;
  bool flag_ = false;
  GivenOptions given_;
};

TEST_F(CompletionTest, CommandsAreThoseThatHelpShows) {
  EXPECT_THAT(WordsAt({""}), ElementsAre("make", "group", "all", "help"));
  EXPECT_THAT(WordsAt({"-q", "m"}), ElementsAre("make"));
  EXPECT_THAT(WordsAt({"group", ""}), ElementsAre("two"));
  EXPECT_EQ(At({"m"}).candidates.front().description, "Makes");
}

TEST_F(CompletionTest, HelpTakesTheCommandsOfTheProgram) {
  EXPECT_THAT(WordsAt({"help", "g"}), ElementsAre("group"));
  EXPECT_THAT(WordsAt({"help", "group", ""}), ElementsAre("two"));
}

TEST_F(CompletionTest, OptionsAreTheLongOnesThatWereNotGiven) {
  EXPECT_THAT(WordsAt({"-"}), ElementsAre("--help", "--source", "--home", "--quiet"));
  EXPECT_THAT(WordsAt({"make", "--compress", "none", "-q", "--table", "x", "-"}),
              ElementsAre("--help", "--table", "--output", "-f", "--source", "--home"));
  EXPECT_THAT(WordsAt({"make", "--table", "x", "--ta"}), ElementsAre("--table"));
  EXPECT_THAT(WordsAt({"all", "--s"}), IsEmpty());
}

TEST_F(CompletionTest, ValuesAreTheAllowedWords) {
  EXPECT_THAT(WordsAt({"make", "--compress", ""}), ElementsAre("none", "zstd"));
  EXPECT_THAT(WordsAt({"make", "--compress=z"}), ElementsAre("--compress=zstd"));
}

TEST_F(CompletionTest, BashTakesAnEqualsSignForAWord) {
  EXPECT_THAT(WordsAt({"make", "--compress", "="}), ElementsAre("none", "zstd"));
  EXPECT_THAT(WordsAt({"make", "--compress", "=", "z"}), ElementsAre("zstd"));
  EXPECT_THAT(WordsAt({"make", "--compress", "=", "zstd", "--o"}), ElementsAre("--output"));
}

TEST_F(CompletionTest, NamesAreAskedForByTheKindOfValue) {
  EXPECT_THAT(WordsAt({"--source", "t"}), ElementsAre("tuesday"));
  EXPECT_EQ(asked_, "SOURCE");
  EXPECT_THAT(WordsAt({"make", "-t", "mon"}), ElementsAre("monday"));
  EXPECT_EQ(asked_, "TABLE");
  EXPECT_THAT(WordsAt({"group", "--home", "a b", "--source=x", "two", ""}), ElementsAre("monday", "tuesday"));
  EXPECT_EQ(asked_, "SNAPSHOT");
  EXPECT_EQ(given_["--home"], "a b");
  EXPECT_EQ(given_["--source"], "x");
}

TEST_F(CompletionTest, FilesAreLeftToTheShell) {
  EXPECT_EQ(At({"group", "two", "monday", ""}).also, Completions::Also::kFiles);
  EXPECT_EQ(At({"make", "--output", "x"}).also, Completions::Also::kFiles);
  EXPECT_EQ(At({"--home", ""}).also, Completions::Also::kDirectories);
  EXPECT_EQ(At({"make", "--", "n"}).also, Completions::Also::kCommands);
  EXPECT_EQ(At({""}).also, Completions::Also::kNothing);
}

TEST_F(CompletionTest, NothingFollowsTheLastArgument) {
  EXPECT_THAT(WordsAt({"group", "two", "monday", "file", ""}), IsEmpty());
  EXPECT_THAT(WordsAt({"nonsense", "--nonsense", ""}), IsEmpty());
  EXPECT_THAT(WordsAt({}), IsEmpty());
}

TEST_F(CompletionTest, QuotesOfBashAreTakenAway) {
  EXPECT_EQ(WithoutQuotes("plain"), "plain");
  EXPECT_EQ(WithoutQuotes("'a b'c"), "a bc");
  EXPECT_EQ(WithoutQuotes("a\\ b"), "a b");
  EXPECT_EQ(WithoutQuotes("\"open \\\" $x"), "open \" $x");
  EXPECT_EQ(WithoutQuotes("'\\'"), "\\");
}

TEST_F(CompletionTest, TheAnswerIsOneLineForEach) {
  EXPECT_EQ(CompletionText({{{"a", "first"}, {"b", ""}}, Completions::Also::kFiles}), ":files\na\tfirst\nb\n");
}

TEST_F(CompletionTest, ScriptsNameTheirProgram) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = CompletionScript(shell, "rotv-sync");
    EXPECT_THAT(script, ::testing::HasSubstr("_rotv_sync")) << shell;
    EXPECT_THAT(script, ::testing::Not(::testing::HasSubstr("FUNCTION"))) << shell;
    EXPECT_THAT(script, ::testing::Not(::testing::HasSubstr("PROGRAM"))) << shell;
  }
  EXPECT_EQ(CompletionScript("csh", "rotv-sync"), "");
}

}  // namespace
}  // namespace rotv::program
