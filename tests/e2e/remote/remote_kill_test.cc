// Publisher and follower are killed at random moments: the follower has always one of the published states, and gets
// the newest.

#include "tests/e2e/history/history_fixture.h"
#include "tests/e2e/remote/remote_fixture.h"

namespace rotv::testing {
namespace {

class RemoteKillTest : public RemoteTest {};

// Labels: slow
TEST_F(RemoteKillTest, AKilledPublisherOrFollowerLeavesAPublishedState) {
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, repeat(md5(n::text), 9) FROM "
      "generate_series(1, 20000) n");
  rotv.MustSync({"baseline"});
  const Command publish = rotv.SyncCommand({"publish"});
  const Command pull = FollowerCommand({"pull"});
  RandomKills publisher_kills(TimeOf([&] { MustRun(publish); }));
  RandomKills follower_kills(TimeOf([&] { MustRun(pull); }));
  constexpr int kRounds = 25;
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    Exec("UPDATE t SET v = v || 'x' WHERE id % 97 = " + std::to_string(round));
    rotv.MustSync({"pull"});
    std::string kills = publisher_kills.Kill(publish);
    kills += "; " + follower_kills.Kill(pull) + "; " + publisher_kills.Kill(publish);
    // The base is taken again, too.
    if (round % 5 == 4) std::filesystem::remove_all(follower_home() / "sources");
    kills += "; " + follower_kills.Kill(pull);
    if (round % 5 != 4) {
      const Result checked = Follower({"check"});
      EXPECT_EQ(checked.exit_status, 0) << kills << checked.err << checked.out;
    }
    MustRun(publish);
    MustRun(pull);
    EXPECT_EQ(ReadFile(rotv.Seed()), ReadFile(FollowerSeed())) << kills;
  }
  ExpectSeedEqualsDump(rotv.server(), FollowerSeed(), {.import = Import::kNone});
}

}  // namespace
}  // namespace rotv::testing
