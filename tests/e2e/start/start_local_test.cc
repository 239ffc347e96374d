// `rotv` without a container: the machine's own PostgreSQL on tmpfs, and the application as a process.

#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <random>
#include <thread>

#include "storage/row_store.h"
#include "storage/workspace.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/start/start_local_fixture.h"

namespace rotv::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(StartLocalTest, TheFirstStartTakesTheBaselineByItself) {
  Result started = Rotv({"start"});
  ASSERT_TRUE(started.ok()) << started.err;
  EXPECT_THAT(started.err, HasSubstr("rotv: runtime: local"));
  EXPECT_THAT(started.out, HasSubstr("Running: http://127.0.0.1:" + std::to_string(port_) + "/\n"));
  EXPECT_THAT(started.out, HasSubstr("production as it was at "));
  EXPECT_THAT(started.out, HasSubstr("places           100 rows"));
  EXPECT_EQ(Get("/count/places"), "100");
  EXPECT_EQ(Get("/count/news"), "7");
  EXPECT_EQ(MustRotv({"psql", "-Atc", "SELECT count(*) FROM places"}), "100\n");
  EXPECT_EQ(MustRotv({"psql", "rotv_test", "-Atc", "SELECT current_database()"}), "rotv_test\n");
  EXPECT_THAT(MustRotv({"logs"}), HasSubstr("rotv: database ready"));
  MustRotv({"stop"});
  ExpectNothingRuns();
  EXPECT_THAT(MustRotv({"stop"}), HasSubstr("Nothing was running"));
}

TEST_F(StartLocalTest, ChangesMadeByHandAreGoneAfterARestart) {
  MustRotv({"start"});
  MustRotv({"psql", "-qc", "INSERT INTO places VALUES (1000, 'by hand'); DROP TABLE news"});
  EXPECT_EQ(Get("/count/places"), "101");
  MustRotv({"stop"});
  MustRotv({"start"});
  EXPECT_EQ(Get("/count/places"), "100");
  MustRotv({"psql", "-qc", "INSERT INTO places VALUES (1000, 'by hand')"});
  MustRotv({"restart"});
  EXPECT_EQ(Get("/count/places"), "100");
  EXPECT_EQ(Get("/count/news"), "7");
}

TEST_F(StartLocalTest, ASecondStartIsReported) {
  MustRotv({"start"});
  Json again = Json::parse(MustRotv({"--json", "start"}));
  EXPECT_EQ(again["already_running"], true);
  EXPECT_EQ(again["port"], port_);
  EXPECT_EQ(Json::parse(MustRotv({"--json", "status"}))["state"], "running");
}

TEST_F(StartLocalTest, TheSeedIsWrittenOnlyIfTheStoreChanged) {
  MustRotv({"start"});
  auto written = std::filesystem::last_write_time(rotv_.home() / "seed-data.sql");
  MustRotv({"restart"});
  EXPECT_EQ(std::filesystem::last_write_time(rotv_.home() / "seed-data.sql"), written);

  rotv_.server().Exec("INSERT INTO places VALUES (500, 'new')");
  MustRotv({"restart"});
  EXPECT_EQ(Get("/count/places"), "100") << "no pull was requested";
  EXPECT_EQ(std::filesystem::last_write_time(rotv_.home() / "seed-data.sql"), written);
  MustRotv({"restart", "--pull"});
  EXPECT_EQ(Get("/count/places"), "101");

  // One that is gone is written again, if there is no warm cluster in its place.
  std::filesystem::remove(rotv_.home() / "seed-data.sql");
  MustRotv({"restart"});
  EXPECT_EQ(Get("/count/places"), "101");
  std::filesystem::remove_all(rotv_.home() / "warm");
  MustRotv({"restart"});
  EXPECT_EQ(Get("/count/places"), "101");
  EXPECT_TRUE(std::filesystem::exists(rotv_.home() / "seed-data.sql"));
}

