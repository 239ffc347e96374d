#include "cli/config/env_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "storage/error.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

std::string ValueOf(const std::string& line) {
  os::Environment variables = config::ParseEnvFile(line, ".env");
  return variables.count("K") == 0 ? "(unset)" : variables["K"];
}

std::string ComplaintOf(const std::string& text) {
  try {
    config::ParseEnvFile(text, ".env");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_FALSE(error.hint().empty());
    return error.what();
  }
  return "nothing";
}

TEST(EnvFileTest, PlainValuesGoToTheEndOfTheLine) {
  EXPECT_EQ(ValueOf("K=value"), "value");
  EXPECT_EQ(ValueOf("K=two words"), "two words");
  EXPECT_EQ(ValueOf("K=a=b=c"), "a=b=c");
  EXPECT_EQ(ValueOf("K="), "");
  EXPECT_EQ(ValueOf("K=value   \t"), "value");
}

TEST(EnvFileTest, BlanksAndExportMaySurroundTheName) {
  EXPECT_EQ(ValueOf("  K = value"), "value");
  EXPECT_EQ(ValueOf("export K=value"), "value");
  EXPECT_EQ(ValueOf("\texport\tK=value"), "value");
  EXPECT_EQ(config::ParseEnvFile("export=1", ".env").at("export"), "1");
}

TEST(EnvFileTest, CommentsStartALineOrFollowABlank) {
  EXPECT_EQ(ValueOf("# comment\n\n   # another\nK=value # comment"), "value");
  EXPECT_EQ(ValueOf("K=pass#word"), "pass#word");
  EXPECT_EQ(ValueOf("K=#nothing"), "");
  EXPECT_EQ(ValueOf("# K=value"), "(unset)");
}

TEST(EnvFileTest, SingleQuotesKeepEverything) {
  EXPECT_EQ(ValueOf("K='a \"b\" # c\\n $HOME'"), "a \"b\" # c\\n $HOME");
  EXPECT_EQ(ValueOf("K=' spaces '  # comment"), " spaces ");
}

