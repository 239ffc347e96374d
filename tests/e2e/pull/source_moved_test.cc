// The source is no longer the one that the store was made from: a pull reports it with exit code 8 before it applies
// anything, the store can still be materialized, and a new baseline fixes it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

constexpr const char* kForce = "rotv-sync pull --rebaseline";

class SourceMovedTest : public ::testing::Test {
 protected:
  SourceMovedTest() {
    rotv_.server().Exec(
        "CREATE TABLE t (id int PRIMARY KEY, text text); CREATE TABLE other (id int PRIMARY KEY);"
        "INSERT INTO t SELECT n, 'row ' || n FROM generate_series(1, 100) n");
    rotv_.MustSync({"baseline"});
    rotv_.server().Exec("UPDATE t SET text = 'pulled' WHERE id < 10");
    rotv_.MustSync({"pull"});
    seed_ = ReadFile(rotv_.Seed());
    slot_ = rotv_.server().Value("SELECT slot_name FROM pg_replication_slots");
  }

  // Checks that the store does not change, whatever command runs.
  void ExpectPullRefuses(const std::string& message) {
    ExpectError(rotv_.Sync({"pull"}), {kNewBaselineNeeded, message, kForce});
    ExpectJsonError(rotv_.Sync({"--json", "pull"}), {kNewBaselineNeeded, message, kForce});
    EXPECT_EQ(ReadFile(rotv_.Seed()), seed_);
    // baseline without --force does not destroy it.
    EXPECT_EQ(rotv_.Sync({"baseline"}).exit_status, 2);
  }

  void ExpectNewBaselineFixes(const std::vector<std::string>& command = {"pull", "--rebaseline"}) {
    rotv_.MustSync(command);
    ExpectOneBaseline(rotv_);
    rotv_.ExpectSeedIsDump();
    rotv_.server().Exec("INSERT INTO t VALUES (-1, 'after')");
    rotv_.MustSync({"pull"});
    rotv_.ExpectSeedIsDump();
  }

  void Change() {
    rotv_.server().Exec("INSERT INTO t SELECT max(id) + 1000, 'not pulled' FROM t; DELETE FROM t WHERE id = 50");
  }

  RotvHome rotv_{{.binary = ROTV_SYNC_BINARY}};
  std::string seed_;
  std::string slot_;
};

TEST_F(SourceMovedTest, AMissingSlotIsRefused) {
  Change();
  rotv_.server().Exec("SELECT pg_drop_replication_slot('" + slot_ + "')", kSuperuser);
  ExpectPullRefuses("replication slot " + slot_ + " no longer exists on the source");
  ExpectNewBaselineFixes();
}

TEST_F(SourceMovedTest, ASlotAdvancedByAnotherClientIsRefused) {
  Change();
  rotv_.server().Exec("SELECT pg_replication_slot_advance('" + slot_ + "', pg_current_wal_insert_lsn())", kSuperuser);
  ExpectPullRefuses("ahead of the store at");
  ExpectNewBaselineFixes();
}

TEST_F(SourceMovedTest, ASlotRecreatedByAnotherClientIsRefused) {
  Change();
  const std::string drop = "SELECT pg_drop_replication_slot('" + slot_ + "');";
  rotv_.server().Exec(drop + "SELECT pg_create_logical_replication_slot('" + slot_ + "', 'pgoutput')", kSuperuser);
  ExpectPullRefuses("ahead of the store at");
  // A slot of another kind, or of another database.
  rotv_.server().Exec(drop + "SELECT pg_create_physical_replication_slot('" + slot_ + "')", kSuperuser);
  ExpectPullRefuses("replication slot " + slot_ + " on the source is another one of the same name");
  rotv_.server().Exec(drop + "SELECT pg_create_logical_replication_slot('" + slot_ + "', 'test_decoding')", kSuperuser);
  ExpectPullRefuses("replication slot " + slot_ + " on the source is another one of the same name");
  rotv_.server().Exec(drop, kSuperuser);
  rotv_.server().Exec("SELECT pg_create_logical_replication_slot('" + slot_ + "', 'pgoutput')",
                      {"postgres", "postgres"});
  ExpectPullRefuses("replication slot " + slot_ + " on the source is another one of the same name");
  ExpectNewBaselineFixes();
}

