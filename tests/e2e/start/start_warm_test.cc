// Warm clusters: what a start leaves for the next ones, and how these use it. The log shows what a start does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/start/start_local_fixture.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class WarmClusterTest : public StartLocalTest {
 protected:
  std::string Log() { return MustRotv({"logs"}); }
  bool Imported() { return Log().find("rotv: phase: import") != std::string::npos; }

  void ExpectStart(bool imports) {
    MustRotv({"start"});
    EXPECT_EQ(Imported(), imports);
    EXPECT_EQ(Get("/count/places"), places_);
    MustRotv({"psql", "-qc", "DELETE FROM places; UPDATE drafts SET body = 'by hand'"});
    MustRotv({"stop"});
    ExpectNothingRuns();
    ExpectNoLeftovers();
  }
  void ExpectNoLeftovers() const {
    for (const auto& entry : fs::directory_iterator(rotv_.home() / "warm")) {
      const bool is_complete = !entry.is_directory() || fs::exists(entry.path() / "manifest.json");
      EXPECT_TRUE(is_complete) << entry.path();
    }
    EXPECT_FALSE(fs::exists(rotv_.home() / "run/warm"));
    EXPECT_FALSE(fs::exists(rotv_.home() / "run/carry.sql"));
  }

  std::string places_ = "100";
};

