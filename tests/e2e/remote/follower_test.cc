// What a follower sees of a remote besides its rows: how far it is behind, snapshots, the log, repairs.

#include "tests/e2e/remote/remote_fixture.h"
#include "tests/e2e/verify/verify_fixture.h"
#include "tests/support/files/odd_disk.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;

class FollowerTest : public RemoteTest {
 protected:
  FollowerTest() {
    Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'row' FROM generate_series(1, 100) n");
    rotv.MustSync({"baseline"});
  }

  // Adds to [remotes.team], which is the last section.
  void ConfigureRemote(const std::string& more) { WriteFile(rotv.config(), config_ + more); }

  const std::string config_ = ReadFile(rotv.config());
};

TEST_F(FollowerTest, StatusSaysWhoPublishesAndHowFarItIsBehind) {
  EXPECT_TRUE(nlohmann::json::parse(rotv.MustSync({"--json", "status"})).at("remote").is_null());
  EXPECT_EQ(Follower({"doctor"}).exit_status, 4);
  EXPECT_NE(FollowerJson({"status"}).at("unreachable"), "");
  rotv.MustSync({"publish"});
  EXPECT_TRUE(FollowerJson({"status"}).at("remote").at("needs_all"));
  MustFollow({"pull"});
  EXPECT_NE(MustFollow({"doctor"}).find("up to date"), std::string::npos);
  for (int i = 0; i < 2; ++i) {
    Exec("UPDATE t SET v = v || 'x'");
    PullAndPublish();
  }
  Exec("DELETE FROM t WHERE id < 4");
  rotv.MustSync({"pull"});
  const nlohmann::json remote = FollowerJson({"status"}).at("remote");
  EXPECT_EQ(remote.at("place"), this->remote().native());
  EXPECT_EQ(remote.at("publications_behind"), 2);
  EXPECT_FALSE(remote.at("needs_all"));
  EXPECT_GT(remote.at("bytes_to_take"), 0);
  EXPECT_EQ(remote.at("published").at("published_as"), "production");
  EXPECT_NE(MustFollow({"status"}).find("2 publications"), std::string::npos);
  EXPECT_NE(MustFollow({"doctor"}).find("2 behind"), std::string::npos);
  EXPECT_TRUE(FollowerJson({"status", "--offline"}).at("remote").is_null());

  const nlohmann::json published = nlohmann::json::parse(rotv.MustSync({"--json", "publish", "--status"}));
  EXPECT_EQ(published.at("unpublished_transactions"), 1);
  EXPECT_EQ(published.at("published").at("publisher"), remote.at("published").at("publisher"));
  EXPECT_NE(rotv.MustSync({"publish", "--status"}).find("1 transaction"), std::string::npos);
  const nlohmann::json status = nlohmann::json::parse(rotv.MustSync({"--json", "status"}));
  EXPECT_EQ(status.at("remotes"), nlohmann::json::array({published}));
  EXPECT_NE(rotv.MustSync({"status"}).find("1 transaction later"), std::string::npos);
  EXPECT_EQ(FollowerJson({"pull"}).at("bytes"), remote.at("bytes_to_take"));
}

TEST_F(FollowerTest, ASnapshotIsPublishedAtOnceOrKeptBack) {
  ExpectExit(rotv, {"snapshot", "create", "release-1", "--publish"}, 2);  // No remote has publish = true.
  ConfigureRemote("publish = true\nsnapshots = [\"release-*\", \"monday\"]\n");
  ExpectExit(rotv, {"snapshot", "create", "mine", "--publish"}, 2);
  EXPECT_EQ(rotv.MustSync({"snapshot", "list"}).find("release-1"), std::string::npos);
  const nlohmann::json made =
      nlohmann::json::parse(rotv.MustSync({"--json", "snapshot", "create", "release-1", "--publish"}));
  EXPECT_EQ(made.at("published_in").size(), 1U);
  rotv.MustSync({"snapshot", "create", "mine"});
  rotv.MustSync({"publish"});
  MustFollow({"pull"});
  const std::string listed = MustFollow({"snapshot", "list"});
  EXPECT_NE(listed.find("release-1"), std::string::npos);
  EXPECT_EQ(listed.find("mine"), std::string::npos);
  SameSeedAt("release-1");
  // The same name on any laptop: that of the source, and that of the snapshot.
  Exec("DELETE FROM t");
  PullAndPublish();
  MustFollow({"pull"});
  EXPECT_EQ(ReadFile(rotv.Seed("our seed.sql", {"--snapshot", "production:release-1"})),
            ReadFile(FollowerSeed({"--snapshot", "copy:release-1"})));
  EXPECT_NE(ReadFile(FollowerSeed()), ReadFile(rotv.directory() / "our seed.sql"));
  ExpectFollowerExit({"materialize", "--snapshot", "copy:nothing"}, 2, "nothing");
  ExpectFollowerExit({"--source", "other", "materialize", "--snapshot", "copy:release-1"}, 2, "another source");
  ExpectFollowerExit({"snapshot", "create", "theirs", "--publish"}, 2, "follows a remote");
}

TEST_F(FollowerTest, APullGoesOnAsItIsPublished) {
  ExpectExit(rotv, {"pull", "--follow"}, 2);  // That is a server.
  rotv.MustSync({"publish"});
  Process follow(FollowerCommand({"pull", "--follow", "--interval", "1"}));
  ASSERT_TRUE(follow.WaitForOutput("Took copy from", std::chrono::seconds(60))) << follow.Err();
  Exec("DELETE FROM t");
  PullAndPublish();
  ASSERT_TRUE(follow.WaitForOutput("1 transaction", std::chrono::seconds(60))) << follow.Err();
  ExpectSeedEqualsDump(rotv.server(), FollowerSeed(), {.import = Import::kNone});
  MustFollow({"pull"});  // It holds no lock in between.
  follow.Signal(SIGINT);
  EXPECT_EQ(follow.Wait().exit_status, 130);
}

