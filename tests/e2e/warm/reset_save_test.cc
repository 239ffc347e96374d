// `rotv reset` throws a started database's changes away, `rotv save` keeps them.
//
// Labels: slow

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/warm/warm_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class ResetSaveTest : public WarmTest {
 protected:
  std::string Ask(const std::string& sql) const { return MustRotv({"psql", "-XAtqc", sql}); }

  // The application's own process.
  std::vector<pid_t> Applications() const {
    std::vector<pid_t> found;
    for (const pid_t process : Processes()) {
      const std::vector<std::string> words = os::CommandLineOf(process);
      if (!words.empty() && words[0].ends_with("node")) found.push_back(process);
    }
    return found;
  }

  // A client that always comes again, and says if it meets a server that is being carried: it would write there.
  Command Meddler() const {
    std::string url = MustRotv({"url"});
    url.pop_back();
    return {.argv = {"sh", "-c", "while :; do psql -XAtqc \"$1\" \"$0\" 2>/dev/null && echo came; done", url,
                     "UPDATE places SET name = 'half' WHERE current_setting('session_replication_role') = 'replica' "
                     "RETURNING 'met it'"}};
  }

  void ExpectRefused(const std::vector<std::string>& arguments, const std::string& message) const {
    const Result result = Rotv(arguments);
    EXPECT_EQ(result.exit_status, kUsage) << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_THAT(result.err, HasSubstr("\nhint: "));
  }
};

TEST_F(ResetSaveTest, AResetThrowsChangesAwayAndTheApplicationGoesOn) {
  ExpectRefused({"reset"}, "the application is not running");
  MustRotv({"warm"});
  MustRotv({"start"});
  const std::vector<pid_t> before = Applications();
  ASSERT_EQ(before.size(), 1U);
  for (int turn = 0; turn < 2; ++turn) {
    Ask("DELETE FROM places WHERE id > 10; CREATE TABLE mine (id int); UPDATE news SET title = 'x'");
    // Somebody is connected, in the middle of a transaction.
    Process holder(RotvCommand({"psql", "-XAtq", "-c", "BEGIN; UPDATE places SET name = 'held'", "-c", "SELECT 'held'",
                                "-c", "SELECT pg_sleep(1000)"}));
    ASSERT_TRUE(holder.WaitForOutput("held\n", kPatience)) << holder.Err();
    const Json reset = Json::parse(MustRotv({"--json", "reset"}));
    EXPECT_EQ(reset["restarted"], false);
    EXPECT_EQ(reset["source"], "production");
    EXPECT_NE(holder.Wait().exit_status, 0);
    EXPECT_EQ(Get("/count/places"), "100");
    EXPECT_EQ(Ask("SELECT count(*) FROM pg_class WHERE relname = 'mine'"), "0\n");
    EXPECT_EQ(Ask("SELECT count(*) FROM news WHERE title = 'x'"), "0\n");
  }
  EXPECT_EQ(Applications(), before);
  EXPECT_EQ(Json::parse(MustRotv({"--json", "status"}))["answers"], true);
  MustRotv({"stop"});
  ExpectNothingLeft();
}

TEST_F(ResetSaveTest, WhatWasImportedOrCarriedIsResetInPlaceToo) {
  rotv_.server().Exec("CREATE UNLOGGED TABLE drafts (body text); INSERT INTO drafts VALUES ('as it was')");
  for (const std::string from : {"seed", "carried"}) {
    SCOPED_TRACE(from);
    ASSERT_EQ(Json::parse(MustRotv({"--json", "start", "--replace"}))["from"], from);
    const std::vector<pid_t> before = Applications();
    for (int turn = 0; turn < 2; ++turn) {
      Ask("DELETE FROM places WHERE id > 10; CREATE TABLE mine (id int); UPDATE drafts SET body = 'by hand'");
      Process meddler(Meddler());
      ASSERT_TRUE(meddler.WaitForOutput("came\n", kPatience));
      EXPECT_EQ(Json::parse(MustRotv({"--json", "reset"}))["restarted"], false);
      EXPECT_THAT(meddler.Out(), Not(HasSubstr("met it")));
      ExpectDatabaseIsTheSources();
      EXPECT_EQ(Ask("SELECT * FROM drafts"), "as it was\n");
      EXPECT_EQ(Ask("SHOW session_replication_role"), "origin\n");
    }
    EXPECT_EQ(Applications(), before);
    rotv_.server().Exec("UPDATE places SET name = 'new ' || id WHERE id % 3 = 0; DELETE FROM news WHERE id < 4");
    rotv_.MustSync({"pull"});
  }
  MustRotv({"stop"});
  ExpectNothingLeft();
}

