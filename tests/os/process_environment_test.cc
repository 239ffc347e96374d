#include "os/process_environment.h"

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "tests/support/files/subprocess.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv {
namespace {

std::set<std::string> TheList() { return {os::LibpqVariables().begin(), os::LibpqVariables().end()}; }

TEST(ProcessEnvironmentTest, EveryVariableOfThisLibpqIsInTheList) {
  PQconninfoOption* options = PQconndefaults();
  ASSERT_NE(options, nullptr);
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->envvar == nullptr) continue;
    EXPECT_TRUE(os::IsLibpqVariable(option->envvar)) << option->envvar;
  }
  PQconninfoFree(options);
}

// Variables that are no connection parameter (PGSERVICEFILE, PSQLRC …) are found in the programs only.
TEST(ProcessEnvironmentTest, EveryVariableThatPsqlAndLibpqNameIsInTheList) {
  const std::string psql = testing::PostgresServer::BinDirectory() / "psql";
  const std::string script =
      "ldd \"$1\" | sed -n 's/.*libpq[^ ]* => \\([^ ]*\\).*/\\1/p' | xargs cat \"$1\" | tr -c 'A-Z_' '\\n'";
  const std::string words = testing::MustRun({.argv = {"sh", "-c", script, "sh", psql}}).out;
  const std::set<std::string> other = {"PGSQL"};
  std::istringstream lines(words);
  int seen = 0;
  for (std::string word; std::getline(lines, word);) {
    bool variable = word.starts_with("PGS") || word.starts_with("PGH") || word.starts_with("PGO") ||
                    word.starts_with("PGT") || word.starts_with("PSQL_") || word == "PSQLRC";
    if (!variable || other.contains(word)) continue;
    ++seen;
    EXPECT_TRUE(os::IsLibpqVariable(word)) << word;
  }
  EXPECT_GT(seen, 20);
}

TEST(ProcessEnvironmentTest, TheEntrypointHasTheSameList) {
  const std::string script = std::string("source '") + ROTV_SOURCE_DIR +
                             "/entrypoint/environment.sh'; printf '%s\\n' \"${libpq_variables[@]}\"";
  std::istringstream lines(testing::MustRun({.argv = {"bash", "-c", script}}).out);
  std::set<std::string> there;
  for (std::string name; std::getline(lines, name);) there.insert(name);
  EXPECT_EQ(there, TheList());
}

TEST(ProcessEnvironmentTest, TheListIsSortedWithoutDuplicates) {
  EXPECT_TRUE(std::is_sorted(os::LibpqVariables().begin(), os::LibpqVariables().end()));
  EXPECT_EQ(TheList().size(), os::LibpqVariables().size());
}

void ExpectThatTheEnvironmentIsTakenOnce() {
  for (std::string_view name : os::LibpqVariables()) setenv(std::string(name).c_str(), "x", 1);
  setenv("PGPASSWORD", "s3cret", 1);
  setenv("HOME", "/people/ada", 1);
  EXPECT_EQ(os::TakeEnvironment().at("PGDATABASE"), "x");
  for (const char* name : {"PGHOST", "PGHOSTADDR", "PGSERVICE", "PGOPTIONS", "PGTARGETSESSIONATTRS", "PGPASSWORD",
                           "PGDATESTYLE", "PGREQUIREPEER"}) {
    EXPECT_EQ(std::getenv(name), nullptr) << name;
  }
  EXPECT_NE(std::getenv("PGSSLROOTCERT"), nullptr) << "libpq reads it itself";
  EXPECT_EQ(os::EnvironmentPassword(), "s3cret");
  // What changes in the process later changes nothing for us.
  setenv("HOME", "/elsewhere", 1);
  setenv("PGPASSWORD", "other", 1);
  EXPECT_EQ(os::TakenVariable("HOME"), "/people/ada");
  EXPECT_EQ(os::HelperEnvironment().at("HOME"), "/people/ada");
  EXPECT_EQ(os::EnvironmentPassword(), "s3cret");
  EXPECT_EQ(os::TakenVariable("NOT_SET"), "");
  for (const os::Environment& again : {os::TakenEnvironment(), os::TakeEnvironment()}) {
    EXPECT_EQ(again.at("PGDATABASE"), "x");
    EXPECT_EQ(again.at("HOME"), "/people/ada");
  }
  os::SetTakenVariable("HOME", "/of/the/job");
  EXPECT_EQ(os::TakenVariable("HOME"), "/of/the/job");
  EXPECT_STREQ(std::getenv("HOME"), "/of/the/job");
}

// In a process of its own: other tests go by theirs as it is.
TEST(ProcessEnvironmentTest, WhatWasTakenIsReadOnceAndWhatLeadsElsewhereIsGone) {
  EXPECT_EXIT(
      {
        ExpectThatTheEnvironmentIsTakenOnce();
        std::exit(::testing::Test::HasFailure() ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(ProcessEnvironmentTest, NoHelperGetsTheTeamsKey) {
  EXPECT_TRUE(os::HelperEnvironment({{"ROTV_HOME", "/x"}}).contains("ROTV_HOME"));
  EXPECT_FALSE(os::HelperEnvironment({{"ROTV_TEAM_KEY", "secret"}}).contains("ROTV_TEAM_KEY"));
}

TEST(ProcessEnvironmentTest, OnlyARemoteContainerRuntimeGetsTheAgent) {
  std::map<std::string, std::string> here = {{"SSH_AUTH_SOCK", "/a"}, {"HOME", "/h"}, {"LC_ALL", "C"}, {"KEY", "k"}};
  EXPECT_EQ(os::HelperEnvironment(here), (std::map<std::string, std::string>{{"HOME", "/h"}, {"LC_ALL", "C"}}));
  here["CONTAINER_HOST"] = "ssh://somewhere";
  EXPECT_TRUE(os::HelperEnvironment(here).contains("SSH_AUTH_SOCK"));
}

}  // namespace
}  // namespace rotv
