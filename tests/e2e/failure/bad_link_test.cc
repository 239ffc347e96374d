// A link that fails at random, in every phase of a pull, while a random workload changes the source: every pull gets
// through by itself, and in the end nothing is lost, nothing is there twice, and nothing is left on the source or here.

#include "tests/e2e/failure/bad_link.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>

namespace rotv::testing {
namespace {

using std::chrono::milliseconds;

class PullsOverBadLink : public BadLinkRun {
 public:
  using BadLinkRun::BadLinkRun;

 private:
  void Setup() override {
    AddBallast();
    rotv_.MustSync({"baseline"});
  }
  void Conclude() override { rotv_.MustSync({"pull"}); }

  void Arm() { ArmUpTo(8e5); }

  void ChangeSpeed() {
    const bool slow = Dice(4) == 1;
    link_.SetSpeed(milliseconds(slow ? Dice(15) : 0), slow ? 1 + Dice(40) : 0);
  }

  // Tables with much to send. The workload changes them too, or drops them; then there are new ones.
  void AddBallast() {
    ballast_ = fmt::format("ballast_{}", rotv_.server().Value("SELECT txid_current()"));
    rotv_.server().Exec(
        fmt::format("CREATE TABLE {0} (id int PRIMARY KEY, text text);"
                    "CREATE TABLE {0}_bag (text text); ALTER TABLE {0}_bag REPLICA IDENTITY FULL;"
                    "INSERT INTO {0} SELECT n, repeat(md5(n::text), 5) FROM generate_series(1, 700) n;"
                    "INSERT INTO {0}_bag SELECT 'equal' FROM generate_series(1, 100)",
                    ballast_));
  }

  void ChangeBallast() {
    try {
      rotv_.server().Exec(
          fmt::format("BEGIN; UPDATE {0} SET text = repeat(md5(text), 5); UPDATE {0} SET text = text || '.';"
                      "DELETE FROM {0}_bag WHERE ctid IN (SELECT ctid FROM {0}_bag LIMIT 10);"
                      "INSERT INTO {0}_bag SELECT 'equal' FROM generate_series(1, 15); COMMIT",
                      ballast_));
      // A resync, of the table and of the multiset.
      const char* type = Dice(2) == 1 ? "text" : "varchar";
      if (Dice(6) == 1) {
        rotv_.server().Exec(fmt::format("ALTER TABLE {0} ALTER text TYPE {1}; ALTER TABLE {0}_bag ALTER text TYPE {1}",
                                        ballast_, type));
      }
    } catch (const std::runtime_error&) {
      AddBallast();
    }
  }

  void ChangeSource() {
    if (Dice(3) == 1) ChangeBallast();
    workload_.Step();
  }

  // The next round repeats a pull that did not get so far.
  void Round() override {
    for (int i = Dice(3); i > 0; --i) ChangeSource();
    ChangeSpeed();
    int seen = link_.faults();
    int left = Dice(4);  // Fewer than a pull tries to connect again without progress.
    Arm();
    Process pull(rotv_.SyncCommand({"pull"}));
    while (!pull.WaitFor(milliseconds(100))) {
      if (Dice(8) == 1) ShortFreeze();
      if (Dice(6) == 1) ChangeBallast();
      if (Dice(40) == 1) workload_.Step();  // A schema that changes during each attempt ends a pull.
      if (link_.faults() == seen) continue;
      seen = link_.faults();
      if (--left > 0) Arm();
      ChangeSpeed();
    }
    link_.FailAfter(SlowLink::Fault::kReset, 0);
    ExpectRightEnd(pull.Wait());
  }

  std::string ballast_;
};

// Labels: slow
TEST(BadLinkTest, PullsGetThroughFaultsToTheServer) {
  RunBadLink<PullsOverBadLink>({.way = Way::kDirect, .faults = 12, .freeze_one_in = 25});
}

// Labels: slow
TEST(BadLinkTest, PullsGetThroughFaultsToSshd) {
  RunBadLink<PullsOverBadLink>({.way = Way::kSshSocket, .faults = 12, .freeze_one_in = 25});
}

TEST(BadLinkSoakTest, PullsGetThroughTwoHundredAndFiftyFaults) {
  for (const Way way : {Way::kDirect, Way::kSshSocket}) {
    for (int run = 0; run < 5 && !HasFailure(); ++run) {
      RunBadLink<PullsOverBadLink>({.way = way, .faults = 25, .freeze_one_in = 10});
    }
  }
}

}  // namespace
}  // namespace rotv::testing
