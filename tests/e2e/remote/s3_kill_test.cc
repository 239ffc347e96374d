// Publisher and follower are killed at random moments and at each request, and the store fails from any request on: the
// follower has always one of the published states, and gets the newest.

#include <csignal>
#include <future>

#include "tests/e2e/history/history_fixture.h"
#include "tests/e2e/remote/s3_fixture.h"

namespace rotv::testing {
namespace {

using Kind = Reaction::Kind;

class S3KillTest : public S3Test {
 protected:
  // A base of several objects.
  void AddRows() {
    Exec("INSERT INTO t SELECT n, repeat(md5(n::text), 30) FROM generate_series(10001, 30000) n");
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

  // A state of the publisher's history, whatever has happened to the follower. It may have none yet.
  void HasAPublishedState() {
    if (!std::filesystem::exists(follower_home() / "sources" / "copy" / "current")) return;
    const Result checked = Follower({"check"});
    EXPECT_EQ(checked.exit_status, 0) << checked.err << checked.out;
    SameSeedAt(FollowerJson({"status", "--offline"}).at("head").at("lsn"));
  }

  void KillRounds(int rounds) {
    AddRows();
    const Command publish = rotv.SyncCommand({"publish"});
    const Command pull = FollowerCommand({"pull"});
    std::mt19937 random(number_);
    RandomKills publisher_kills(std::chrono::milliseconds(150));
    RandomKills follower_kills(std::chrono::milliseconds(150));
    const auto kill_one = [&](const Command& command, RandomKills& kills) {
      constexpr unsigned kRequests = 9;
      if (random() % 2 == 0) {
        const std::string killed = kills.Kill(command);
        // What was sent before the kill would else replace the head while the next command is at work.
        relay().WaitUntilIdle();
        return killed + "; ";
      }
      const auto request = static_cast<unsigned>(random() % kRequests);
      return KillAtRequest(command, request, random() % 2 == 0) + "; ";
    };
    for (int round = 0; round < rounds && !HasFailure(); ++round) {
      std::string kills = fmt::format("random number {}, round {}: ", number_, round);
      Change();
      kills += kill_one(publish, publisher_kills) + kill_one(pull, follower_kills) + kill_one(publish, publisher_kills);
      // The base is taken again, too.
      if (round % 4 == 3) std::filesystem::remove_all(follower_home() / "sources");
      kills += kill_one(pull, follower_kills);
      SCOPED_TRACE(kills);
      HasAPublishedState();
      MustRun(publish);
      FollowerIsDump();
    }
  }

  // Each command is run once while the store fails from its number-th request on, and once more when it does not.
  void FailRounds(const std::vector<Kind>& ways) {
    rotv.Configure({{"retries", "0"}, {"stall_timeout", "4"}});
    ConfigureFollower(url(), "endpoint = \"" + relay().url() + "\"\nretries = 0\nstall_timeout = 4\n");
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
    for (const Kind way : ways) {
      bool is_reached = true;
      for (unsigned number = 0; is_reached && !HasFailure(); ++number) {
        SCOPED_TRACE(fmt::format("way {}, from request {} on", static_cast<int>(way), number));
        Change();
        is_reached = run_failing(rotv.SyncCommand({"publish"}), way, number);
        rotv.MustSync({"publish"});
        is_reached = run_failing(FollowerCommand({"pull"}), way, number) || is_reached;
        HasAPublishedState();
        FollowerIsDump();
      }
    }
  }

 private:
  const unsigned number_ = std::random_device()();
  int changes_ = 0;
};

// Labels: slow
TEST_F(S3KillTest, AKilledPublisherOrFollowerLeavesAPublishedState) { KillRounds(12); }

// Labels: slow
TEST_F(S3KillTest, AStoreThatFailsFromAnyRequestOnLeavesAPublishedState) {
  FailRounds({Kind::kAnswer, Kind::kLoseAnswer, Kind::kCutAnswer});
}

TEST_F(S3KillTest, SoakKillsAtRandom) {
  const char* minutes = std::getenv("ROTV_SOAK_MINUTES");
  constexpr int kRoundsAMinute = 40;
  KillRounds(kRoundsAMinute * (minutes != nullptr ? std::atoi(minutes) : 1));
}

TEST_F(S3KillTest, SoakAStoreThatHangsFromAnyRequestOn) { FailRounds({Kind::kHang, Kind::kCut}); }

}  // namespace
}  // namespace rotv::testing