TEST_F(StartLocalTest, ARestartKeepsTheSnapshotOfTheStart) {
  EXPECT_THAT(MustRotv({"seed", "--as", "hundred"}), HasSubstr("Kept as snapshot hundred"));
  rotv_.server().Exec("DELETE FROM places WHERE id > 40");
  MustRotv({"start", "--pull"});
  EXPECT_EQ(Get("/count/places"), "40");
  std::filesystem::remove_all(rotv_.home() / "warm");  // So that a seed of it is written.
  EXPECT_THAT(MustRotv({"restart", "--snapshot", "hundred"}), HasSubstr("snapshot hundred"));
  EXPECT_EQ(Get("/count/places"), "100");
  MustRotv({"restart"});  // Keeps the snapshot that it was started with.
  EXPECT_EQ(Get("/count/places"), "100");
  MustRotv({"restart", "--snapshot", "head"});
  EXPECT_EQ(Get("/count/places"), "40");
  Result none = Rotv({"restart", "--snapshot", "thousand"});
  EXPECT_EQ(none.exit_status, 2);
  EXPECT_THAT(none.err, HasSubstr("there is no snapshot named thousand\nhint: there are head, baseline, hundred"));
  EXPECT_EQ(Get("/count/places"), "40");
  EXPECT_TRUE(std::filesystem::exists(rotv_.home() / "seed-data-hundred.sql"));
  EXPECT_THAT(MustRotv({"snapshot", "list"}), HasSubstr("hundred"));
  MustRotv({"snapshot", "delete", "hundred"});
  EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "seed-data-hundred.sql"));
}

TEST_F(StartLocalTest, TenDaysOldDataIsAWarning) {
  rotv_.MustSync({"baseline"});
  {
    Workspace workspace(rotv_.home(), "production", "test");
    std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadWrite);
    proto::Manifest manifest = store->manifest();
    constexpr int64_t kTenDaysUs = int64_t{10} * 24 * 3600 * 1'000'000;
    manifest.set_head_time_us(manifest.head_time_us() - kTenDaysUs);
    manifest.set_baseline_time_us(manifest.baseline_time_us() - kTenDaysUs);
    store->Publish(StoreState::FromStored(manifest), {});
  }
  Result started = Rotv({"start"});
  ASSERT_TRUE(started.ok()) << started.err;
  EXPECT_THAT(started.err, HasSubstr("rotv: warning: the data is 10 days old"));
  EXPECT_EQ(Get("/count/places"), "100");
}

TEST_F(StartLocalTest, AFailedScheduledPullIsReportedUntilAPullSucceeds) {
  rotv_.MustSync({"baseline"});
  rotv_.server().Stop();
  EXPECT_EQ(rotv_.Sync({"schedule", "run", "--retries", "0"}).exit_status, 4);
  EXPECT_THAT(Rotv({"start"}).err, HasSubstr("warning: the scheduled pull of production failed"));
  rotv_.server().Start();
  EXPECT_THAT(Rotv({"restart", "--pull"}).err, Not(HasSubstr("scheduled")));
}

TEST_F(StartLocalTest, AnUnreachableSourceIsAWarningOnceThereIsData) {
  rotv_.Configure({{"url", "\"postgresql://rotv@127.0.0.1:1/rotv\""}});
  Result none = Rotv({"start"});
  EXPECT_EQ(none.exit_status, 4) << none.err;
  EXPECT_THAT(none.err, HasSubstr("hint: "));
  ExpectNothingRuns();

  rotv_.Configure({{"url", "\"postgresql://rotv@127.0.0.1:" + std::to_string(rotv_.server().port()) + "/rotv\""}});
  rotv_.MustSync({"baseline"});
  rotv_.Configure({{"url", "\"postgresql://rotv@127.0.0.1:1/rotv\""}});
  Result some = Rotv({"start", "--pull"});
  ASSERT_TRUE(some.ok()) << some.err;
  EXPECT_THAT(some.err, HasSubstr("warning: the data was not brought up to date: "));
  EXPECT_EQ(Get("/count/places"), "100");
}

