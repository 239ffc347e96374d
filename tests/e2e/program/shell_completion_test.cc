// Completes command lines in real shells, with the names of a real store.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "tests/e2e/follow_fixture.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

using Lines = std::vector<std::string>;

Lines LinesOf(const std::string& text) {
  Lines lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string ContentOf(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class ShellCompletionTest : public testing::FollowTest {
 protected:
  ShellCompletionTest() {
    const fs::path bin = place_.path() / "bin";
    fs::create_directory(bin);
    fs::create_symlink(ROTV_SYNC_BINARY, bin / "rotv-sync");
    fs::create_symlink(ROTV_BINARY, bin / "rotv");
    fs::create_directory(place_.path() / "files");
    std::ofstream(place_.path() / "files/week.sql") << "";
    std::ofstream(place_.path() / ".zshrc") << "autoload -Uz compinit; compinit -D -u\n"
                                               "source <(rotv-sync completion zsh); source <(rotv completion zsh)\n"
                                               "shown() { print -r -- \"$BUFFER\" >>$HOME/lines; BUFFER= }\n"
                                               "zle -N shown; bindkey -e; bindkey '^T' shown; PS1='ready> '\n";
    std::ofstream(place_.path() / ".bashrc")
        << "source <(rotv-sync completion bash); source <(rotv completion bash); PS1='ready> '\n"
           "bind -x '\"\\C-t\": printf \"%s\\n\" \"$READLINE_LINE\" >>$HOME/lines; READLINE_LINE= READLINE_POINT=0'\n";
    path_ = bin.native() + ":" + getenv("PATH");
  }

  testing::Command Base(Lines argv) {
    return {.argv = std::move(argv),
            .env = {{"HOME", place_.path().native()},
                    {"ZDOTDIR", place_.path().native()},
                    {"XDG_CONFIG_HOME", (place_.path() / "config").native()},
                    {"XDG_DATA_HOME", (place_.path() / "data").native()},
                    {"PATH", path_},
                    {"TERM", "dumb"},
                    {"LC_ALL", "C.UTF-8"},
                    {"ROTV_HOME", rotv.home().native()},
                    {"ROTV_CONFIG", rotv.config().native()}},
            .unset_env = {"*"},
            .directory = place_.path() / "files"};
  }

  // The lines as they are on the terminal once a person has typed each of `typed`, with tabs, in one shell. They are
  // typed when the shell is ready, which otherwise forgets them. Ctrl-T has the shell add its line to a file, and
  // begin another one.
  Lines Completed(const std::string& shell, const Lines& typed) {
    constexpr const char* kType =
        "{ for n in $(seq 3000); do if grep -q 'ready>' \"$HOME/screen\"; then break; fi; sleep 0.02; done; "
        "printf '%s' \"$1\"; } | script --quiet --return --flush --command \"$2\" \"$HOME/screen\"";
    const fs::path lines = place_.path() / "lines";
    fs::remove(lines);
    std::ofstream(place_.path() / "screen") << "";
    std::string keys;
    for (const std::string& line : typed) keys += line + "\x14";
    const std::string bash = "bash --noprofile --rcfile '" + (place_.path() / ".bashrc").native() + "' -i";
    const testing::Result result =
        testing::RunCommand(Base({"sh", "-c", kType, "sh", keys + "exit\n", shell == "bash" ? bash : "zsh -d -i"}));
    const Lines found = LinesOf(ContentOf(lines));
    if (found.size() != typed.size()) ADD_FAILURE() << shell << " showed: " << result.out << result.err;
    return found;
  }

  // The candidates that fish has for this line.
  Lines InFish(const std::string& typed) {
    const testing::Result result = testing::RunCommand(Base(
        {"fish", "--command",
         "rotv-sync completion fish | source; rotv completion fish | source; complete --do-complete $argv[1]", typed}));
    EXPECT_EQ(result.err, "");
    Lines words;
    for (const std::string& line : LinesOf(result.out)) words.push_back(line.substr(0, line.find('\t')));
    return words;
  }

  // What the program answers, without descriptions.
  Lines Answer(Lines words, const std::string& program = "rotv-sync") {
    words.insert(words.begin(), {place_.path() / "bin" / program, "complete", "--"});
    const testing::Result result = testing::RunCommand(Base(words));
    EXPECT_EQ(result.exit_status, 0);
    EXPECT_EQ(result.err, "");
    Lines lines;
    for (const std::string& line : LinesOf(result.out)) lines.push_back(line.substr(0, line.find('\t')));
    return lines;
  }

  const testing::TempDir place_;
  std::string path_;
};

TEST_F(ShellCompletionTest, ShellsOfferTheNamesOfTheStore) {
  Exec(
      "CREATE TABLE visits (id int PRIMARY KEY); CREATE TABLE \"Odd Name\" (id int PRIMARY KEY);"
      "CREATE SCHEMA odd; CREATE TABLE odd.\"a'$(touch x)\" (id int PRIMARY KEY)");
  rotv.MustSync({"baseline"});
  rotv.MustSync({"snapshot", "create", "monday"});
  rotv.MustSync({"snapshot", "create", "tuesday"});

  EXPECT_THAT(Answer({"snapshot", "delete", ""}), ElementsAre(":nothing", "monday", "tuesday"));
  EXPECT_THAT(Answer({"materialize", "--snapshot", ""}),
              ElementsAre(":nothing", "head", "baseline", "monday", "tuesday"));
  EXPECT_THAT(Answer({"start", "--snapshot", "m"}, "rotv"), ElementsAre(":nothing", "monday"));
  EXPECT_THAT(Answer({"verify", "--table", ""}),
              ElementsAre(":nothing", "odd.\"a'$(touch x)\"", "public.\"Odd Name\"", "public.visits"));
  EXPECT_THAT(Answer({"--source", ""}), ElementsAre(":nothing", "production"));

  for (const std::string shell : {"bash", "zsh"}) {
    EXPECT_THAT(
        Completed(shell, {"rotv-sync snapshot del\tmon\t", "rotv-sync log --tab\tpublic.v\t",
                          "rotv-sync log --table public.\\\"\t", "rotv-sync --source prod\tmateria\t",
                          "rotv-sync materialize --compress=zs\t", "rotv-sync materialize --output we\t",
                          "rotv start --snapshot tu\t", "rotv-sync help snap\tcr\t", "rotv-sync log we\t"}),
        ElementsAre("rotv-sync snapshot delete monday ", "rotv-sync log --table public.visits ",
                    "rotv-sync log --table public.\\\"Odd\\ Name\\\" ", "rotv-sync --source production materialize ",
                    "rotv-sync materialize --compress=zstd ", "rotv-sync materialize --output week.sql ",
                    "rotv start --snapshot tuesday ", "rotv-sync help snapshot create ", "rotv-sync log we"))
        << shell;
  }
  // In quotes that are open a name neither ends them, nor is anything of it run once the line is.
  std::ofstream(place_.path() / "files/$(touch y)") << "";
  const Lines quoted = Completed("bash", {"rotv-sync log --table \"odd.\t", "rotv-sync log --table 'odd.\t",
                                          "rotv run -- \"$(to\t", "rotv run -- \\$\\(to\t"});
  ASSERT_EQ(quoted.size(), 4U);
  EXPECT_THAT(quoted[0], ::testing::StartsWith("rotv-sync log --table \"odd.\\\"a'\\$(touch x)\\\""));
  EXPECT_THAT(quoted[1], ::testing::StartsWith("rotv-sync log --table 'odd.\"a'\\''$(touch x)\"'"));
  EXPECT_EQ(quoted[2], "rotv run -- \"\\$(touch y)\" ");
  EXPECT_EQ(quoted[3], "rotv run -- \\$\\(touch\\ y\\) ");
  EXPECT_THAT(InFish("rotv-sync snapshot delete mon"), ElementsAre("monday"));
  EXPECT_THAT(InFish("rotv-sync log --table public.v"), ElementsAre("public.visits"));
  EXPECT_THAT(InFish("rotv-sync --source prod"), ElementsAre("production"));
  EXPECT_THAT(InFish("rotv-sync materialize --compress="), Contains("--compress=zstd"));
  EXPECT_THAT(InFish("rotv-sync materialize --output we"), Contains("week.sql"));
  EXPECT_THAT(InFish("rotv-sync "), Contains("snapshot"));
  EXPECT_THAT(InFish("rotv-sync "), Not(Contains("week.sql")));
  EXPECT_THAT(InFish("rotv start --snapshot tu"), ElementsAre("tuesday"));
}

// Whatever is wrong, the line stays as it is, and nothing appears in it or below it.
TEST_F(ShellCompletionTest, NothingIsOfferedOfWhatCannotBeRead) {
  EXPECT_THAT(Answer({"snapshot", "delete", ""}), ElementsAre(":nothing"));
  EXPECT_THAT(Answer({"--config", "missing.toml", "--source", ""}), ElementsAre(":nothing"));
  EXPECT_THAT(Answer({"--home", "/proc/nothing", "log", "--table", ""}), ElementsAre(":nothing"));
  std::ofstream(rotv.config()) << "not toml";
  EXPECT_THAT(Answer({"--source", ""}), ElementsAre(":nothing"));
  EXPECT_THAT(Answer({"snapshot", "cr"}), ElementsAre(":nothing", "create"));
  // A look at names leaves no trace.
  EXPECT_FALSE(fs::exists(rotv.home()));
}

// Each page as its readers' checkers see it, and each option of each command on its page.
TEST(ManPagesTest, PagesAreCleanAndHaveAllOptions) {
  const testing::TempDir place;
  size_t pages = 0;
  for (const char* program : {ROTV_SYNC_BINARY, ROTV_BINARY}) {
    EXPECT_EQ(testing::MustRun({.argv = {program, "man", "--output", place.path()}}).out, "");
  }
  for (const fs::directory_entry& page : fs::directory_iterator(place.path())) {
    ++pages;
    const testing::Result lint = testing::RunCommand({.argv = {"mandoc", "-T", "lint", "-W", "warning", page.path()}});
    EXPECT_EQ(lint.out + lint.err, "");
    const testing::Result groff =
        testing::RunCommand({.argv = {"groff", "-man", "-Tutf8", "-ww", "-rCHECKSTYLE=0", page.path()}});
    EXPECT_EQ(groff.err, "") << page.path();
    EXPECT_THAT(groff.out, Not(IsEmpty()));
  }
  size_t options = 0;
  for (const char* program : {ROTV_SYNC_BINARY, ROTV_BINARY}) {
    for (const std::string& line : LinesOf(testing::MustRun({.argv = {program, "complete", "--", ""}}).out)) {
      if (line.front() == ':') continue;
      const std::string command = line.substr(0, line.find('\t'));
      const fs::path page = place.path() / (fs::path(program).filename().native() + "-" + command + ".1");
      ASSERT_TRUE(fs::exists(page)) << page;
      const std::string text = testing::MustRun({.argv = {"mandoc", "-T", "ascii", page}}).out;
      const std::string help = testing::MustRun({.argv = {program, command, "--help"}}).out;
      for (const std::string& word : LinesOf(help)) {
        if (!word.starts_with("  -")) continue;
        ++options;
        const std::string spelling = word.substr(2, word.find_first_of(", ", 2) - 2);
        const std::string bold = [&] {  // As terminals have shown it since there were typewriters.
          std::string overstruck;
          for (const char c : spelling) overstruck += {c, '\b', c};
          return overstruck;
        }();
        EXPECT_THAT(text, ::testing::HasSubstr(bold)) << page << spelling;
      }
    }
  }
  EXPECT_GT(pages, 45U);
  EXPECT_GT(options, 100U);
}

}  // namespace
}  // namespace rotv
