// A link that fails at random, in every phase of a baseline, while a random workload changes the source: every baseline
// gets through by itself, is the source as it was, and leaves nothing on the source or here.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/e2e/failure/bad_link.h"

namespace rotv::testing {
namespace {

using std::chrono::milliseconds;

// What a session of ours does in a phase.
constexpr const char* kPhases[] = {
    "pg_catalog",  // The catalogue, checks, pg_dump.
    // Short ones are met now and then.
    "CREATE PUBLICATION",
    "CREATE_REPLICATION_SLOT",
    "COPY public.pile",
    // An attempt that goes on is catching up.
    "START_REPLICATION",
    // The end: objects of the replaced baseline are removed.
    "pg_drop_replication_slot",
};

class BaselinesOverBadLink : public BadLinkRun {
 public:
  BaselinesOverBadLink(uint64_t seed, const BadLinkPlan& plan)
      : BadLinkRun(seed, plan), watching_(rotv_.server().NewConnection(kSuperuser)) {}

 private:
  void Setup() override {
    for (int i = 1; i <= kPiles; ++i) {
      rotv_.server().Exec(
          fmt::format("CREATE TABLE pile_{0} (id int PRIMARY KEY, text text);"
                      "INSERT INTO pile_{0} SELECT n, repeat(md5(n::text), 4) FROM generate_series(1, 8500) n",
                      i));
    }
    rotv_.server().Exec(
        "CREATE TABLE pile_bag (text text); ALTER TABLE pile_bag REPLICA IDENTITY FULL;"
        "INSERT INTO pile_bag SELECT 'equal' FROM generate_series(1, 100)");
  }

  void Conclude() override {
    rotv_.MustSync({"baseline", "--force"});
    rotv_.MustSync({"pull"});
  }

  void ChangeSpeed() {
    const bool slow = Dice(2) == 1;
    link_.SetSpeed(milliseconds(slow ? Dice(15) : 0), slow ? 10 + Dice(50) : 0);
  }

  void ChangePiles() {
    try {
      rotv_.server().Exec(fmt::format(
          "BEGIN; UPDATE pile_{0} SET text = repeat(md5(text), 4) WHERE id % 7 = 0; UPDATE pile_{0} SET id = -id WHERE "
          "id % 101 = 0; DELETE FROM pile_bag WHERE ctid IN (SELECT ctid FROM pile_bag LIMIT 10);"
          "INSERT INTO pile_bag SELECT 'equal' FROM generate_series(1, 12); COMMIT",
          Dice(kPiles)));
    } catch (const std::runtime_error&) {  // The workload has changed or dropped it.
    }
  }

  // By bytes, or (once such a statement runs) in a phase.
  void Arm() {
    phase_ = Dice(2) == 1 ? "" : kPhases[Dice(std::size(kPhases)) - 1];
    if (!phase_.empty()) return;
    if (Dice(2) == 1) return ArmUpTo(8e6);
    link_.FailAfter(AnyFault(), static_cast<uint64_t>(Dice(8'000'000)));
  }

  void FailInPhase() {
    if (phase_.empty()) return;
    const std::string running = watching_.Value(fmt::format(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rotv-sync %' AND state = 'active' AND "
        "query LIKE '%{}%'",
        phase_));
    if (running == "0") return;
    link_.FailAfter(AnyFault(), static_cast<uint64_t>(Dice(3000)));
    phase_.clear();
  }

  // A baseline that did not get so far goes on in the next round.
  void Round() override {
    for (int i = Dice(2); i > 0; --i) {
      workload_.Step();
      ChangePiles();
    }
    ChangeSpeed();
    int seen = link_.faults();
    int left = Dice(4);  // Fewer than a baseline tries to connect again without progress.
    Arm();
    Process baseline(rotv_.SyncCommand({"baseline", "--force"}));
    const bool to_be_killed = Dice(8) == 1;
    while (!baseline.WaitFor(milliseconds(10))) {
      FailInPhase();
      if (Dice(80) == 1) ShortFreeze();
      if (Dice(100) == 1) Stop(baseline);
      if (Dice(60) == 1) ChangePiles();
      if (Dice(400) == 1) workload_.Step();  // A schema that changes during each attempt ends a baseline.
      if (to_be_killed && Dice(100) == 1) baseline.Signal(SIGKILL);
      if (link_.faults() == seen) continue;
      seen = link_.faults();
      if (--left > 0) Arm();
      ChangeSpeed();
    }
    link_.FailAfter(SlowLink::Fault::kReset, 0);
    phase_.clear();
    const Result result = baseline.Wait();
    if (!to_be_killed || result.exit_status == 0) ExpectRightEnd(result);
    if (result.exit_status == 0 && Dice(2) == 1) Judge();
  }

  static void Stop(Process& process) {
    process.SignalGroup(SIGSTOP);
    std::this_thread::sleep_for(milliseconds(100));  // The time is the fault.
    process.SignalGroup(SIGCONT);
  }

  // The source is at rest, but may have changed after the baseline.
  void Judge() {
    link_.SetSpeed({}, 0);
    ExpectOneBaseline(rotv_);
    rotv_.MustSync({"pull"});
    rotv_.ExpectSeedIsDump({.import = Import::kNone});
  }

  static constexpr int kPiles = 4;
  Connection watching_;
  std::string phase_;  // Where the next fault is to come.
};

// Labels: slow
TEST(BadLinkTest, BaselinesGetThroughFaultsToTheServer) {
  RunBadLink<BaselinesOverBadLink>({.way = Way::kDirect, .faults = 13, .freeze_one_in = 25});
}

// Labels: slow
TEST(BadLinkTest, BaselinesGetThroughFaultsToSshd) {
  RunBadLink<BaselinesOverBadLink>({.way = Way::kSshSocket, .faults = 13, .freeze_one_in = 25});
}

TEST(BadLinkSoakTest, BaselinesGetThroughTwoHundredAndFiftyFaults) {
  for (const Way way : {Way::kDirect, Way::kSshSocket}) {
    for (int run = 0; run < 5 && !HasFailure(); ++run) {
      RunBadLink<BaselinesOverBadLink>({.way = way, .faults = 25, .freeze_one_in = 10});
    }
  }
}

}  // namespace
}  // namespace rotv::testing
