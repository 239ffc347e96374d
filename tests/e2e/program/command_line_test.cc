// Runs the real binary for tests that need no server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

#define EXPECT_HAS(text, part) EXPECT_THAT(text, ::testing::HasSubstr(part))

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() { WriteConfig("[sources.production]\nssh = \"root@db.invalid\"\ndatabase = \"rotv\"\n"); }

  void WriteConfig(const std::string& text) { std::ofstream(config_) << text; }

  // Runs in the test's own directory, with a clean environment.
  Outcome Run(const std::vector<std::string>& arguments, bool stdout_closed = false) {
    testing::Command command{.argv = {ROTV_SYNC_BINARY},
                             .env = {{"HOME", directory_.native()}},
                             .unset_env = {"*"},
                             .directory = directory_};
    if (stdout_closed) command.argv = {"/bin/sh", "-c", "exec \"$@\" >&-", "sh", ROTV_SYNC_BINARY};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    const testing::Result result = testing::RunCommand(command);
    EXPECT_LT(result.exit_status, 128) << "killed by signal";
    return {result.exit_status, result.out, result.err};
  }
  // The same with --home and --config.
  Outcome RunConfigured(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--home", home_, "--config", config_});
    return Run(arguments);
  }

  const testing::TempDir temporary_;
  const std::filesystem::path directory_ = temporary_.path();
  std::filesystem::path home_ = directory_ / "home";
  const std::filesystem::path config_ = directory_ / "rotv.toml";
};

TEST_F(CommandLineTest, HelpListsTheCommandsWithExamples) {
  Outcome outcome = Run({"--help"});
  EXPECT_EQ(outcome.code, 0);
  for (const char* word : {"doctor", "baseline", "pull", "materialize", "status", "detach", "--home", "Examples:"}) {
    EXPECT_HAS(outcome.out, word);
  }
  EXPECT_EQ(outcome.err, "");
}

TEST_F(CommandLineTest, EveryCommandHasHelpWithExamples) {
  for (const char* command : {"doctor", "baseline", "pull", "materialize", "status", "detach"}) {
    Outcome outcome = Run({command, "--help"});
    EXPECT_EQ(outcome.code, 0) << command;
    EXPECT_HAS(outcome.out, std::string("rotv-sync ") + command);
    EXPECT_HAS(outcome.out, "Examples:");
  }
}

TEST_F(CommandLineTest, VersionIsPrinted) {
  Outcome outcome = Run({"--version"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out.substr(0, 10), "rotv-sync ");
}

TEST_F(CommandLineTest, AnUnknownCommandIsAUsageErrorWithASuggestion) {
  Outcome outcome = Run({"plul"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_HAS(outcome.err, "rotv-sync: there is no command \"plul\"\nhint: ");
  EXPECT_HAS(Run({"materialise"}).err, "hint: did you mean \"materialize\"?");
  EXPECT_EQ(outcome.out, "");
}

TEST_F(CommandLineTest, NoCommandIsAUsageError) {
  Outcome outcome = Run({});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_HAS(outcome.err, "rotv-sync: no command is given\nhint: the commands are: init, doctor, ");
}

TEST_F(CommandLineTest, UnknownOptionsAreUsageErrors) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--nonsense"},
                                                    {"pull", "--nonsense"},
                                                    {"pull", "extra"},
                                                    {"--home"},
                                                    {"-q", "-v", "pull"},
                                                    {"materialize", "--compress", "lzma"},
                                                    {"materialize", "--at", "0/1", "--snapshot", "baseline"}}) {
    Outcome outcome = RunConfigured(arguments);
    EXPECT_EQ(outcome.code, 2) << arguments.front();
    EXPECT_EQ(outcome.err.substr(0, 11), "rotv-sync: ");
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 2) << outcome.err;
    EXPECT_HAS(outcome.err, "\nhint: rotv-sync");
  }
}

TEST_F(CommandLineTest, AnUnknownOptionWithoutACommandIsReported) {
  EXPECT_HAS(Run({"--nonsense"}).err, "rotv-sync: there is no option --nonsense\n");
}

TEST_F(CommandLineTest, ErrorsAsJsonAreADocumentOnStdout) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--json", "pull", "--nonsense"}, {"pull", "--json", "--config", "missing.toml"}}) {
    Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.code, 2);
    nlohmann::json document = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(document["error"]["code"], 2);
    EXPECT_FALSE(document["error"]["message"].get<std::string>().empty());
    EXPECT_FALSE(document["error"]["hint"].get<std::string>().empty());
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(CommandLineTest, WhenTheSeedGoesToStdoutJsonErrorsGoToStderr) {
  Outcome outcome = Run({"--json", "--config", "missing.toml", "materialize", "--output", "-"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(nlohmann::json::accept(outcome.err)) << outcome.err;
}

TEST_F(CommandLineTest, WithoutAConfigTheHintShowsOne) {
  std::filesystem::remove(config_);
  Outcome outcome = Run({"status", "--offline"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_HAS(outcome.err, "[sources.production]");
  EXPECT_FALSE(std::filesystem::exists(directory_ / ".rotv"));
}

TEST_F(CommandLineTest, ErrorsInTheConfigNameFileAndLine) {
  WriteConfig("[sources.production]\nssh = \"db\"\ndatabase = rotv\n");
  Outcome outcome = RunConfigured({"status", "--offline"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_HAS(outcome.err, "rotv.toml:3: ");
}

TEST_F(CommandLineTest, AnInvalidMaskingRuleStopsEveryCommand) {
  WriteConfig("[sources.production]\nssh = \"db\"\ndatabase = \"x\"\n[mask]\n\"public.users.email\" = \"hide\"\n");
  Outcome outcome = RunConfigured({"pull"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_HAS(outcome.err, "rotv.toml:5: there is no rule");
}

TEST_F(CommandLineTest, AHomeThatCannotBeCreatedIsADiskError) {
  home_ = "/proc/rotv-home";
  EXPECT_EQ(RunConfigured({"status", "--offline"}).code, 6);
  home_ = config_;  // A file.
  Outcome outcome = RunConfigured({"status", "--offline"});
  EXPECT_EQ(outcome.code, 6);
  EXPECT_HAS(outcome.err, "is not a directory");
}

TEST_F(CommandLineTest, MaterializeWithoutABaselineNamesTheCommandThatTakesOne) {
  Outcome outcome = RunConfigured({"materialize"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_HAS(outcome.err, "\nhint: ");
  EXPECT_HAS(outcome.err, "rotv-sync");
  EXPECT_FALSE(std::filesystem::exists(home_ / "seed-data.sql"));
}

TEST_F(CommandLineTest, StatusReportsAMissingBaseline) {
  Outcome outcome = RunConfigured({"status", "--offline"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_HAS(outcome.out, "none yet");
  outcome = RunConfigured({"status", "--offline", "--json"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["has_baseline"], false);
}

TEST_F(CommandLineTest, LocalStateIsPrivateToItsOwner) {
  RunConfigured({"status", "--offline"});
  EXPECT_EQ(std::filesystem::status(home_).permissions(), std::filesystem::perms::owner_all);
}

TEST_F(CommandLineTest, AClosedStdoutEndsQuietly) {
  Outcome outcome = Run({"--help"}, true);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "");
  outcome = Run({"status", "--offline", "--home", home_}, true);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "");
}

}  // namespace
}  // namespace rotv
