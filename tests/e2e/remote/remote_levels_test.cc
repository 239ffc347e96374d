// Whoever is far behind takes longer steps, and whoever is in the middle of one gets on all the same.

#include <random>

#include "tests/e2e/remote/remote_fixture.h"

namespace rotv::testing {
namespace {

class RemoteLevelsTest : public RemoteTest {
 protected:
  // Followers beside that of the fixture.
  Command CommandOf(const std::string& follower, const std::vector<std::string>& arguments) const {
    Command command = FollowerCommand(arguments);
    command.argv[2] = rotv.directory() / follower;
    return command;
  }
  nlohmann::json PullBy(const std::string& follower) const {
    return nlohmann::json::parse(MustRun(CommandOf(follower, {"--json", "pull"})).out);
  }
  void HasTheSource(const std::string& follower) {
    const std::filesystem::path seed = rotv.directory() / (follower + ".sql");
    MustRun(CommandOf(follower, {"materialize", "--restrict", "never", "--output", seed}));
    ExpectSeedEqualsDump(rotv.server(), seed, {.import = Import::kNone});
    const Command check = CommandOf(follower, {"check", "--read-data"});
    const Result result = RunCommand(check);
    EXPECT_EQ(result.exit_status, 0) << Describe(check, result);
  }
  nlohmann::json PublishJson(std::vector<std::string> arguments = {}) const {
    arguments.insert(arguments.begin(), {"--json", "publish"});
    return nlohmann::json::parse(rotv.MustSync(arguments));
  }
};

TEST_F(RemoteLevelsTest, WhoIsThirtyPublicationsBehindTakesLittleMoreThanWhatChanged) {
  // A second remote has one publication for all of the changes: it has each of them once.
  WriteFile(rotv.config(), ReadFile(rotv.config()) + "[remotes.once]\nurl = \"once\"\n");
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, v text);"
      "INSERT INTO t SELECT n, md5(n::text) || md5((n * 7)::text) FROM generate_series(1, 12000) n");
  rotv.MustSync({"baseline"});
  rotv.MustSync({"publish", "team"});
  rotv.MustSync({"publish", "once"});
  for (const char* follower : {"one", "of the middle", "of all"}) PullBy(follower);
  constexpr int kPublications = 30;
  for (int i = 0; i < kPublications; ++i) {
    // Not compressible, and in places all over the table.
    Exec("UPDATE t SET v = md5(random()::text) || md5(random()::text) WHERE id % 30 = " + std::to_string(i));
    if (i % 10 == 3) rotv.MustSync({"snapshot", "create", "at-" + std::to_string(i)});
    rotv.MustSync({"pull"});
    rotv.MustSync({"publish", "team"});
    if (i % 3 == 0) PullBy("of all");
    if (i == 13) PullBy("of the middle");
  }
  const uint64_t changed = PublishJson({"once"}).at("bytes");
  const nlohmann::json behind = PullBy("one");
  EXPECT_FALSE(behind.at("whole"));
  EXPECT_EQ(behind.at("transactions"), kPublications);
  EXPECT_LE(behind.at("bytes").get<uint64_t>(), changed * 3 / 2) << changed;
  EXPECT_FALSE(PullBy("of the middle").at("whole"));
  PullBy("of all");
  for (const char* follower : {"one", "of the middle", "of all"}) HasTheSource(follower);
  const nlohmann::json status = PublishJson({"--status", "team"});
  EXPECT_TRUE(PullBy("none").at("whole"));
  HasTheSource("none");
  for (const char* point : {"at-3", "at-23", "baseline"}) {
    const auto seed = [&](const Command& command) { return MustRun(command).out; };
    const std::vector<std::string> arguments = {"materialize", "--restrict", "never", "--at", point, "--output", "-"};
    EXPECT_EQ(seed(CommandOf("one", arguments)), seed(CommandOf("none", arguments))) << point;
  }

  // What --status says of it.
  const nlohmann::json& published = status.at("published");
  EXPECT_EQ(published.at("publication"), kPublications + 1);
  EXPECT_EQ(published.at("base").at("publication"), 1);
  std::vector<std::pair<uint64_t, uint64_t>> levels;
  for (const nlohmann::json& level : published.at("levels")) levels.emplace_back(level["publications"], level["steps"]);
  // The oldest fourteen, up to the last one that a longer step leads over, are retired.
  EXPECT_EQ(levels, (std::vector<std::pair<uint64_t, uint64_t>>{{1, 16}, {4, 7}, {16, 1}}));
  EXPECT_GT(published.at("retired_objects"), 0);
  EXPECT_TRUE(status.at("is_ours"));
  EXPECT_EQ(status.at("unpublished_transactions"), 0);
}

TEST_F(RemoteLevelsTest, FollowersThatLagByChanceHaveTheSourceWhateverGcDoes) {
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, v text, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;"
      "INSERT INTO t SELECT n, 'v', repeat(md5(n::text), 100) FROM generate_series(1, 60) n;"
      "CREATE TABLE bag (v text); ALTER TABLE bag REPLICA IDENTITY FULL; INSERT INTO bag VALUES ('x'), ('x')");
  rotv.MustSync({"baseline"});
  rotv.MustSync({"publish"});
  std::mt19937 random(20261201);
  const auto one_of = [&](unsigned many) { return random() % many == 0; };
  const std::vector<std::string> followers = {"often", "sometimes", "seldom"};
  for (const std::string& follower : followers) PullBy(follower);
  for (int i = 0; i < 26 && !HasFailure(); ++i) {
    const std::string n = std::to_string(i), id = std::to_string(random() % 60 + 1);
    Exec("UPDATE t SET v = v || '" + n + "' WHERE id % 7 = " + std::to_string(i % 7));
    if (one_of(3)) Exec("DELETE FROM t WHERE id = " + id + "; INSERT INTO bag SELECT v FROM bag LIMIT 2");
    if (one_of(3)) Exec("INSERT INTO t VALUES (" + id + ", 'again', 'short') ON CONFLICT (id) DO UPDATE SET big = 'x'");
    if (one_of(8)) Exec("TRUNCATE bag; INSERT INTO bag VALUES ('" + n + "'), ('x')");
    if (one_of(8)) Exec("ALTER TABLE t ADD c" + n + " int DEFAULT " + n);
    if (one_of(10)) rotv.MustSync({"snapshot", "create", "s" + n});
    rotv.MustSync({"pull"});
    if (one_of(9)) rotv.MustSync({"gc", "--keep-days", "0"});
    if (!one_of(6)) rotv.MustSync({"publish"});
    for (size_t who = 0; who < followers.size(); ++who) {
      constexpr unsigned kEvery[] = {2, 7, 19};
      if (!one_of(kEvery[who])) continue;
      PullBy(followers[who]);
      if (one_of(4)) MustRun(CommandOf(followers[who], {"gc", "--keep-days", "0"}));
    }
  }
  rotv.MustSync({"publish"});
  for (const std::string& follower : followers) {
    PullBy(follower);
    HasTheSource(follower);
  }
}

}  // namespace
}  // namespace rotv::testing