TEST_F(StartLocalTest, ATakenPortIsReportedWithItsProcess) {
  Process other(TakePort());
  ASSERT_TRUE(other.WaitForOutput("listening", std::chrono::seconds(30)));
  Result started = Rotv({"start"});
  EXPECT_EQ(started.exit_status, 2);
  EXPECT_THAT(started.err, HasSubstr("port " + std::to_string(port_) + " is in use by node (process " +
                                     std::to_string(other.pid()) + ")"));
  EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "sources")) << "it is found before the long work";
  EXPECT_THAT(Processes(), IsEmpty());
  int free = FreePort();
  MustRotv({"start", "--port", std::to_string(free)});
  EXPECT_THAT(MustRotv({"status"}), HasSubstr(std::to_string(free)));
}

TEST_F(StartLocalTest, TheEnvironmentReachesTheApplicationUnchanged) {
  WriteApp("backend/.env", "SPACES=two words # not this\nHASH='a # b \"c\"'\nLINES=\"one\\ntwo\"\nNOT_RUN=$(id)`id`\n");
  MustRotv({"start"});
  EXPECT_EQ(Json::parse(Get("/env/SPACES")), "two words");
  EXPECT_EQ(Json::parse(Get("/env/HASH")), "a # b \"c\"");
  EXPECT_EQ(Json::parse(Get("/env/LINES")), "one\ntwo");
  EXPECT_EQ(Json::parse(Get("/env/NOT_RUN")), "$(id)`id`");
  EXPECT_EQ(Json::parse(Get("/env/PGDATABASE")), "rotv");
}

TEST_F(StartLocalTest, AnIncompleteEnvironmentIsRefusedBeforeAnyChange) {
  WriteApp(".env.example", "SECRET=change-this\n");
  WriteApp(".env", "SECRET=change-this-later\n");
  Result started = Rotv({"start"});
  EXPECT_EQ(started.exit_status, 2);
  EXPECT_THAT(started.err, HasSubstr(".env: SECRET still the example's placeholder"));
  EXPECT_EQ(Rotv({"validate-env"}).err.substr(0, 40), started.err.substr(started.err.find("rotv: .env"), 40));
  EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "sources"));
}

TEST_F(StartLocalTest, ARefusedRestartStopsNothing) {
  MustRotv({"start"});
  const auto before = Processes();
  WriteApp(".env.example", "SECRET=change-this\n");
  Result refused = Rotv({"restart"});
  EXPECT_EQ(refused.exit_status, 2) << refused.out;
  EXPECT_EQ(Processes(), before);
  EXPECT_EQ(Get("/count/places"), "100");
  int free = FreePort();
  WriteApp(".env", "SECRET=changed\n");
  MustRotv({"restart", "--port", std::to_string(free)});
  EXPECT_EQ(os::WhoListensOn(port_), "");
  EXPECT_NE(os::WhoListensOn(free), "");
}

TEST_F(StartLocalTest, MissingPackagesAreReportedBeforeAnyChange) {
  WriteApp("package.json", R"({"main": "server.js", "dependencies": {"pg": "^8"}})");
  Result started = Rotv({"start"});
  EXPECT_EQ(started.exit_status, 2);
  EXPECT_THAT(started.err, HasSubstr("packages of the application"));
  EXPECT_THAT(started.err, HasSubstr("npm ci)"));
  EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "sources"));
}

