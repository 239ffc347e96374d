// The power fails in the middle of a command: what was written and not synced may be gone, torn or in another order
// (tests/support/files/power_loss.h). The store is complete or is not there, has everything that was acknowledged, and
// the next command goes on from it.
//
// The default run takes some moments, others each time; `./dev soak` takes them for as long as it is told to.

#include "tests/support/files/power_loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/e2e/failure/disk_fixture.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;

class PowerLossTest : public DiskTest {
 protected:
  PowerLossTest() {
    fs::create_directory(rotv.home());
    fs::permissions(rotv.home(), fs::perms::owner_all);
  }

  struct Scenario {
    std::vector<std::string> arguments;
    std::function<void()> prepare;
    std::function<void()> check_each;  // After each way in which the power may have failed: what is there.
    std::function<void()> go_on;       // After one of them: the next commands.
  };

  // Kills the command before one of its calls, each time another; then the power fails in every way.
  void Run(const Scenario& scenario, std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    const unsigned number = std::random_device()();
    scenario.prepare();
    MustRun(disk_.Noting(rotv.SyncCommand(scenario.arguments)));
    // The last of them is after the end of the command.
    const size_t calls = disk_.Calls().size() + 1;
    scenario.go_on();
    size_t tried = 0;
    for (; std::chrono::steady_clock::now() < end && !HasFailure(); ++tried) {
      scenario.prepare();
      const PowerLoss before(rotv.home());
      const long at = 1 + static_cast<long>((number + tried * StepOver(calls)) % calls);
      const Result result = RunCommand(disk_.RecordedUntil(rotv.SyncCommand(scenario.arguments), at));
      ASSERT_TRUE(result.exit_status == 0 || result.exit_status == 128 + SIGKILL) << result.err;
      finished_ = result.exit_status == 0;
      WaitForWalSender();
      PowerLoss loss = before;
      loss.Add(disk_.record());
      LoseEach(scenario, loss, number + static_cast<unsigned>(tried), at);
    }
    std::printf("%zu moments of %zu\n", tried, calls);
  }

  void RunBaseline(std::chrono::milliseconds time) {
    const auto check = [this] {
      if (finished_) {
        EXPECT_TRUE(HasCurrentStore(rotv));
      }
      ExpectNothingAcknowledgedIsMissing();
    };
    const auto go_on = [this] {
      if (!HasCurrentStore(rotv)) rotv.MustSync({"baseline"});
      ExpectPullIsDump();
      rotv.MustSync({"detach"});
      EXPECT_THAT(rotv.LeftOnSource(), ::testing::IsEmpty());
      for (const auto& entry : fs::directory_iterator(rotv.home())) fs::remove_all(entry.path());
    };
    Run({{"baseline"}, [] {}, check, go_on}, time);
  }

  void RunPull(std::chrono::milliseconds time) {
    rotv.MustSync({"baseline"});
    Run({{"pull"},
         [this] { Change(); },
         [this] { ExpectNothingAcknowledgedIsMissing(); },
         [this] { ExpectPullIsDump(); }},
        time);
  }

  void RunMerge(std::chrono::milliseconds time) {
    rotv.MustSync({"baseline"});
    const auto go_on = [this] {
      rotv.MustSync({"compact"});  // A pull would begin it beside what comes next.
      Change();
      ExpectPullIsDump();
    };
    Run({{"compact"}, [this] { AddRuns(); }, [this] { ExpectNothingAcknowledgedIsMissing(); }, go_on}, time);
  }

  // One that replaces another: at every moment one of both is there, and complete.
  void RunForced(std::chrono::milliseconds time) {
    rotv.MustSync({"baseline"});
    std::string seed_before;
    std::string store_before;
    const auto prepare = [&] {
      seed_before = Seed();
      store_before = Current();
      Change();
    };
    const auto check = [&] {
      const bool is_replaced = Current() != store_before;
      EXPECT_TRUE(is_replaced || !finished_);
      EXPECT_EQ(Seed() != seed_before, is_replaced);
      ExpectNothingAcknowledgedIsMissing();
    };
    const auto go_on = [&] {
      // The new one goes on where some of its tables are complete, unless it is given up.
      if (nlohmann::json::parse(rotv.MustSync({"--json", "status"})).at("unfinished").is_object()) {
        rotv.MustSync({"baseline", "--discard"});
      }
      ExpectOneBaseline(rotv);
      ExpectPullIsDump();
    };
    Run({{"baseline", "--force"}, prepare, check, go_on}, time);
  }

  void RunGc(std::chrono::milliseconds time) {
    rotv.MustSync({"baseline"});
    std::string head;
    const auto prepare = [&] {
      Change();
      rotv.MustSync({"pull"});
      head = Seed();
    };
    const auto check = [&] { EXPECT_EQ(Seed(), head); };
    const auto go_on = [&] {
      rotv.MustSync({"gc", "--keep-days", "0"});
      EXPECT_EQ(Seed(), head);
      ExpectPullIsDump();
    };
    Run({{"gc", "--keep-days", "0"}, prepare, check, go_on}, time);
  }

  void RunSnapshot(std::chrono::milliseconds time) {
    rotv.MustSync({"baseline"});
    const std::string head = Seed();
    const auto check = [&] {
      if (finished_) {
        EXPECT_EQ(Seed({"--snapshot", "named"}), head);
      }
    };
    const auto go_on = [&] {
      rotv.MustSync({"snapshot", "create", "named"});
      EXPECT_EQ(Seed({"--snapshot", "named"}), head);
      rotv.MustSync({"snapshot", "delete", "named"});
    };
    Run({{"snapshot", "create", "named"}, [] {}, check, go_on}, time);
    ExpectPullIsDump();
  }