TEST_F(FollowerTest, TheLogIsFollowedAsItIsPublished) {
  rotv.MustSync({"publish"});
  Process follow(FollowerCommand({"log", "--follow", "--interval", "1"}));
  Exec("INSERT INTO t VALUES (1000, 'new'), (1001, 'new')");
  PullAndPublish();
  ASSERT_TRUE(follow.WaitForOutput("public.t +2", std::chrono::seconds(60))) << follow.Err();
  // A remote that is away is waited for.
  fs::rename(remote(), rotv.directory() / "away");
  ASSERT_TRUE(WaitUntil([&] { return follow.Err().find("asking again") != std::string::npos; })) << follow.Err();
  fs::rename(rotv.directory() / "away", remote());
  Exec("DELETE FROM t WHERE id >= 1000");
  PullAndPublish();
  ASSERT_TRUE(follow.WaitForOutput("public.t -2", std::chrono::seconds(60))) << follow.Err();
  MustFollow({"pull"});  // No lock is held in between.
  follow.Signal(SIGINT);
  EXPECT_EQ(follow.Wait().exit_status, 130);
}

struct VerifyParts : VerifyTest {
  using VerifyTest::Damage;
  using VerifyTest::IntegerKeyOf;
};

// A repair writes below what was published: no step can have it.
TEST_F(FollowerTest, WhatVerifyRepairsIsRepairedAtFollowersToo) {
  {
    VerifyParts::Damage damage(rotv, "public.t");
    damage.Write(VerifyParts::IntegerKeyOf(17), "17\twrong");
    damage.Remove(VerifyParts::IntegerKeyOf(50));
  }
  rotv.MustSync({"publish"});
  MustFollow({"pull"});
  EXPECT_NE(ReadFile(FollowerSeed()).find("17\twrong"), std::string::npos);
  const std::string wrong = ReadFile(remote() / "head");
  rotv.MustSync({"verify", "--repair"});
  EXPECT_TRUE(nlohmann::json::parse(rotv.MustSync({"--json", "publish"})).at("whole"));
  EXPECT_TRUE(FollowerJson({"pull"}).at("whole"));
  FollowerIsDump();
  const std::string right = ReadFile(remote() / "head");
  WriteFile(remote() / "head", wrong);  // Put back, with the rows that were wrong.
  ExpectFollowerExit({"pull"}, 7, "older than what was taken");
  WriteFile(remote() / "head", right);
  Exec("UPDATE t SET v = 'after'");
  PullAndPublish();
  EXPECT_FALSE(FollowerJson({"pull"}).at("whole"));
  FollowerIsDump();
}

// Its repair can ask no source, but the remote has all that was lost.
TEST_F(FollowerTest, WhatDamageHasTakenComesBackWithTheNextPull) {
  Exec("INSERT INTO t SELECT n, repeat(md5(n::text), 50) FROM generate_series(1000, 4000) n");
  PullAndPublish();
  MustFollow({"pull"});
  std::filesystem::path largest;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(follower_home() / "sources")) {
    if (entry.path().extension() != ".sst") continue;
    if (largest.empty() || entry.file_size() > std::filesystem::file_size(largest)) largest = entry.path();
  }
  std::string bytes = ReadFile(largest);
  for (size_t at = 100; at + 100 < bytes.size(); at += 4096) bytes[at] = static_cast<char>(~bytes[at]);
  WriteFile(largest, bytes);
  Follower({"check", "--read-data", "--repair"});
  EXPECT_NE(Follower({"materialize"}).exit_status, 0) << "rows are lost";
  EXPECT_TRUE(FollowerJson({"pull"}).at("whole"));
  FollowerIsDump();
}

TEST_F(FollowerTest, APullThatWasBrokenOffGoesOnWithWhatItHasRead) {
  // Several objects, which have about eight megabytes each before they are compressed.
  Exec("INSERT INTO t SELECT n, md5(n::text) || repeat('x', 3000) FROM generate_series(1000, 8000) n");
  PullAndPublish();
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(objects())) paths.push_back(entry.path());
  ASSERT_GT(paths.size(), 2U);
  // The smallest is the last one: those before it are being read by then.
  const fs::path missing = *std::min_element(
      paths.begin(), paths.end(), [](const auto& a, const auto& b) { return fs::file_size(a) < fs::file_size(b); });
  fs::rename(missing, rotv.directory() / "away");
  ExpectFollowerExit({"pull"}, 7, "lacks the object");
  fs::rename(rotv.directory() / "away", missing);
  // There must be room for what is missing, and for the store.
  const OddDisk disk(ROTV_ODD_DISK, follower_home());
  const Result full = RunCommand(disk.WithFree(FollowerCommand({"pull"}), 1'000));
  EXPECT_EQ(full.exit_status, 6) << full.err;
  const nlohmann::json pulled = FollowerJson({"pull"});
  EXPECT_GT(pulled.at("resumed_bytes"), 0);
  uint64_t all = 0;
  for (const fs::path& path : paths) all += fs::file_size(path);
  EXPECT_EQ(pulled.at("bytes").get<uint64_t>() + pulled.at("resumed_bytes").get<uint64_t>(), all);
  EXPECT_FALSE(fs::exists(follower_home() / "sources" / "copy" / "fetched"));
  FollowerIsDump();
}

}  // namespace
}  // namespace rotv::testing
