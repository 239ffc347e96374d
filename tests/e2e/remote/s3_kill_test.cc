// Publisher and follower are killed at random moments and at each request, and the store fails from any request on: the
// follower has always one of the published states, and gets the newest.

#include <algorithm>
#include <csignal>
#include <future>
#include <map>
#include <string>

#include "tests/e2e/history/history_fixture.h"
#include "tests/e2e/remote/s3_fixture.h"

namespace rotv::testing {
namespace {

using Kind = Reaction::Kind;

class S3KillTest : public S3Test {
 protected:
  // A base of several objects.
  void AddRows() {
    Exec("INSERT INTO t SELECT n, repeat(md5(n::text), 30) FROM generate_series(10001, 20000) n");
    rotv.MustSync({"pull"});
  }
  void Change() {
    Exec("UPDATE t SET v = v || 'x' WHERE id % 97 = " + std::to_string(changes_++ % 97));
    rotv.MustSync({"pull"});
  }

  // Kills the command at its number-th request, which the store does or does not. Returns a description.
  static std::string KillAtRequest(const Command& command, unsigned number, bool is_done) {
    std::promise<pid_t> started;
    const std::shared_future<pid_t> pid = started.get_future().share();
    unsigned seen = 0;
    relay().SetReaction([&seen, pid, number, is_done](const SeenRequest&) -> Reaction {
      if (seen++ != number) return {};
      kill(pid.get(), SIGKILL);
      return {.kind = is_done ? Kind::kPass : Kind::kCut};
    });
    Process process(command);
    started.set_value(process.pid());
    const Result result = process.Wait();
    relay().WaitUntilIdle();
    relay().SetReaction({});
    // One that was not killed has done its work, whatever was killed before it.
    const bool is_killed = result.exit_status == 128 + SIGKILL;
    const bool has_nothing_to_take =
        result.exit_status == 2 && result.err.find("nothing is published") != std::string::npos;
    EXPECT_TRUE(result.ok() || is_killed || has_nothing_to_take) << Describe(command, result);
    return fmt::format("{} killed at request {} ({})", command.argv.back(), number, is_done ? "done" : "not done");
  }

  // The publisher's seed of its present state, which is that of the source at rest, for what a follower may have.
  void KnowState(int change) {
    const size_t seed = std::hash<std::string>()(ReadFile(rotv.Seed("our seed.sql")));
    const std::string lsn =
        nlohmann::json::parse(rotv.MustSync({"--json", "status", "--offline"})).at("head").at("lsn");
    seeds_[lsn] = seed;
    newest_ = lsn;
    constexpr int kBetweenDumps = 4;  // A dump is a third of what a round costs.
    if (change % kBetweenDumps != 0) return;
    ExpectSeedEqualsDump(rotv.server(), rotv.directory() / "our seed.sql", {.import = Import::kNone});
  }

  // The follower has one of the published states, whatever has happened to it. It may have none yet: then this returns
  // nothing, else the state's LSN.
  std::string PublishedState() {
    if (!std::filesystem::exists(follower_home() / "sources" / "copy" / "current")) return {};
    const std::filesystem::path path = rotv.directory() / "their seed.sql";
    const std::string lsn = FollowerJson({"materialize", "--restrict", "never", "--output", path}).at("lsn");
    EXPECT_EQ(seeds_.count(lsn), 1U) << lsn;
    EXPECT_EQ(std::hash<std::string>()(ReadFile(path)), seeds_[lsn]) << "not what was published at " << lsn;
    return lsn;
  }

