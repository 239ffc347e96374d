// A published history is the source's: whoever follows it has the same seeds at the same points.

#include "tests/e2e/remote/remote_fixture.h"
#include "tests/support/random/random_workload.h"

namespace rotv::testing {
namespace {

class PublishTest : public RemoteTest {
 protected:
  PublishTest() {
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;"
        "INSERT INTO t SELECT n, 'row ' || n, CASE WHEN n < 20 THEN repeat(md5(n::text), 200) END FROM "
        "generate_series(1, 500) n;"
        "CREATE TABLE bag (v text); ALTER TABLE bag REPLICA IDENTITY FULL;"
        "INSERT INTO bag SELECT 'line ' || n % 7 FROM generate_series(1, 50) n;"
        "CREATE TABLE keyless (v int); INSERT INTO keyless VALUES (1), (2);"
        "SELECT lo_from_bytea(4711, 'a large object')");
    rotv.MustSync({"baseline"});
    rotv.MustSync({"publish"});
  }
};

TEST_F(PublishTest, AFollowerHasTheSeedOfEachPublication) {
  FollowerIsDump(Import::kTry);
  // An unchanged large value, equal rows, a table that is copied, a large object, an older row deleted.
  Exec(
      "UPDATE t SET v = 'changed' WHERE id < 30; DELETE FROM bag WHERE v = 'line 3'; INSERT INTO keyless VALUES (3);"
      "DELETE FROM t WHERE id = 100; SELECT lo_put(4711, 2, 'longer object')");
  PullAndPublish();
  FollowerIsDump(Import::kTry);
  Exec("TRUNCATE bag; INSERT INTO bag VALUES ('after'); ALTER TABLE t ADD COLUMN n int NOT NULL DEFAULT 7");
  PullAndPublish();
  FollowerIsDump(Import::kTry);
  Exec("ALTER TABLE t ALTER n TYPE text; CREATE TABLE s (id serial PRIMARY KEY); INSERT INTO s DEFAULT VALUES");
  PullAndPublish();
  FollowerIsDump(Import::kTry);
}

TEST_F(PublishTest, EarlierPointsSnapshotsAndTheLogAreTheSame) {
  MustFollow({"pull"});
  rotv.MustSync({"snapshot", "create", "first"});
  for (int i = 0; i < 3; ++i) {
    Exec("UPDATE t SET v = v || '+' WHERE id % 3 = " + std::to_string(i) + "; INSERT INTO keyless VALUES (9)");
    PullAndPublish();
    if (i == 1) MustFollow({"pull"});
  }
  MustFollow({"snapshot", "create", "mine"});
  MustFollow({"pull"});
  for (const char* point : {"head", "baseline", "first"}) SameSeedAt(point);
  EXPECT_EQ(rotv.MustSync({"log"}), MustFollow({"log"}));
  // The publisher's snapshots go when the publisher deletes them; the follower's own stay.
  rotv.MustSync({"snapshot", "delete", "first"});
  rotv.MustSync({"publish"});
  MustFollow({"pull"});
  EXPECT_EQ(Follower({"materialize", "--snapshot", "first", "--output", "-"}).exit_status, 2);
  MustFollow({"materialize", "--snapshot", "mine", "--output", "-"});
}

TEST_F(PublishTest, NothingNewIsSaidAndReadsNoObject) {
  MustFollow({"pull"});
  EXPECT_NE(rotv.MustSync({"publish"}).find("as it is here"), std::string::npos);
  std::filesystem::rename(objects(), remote() / "away");
  EXPECT_TRUE(FollowerJson({"pull"}).at("up_to_date"));
  std::filesystem::rename(remote() / "away", objects());
}

TEST_F(PublishTest, OnceGcHasDroppedMuchWhoeverSleptTakesANewBase) {
  MustFollow({"pull"});
  // Incompressible, so that the steps are larger than what stays.
  Exec("INSERT INTO t SELECT n, md5(n::text) || md5((n * 7)::text), '' FROM generate_series(1000, 8000) n");
  for (int i = 0; i < 3; ++i) {
    Exec("UPDATE t SET v = md5(v) || md5(v || 'x') WHERE id >= 1000");
    PullAndPublish();
  }
  EXPECT_FALSE(FollowerJson({"pull"}).at("whole"));
  rotv.MustSync({"gc", "--keep-days", "0"});
  Exec("UPDATE t SET v = 'x' WHERE id < 1000");
  PullAndPublish();
  // This one had the publication before it.
  EXPECT_FALSE(FollowerJson({"pull"}).at("whole"));
  FollowerIsDump();
  // Steps before the base are kept for no day here.
  const nlohmann::json published =
      nlohmann::json::parse(rotv.MustSync({"--json", "publish", "--status"})).at("published");
  EXPECT_EQ(published.at("base").at("publication"), published.at("publication"));
  std::filesystem::remove_all(follower_home() / "sources");
  EXPECT_TRUE(FollowerJson({"pull"}).at("whole"));
  FollowerIsDump();
  SameSeedAt("baseline");
}

TEST_F(PublishTest, ANewBaselineIsFollowedAndSnapshotsStay) {
  MustFollow({"pull"});
  MustFollow({"snapshot", "create", "mine"});
  const std::string before = ReadFile(FollowerSeed());
  Exec("UPDATE t SET v = 'x'");
  rotv.MustSync({"baseline", "--force"});
  rotv.MustSync({"publish"});
  EXPECT_TRUE(FollowerJson({"pull"}).at("whole"));
  ExpectSeedEqualsDump(rotv.server(), FollowerSeed(), {.import = Import::kNone});
  EXPECT_EQ(ReadFile(FollowerSeed({"--snapshot", "mine"})), before);
}

TEST_F(PublishTest, GcOnEitherSideChangesNoSeedOfTheOther) {
  MustFollow({"pull"});
  for (int i = 0; i < 2; ++i) {
    Exec("UPDATE t SET v = v || '+'; TRUNCATE bag; INSERT INTO bag VALUES ('x')");
    PullAndPublish();
  }
  MustFollow({"pull"});
  rotv.MustSync({"gc", "--keep-days", "0"});
  Exec("DELETE FROM t WHERE id % 2 = 0");
  PullAndPublish();
  FollowerIsDump();
  MustFollow({"gc", "--keep-days", "0"});
  Exec("INSERT INTO t VALUES (100000, 'x', 'y')");
  PullAndPublish();
  FollowerIsDump();
  SameSeedAt("baseline");
}

// What was deleted since the last publication, and then dropped by gc, is deleted there too.
TEST_F(PublishTest, WhatGcHasDroppedBeforeItWasPublishedIsNotMissed) {
  Exec("INSERT INTO t VALUES (7000, 'short-lived')");
  PullAndPublish();
  MustFollow({"pull"});
  Exec("DELETE FROM t WHERE id = 7000");
  rotv.MustSync({"pull"});
  rotv.MustSync({"gc", "--keep-days", "0"});
  rotv.MustSync({"publish"});
  FollowerIsDump();
}

TEST_F(PublishTest, AForgottenEpochGapOrSnapshotHindersNobody) {
  Exec("CREATE TABLE passing (id int PRIMARY KEY); INSERT INTO passing VALUES (1)");
  PullAndPublish();
  rotv.MustSync({"snapshot", "create", "kept"});
  rotv.MustSync({"publish"});
  MustFollow({"pull"});
  Exec("DROP TABLE passing");
  PullAndPublish();
  rotv.MustSync({"gc", "--keep-days", "0"});
  Exec("INSERT INTO t VALUES (7001, 'x')");
  PullAndPublish();
  FollowerIsDump();
  MustFollow({"gc", "--keep-days", "0"});
  Exec("INSERT INTO t VALUES (7002, 'x')");
  PullAndPublish();
  FollowerIsDump();
  SameSeedAt("kept");
}

TEST_F(PublishTest, ARemoteThatWasEmptiedIsTakenAnew) {
  MustFollow({"pull"});
  Exec("INSERT INTO t VALUES (7003, 'between')");
  rotv.MustSync({"pull"});
  std::filesystem::remove_all(remote());
  rotv.MustSync({"publish"});  // Number 1 again.
  Exec("INSERT INTO t VALUES (7004, 'after')");
  PullAndPublish();
  FollowerIsDump();
}

// What nothing names and is almost a day old may be about to be removed by another publication.
TEST_F(PublishTest, WhatMayBeRemovedIsPublishedUnderAnotherNameAndRemovedLater) {
  std::vector<std::filesystem::path> left;
  for (const auto& entry : std::filesystem::directory_iterator(objects())) left.push_back(entry.path());
  const auto make_old = [&](const char* age) {
    for (const std::filesystem::path& path : left) MustRun({.argv = {"touch", "-d", age, path}});
  };
  const auto publish = [&] { return nlohmann::json::parse(rotv.MustSync({"--json", "publish"})); };
  std::filesystem::remove(remote() / "head");
  make_old("20 hours ago");
  EXPECT_EQ(publish().at("objects"), 0);  // They are used again.
  std::filesystem::remove(remote() / "head");
  make_old("23 hours ago");
  const nlohmann::json published = publish();
  EXPECT_EQ(published.at("objects"), left.size());
  EXPECT_EQ(published.at("removed"), 0);
  make_old("49 hours ago");
  EXPECT_EQ(publish().at("removed"), left.size());
  for (const std::filesystem::path& path : left) EXPECT_FALSE(std::filesystem::exists(path));
  FollowerIsDump();
}

TEST_F(PublishTest, RotvPullsFromARemoteToo) {
  Command seed = rotv.ProgramCommand(ROTV_BINARY, {"seed"});
  seed.argv[2] = follower_home();
  seed.argv[4] = rotv.directory() / "follower.toml";
  for (const char* said : {"took copy from", "is up to date", "1 transaction"}) {
    if (said == std::string("1 transaction")) {
      Exec("UPDATE t SET v = 'for rotv'");
      PullAndPublish();
    }
    const Result result = MustRun(seed);
    EXPECT_NE(result.err.find(said), std::string::npos) << result.err;
  }
  ExpectSeedEqualsDump(rotv.server(), follower_home() / "seed-data.sql", {.import = Import::kNone});
}

class PublishRandomTest : public RemoteTest {};

TEST_F(PublishRandomTest, RandomChangesAndMigrationsAreFollowed) {
  RandomWorkload workload(20261130, rotv.server());
  workload.Setup();
  for (int step = 0; step < 12 && !HasFailure(); ++step) {
    PullAndPublish();
    // Sometimes several publications at once.
    if (step % 3 != 1) FollowerIsDump();
    workload.Step();
  }
  if (!HasFailure()) return;
  for (const std::string& statement : workload.statements()) fprintf(stderr, "%s\n", statement.c_str());
}

}  // namespace
}  // namespace rotv::testing
