// A link that fails at random, in every phase of a pull, while a random workload changes the source: every pull gets
// through by itself, and in the end nothing is lost, nothing is there twice, and nothing is left on the source or here.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "storage/row_store.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/failure/workload.h"
#include "tests/support/random/random_workload.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct BadLinkPlan {
  Way way = Way::kDirect;
  int faults = 0;         // The run ends after so many.
  int freeze_one_in = 0;  // One of so many faults is a connection that carries nothing any more, which takes seconds.
};

class BadLinkRun {
 public:
  BadLinkRun(uint64_t seed, const BadLinkPlan& plan)
      : plan_(plan),
        random_(seed),
        rotv_({.binary = ROTV_SYNC_BINARY,
               .way = plan.way,
               // A walsender whose connection is frozen holds the slot for so long, also from one pull to the next.
               .postgres = {.settings = {{"wal_sender_timeout", "6s"}, {"autovacuum", "off"}}},
               .slow_link = SlowLinkOptions{.delay_each_way = {}, .megabits_per_second = 0},
               .source_settings = {{"stall_timeout", "4"}}}),
        link_(rotv_.slow_link()),
        workload_(seed, rotv_.server()) {}

  void Run() {
    workload_.Setup();
    AddBallast();
    rotv_.MustSync({"baseline"});
    while (link_.faults() < plan_.faults && !::testing::Test::HasFailure()) Round();
    link_.SetSpeed({}, 0);
    link_.Break();  // Connections that were frozen end now.
    rotv_.MustSync({"pull"});
    rotv_.ExpectSeedIsDump({.import = Import::kNone});
    ExpectLogIsInOrder(rotv_);
    ExpectNothingElseIsLeft();
  }

 private:
  int Dice(int sides) { return std::uniform_int_distribution<int>(1, sides)(random_); }

  // Lets the link fail after any number of bytes; small ones are as likely as large ones.
  void Arm() {
    using Fault = SlowLink::Fault;
    constexpr Fault kFaults[] = {Fault::kReset, Fault::kReset, Fault::kEndToClient, Fault::kEndToTarget};
    const Fault fault = Dice(plan_.freeze_one_in) == 1 ? Fault::kFreeze : kFaults[Dice(4) - 1];
    const double bytes = std::exp(std::uniform_real_distribution<double>(0, std::log(8e5))(random_));
    link_.FailAfter(fault, static_cast<uint64_t>(bytes));
  }

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

  // A pull during which the link fails once or several times. The next round repeats one that did not get so far.
  void Round() {
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
    Judge(pull.Wait());
  }

  void ShortFreeze() {
    link_.Freeze();
    std::this_thread::sleep_for(milliseconds(Dice(300)));  // The time is the fault.
    link_.Thaw();
  }

  static void Judge(const Result& result) {
    if (result.exit_status == 0) return;
    const std::string message = PrintedErrorOf(result).message;
    const auto says = [&](const char* part) { return message.find(part) != std::string::npos; };
    // The workload may be in the way: it changes the schema, and has transactions open.
    const bool busy = says("lock on the source") || says("stayed open too long") || says("schema changed") ||
                      says("could not be read");
    // A first connection that cannot be made ends a pull at once.
    const bool never_connected = result.err.find("reconnecting") == std::string::npos;
    EXPECT_TRUE(result.exit_status == kUnreachable && (busy || never_connected)) << result.exit_status << result.err;
  }

  void ExpectNothingElseIsLeft() {
    ExpectOneBaseline(rotv_);
    EXPECT_TRUE(WaitUntil(
        [&] {
          return rotv_.server().Value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rotv-sync %'",
                                      kSuperuser) == "0";
        },
        seconds(20)))
        << "sessions stay on the source";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(rotv_.home() / "sources")) {
      const std::string name = entry.path().filename();
      EXPECT_FALSE(name.starts_with("run-") || name == "unfinished" || name.find(".tmp") != std::string::npos) << entry;
    }
    EXPECT_TRUE(std::filesystem::is_empty(rotv_.home() / "sources/production/run"));
  }

  const BadLinkPlan plan_;
  std::mt19937_64 random_;
  RotvHome rotv_;
  SlowLink& link_;
  RandomWorkload workload_;
  std::string ballast_;
};

void RunBadLink(const BadLinkPlan& plan) {
  const char* given = std::getenv("ROTV_RANDOM_SEED");
  const uint64_t seed = given == nullptr ? std::random_device()() : std::strtoull(given, nullptr, 10);
  SCOPED_TRACE(fmt::format("ROTV_RANDOM_SEED={}", seed));
  BadLinkRun(seed, plan).Run();
}

// Labels: slow
TEST(BadLinkTest, PullsGetThroughTwentyFiveFaultsToTheServer) {
  RunBadLink({.way = Way::kDirect, .faults = 25, .freeze_one_in = 25});
}

// Labels: slow
TEST(BadLinkTest, PullsGetThroughTwentyFiveFaultsToSshd) {
  RunBadLink({.way = Way::kSshSocket, .faults = 25, .freeze_one_in = 25});
}

TEST(BadLinkSoakTest, PullsGetThroughFiveHundredFaults) {
  for (const Way way : {Way::kDirect, Way::kSshSocket}) {
    for (int run = 0; run < 5 && !HasFailure(); ++run) RunBadLink({.way = way, .faults = 50, .freeze_one_in = 10});
  }
}

}  // namespace
}  // namespace rotv::testing