  // Six kills a round, the follower's seed is compared after each one of a pull.
  void KillRounds(int rounds) {
    AddRows();
    KnowState(0);
    const Command publish = rotv.SyncCommand({"publish"});
    const Command pull = FollowerCommand({"pull"});
    std::mt19937 random(number_);
    RandomKills publisher_kills(TimeOf([&] { MustRun(publish); }));
    RandomKills follower_kills(TimeOf([&] { MustRun(pull); }));
    const auto kill_one = [&](const Command& command, RandomKills& kills) {
      // As many as the command makes where it has something to do.
      const unsigned requests = &command == &publish ? 5 : 3;
      if (random() % 2 == 0) {
        const std::string killed = kills.Kill(command);
        // What was sent before the kill would else replace the head while the next command is at work.
        relay().WaitUntilIdle();
        return killed + "; ";
      }
      const auto request = static_cast<unsigned>(random() % requests);
      return KillAtRequest(command, request, random() % 2 == 0) + "; ";
    };
    for (int round = 0; round < rounds && !HasFailure(); ++round) {
      std::string kills = fmt::format("random number {}, round {}: ", number_, round);
      Change();
      KnowState(round);
      for (int i = 0; i < kPairs && !HasFailure(); ++i) {
        kills += kill_one(publish, publisher_kills);
        // The base is taken again, too.
        if (round % 4 == 3 && i == 0) std::filesystem::remove_all(follower_home() / "sources");
        kills += kill_one(pull, follower_kills);
        SCOPED_TRACE(kills);
        PublishedState();
      }
      SCOPED_TRACE(kills);
      MustRun(publish);
      MustRun(pull);
      EXPECT_EQ(PublishedState(), newest_);
      if (round % 4 == 0) MustFollow({"check"});
    }
  }
  static constexpr int kPairs = 3;

  // Each command is run once while the store fails from its number-th request on, and once more when it does not.
  void FailRounds(const std::vector<Kind>& ways) {
    // Only what hangs is waited for.
    const bool hang = std::find(ways.begin(), ways.end(), Kind::kHang) != ways.end();
    const std::string stall = hang ? "6" : "60";
    rotv.Configure({{"retries", "0"}, {"stall_timeout", stall}});
    ConfigureFollower(url(), "endpoint = \"" + relay().url() + "\"\nretries = 0\nstall_timeout = " + stall + "\n");
    const auto run_failing = [&](const Command& command, Kind way, unsigned number) {
      auto seen = std::make_shared<unsigned>(0);
      relay().SetReaction([seen, way, number](const SeenRequest&) -> Reaction {
        if ((*seen)++ < number) return {};
        return way == Kind::kAnswer ? S3Says(500, "InternalError") : Reaction{.kind = way};
      });
      const Result result = RunCommand(command);
      relay().SetReaction({});
      const bool was_reached = *seen > number;
      EXPECT_EQ(result.exit_status, was_reached ? 4 : 0) << Describe(command, result);
      return was_reached;
    };
    KnowState(0);
    for (const Kind way : ways) {
      bool is_reached = true;
      for (unsigned number = 0; is_reached && !HasFailure(); ++number) {
        SCOPED_TRACE(fmt::format("way {}, from request {} on", static_cast<int>(way), number));
        Change();
        KnowState(static_cast<int>(number));
        is_reached = run_failing(rotv.SyncCommand({"publish"}), way, number);
        rotv.MustSync({"publish"});
        is_reached = run_failing(FollowerCommand({"pull"}), way, number) || is_reached;
        PublishedState();
        MustFollow({"pull"});
        EXPECT_EQ(PublishedState(), newest_);
      }
    }
  }

 private:
  const unsigned number_ = std::random_device()();
  int changes_ = 0;
  std::map<std::string, size_t> seeds_;  // Hashes of the publisher's, by the LSN of their state.
  std::string newest_;
};

// Labels: slow
TEST_F(S3KillTest, AKilledPublisherOrFollowerLeavesAPublishedState) { KillRounds(22); }

// Labels: slow
TEST_F(S3KillTest, AStoreThatFailsFromAnyRequestOnLeavesAPublishedState) {
  FailRounds({Kind::kAnswer, Kind::kLoseAnswer, Kind::kCutAnswer, Kind::kCut});
}

// Labels: slow
TEST_F(S3KillTest, AStoreThatHangsFromAnyRequestOnIsGivenUp) { FailRounds({Kind::kHang}); }

TEST_F(S3KillTest, SoakKillsAtRandom) {
  const char* minutes = std::getenv("ROTV_SOAK_MINUTES");
  constexpr int kRoundsAMinute = 30;
  KillRounds(kRoundsAMinute * (minutes != nullptr ? std::atoi(minutes) : 1));
}

}  // namespace
}  // namespace rotv::testing