TEST_F(WarmClusterTest, AStartOnTheSameStateImportsNothing) {
  BeFirst();  // All that a home's first start does, and what it leaves.
  // Rows of an unlogged table survive only a clean stop.
  rotv_.server().Exec("CREATE UNLOGGED TABLE drafts (body text); INSERT INTO drafts VALUES ('as it was')");
  ExpectStart(true);
  ExpectStart(false);
  // No seed is needed, so none is written.
  fs::remove(rotv_.home() / "seed-data.sql");
  const Json started = Json::parse(MustRotv({"--json", "start"}));
  EXPECT_EQ(started.at("from"), "warm");
  EXPECT_EQ(started.at("clone"), "copy");
  EXPECT_FALSE(fs::exists(rotv_.home() / "seed-data.sql"));
  EXPECT_EQ(MustRotv({"psql", "-Atc", "SELECT * FROM drafts"}), "as it was\n");
  ExpectDatabaseIsTheSources();
  EXPECT_EQ(MustRotv({"psql", "-Atc", "SHOW wal_level"}), "minimal\n");
  MustRotv({"stop"});
  struct stat status {};
  ASSERT_EQ(stat((rotv_.home() / "warm").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  ASSERT_EQ(stat(WarmCluster("state").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

// The files of the kept cluster are sent while the application starts, which here writes before anything else.
TEST_F(WarmClusterTest, WhatTheApplicationWritesAtItsStartIsNotKept) {
  rotv_.server().Exec("CREATE UNLOGGED TABLE drafts (body text); INSERT INTO drafts VALUES ('as it was')");
  WriteApp("start.sh",
           "psql -XAtqc \"INSERT INTO drafts VALUES ('the application''s'); DELETE FROM places\"\n"
           "exec node server.js\n");
  std::ofstream(rotv_.config(), std::ios::app) << "command = \"bash start.sh\"\n";
  const auto drafts = [&] { return MustRotv({"psql", "-Atc", "SELECT count(*) FROM drafts"}); };
  for (const bool imports : {true, false, false}) {
    MustRotv({"start"});
    EXPECT_EQ(Imported(), imports);
    EXPECT_EQ(Get("/count/places"), "0");
    EXPECT_EQ(drafts(), "2\n");
    EXPECT_EQ(MustRotv({"psql", "-Atc", "SHOW autovacuum"}), "on\n");
    MustRotv({"stop"});
    ExpectNoLeftovers();
  }
}

// Its author changes it, and starts it again.
TEST_F(WarmClusterTest, AnApplicationThatCannotStartLeavesAWarmCluster) {
  variables_["FAIL_AT_START"] = "not yet";
  EXPECT_NE(Rotv({"start"}).exit_status, 0);
  ExpectNothingRuns();
  ExpectNoLeftovers();
  variables_.erase("FAIL_AT_START");
  MustRotv({"start"});
  EXPECT_FALSE(Imported());
  EXPECT_EQ(Get("/count/places"), places_);
}

// Another project with the same source finds it, too; both run at the same time.
TEST_F(WarmClusterTest, ProjectsShareThem) {
  rotv_.server().Exec("CREATE TABLE drafts (body text)");
  ExpectStart(true);
  MustRotv({"start"});
  MustRotv({"--name", "second", "start", "--port", std::to_string(FreePort())});
  EXPECT_THAT(MustRotv({"--name", "second", "logs"}), Not(HasSubstr("rotv: phase: import")));
  MustRotv({"--name", "second", "psql", "-qc", "DELETE FROM places"});
  EXPECT_EQ(Get("/count/places"), "100");
  MustRotv({"--name", "second", "stop"});
}

// Labels: slow
TEST_F(WarmClusterTest, ADamagedOneIsMadeAgain) {
  rotv_.server().Exec("CREATE TABLE drafts (body text)");
  ExpectStart(true);
  const fs::path empty = WarmCluster("empty");
  EXPECT_NE(empty, "");
  // A file that is missing, a file too many, an older one, a manifest that is not what was written.
  fs::remove(WarmCluster("state") / "cluster/PG_VERSION");
  ExpectStart(true);
  EXPECT_EQ(WarmCluster("empty"), empty);  // It was used, and not made again.
  std::ofstream(WarmCluster("state") / "cluster/more") << "more";
  ExpectStart(true);
  fs::last_write_time(WarmCluster("state") / "cluster/PG_VERSION", fs::file_time_type::clock::now());
  ExpectStart(true);
  Change(WarmCluster("state") / "manifest.json", "PG_VERSION", "PG_VARSION");
  ExpectStart(true);
  fs::remove_all(WarmCluster("empty"));
  fs::remove(WarmCluster("state") / "manifest.json");
  ExpectStart(true);
  ExpectStart(false);
}

// One bit of a row is another one, and nothing else tells: not the size, the time or the form.
TEST_F(WarmClusterTest, AChangedRowInASeedOrAClusterIsNoticed) {
  const auto body = [&] { return MustRotv({"psql", "-Atc", "SELECT body FROM drafts"}); };
  rotv_.server().Exec("CREATE TABLE drafts (body text); INSERT INTO drafts VALUES ('as it was')");
  MustRotv({"start"});
  MustRotv({"stop"});
  EXPECT_EQ(rotv_.Sync({"check", "--read-data"}).exit_status, 0);
  const fs::path file = FilesWith("as it was").at(0);
  Change(file, "as it was", "as it is!");
  Result check = rotv_.Sync({"check", "--read-data"});
  EXPECT_EQ(check.exit_status, 7) << check.out;
  EXPECT_THAT(check.out,
              HasSubstr("the bytes of " + file.lexically_relative(WarmCluster("state") / "cluster").native() +
                        " have changed"));
  const Result started = Rotv({"start"});
  EXPECT_EQ(started.exit_status, 0) << started.err;
  EXPECT_THAT(started.err, HasSubstr("cannot be used, so the seed is imported: the bytes of "));
  EXPECT_EQ(body(), "as it was\n");
  EXPECT_TRUE(Imported());
  MustRotv({"stop"});

  const fs::path seed = rotv_.home() / "seed-data.sql";
  Change(seed, "as it was", "as it is!");
  check = rotv_.Sync({"check", "--read-data"});
  EXPECT_EQ(check.exit_status, 7) << check.out;
  EXPECT_THAT(check.out, HasSubstr("seed-data.sql: its bytes have changed, but not its time"));
  const auto start_on_damaged_seed = [&] {
    fs::remove_all(rotv_.home() / "warm");
    const Result again = Rotv({"start"});
    EXPECT_EQ(again.exit_status, 0) << again.err;
    EXPECT_THAT(again.err, HasSubstr("was damaged since it was written: writing it again"));
    EXPECT_EQ(body(), "as it was\n");
    MustRotv({"stop"});
  };
  start_on_damaged_seed();
  Change(seed, "COPY public.drafts", "COPY public.d_afts");  // This import fails.
  start_on_damaged_seed();
}

TEST_F(WarmClusterTest, NoneIsKeptIfTheUserDisablesIt) {
  rotv_.server().Exec("CREATE TABLE drafts (body text)");
  ExpectStart(true);
  EXPECT_TRUE(fs::exists(WarmCluster("state")));
  std::ofstream(rotv_.config(), std::ios::app) << "keep_prepared = false\n";
  ExpectStart(true);
  EXPECT_EQ(WarmCluster("state"), "");
  MustRotv({"start"});
  EXPECT_EQ(MustRotv({"psql", "-Atc", "SHOW shared_buffers"}), "256MB\n");
}

// Rows by their keys and without, a sequence, a materialized view, triggers that must not fire, a migration: forth and
// back.
TEST_F(WarmClusterTest, AStartAtAnotherStateCarriesTheNearestOne) {
  rotv_.server().Exec(
      "CREATE TABLE drafts (body text); INSERT INTO drafts VALUES ('one'), ('one'), ('two');"
      "CREATE TABLE events (id serial PRIMARY KEY, place int REFERENCES places ON DELETE CASCADE, twice int GENERATED "
      "ALWAYS AS (place * 2) STORED); INSERT INTO events (place) SELECT id FROM places;"
      "CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS events FROM events;"
      "CREATE FUNCTION forbid() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'a trigger has fired'; END$$;"
      "CREATE TABLE guarded (id int PRIMARY KEY); INSERT INTO guarded VALUES (1);"
      "CREATE TRIGGER guard BEFORE INSERT OR DELETE ON guarded FOR EACH ROW EXECUTE FUNCTION forbid()");
  MustRotv({"seed", "--as", "before"});
  ExpectStart(true);
  const std::string before = rotv_.server().Dump();
  rotv_.server().Exec(
      "INSERT INTO places VALUES (101, 'new'); DELETE FROM places WHERE id = 1; UPDATE places SET name = 'other' WHERE "
      "id = 2; DELETE FROM drafts; INSERT INTO drafts VALUES ('one'), ('three'); TRUNCATE news;"
      "ALTER TABLE guarded DISABLE TRIGGER ALL; INSERT INTO guarded VALUES (2); ALTER TABLE guarded ENABLE TRIGGER ALL;"
      "REFRESH MATERIALIZED VIEW counts; ALTER TABLE places ADD COLUMN note text NOT NULL DEFAULT 'none'; CREATE INDEX "
      "ON "
      "places (note, name)");
  const std::string seed = ReadFile(rotv_.home() / "seed-data.sql");
  const Json started = Json::parse(MustRotv({"--json", "start", "--pull"}));
  EXPECT_EQ(started.at("from"), "carried") << started;
  EXPECT_GT(started.at("carried_rows"), 5);
  EXPECT_FALSE(Imported());
  ExpectDatabaseIsTheSources();
  EXPECT_EQ(ReadFile(rotv_.home() / "seed-data.sql"), seed) << "none is needed";
  EXPECT_EQ(MustRotv({"psql", "-XAtc", "SHOW session_replication_role"}), "origin\n");
  EXPECT_EQ(Rotv({"psql", "-Xqc", "INSERT INTO guarded VALUES (3)"}).exit_status, 1);
  MustRotv({"stop"});
  ExpectNoLeftovers();
  // Back, from one that has the newer state: nothing else is left.
  fs::remove_all(rotv_.home() / "warm");
  places_ = "100";
  ExpectStart(true);
  const Json back = Json::parse(MustRotv({"--json", "start", "--snapshot", "before"}));
  EXPECT_EQ(back.at("from"), "carried") << back;
  EXPECT_EQ(Get("/count/news"), "7");
  EXPECT_EQ(Get("/count/places"), "100");
  EXPECT_EQ(MustRotv({"psql", "-XAtc", "SELECT string_agg(body, ',' ORDER BY body) FROM drafts"}), "one,one,two\n");
  MustRotv({"stop"});
  rotv_.MustSync({"baseline", "--force"});
  EXPECT_EQ(Json::parse(MustRotv({"--json", "start"})).at("from"), "seed") << "it is another history";
  ExpectDatabaseIsTheSources();
}

// Whatever a carry meets, the data is right in the end.
TEST_F(WarmClusterTest, ACarryThatFailsEndsInAnImport) {
  std::ofstream(rotv_.config(), std::ios::app) << "clone = \"overlay\"\n";  // Its bytes are not compared before.
  rotv_.server().Exec(
      "CREATE TABLE drafts (body text); CREATE TABLE keyed (body text PRIMARY KEY);"
      "INSERT INTO keyed VALUES ('as it was'), ('another')");
  ExpectStart(true);
  for (const fs::path& file : FilesWith("as it was")) Change(file, "as it was", "as it is!");
  rotv_.server().Exec("DELETE FROM keyed WHERE body = 'as it was'");
  const Result started = Rotv({"start", "--pull"});
  EXPECT_EQ(started.exit_status, 0) << started.err;
  ASSERT_THAT(started.err, Not(HasSubstr("no overlay can be made")));
  EXPECT_THAT(started.err, HasSubstr("cannot be used, so the seed is imported: "));
  EXPECT_TRUE(Imported());
  ExpectDatabaseIsTheSources();
}

// What is to be applied cannot be written.
TEST_F(WarmClusterTest, ACarryThatCannotBeWrittenEndsInAnImport) {
  rotv_.server().Exec("CREATE TABLE drafts (body text)");
  ExpectStart(true);
  MustRotv({"stop"});
  const fs::path in_its_place = rotv_.home() / "run/carry.sql";
  fs::create_directories(in_its_place / "not empty");
  rotv_.server().Exec("INSERT INTO drafts VALUES ('new')");
  const Result started = Rotv({"start", "--pull"});
  fs::remove_all(in_its_place);
  EXPECT_EQ(started.exit_status, 0) << started.err;
  EXPECT_TRUE(Imported());
  ExpectDatabaseIsTheSources();
}

TEST_F(WarmClusterTest, AnOverlayIsCleanAtEveryStartAndProtectsItsLayer) {
  std::ofstream(rotv_.config(), std::ios::app) << "clone = \"overlay\"\n";
  rotv_.server().Exec("CREATE TABLE drafts (body text)");
  ExpectStart(true);
  const Json started = Json::parse(MustRotv({"--json", "start"}));
  ASSERT_EQ(started.at("clone"), "overlay");
  MustRotv({"psql", "-qc", "DROP TABLE drafts; UPDATE places SET name = 'changed'"});
  MustRotv({"psql", "-qc", "CREATE DATABASE more"});
  rotv_.MustSync({"clean", "--what", "clusters"});
  EXPECT_NE(WarmCluster("state"), "") << "it is in use";
  EXPECT_EQ(rotv_.Sync({"check", "--read-data"}).exit_status, 0);
  EXPECT_EQ(Get("/count/places"), "100");
  MustRotv({"restart"});
  EXPECT_FALSE(Imported());
  ExpectDatabaseIsTheSources();
  MustRotv({"stop"});
  ExpectNothingRuns();
  rotv_.MustSync({"clean", "--what", "clusters"});
  EXPECT_EQ(WarmCluster("state"), "");
}

// A restart copies only what was changed, also after an import and after a carry.
TEST_F(WarmClusterTest, ARestartIsCleanAndKeepsTheFilesThatNobodyChanged) {
  rotv_.server().Exec(
      "CREATE TABLE drafts (body text); CREATE TABLE large AS SELECT i, repeat('x', 500) AS body FROM "
      "generate_series(1, 20000) i; ALTER TABLE large ADD PRIMARY KEY (i)");
  // A file that nobody has a reason to change, pg_proc of template1: the first reader of a page may mark its rows.
  const auto inode = [&] {
    const fs::path socket = Json::parse(Get("/env/PGHOST")).get<std::string>();
    struct stat status {};
    EXPECT_EQ(stat((socket.parent_path() / "pgdata/base/1/1255").c_str(), &status), 0);
    return status.st_ino;
  };
  MustRotv({"start"});
  ASSERT_TRUE(Imported());
  const ino_t before = inode();
  for (int round = 0; round < 2; ++round) {
    // DROP DATABASE writes all that was changed to the files.
    for (const char* change :
         {"DELETE FROM places; DROP TABLE news CASCADE", "CREATE DATABASE more", "DROP DATABASE more"}) {
      MustRotv({"psql", "-Xqc", change});
    }
    MustRotv({"restart"});
    EXPECT_FALSE(Imported());
    EXPECT_EQ(inode(), before);
    ExpectDatabaseIsTheSources();
  }
  MustRotv({"psql", "-Xqc", "UPDATE large SET body = 'changed'"});
  rotv_.server().Exec("UPDATE places SET name = 'changed' WHERE id = 1");
  EXPECT_EQ(Json::parse(MustRotv({"--json", "start", "--replace", "--pull"})).at("from"), "carried");
  EXPECT_EQ(inode(), before);
  ExpectDatabaseIsTheSources();
  EXPECT_EQ(Json::parse(MustRotv({"--json", "start", "--replace"})).at("from"), "carried");
  EXPECT_EQ(inode(), before);
  ExpectDatabaseIsTheSources();
  MustRotv({"stop"});
  ExpectNothingRuns();
}

// Where no overlay can be made it becomes a copy, which is compared as any other.
TEST_F(WarmClusterTest, ACopyInPlaceOfAnOverlayIsCompared) {
  rotv_.server().Exec("CREATE TABLE drafts (body text); INSERT INTO drafts VALUES ('as it was')");
  ExpectStart(true);
  Change(FilesWith("as it was").at(0), "as it was", "as it is!");
  std::ofstream(rotv_.config(), std::ios::app) << "clone = \"overlay\"\n";
  WriteApp("bin/mount", "#!/bin/sh\necho 'this kernel has no overlay' >&2\nexit 1\n");
  fs::permissions(app() / "bin/mount", fs::perms::all);
  variables_["PATH"] = (app() / "bin").native() + ":" + std::getenv("PATH");
  const Result started = Rotv({"start"});
  EXPECT_EQ(started.exit_status, 0) << started.err;
  EXPECT_THAT(started.err, HasSubstr("no overlay can be made"));
  EXPECT_THAT(started.err, HasSubstr("cannot be used, so the seed is imported: the bytes of "));
  EXPECT_EQ(MustRotv({"psql", "-Atc", "SELECT body FROM drafts"}), "as it was\n");
  EXPECT_TRUE(Imported());
}

// So much that an import is as fast: found while the server starts on the clone, which stays what it is.
TEST_F(WarmClusterTest, TooManyChangesEndInAnImport) {
  rotv_.server().Exec(
      "CREATE TABLE drafts (body text); CREATE TABLE large AS SELECT i, md5(i::text) AS body FROM "
      "generate_series(1, 60000) i; ALTER TABLE large ADD PRIMARY KEY (i)");
  ExpectStart(true);
  const fs::path cluster = WarmCluster("state");
  rotv_.server().Exec("UPDATE large SET body = 'changed'");
  const Result started = Rotv({"start", "--pull"});
  EXPECT_EQ(started.exit_status, 0) << started.err;
  EXPECT_THAT(started.err, HasSubstr("so much has changed since "));
  EXPECT_THAT(started.err, Not(HasSubstr("cannot be used")));
  EXPECT_TRUE(Imported());
  EXPECT_TRUE(fs::exists(cluster / "manifest.json"));
  ExpectDatabaseIsTheSources();
}

// A server of another kind made it, which only the entrypoint can tell.
TEST_F(WarmClusterTest, OneOfAnotherServerIsNotUsed) {
  rotv_.server().Exec("CREATE TABLE drafts (body text)");
  variables_["TZ"] = "Asia/Tokyo";
  ExpectStart(true);
  variables_["TZ"] = "Europe/Vienna";
  const Result started = Rotv({"start"});
  EXPECT_EQ(started.exit_status, 0) << started.err;
  EXPECT_THAT(started.err, HasSubstr("it was made for another version of PostgreSQL"));
  EXPECT_TRUE(Imported());
  MustRotv({"stop"});
  ExpectStart(false);
}

// Labels: slow
TEST_F(WarmClusterTest, AStartAfterAKilledOneWorks) {
  rotv_.server().Exec("CREATE TABLE drafts (body text)");
  auto began = std::chrono::steady_clock::now();
  ExpectStart(true);  // The time includes the baseline and a stop, so that some kills come too late, which does no
                      // harm.
  auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  std::random_device seed;
  unsigned number = seed();
  SCOPED_TRACE("random number " + std::to_string(number));
  std::mt19937 random(number);
  for (int round = 0; round < 9; ++round) {
    // Every third round has nothing warm, every third an empty cluster or one with the data, every third carries it.
    if (round % 3 == 0) fs::remove_all(rotv_.home() / "warm");
    if (round == 1) fs::remove_all(WarmCluster("state"));
    if (round % 3 == 2) {
      rotv_.server().Exec("INSERT INTO places SELECT max(id) + 1, 'new' FROM places");
      rotv_.MustSync({"pull"});
      places_ = std::to_string(std::stoi(places_) + 1);
    }
    auto moment = std::chrono::milliseconds(random() % static_cast<unsigned>(whole.count()));
    int victim = static_cast<int>(random() % 3);
    SCOPED_TRACE("round " + std::to_string(round) + ", victim " + std::to_string(victim) + " after " +
                 std::to_string(moment.count()) + " ms");
    Process start(RotvCommand({"start"}));
    std::this_thread::sleep_for(moment);
    Kill(start, victim);
    if (start.Wait().ok()) MustRotv({"stop"});  // The start had completed.
    MustRotv({"start"});
    EXPECT_EQ(Get("/count/places"), places_);
    MustRotv({"stop"});
    ExpectNothingRuns();
    if (fs::exists(rotv_.home() / "warm")) ExpectNoLeftovers();
  }
}

}  // namespace
}  // namespace rotv::testing