// Such a slot lacks nothing: everything that is not stored yet comes.
TEST_F(SourceMovedTest, ASlotReplacedByAnEarlierCopyIsFollowed) {
  rotv_.server().Exec("SELECT pg_copy_logical_replication_slot('" + slot_ + "', 'earlier')", kSuperuser);
  Change();
  rotv_.MustSync({"pull"});
  rotv_.server().Exec("SELECT pg_drop_replication_slot('" + slot_ +
                          "');"
                          "SELECT pg_copy_logical_replication_slot('earlier', '" +
                          slot_ +
                          "');"
                          "SELECT pg_drop_replication_slot('earlier')",
                      kSuperuser);
  Change();
  rotv_.MustSync({"pull"});
  rotv_.ExpectSeedIsDump();
}

TEST_F(SourceMovedTest, ASlotThatLostItsWalIsRefused) {
  PostgresServer& server = rotv_.server();
  server.Set("max_slot_wal_keep_size", "1MB");
  server.Set("max_wal_size", "32MB");
  Change();
  const auto is_lost = [&] {
    server.Exec(
        "CREATE TABLE IF NOT EXISTS filler (n int); INSERT INTO filler VALUES (1); SELECT pg_switch_wal(); CHECKPOINT",
        kSuperuser);
    return server.Value("SELECT wal_status FROM pg_replication_slots") == "lost";
  };
  ASSERT_TRUE(WaitUntil(is_lost));
  server.Exec("DROP TABLE filler", kSuperuser);
  ExpectPullRefuses("the source has removed WAL that replication slot " + slot_ + " needed (max_slot_wal_keep_size)");
  EXPECT_THAT(rotv_.MustSync({"status"}),
              ::testing::HasSubstr("needed (max_slot_wal_keep_size): a pull needs a new baseline"));
  server.Set("max_slot_wal_keep_size", "4GB");
  ExpectNewBaselineFixes();
}

TEST_F(SourceMovedTest, ARecreatedDatabaseIsRefused) {
  // It even has the slot's name: everything was rebuilt.
  rotv_.server().Exec("SELECT pg_drop_replication_slot('" + slot_ + "')", kSuperuser);
  rotv_.server().DropDatabase("rotv");
  rotv_.server().CreateDatabase("rotv");
  rotv_.server().Exec("CREATE TABLE t (id int PRIMARY KEY, text text); INSERT INTO t VALUES (7, 'another database')");
  rotv_.server().Exec("SELECT pg_create_logical_replication_slot('" + slot_ + "', 'pgoutput')", kSuperuser);
  ExpectPullRefuses("database rotv was dropped and created again");
  ExpectNewBaselineFixes();
}

// A dump contains the publication; the slot exists, in the renamed database.
TEST_F(SourceMovedTest, ADatabaseRestoredFromADumpIsRefused) {
  PostgresServer& server = rotv_.server();
  const std::filesystem::path dump = rotv_.directory() / "restore.sql";
  WriteFile(dump, server.Dump());
  server.Exec("ALTER DATABASE rotv RENAME TO put_aside", {"postgres", "postgres"});
  server.CreateDatabase("rotv");
  ASSERT_TRUE(server.Psql(dump).ok());
  Change();
  ExpectPullRefuses("database rotv was dropped and created again");
  // The slot in the other database was ours, and would hold back its WAL for ever.
  ExpectNewBaselineFixes();
}