TEST_F(StartLocalTest, AMissingRuntimeIsReportedWithAlternatives) {
  variables_["PATH"] = rotv_.directory();
  Command docker = RotvCommand({"start"});
  std::replace(docker.argv.begin(), docker.argv.end(), std::string("local"), std::string("docker"));
  Result started = RunCommand(docker);
  EXPECT_EQ(started.exit_status, kCannotStart);
  EXPECT_THAT(started.err, HasSubstr("docker is not installed on this machine\n"
                                     "hint: install docker, or run without containers"));

  // In a namespace where PostgreSQL's directory is empty.
  variables_.erase("PATH");
  Command local = RotvCommand({"start"});
  const std::vector<std::string> hidden = {
      "unshare", "--map-root-user",
      "--mount", "sh",
      "-c",      "mount -t tmpfs none \"$1\" && shift && exec env PATH=/usr/bin:/bin \"$@\"",
      "sh",      PostgresServer::BinDirectory()};
  local.argv.insert(local.argv.begin(), hidden.begin(), hidden.end());
  started = RunCommand(local);
  EXPECT_EQ(started.exit_status, kCannotStart);
  EXPECT_THAT(started.err, HasSubstr("there is no PostgreSQL server on this machine"));
  EXPECT_THAT(started.err, HasSubstr("hint: sudo apt-get install postgresql"));
  EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "sources")) << "it is found before the long work";
}

TEST_F(StartLocalTest, WithoutAnApplicationOnlyTheDatabaseIsStarted) {
  std::filesystem::remove_all(app());
  std::filesystem::create_directory(app());
  EXPECT_THAT(MustRotv({"start"}), HasSubstr("only the database"));
  EXPECT_EQ(MustRotv({"psql", "-Atc", "SELECT count(*) FROM places"}), "100\n");
}

TEST_F(StartLocalTest, AnApplicationThatDiesIsReportedWithItsLastOutput) {
  WriteApp(".env", "FAIL_AT_START=no licence\n");
  Result started = Rotv({"start"});
  EXPECT_EQ(started.exit_status, kCannotStart);
  EXPECT_THAT(started.err, HasSubstr("rotv: the application ended with status 3: refusing to start: no licence\n"
                                     "hint: the whole log is in "));
  EXPECT_THAT(MustRotv({"logs"}), HasSubstr("refusing to start: no licence"));
  ExpectNothingRuns();
}

TEST_F(StartLocalTest, ASeedThatFailsInTheMiddleStartsNothing) {
  rotv_.MustSync({"baseline"});
  MakeSeedThatCannotBeImported();
  Result started = Rotv({"start", "--pull"});
  EXPECT_EQ(started.exit_status, kCannotStart) << started.out;
  EXPECT_THAT(started.err, HasSubstr("the seed cannot be imported: line "));
  EXPECT_THAT(started.err, HasSubstr("violates check constraint"));
  ExpectNothingRuns();
}

TEST_F(StartLocalTest, APersistentClusterKeepsItsData) {
  if (geteuid() == 0) {
    std::filesystem::create_directory(rotv_.home());
    std::filesystem::permissions(rotv_.home(), std::filesystem::perms(0700));
    Result closed = Rotv({"start", "--persistent"});
    EXPECT_EQ(closed.exit_status, 2);
    EXPECT_THAT(closed.err, HasSubstr("hint: start as an ordinary user, or open the directory: chmod o+x '"));
    std::filesystem::permissions(rotv_.home(), std::filesystem::perms(0711));
  }
  MustRotv({"start", "--persistent"});
  MustRotv({"psql", "-qc", "INSERT INTO places VALUES (1000, 'kept')"});
  EXPECT_EQ(MustRotv({"psql", "-Atc", "SHOW wal_level"}), "logical\n");
  MustRotv({"stop"});
  rotv_.Configure({{"url", "\"postgresql://rotv@127.0.0.1:1/rotv\""}});
  variables_["PERSISTENT_DATA"] = "true";
  MustRotv({"start"});
  EXPECT_EQ(Get("/count/places"), "101");
  MustRotv({"restart"});
  EXPECT_EQ(Get("/count/places"), "101");
}