TEST_F(ResetSaveTest, AWarmClusterThatWasDamagedIsNotWhatAResetLeaves) {
  MustRotv({"start"});
  Ask("DELETE FROM places WHERE id > 10");
  const std::vector<std::filesystem::path> files = FilesWith("place 50");
  ASSERT_FALSE(files.empty());
  Change(files.front(), "place 50", "PLACE 50");
  const Json reset = Json::parse(MustRotv({"--json", "reset"}));
  EXPECT_EQ(reset["restarted"], true);
  ExpectDatabaseIsTheSources();
}

TEST_F(ResetSaveTest, WithoutAWarmClusterInItAResetStartsAgainOnTheSameData) {
  std::ofstream(rotv_.config(), std::ios::app) << "keep_prepared = false\n";
  MustRotv({"start"});
  const Json before = Json::parse(MustRotv({"--json", "status"}));
  rotv_.server().Exec("DELETE FROM places WHERE id > 60");
  rotv_.MustSync({"pull"});
  Ask("DELETE FROM places");
  const Json reset = Json::parse(MustRotv({"--json", "reset"}));
  EXPECT_EQ(reset["restarted"], true);
  EXPECT_EQ(reset["lsn"], before["lsn"]);
  EXPECT_EQ(reset["snapshot"], "head");
  EXPECT_EQ(Get("/count/places"), "100") << "the head has moved on, what was started has not";
  MustRotv({"restart"});
  EXPECT_EQ(Get("/count/places"), "60");
}

TEST_F(ResetSaveTest, PersistentDataIsNeitherResetNorSaved) {
  std::filesystem::create_directory(rotv_.home());
  std::filesystem::permissions(rotv_.home(), std::filesystem::perms(0711));  // For root's server.
  MustRotv({"start", "--persistent"});
  Ask("DELETE FROM places WHERE id > 10");
  ExpectRefused({"reset"}, "its data is persistent");
  ExpectRefused({"save", "mine"}, "its data is persistent");
  EXPECT_EQ(Get("/count/places"), "10");
}

TEST_F(ResetSaveTest, AnApplicationThatEndsWithItsConnectionsIsStartedAgain) {
  // As node-postgres does without a handler for errors of idle connections.
  WriteApp("fragile.js",
           "const { spawn } = require('child_process');\n"
           "spawn('psql', ['-XAtqc', 'SELECT pg_sleep(1000)']).on('exit', () => process.exit(5));\n"
           "require('./server.js');\n");
  std::ofstream(rotv_.config(), std::ios::app) << "command = \"node fragile.js\"\n";
  MustRotv({"warm"});
  MustRotv({"start"});
  ASSERT_TRUE(WaitUntil([&] {
    return Ask("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(1000)%' "
               "AND pid <> pg_backend_pid()") == "1\n";
  }));
  MustRotv({"reset"});
  EXPECT_TRUE(WaitUntil([&] { return Get("/count/places") == "100"; }));
  EXPECT_THAT(MustRotv({"logs"}), HasSubstr("since its connections were cut: it is started again"));
  EXPECT_EQ(Rotv({"status"}).exit_status, 0);
}