  void RunSeed(std::chrono::milliseconds time) {
    rotv.MustSync({"baseline"});
    const std::string complete = Seed();
    const fs::path file = rotv.home() / "seed-data.sql";
    // A file that somebody put there gets another name first.
    const auto check = [&] {
      if (!finished_ && !fs::exists(file)) {
        EXPECT_EQ(ReadFile(rotv.home() / "seed-data.kept.sql"), "old");
        return;
      }
      const std::string there = ReadFile(file);
      EXPECT_TRUE(there == complete || (!finished_ && there == "old")) << there.substr(0, 200);
    };
    const auto go_on = [&] {
      rotv.MustSync({"materialize", "--restrict", "never"});
      EXPECT_EQ(ReadFile(file), complete);
    };
    Run({{"materialize", "--restrict", "never"}, [&] { WriteFile(file, "old", 0600); }, check, go_on}, time);
  }

  std::string Current() const { return ReadCurrent(rotv.home(), "production").value().directory(); }

  bool finished_ = false;  // The command had ended when the power failed.

 private:
  // The server has noticed that the client is gone: it confirms nothing any more.
  void WaitForWalSender() {
    EXPECT_TRUE(WaitUntil([&] {
      return rotv.server().Value("SELECT count(*) FROM pg_replication_slots WHERE active", kSuperuser) == "0";
    }));
  }

  void LoseEach(const Scenario& scenario, const PowerLoss& loss, unsigned seed, long at) {
    for (int i = 1; i <= PowerLoss::kWays; ++i) {
      const auto way = static_cast<PowerLoss::Way>((seed + static_cast<unsigned>(i)) % PowerLoss::kWays);
      SCOPED_TRACE("before call " + std::to_string(at) + ", way " + std::to_string(static_cast<int>(way)) + ", seed " +
                   std::to_string(seed));
      loss.Leave(rotv.home(), way, seed);
      scenario.check_each();
      if (i < PowerLoss::kWays && !HasFailure()) continue;
      loss.Leave(rotv.home(), way, seed);
      if (HasFailure()) return;
      return scenario.go_on();
    }
  }
};

// The same for a store of an older format, without a server.
class MigrationLossTest : public MigrationTest {
 protected:
  void Run(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    const unsigned number = std::random_device()();
    Unpack();
    MustRun(disk_.Noting(Migrate()));
    const size_t calls = disk_.Calls().size() + 1;
    for (size_t tried = 0; std::chrono::steady_clock::now() < end && !HasFailure(); ++tried) {
      Unpack();
      PowerLoss loss(home());
      const auto at = static_cast<long>((number + tried * StepOver(calls)) % calls) + 1;
      RunCommand(disk_.RecordedUntil(Migrate(), at));
      loss.Add(disk_.record());
      const auto seed = static_cast<unsigned>(number + tried);
      const auto way = static_cast<PowerLoss::Way>(seed % PowerLoss::kWays);
      SCOPED_TRACE("before call " + std::to_string(at) + ", way " + std::to_string(static_cast<int>(way)) + ", seed " +
                   std::to_string(seed));
      loss.Leave(home(), way, seed);
      ExpectTheSameSeeds({"head", "before"});
      ExpectItIsMigrated();
    }
  }
};

constexpr std::chrono::milliseconds kLossSample{3000};

TEST_F(PowerLossTest, ABaselineIsCompleteOrNotThere) { RunBaseline(kLossSample); }
TEST_F(PowerLossTest, ABaselineThatReplacesOneLeavesOneOfBoth) { RunForced(kLossSample); }
TEST_F(PowerLossTest, APullHasAllThatItHasConfirmed) { RunPull(kLossSample); }
TEST_F(PowerLossTest, AMergeLosesNothing) { RunMerge(kLossSample); }
TEST_F(PowerLossTest, GarbageCollectionChangesNoState) { RunGc(kLossSample); }
TEST_F(PowerLossTest, ASnapshotThatWasCreatedIsThere) { RunSnapshot(kLossSample); }
TEST_F(PowerLossTest, ASeedIsTheOldOneOrComplete) { RunSeed(kLossSample); }
TEST_F(MigrationLossTest, AStoreOfAnOlderFormatStaysUsable) { Run(kLossSample); }

TEST_F(PowerLossTest, SoakABaseline) { RunBaseline(SoakTime()); }
TEST_F(PowerLossTest, SoakABaselineThatReplacesOne) { RunForced(SoakTime()); }
TEST_F(PowerLossTest, SoakAPull) { RunPull(SoakTime()); }
TEST_F(PowerLossTest, SoakAMerge) { RunMerge(SoakTime()); }
TEST_F(PowerLossTest, SoakGarbageCollection) { RunGc(SoakTime()); }
TEST_F(PowerLossTest, SoakASnapshot) { RunSnapshot(SoakTime()); }
TEST_F(PowerLossTest, SoakASeed) { RunSeed(SoakTime()); }
TEST_F(MigrationLossTest, SoakAStoreOfAnOlderFormat) { Run(SoakTime()); }

}  // namespace
}  // namespace rotv::testing
