#include "cli/launch/env_example.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "storage/error.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class EnvExampleTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((Directory() / name).parent_path());
    std::ofstream(Directory() / name) << text;
  }
  std::filesystem::path Directory() const { return directory_.path(); }
  launch::EnvironmentReport Read(const os::Environment& environment = {}) {
    return launch::ReadAppEnvironment(Directory(), "", environment, config::EnvFiles());
  }
  // The error as "message | hint".
  std::string Complaint(const os::Environment& environment = {}) {
    try {
      launch::RequireUsable(Read(environment));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      return std::string(error.what()) + " | " + error.hint();
    }
    return "";
  }

 private:
  testing::TempDir directory_;
};

TEST_F(EnvExampleTest, DistinguishesRequiredFromOptional) {
  std::vector<launch::WantedVariable> wanted = launch::ParseEnvExample(
      "# The database.\nPGUSER=rotv\nexport SESSION_SECRET = change-this\nEMPTY=\n# Optional: for "
      "mails\nSMTP=localhost\n"
      "AFTER=1\n# COMMENTED=1\n# words = are no variable\n\n=x\n1X=2\n");
  std::vector<std::string> required;
  std::vector<std::string> optional;
  for (const launch::WantedVariable& variable : wanted)
    (variable.required ? required : optional).push_back(variable.name);
  EXPECT_THAT(required, ElementsAre("PGUSER", "SESSION_SECRET", "AFTER"));
  EXPECT_THAT(optional, ElementsAre("EMPTY", "SMTP", "COMMENTED", "words"));
}

TEST_F(EnvExampleTest, RecognizesPlaceholdersInAnyCase) {
  for (const char* value :
       {"change-this-to-a-long-random-text", "CHANGEME", "your-key-here", "<secret>", "xxxx", "TODO"}) {
    EXPECT_TRUE(launch::IsPlaceholder(value)) << value;
  }
  for (const char* value : {"", "a", "unchanged-this", "s3cret <x>", "exchange-this"})
    EXPECT_FALSE(launch::IsPlaceholder(value)) << value;
}

TEST_F(EnvExampleTest, WithoutAnExampleEveryEnvironmentIsValid) {
  Write(".env", "A=1\n");
  launch::EnvironmentReport report = Read();
  EXPECT_TRUE(report.usable());
  EXPECT_THAT(report.examples, IsEmpty());
  EXPECT_EQ(report.variables["A"], "1");
}

TEST_F(EnvExampleTest, TheFirstFileThatSetsAVariableCounts) {
  Write(".env", "A=outer\nB='with # and spaces'\n");
  Write("backend/.env", "A=inner\nC=3\n");
  launch::EnvironmentReport report = Read();
  EXPECT_THAT(report.files, ElementsAre(".env", "backend/.env"));
  EXPECT_EQ(report.variables["A"], "outer");
  EXPECT_EQ(report.variables["B"], "with # and spaces");
  EXPECT_EQ(report.variables["C"], "3");
}

TEST_F(EnvExampleTest, TheProcessSetsOnlyVariablesOfTheExample) {
  Write(".env.example", "A=1\n");
  Write(".env", "A=file\nB=file\n");
  launch::EnvironmentReport report = Read({{"A", "process"}, {"B", "process"}, {"PATH", "/bin"}});
  EXPECT_EQ(report.variables["A"], "process");
  EXPECT_EQ(report.variables["B"], "file");
  EXPECT_EQ(report.variables.count("PATH"), 0U);
}

TEST_F(EnvExampleTest, ListsEveryFaultyVariableAndNoValue) {
  Write("backend/.env.example", "SECRET=change-this\nADMIN=you@example.org\nTOKEN=t\n# optional\nKEY=change-this\n");
  Write("backend/.env", "SECRET=change-this-please\nTOKEN=hunter2\n");
  std::string complaint = Complaint();
  EXPECT_EQ(complaint,
            "backend/.env: ADMIN not set; SECRET still the example's placeholder | fill it in as "
            "backend/.env.example says; rotv validate-env checks it");
  EXPECT_THAT(complaint, Not(HasSubstr("hunter2")));
}

TEST_F(EnvExampleTest, AMissingFileIsReportedWithTheCommandThatCreatesIt) {
  Write("backend/.env.example", "SECRET=change-this\n");
  EXPECT_EQ(Complaint(),
            "there is no backend/.env, and backend/.env.example requires SECRET | cp backend/.env.example "
            "backend/.env, and fill it in");
  EXPECT_EQ(Complaint({{"SECRET", "s"}}), "");
}

TEST_F(EnvExampleTest, AMalformedLineIsReportedByNumber) {
  Write(".env", "A=1\nthis is hunter2\n");
  std::string complaint = Complaint();
  EXPECT_THAT(complaint, HasSubstr(".env:2"));
  EXPECT_THAT(complaint, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace rotv