TEST_F(ResetSaveTest, SavedDataIsStartedLikeASnapshotAndIsNoneOfProduction) {
  rotv_.MustSync({"baseline"});
  rotv_.MustSync({"snapshot", "create", "before"});
  MustRotv({"start"});
  Ask("DELETE FROM places WHERE id > 10; CREATE TABLE mine AS SELECT 42 AS answer");
  for (const std::string name : {"before", "head", "../x", "a b", "yesterday", ""}) {
    const Result refused = Rotv({"save", name});
    EXPECT_EQ(refused.exit_status, kUsage) << name << refused.out << refused.err;
  }
  const std::vector<pid_t> before = Applications();
  // Transactions go on while it is saved: what has been committed is in it, in part never.
  Process writer(RotvCommand({"psql", "-Xqc", "CREATE TABLE pairs (a int, b int)", "-c",
                              "DO $$ BEGIN FOR i IN 1..100000 LOOP "
                              "INSERT INTO pairs VALUES (i, 0); UPDATE pairs SET b = i WHERE a = i; COMMIT; "
                              "END LOOP; END $$"}));
  ASSERT_TRUE(WaitUntil([&] {
    return RunCommand(RotvCommand({"psql", "-XAtqc", "SELECT count(*) > 5 FROM pairs"})).out == "t\n";
  }));
  EXPECT_THAT(MustRotv({"save", "with-pairs"}), HasSubstr("Saved as with-pairs in "));
  writer.Wait();
  EXPECT_EQ(Applications(), before);
  EXPECT_EQ(Get("/count/places"), "10");
  ExpectRefused({"save", "with-pairs"}, "there is saved data named with-pairs already");
  const Result taken = rotv_.Sync({"snapshot", "create", "with-pairs"});
  EXPECT_EQ(taken.exit_status, kUsage);
  EXPECT_THAT(taken.err, HasSubstr("there is saved data named with-pairs"));

  Ask("DELETE FROM places");
  EXPECT_THAT(MustRotv({"start", "--replace", "--snapshot", "with-pairs"}),
              HasSubstr("saved data with-pairs, no state of production"));
  EXPECT_EQ(Get("/count/places"), "10");
  EXPECT_EQ(Ask("SELECT answer FROM mine"), "42\n");
  EXPECT_EQ(Ask("SELECT count(*) > 5, count(*) FILTER (WHERE a <> b) FROM pairs"), "t|0\n");
  EXPECT_THAT(MustRotv({"status"}), HasSubstr("saved data with-pairs, no state of production"));
  EXPECT_EQ(Json::parse(MustRotv({"--json", "status"}))["saved"], "with-pairs");
  Ask("DELETE FROM mine");
  EXPECT_EQ(Json::parse(MustRotv({"--json", "reset"}))["restarted"], false);
  EXPECT_EQ(Ask("SELECT answer FROM mine"), "42\n");
  EXPECT_EQ(MustRotv(Fresh(Psql("SELECT answer FROM mine"), "with-pairs")), "42\n");
  MustRotv({"restart"});
  EXPECT_EQ(Ask("SELECT answer FROM mine"), "42\n");

  EXPECT_THAT(MustRotv({"warm", "--list"}), HasSubstr("saved data with-pairs, no state of production"));
  EXPECT_EQ(Rotv({"warm", "--snapshot", "with-pairs"}).exit_status, kUsage);
  // Neither makes room for others, nor goes with them.
  rotv_.MustSync({"clean", "--what", "clusters"});
  MustRotv({"warm", "--remove", "all"});
  EXPECT_EQ(Clusters("saved").size(), 1U);
  MustRotv({"stop"});
  MustRotv({"warm", "--remove", "with-pairs"});
  EXPECT_EQ(Clusters("saved").size(), 0U);
  EXPECT_EQ(Rotv({"start", "--snapshot", "with-pairs"}).exit_status, kUsage);
}

TEST_F(ResetSaveTest, ASaveThatIsKilledLeavesTheServerRunningAndNothingSaved) {
  MustRotv({"start"});
  Ask("CREATE TABLE big AS SELECT i, repeat('x', 500) FROM generate_series(1, 100000) i");
  Process save(RotvCommand({"save", "half"}));
  ASSERT_TRUE(WaitUntil(
      [&] { return ReadFile(rotv_.home() / "run/app.log").find("save: the server is stopped") != std::string::npos; }));
  save.Signal(SIGKILL);
  save.Wait();
  EXPECT_TRUE(WaitUntil([&] { return Get("/count/big") == "100000"; }));
  EXPECT_EQ(Clusters("saved").size(), 0U);
  MustRotv({"save", "whole"});
  EXPECT_EQ(Clusters("saved").size(), 1U);
}

}  // namespace
}  // namespace rotv::testing