// Labels: slow
TEST_F(StartLocalTest, AStartAfterAKilledOneWorks) {
  rotv_.MustSync({"baseline"});
  // Kills the host's process, everything, or PostgreSQL, at moments of a start; 2 exists only from the import on.
  const std::map<std::string, std::vector<int>> victims_at = {
      {"rotv: phase: cluster", {0, 1}}, {"rotv: phase: import", {1, 2}}, {"rotv: phase: application", {0, 2}}};
  for (const auto& [moment, victims] : victims_at) {
    for (int victim : victims) {
      SCOPED_TRACE(moment + " " + std::to_string(victim));
      std::filesystem::path log = rotv_.home() / "run" / "app.log";
      std::filesystem::remove(log);
      std::filesystem::remove_all(rotv_.home() / "warm");  // The long way, which passes through all of the moments.
      Process start(RotvCommand({"start"}));
      std::string text;
      const std::string& wanted = moment;  // A lambda cannot capture a structured binding.
      bool there = WaitUntil(
          [&] {
            std::ifstream file(log);
            text.assign(std::istreambuf_iterator<char>(file), {});
            return text.find(wanted) != std::string::npos || !start.Running();
          },
          std::chrono::seconds(120));
      ASSERT_TRUE(there) << text << start.Err() << MustRun({.argv = {"ps", "axfo", "pid,ppid,stat,wchan,args"}}).out;
      ASSERT_THAT(text, HasSubstr(moment)) << start.Err();
      Kill(start, victim);
      start.Wait();
      MustRotv({"start"});
      EXPECT_EQ(Get("/count/places"), "100");
      MustRotv({"stop"});
      ExpectNothingRuns();
    }
  }
}

TEST_F(StartLocalTest, CtrlCDuringAStartLeavesNothing) {
  rotv_.MustSync({"baseline"});
  WriteApp("slow.js", "setTimeout(() => {}, 600000)\n");
  std::ofstream(rotv_.config(), std::ios::app) << "command = \"node slow.js\"\n";
  Process start(RotvCommand({"start"}));
  ASSERT_TRUE(start.WaitForOutput("waiting for the application", std::chrono::seconds(60)));
  start.Signal(SIGINT);
  EXPECT_EQ(start.Wait().exit_status, 130);
  ExpectNothingRuns();
}

class StartWithSpacesTest : public StartTest {
 protected:
  StartWithSpacesTest() : StartTest("local", TempDirName::kWithSpace) {}
};

TEST_F(StartWithSpacesTest, EveryPathMayHaveSpaces) {
  MustRotv({"start"});
  EXPECT_EQ(Get("/count/places"), "100");
}

TEST_F(StartLocalTest, RolesOfPoliciesExist) {
  rotv_.server().Exec(
      "CREATE ROLE \"Odd, one\"; CREATE ROLE reader; ALTER TABLE places ENABLE ROW LEVEL SECURITY;"
      "CREATE POLICY p ON places FOR SELECT TO reader, \"Odd, one\" USING (id > 90)",
      kSuperuser);
  rotv_.MustSync({"baseline"});
  MustRotv({"start"});
  EXPECT_EQ(MustRotv({"psql", "-XAtc",
                      "SELECT string_agg(rolname, '; ' ORDER BY rolname) FROM pg_roles WHERE rolname IN "
                      "('reader', 'Odd, one') AND NOT rolcanlogin"}),
            "Odd, one; reader\n");
  // The roles come from the file next to the seed, and from the warm clusters.
  for (const char* cluster : {"", "state", "empty"}) {
    if (*cluster != '\0') std::filesystem::remove_all(WarmCluster(cluster));
    MustRotv({"restart"});
    EXPECT_EQ(
        MustRotv({"psql", "-XAtqc", "GRANT SELECT ON places TO reader; SET ROLE reader; SELECT count(*) FROM places"}),
        "10\n");
    EXPECT_EQ(MustRotv({"psql", "-XAtc", "SHOW wal_level"}), "minimal\n") << "our settings are read";
  }
}

}  // namespace
}  // namespace rotv::testing