// The files are from an earlier day: identity and slot are the same, and the WAL diverges from there.
TEST_F(SourceMovedTest, ARestoredDataDirectoryIsRefused) {
  PostgresServer& server = rotv_.server();
  const std::string files = server.data_directory();
  server.Stop();
  MustRun({.argv = {"cp", "-a", files, files + ".before"}});
  server.Start();
  Change();
  rotv_.MustSync({"pull"});
  seed_ = ReadFile(rotv_.Seed());
  server.Stop();
  MustRun({.argv = {"sh", "-c", "rm -rf \"$0\" && mv \"$0.before\" \"$0\"", files}});
  server.Start();
  ExpectPullRefuses("the source has gone back to an earlier state");
  ExpectNewBaselineFixes();
}

TEST_F(SourceMovedTest, AnotherClusterIsRefused) {
  PostgresServer another;
  another.Exec("CREATE TABLE t (id int PRIMARY KEY, text text); INSERT INTO t VALUES (7, 'another cluster')");
  const std::string host = "\"" + rotv_.server().socket_directory() + "\"";
  const std::string port = std::to_string(rotv_.server().port());
  // Both clusters are copies of one initdb: without this change they would have the same system identifier.
  const auto system_id = [](const PostgresServer& server) {
    return server.Value("SELECT system_identifier FROM pg_control_system()", kSuperuser);
  };
  if (system_id(another) == system_id(rotv_.server())) {
    another.Stop();
    MustRun({.argv = {"sh", "-c",
                      "cd \"$0\" && owner=$(stat -c %u \"$0\") && if [ \"$(id -u)\" = \"$owner\" ]; then as=; else "
                      "as=\"setpriv --reuid $owner --clear-groups\"; fi; $as \"$1\" -f -D \"$0\"",
                      another.data_directory(), PostgresServer::BinDirectory() / "pg_resetwal"}});
    another.Start();
  }
  rotv_.Configure({{"host", "\"" + another.socket_directory() + "\""}, {"port", std::to_string(another.port())}});
  if (system_id(another) != system_id(rotv_.server())) {
    ExpectPullRefuses("the source is not the PostgreSQL cluster of the baseline");
  } else {
    ExpectPullRefuses("");
  }
  // Only a line of the config was wrong: with the right one, pulls continue.
  rotv_.Configure({{"host", host}, {"port", port}});
  Change();
  rotv_.MustSync({"pull"});
  rotv_.ExpectSeedIsDump();
}

class PromotionTest : public SourceMovedTest {
 protected:
  // Starts the server as a standby.
  void Demote() {
    PostgresServer& server = rotv_.server();
    server.Stop();
    const std::filesystem::path signal = server.data_directory() / "standby.signal";
    WriteFile(signal, "");
    std::filesystem::permissions(signal, std::filesystem::perms::all);
    MustRun({.argv = {"chown", "--reference=" + server.data_directory().string(), signal}});
    server.Start();
  }
  void Promote() {
    PostgresServer& server = rotv_.server();
    server.Exec("SELECT pg_promote()", kSuperuser);
    ASSERT_TRUE(WaitUntil([&] { return server.Value("SELECT pg_is_in_recovery()", kSuperuser) == "f"; }));
  }
  std::string TimelineOfTheControlFile() {
    return rotv_.server().Value("SELECT timeline_id FROM pg_control_checkpoint()", kSuperuser);
  }
  void WaitForTheCheckpoint() {
    ASSERT_TRUE(WaitUntil([&] {
      rotv_.server().Exec("CHECKPOINT", kSuperuser);
      return TimelineOfTheControlFile() == "2";
    }));
  }

  const char* const moved_ = "the source is on timeline 2, the baseline on 1: there was a failover or a restore";
};

TEST_F(PromotionTest, ATimelineBegunByARestoreIsRefused) {
  Demote();
  Promote();
  WaitForTheCheckpoint();
  Change();
  ExpectPullRefuses(moved_);
  ExpectNewBaselineFixes();
}

