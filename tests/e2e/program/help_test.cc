// Runs both programs for what they say about themselves: help, versions, suggestions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using Words = std::vector<std::string>;

struct HelpParam {
  std::string name;    // "rotv-sync"
  std::string binary;  // Where it is.
};

class HelpTest : public ::testing::TestWithParam<HelpParam> {
 protected:
  testing::Result Run(const Words& words) {
    testing::Command command{.argv = {GetParam().binary},
                             .env = {{"HOME", temporary_.path().native()}},
                             .unset_env = {"*"},
                             .directory = temporary_.path()};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    return testing::RunCommand(command);
  }

  // The commands below the one that `words` call, as shells offer them.
  Words CommandsBelow(Words words) {
    words.insert(words.begin(), {"complete", "--"});
    words.emplace_back();
    std::istringstream lines(Run(words).out);
    Words found;
    std::string line;
    std::getline(lines, line);  // What else the shell should offer.
    while (std::getline(lines, line)) {
      // A value has no description.
      if (const size_t tab = line.find('\t'); tab != std::string::npos) found.push_back(line.substr(0, tab));
    }
    return found;
  }

  const testing::TempDir temporary_;
};

// The lines after "Examples:" that are indented.
Words ExamplesIn(const std::string& help) {
  Words examples;
  std::istringstream lines(help);
  bool in_examples = false;
  for (std::string line; std::getline(lines, line);) {
    if (in_examples && line.starts_with("  ")) examples.push_back(line);
    in_examples = line == "Examples:" || (in_examples && line.starts_with("  "));
  }
  return examples;
}

// Each of `words` is in `line`, in this order.
bool Calls(const std::string& line, const Words& words) {
  size_t at = 0;
  for (const std::string& word : words) {
    at = line.find(word, at);
    if (at == std::string::npos) return false;
    at += word.size();
  }
  return true;
}

TEST_P(HelpTest, EachCommandShowsItsOwnExamplesOnly) {
  std::vector<Words> commands;
  for (const std::string& command : CommandsBelow({})) {
    commands.push_back({command});
    if (command == "help" || command == "man") continue;
    for (const std::string& below : CommandsBelow({command})) commands.push_back({command, below});
  }
  EXPECT_GT(commands.size(), 20U);
  for (const Words& words : commands) {
    Words call{"help"};
    call.insert(call.end(), words.begin(), words.end());
    const testing::Result help = Run(call);
    EXPECT_EQ(help.exit_status, 0) << words.back() << help.err;
    EXPECT_EQ(help.err, "");
    const Words examples = ExamplesIn(help.out);
    const bool is_group = words.size() == 1 && help.out.find("\nSubcommands:") != std::string::npos;
    EXPECT_EQ(examples.empty(), is_group) << words.back() << "\n" << help.out;
    Words called{GetParam().name};
    called.insert(called.end(), words.begin(), words.end());
    for (const std::string& example : examples) {
      EXPECT_TRUE(Calls(example, called)) << words.back() << " shows" << example;
    }
    call.erase(call.begin());
    call.emplace_back("--help");
    EXPECT_EQ(Run(call).out, help.out) << words.back();
  }
}

TEST_P(HelpTest, NoCommandShowsTheHelpAndIsAnError) {
  const testing::Result none = Run({});
  EXPECT_EQ(none.exit_status, 2);
  EXPECT_EQ(none.out, "");
  const std::string help = Run({"--help"}).out;
  EXPECT_EQ(Run({"help"}).out, help);
  EXPECT_THAT(none.err, StartsWith(help));
  EXPECT_THAT(none.err, HasSubstr("\n" + GetParam().name + ": no command is given\nhint: the commands are: "));
  const testing::Result group = Run({"snapshot"});
  EXPECT_EQ(group.exit_status, 2);
  EXPECT_THAT(group.err, StartsWith(Run({"help", "snapshot"}).out));
  EXPECT_THAT(group.err, HasSubstr(": no command of snapshot is given\nhint: the commands are: create, list, "));
  const testing::Result json = Run({"--json"});
  EXPECT_EQ(json.err, "");
  EXPECT_EQ(nlohmann::json::parse(json.out)["error"]["code"], 2);
}

TEST_P(HelpTest, TheVersionNamesCommitBuildAndLibraries) {
  const testing::Result text = Run({"--version"});
  EXPECT_EQ(text.exit_status, 0);
  const nlohmann::json document = nlohmann::json::parse(Run({"--json", "--version"}).out);
  EXPECT_EQ(document["program"], GetParam().name);
  EXPECT_THAT(text.out, StartsWith(GetParam().name + " " + document["version"].get<std::string>() + "\ncommit: "));
  EXPECT_TRUE(document.contains("commit") && document.contains("commit_date"));
  for (const char* part : {"type", "compiler", "processor"}) {
    EXPECT_THAT(text.out, HasSubstr(document["build"][part].get<std::string>()));
    EXPECT_NE(document["build"][part], "") << part;
  }
  for (const char* library : {"RocksDB", "libpq", "libssh", "libcurl", "protobuf", "libsodium", "zstd", "zlib"}) {
    const std::string version = document["libraries"][library];
    EXPECT_THAT(text.out, HasSubstr(std::string(library) + " " + version));
    EXPECT_THAT(version, ::testing::MatchesRegex("[0-9]+\\.[0-9.]+")) << library;
  }
}

TEST_P(HelpTest, QuietAndVerboseHaveLongNames) {
  const testing::Result both = Run({"--quiet", "--verbose", "snapshot", "list"});
  EXPECT_EQ(both.exit_status, 2);
  EXPECT_THAT(both.err, HasSubstr("--quiet"));
  EXPECT_THAT(Run({"--quiet", "snapshot", "list"}).err, HasSubstr("[sources.production]"));
}

TEST_P(HelpTest, AMisspeltWordGetsASuggestion) {
  const std::vector<std::pair<Words, std::string>> cases = {
      {{"snapshto"}, "did you mean \"snapshot\"?"},
      {{"help", "snapshto"}, "did you mean \"snapshot\"?"},
      {{"help", "snapshot", "craete"}, "did you mean \"create\"?"},
      {{"man", "snapshto"}, "did you mean \"snapshot\"?"},
      {{"snapshot", "craete", "x"}, "did you mean \"create\"?"},
      {{"--sorce", "x", "snapshot", "list"}, "did you mean --source?"},
      {{"snapshot", "list", "--jsno"}, "did you mean --json?"},
      {{"snapshot", "diff", "a", "b", "--tabel=x"}, "did you mean --table?"},
      {{"completion", "fihs"}, "did you mean \"fish\"?"},
      {{"completion", "bsah"}, "did you mean \"bash\"?"},
  };
  for (const auto& [words, hint] : cases) {
    const testing::Result result = Run(words);
    EXPECT_EQ(result.exit_status, 2) << words.back();
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, ::testing::EndsWith("\nhint: " + hint + "\n")) << words.front();
  }
}

INSTANTIATE_TEST_SUITE_P(All, HelpTest,
                         ::testing::Values(HelpParam{"rotv-sync", ROTV_SYNC_BINARY}, HelpParam{"rotv", ROTV_BINARY}),
                         [](const auto& program) { return program.index == 0 ? "RotvSync" : "Rotv"; });

}  // namespace
}  // namespace rotv