TEST(EnvFileTest, DoubleQuotesKnowEscapes) {
  EXPECT_EQ(ValueOf(R"(K="a\nb\tc\"d\\e\$f\`g")"), "a\nb\tc\"d\\e$f`g");
  EXPECT_EQ(ValueOf(R"(K="C:\dir")"), "C:\\dir");
  EXPECT_EQ(ValueOf(R"(K="it's # here")"), "it's # here");
  EXPECT_EQ(ValueOf(R"(K="")"), "");
}

TEST(EnvFileTest, NothingIsExpandedOrRun) {
  EXPECT_EQ(ValueOf("K=$HOME"), "$HOME");
  EXPECT_EQ(ValueOf("K=$(touch /tmp/x)"), "$(touch /tmp/x)");
  EXPECT_EQ(ValueOf("K=\"`id`\""), "`id`");
}

TEST(EnvFileTest, QuotedValuesMaySpanLines) {
  os::Environment variables = config::ParseEnvFile("KEY=\"-----BEGIN\nabc\n-----END\"\nK=after\n", ".env");
  EXPECT_EQ(variables["KEY"], "-----BEGIN\nabc\n-----END");
  EXPECT_EQ(variables["K"], "after");
}

TEST(EnvFileTest, TheLastOfTwoEqualKeysCounts) { EXPECT_EQ(ValueOf("K=1\nK=2\n"), "2"); }

TEST(EnvFileTest, WindowsLineEndsAndByteOrderMarksAreNotPartOfValues) {
  os::Environment variables = config::ParseEnvFile("\xEF\xBB\xBFK=value\r\n\r\nL='quoted'\r\n", ".env");
  EXPECT_EQ(variables["K"], "value");
  EXPECT_EQ(variables["L"], "quoted");
}

TEST(EnvFileTest, MalformedLinesAreReportedByNumber) {
  EXPECT_EQ(ComplaintOf("K=1\n\nno assignment\n").substr(0, 7), ".env:3:");
  EXPECT_EQ(ComplaintOf("=value\n").substr(0, 7), ".env:1:");
  EXPECT_EQ(ComplaintOf("# c\n1K=value\n").substr(0, 7), ".env:2:");
  EXPECT_EQ(ComplaintOf("K='a' b\n").substr(0, 7), ".env:1:");
  EXPECT_EQ(ComplaintOf("A=\"x\ny\"\nK\n").substr(0, 7), ".env:3:");
}

TEST(EnvFileTest, AnUnterminatedQuoteIsReportedByItsStart) {
  EXPECT_EQ(ComplaintOf("A=1\nK=\"open\nB=2\nC=3\n"), ".env:2: the quote that starts here does not end");
  EXPECT_EQ(ComplaintOf("K=\"ends in a backslash\\"), ".env:1: the quote that starts here does not end");
}

TEST(EnvFileTest, ErrorsDoNotRepeatPossiblePasswords) {
  EXPECT_THAT(ComplaintOf("PGPASSWORD='s3cret' s3cret\n"), ::testing::Not(::testing::HasSubstr("s3cret")));
}

TEST(EnvFileTest, NoTruncationIsReadPastItsEnd) {
  std::string text = "export K = \"a\\n\\x b\" # c\r\nL='x\ny'\n# d\nM=plain # e\n";
  for (size_t size = 0; size <= text.size(); ++size) {
    std::string part(text.data(), size);  // A copy of its own: a sanitizer sees reads beyond its end.
    try {
      config::ParseEnvFile(part, ".env");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
    }
  }
}

TEST(EnvFilesTest, AFileIsAsItWasWhenItWasReadFirst) {
  const testing::TempDir directory;
  const std::filesystem::path path = directory / ".env";
  const config::EnvFiles files;
  EXPECT_FALSE(files.Read(directory / "none"));
  std::ofstream(path) << "K='not closed\n";
  EXPECT_THROW(files.Read(path), Error);
  std::ofstream(path) << "K=first\n";  // What was refused is no state of it.
  EXPECT_EQ(files.Read(path)->at("K"), "first");
  std::ofstream(path) << "K=second\n";
  std::ofstream(directory / "none") << "K=new\n";
  EXPECT_EQ(files.Read(directory.path() / "other/../.env")->at("K"), "first");
  EXPECT_FALSE(files.Read(directory / "none"));
  EXPECT_EQ(config::EnvFiles().Read(path)->at("K"), "second");
}

class VariablesTest : public ::testing::Test {
 protected:
  void Write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((directory_ / file).parent_path());
    std::ofstream(directory_ / file) << text;
  }
  std::string Complaint() {
    try {
      config::SourceFromVariables(environment_, directory_, config::EnvFiles());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      return error.what();
    }
    return "nothing";
  }

  const testing::TempDir temporary_;
  const std::filesystem::path directory_ = temporary_.path();
  os::Environment environment_;
};

TEST_F(VariablesTest, WithoutAHostThereIsNoSource) {
  EXPECT_FALSE(config::SourceFromVariables(environment_, directory_, config::EnvFiles()));
  Write(".env", "PGDATABASE=rotv\n");
  EXPECT_FALSE(config::SourceFromVariables(environment_, directory_, config::EnvFiles()));
  Write(".env", "PRODUCTION_HOST=\n");
  EXPECT_FALSE(config::SourceFromVariables(environment_, directory_, config::EnvFiles()));
}

TEST_F(VariablesTest, EveryVariableSetsItsKey) {
  Write(".env",
        "PRODUCTION_HOST=db.example.org\nPRODUCTION_PORT=22422\nPRODUCTION_CONTAINER=rootsofthevalley.org\n"
        "PRODUCTION_USER=deploy\nPGDATABASE=rotv\nPGUSER=reader\nPGHOST=localhost\nPGPORT=6543\n");
  SourceConfig source = config::SourceFromVariables(environment_, directory_, config::EnvFiles()).value();
  EXPECT_EQ(source.name, "production");
  EXPECT_EQ(source.ssh, "deploy@db.example.org:22422");
  EXPECT_EQ(source.container, "rootsofthevalley.org");
  EXPECT_EQ(source.runtime, "podman");
  EXPECT_EQ(source.database, "rotv");
  EXPECT_EQ(source.user, "reader");
  // PGHOST and PGPORT are the application's own server.
  EXPECT_EQ(source.host, "");
  EXPECT_EQ(source.port, 5432);
}

TEST_F(VariablesTest, PostgresHasAHostAndAPortOfItsOwn) {
  Write(".env", "PRODUCTION_HOST=db\nPGDATABASE=x\nPRODUCTION_PGHOST=/srv/sockets\nPRODUCTION_PGPORT=5433\n");
  SourceConfig source = config::SourceFromVariables(environment_, directory_, config::EnvFiles()).value();
  EXPECT_EQ(source.host, "/srv/sockets");
  EXPECT_EQ(source.port, 5433);
  environment_["PRODUCTION_PGPORT"] = "5433x";
  EXPECT_EQ(Complaint(), "PRODUCTION_PGPORT in the environment is not a port");
  environment_ = {{"PRODUCTION_PGHOST", "a\nb"}};
  EXPECT_EQ(Complaint(), "PRODUCTION_PGHOST in the environment: host holds a control character");
}

TEST_F(VariablesTest, TheEnvironmentOverridesDotEnvWhichOverridesTheBackends) {
  Write("backend/.env", "PRODUCTION_HOST=backend\nPGDATABASE=backend\nPGUSER=backend\n");
  Write(".env", "PRODUCTION_HOST=root\nPGDATABASE=root\n");
  environment_["PRODUCTION_HOST"] = "process";
  environment_["PGUSER"] = "";  // Counts as not set.
  SourceConfig source = config::SourceFromVariables(environment_, directory_, config::EnvFiles()).value();
  EXPECT_EQ(source.ssh, "root@process");
  EXPECT_EQ(source.database, "root");
  EXPECT_EQ(source.user, "backend");
}

TEST_F(VariablesTest, WithoutADatabaseTheMissingVariableIsNamed) {
  environment_["PRODUCTION_HOST"] = "db";
  EXPECT_EQ(Complaint(), "PRODUCTION_HOST is set, but PGDATABASE is not");
}

TEST_F(VariablesTest, UnusableValuesAreReportedWithVariableAndFile) {
  Write("backend/.env", "PRODUCTION_PORT=ssh\nPRODUCTION_CONTAINER='-it x'\n");
  environment_ = {{"PRODUCTION_HOST", "db"}, {"PGDATABASE", "x"}};
  EXPECT_EQ(Complaint(), "PRODUCTION_PORT in backend/.env is not a port");
  environment_["PRODUCTION_PORT"] = "70000";
  EXPECT_EQ(Complaint(), "PRODUCTION_PORT in the environment is not a port");
  environment_["PRODUCTION_PORT"] = "22";
  EXPECT_EQ(Complaint(), "PRODUCTION_CONTAINER in backend/.env: container is not the name of a container");
  environment_["PRODUCTION_HOST"] = "root@db";
  EXPECT_EQ(Complaint(), "PRODUCTION_HOST in the environment is not the name of a host");
}

TEST_F(VariablesTest, NumericIpv6HostsGetBrackets) {
  environment_ = {{"PRODUCTION_HOST", "2001:db8::1"}, {"PRODUCTION_PORT", "2222"}, {"PGDATABASE", "x"}};
  EXPECT_EQ(config::SourceFromVariables(environment_, directory_, config::EnvFiles())->ssh, "root@[2001:db8::1]:2222");
}

TEST_F(VariablesTest, AMalformedFileIsAnError) {
  Write("backend/.env", "PGDATABASE=x\nnonsense\n");
  EXPECT_THAT(Complaint(), ::testing::HasSubstr("backend/.env:2:"));
}

}  // namespace
}  // namespace rotv