// Until the first checkpoint after a promotion has ended, the control file names the timeline before.
TEST_F(PromotionTest, IsNoticedBeforeItsFirstCheckpoint) {
  Demote();
  const pid_t checkpointer = std::stoi(
      rotv_.server().Value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'", kSuperuser));
  ASSERT_EQ(kill(checkpointer, SIGSTOP), 0);
  Promote();
  Change();
  ExpectPullRefuses(moved_);
  rotv_.MustSync({"pull", "--rebaseline"});
  EXPECT_EQ(TimelineOfTheControlFile(), "1");
  ASSERT_EQ(kill(checkpointer, SIGCONT), 0);
  WaitForTheCheckpoint();
  // The baseline of that moment stays in use.
  rotv_.server().Exec("INSERT INTO t VALUES (-2, 'after the checkpoint')");
  rotv_.MustSync({"pull"});
  rotv_.ExpectSeedIsDump();
}

TEST_F(SourceMovedTest, ADetachedSourceIsRefused) {
  rotv_.MustSync({"detach"});
  EXPECT_TRUE(rotv_.LeftOnSource().empty());
  Change();
  ExpectPullRefuses("this source was detached: its replication slot was dropped");
  ExpectNewBaselineFixes({"baseline", "--force"});
}

// The old history stays until the new one is complete.
// Labels: slow
TEST_F(SourceMovedTest, AKilledNewBaselineLeavesTheOldStore) {
  const RotvHome& rotv = rotv_;
  rotv_.server().Exec("SELECT pg_drop_replication_slot('" + slot_ + "')", kSuperuser);
  Change();
  rotv_.server().Exec(
      "CREATE TABLE large (id int PRIMARY KEY, v text); ALTER TABLE large ALTER v SET STORAGE EXTERNAL;"
      "INSERT INTO large SELECT n, repeat(md5(n::text), 30000) FROM generate_series(1, 20) n");
  // The kill comes during the wait for a consistent point, and in the middle of the rows.
  Connection open = rotv_.server().NewConnection();
  open.Exec("BEGIN; UPDATE t SET text = 'open' WHERE id = 1");
  Process waiting(rotv.SyncCommand({"pull", "--rebaseline"}));
  ASSERT_TRUE(waiting.WaitForOutput("waiting for process", std::chrono::seconds(30))) << waiting.Err();
  waiting.Signal(SIGKILL);
  waiting.Wait();
  open.Exec("ROLLBACK");
  EXPECT_EQ(ReadFile(rotv_.Seed()), seed_);
  ExpectPullRefuses("no longer exists on the source");

  SlowLink link({.target_port = rotv_.ssh().port(), .megabits_per_second = 20});
  rotv_.ssh().TrustPort(link.port());
  const std::string direct = "\"" + rotv_.ssh().Destination() + "\"";
  rotv_.Configure({{"ssh", "\"" + rotv_.ssh().user() + "@127.0.0.1:" + std::to_string(link.port()) + "\""}});
  Process copying(rotv.SyncCommand({"pull", "--rebaseline"}));
  ASSERT_TRUE(WaitUntil([&] { return link.BytesToClient() > 1'000'000; })) << copying.Err();
  copying.Signal(SIGKILL);
  copying.Wait();
  rotv_.Configure({{"ssh", direct}});
  EXPECT_EQ(ReadFile(rotv_.Seed()), seed_);
  ExpectPullRefuses("no longer exists on the source");
  ExpectNewBaselineFixes();
}

TEST_F(SourceMovedTest, AScheduledPullTakesANewBaseline) {
  rotv_.server().Exec("SELECT pg_drop_replication_slot('" + slot_ + "')", kSuperuser);
  Change();
  const Result result = rotv_.Sync({"--json", "pull", "--rebaseline"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, ::testing::HasSubstr("no longer exists on the source: taking a new baseline"));
  EXPECT_FALSE(nlohmann::json::parse(result.out)["baseline"].is_null());
  ExpectOneBaseline(rotv_);
  rotv_.ExpectSeedIsDump();
  Change();
  EXPECT_TRUE(nlohmann::json::parse(rotv_.MustSync({"--json", "pull", "--rebaseline"}))["baseline"].is_null());
  rotv_.ExpectSeedIsDump();
}

}  // namespace
}  // namespace rotv::testing
