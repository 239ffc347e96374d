// A source behind a link that fails at random, with a random workload that changes it. What it is used for is up to
// the classes that derive from it; in the end nothing may be lost, there twice, or left on the source or here.

#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/failure/workload.h"
#include "tests/support/random/random_workload.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {

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
               // A walsender whose connection is frozen holds the slot for so long, also from one command to the next.
               .postgres = {.settings = {{"wal_sender_timeout", "6s"}, {"autovacuum", "off"}}},
               .slow_link = SlowLinkOptions{.delay_each_way = {}, .megabits_per_second = 0},
               .source_settings = {{"stall_timeout", "4"}}}),
        link_(rotv_.slow_link()),
        workload_(seed, rotv_.server()) {}
  virtual ~BadLinkRun() = default;
  BadLinkRun(const BadLinkRun&) = delete;
  BadLinkRun& operator=(const BadLinkRun&) = delete;

  void Run() {
    workload_.Setup();
    Setup();
    while (link_.faults() < plan_.faults && !::testing::Test::HasFailure()) Round();
    link_.SetSpeed({}, 0);
    link_.Break();  // Connections that were frozen end now.
    Conclude();
    rotv_.ExpectSeedIsDump({.import = Import::kNone});
    ExpectLogIsInOrder(rotv_);
    ExpectNothingElseIsLeft();
  }

 protected:
  virtual void Setup() = 0;
  // Changes the source and runs a command during which the link fails once or several times.
  virtual void Round() = 0;
  // Brings the store up to date, over a link that works.
  virtual void Conclude() = 0;

  int Dice(int sides) { return std::uniform_int_distribution<int>(1, sides)(random_); }

  SlowLink::Fault AnyFault() {
    using Fault = SlowLink::Fault;
    constexpr Fault kFaults[] = {Fault::kReset, Fault::kReset, Fault::kEndToClient, Fault::kEndToTarget};
    return Dice(plan_.freeze_one_in) == 1 ? Fault::kFreeze : kFaults[Dice(4) - 1];
  }

  // Lets the link fail after any number of bytes; small ones are as likely as large ones.
  void ArmUpTo(double most_bytes) {
    const double bytes = std::exp(std::uniform_real_distribution<double>(0, std::log(most_bytes))(random_));
    link_.FailAfter(AnyFault(), static_cast<uint64_t>(bytes));
  }

  void ShortFreeze() {
    link_.Freeze();
    std::this_thread::sleep_for(std::chrono::milliseconds(Dice(300)));  // The time is the fault.
    link_.Thaw();
  }

  // A command may fail only because the workload was in the way (it changes the schema and locks tables), or because
  // its first connection could not be made: that ends it at once.
  static void ExpectRightEnd(const Result& result) {
    if (result.exit_status == 0) return;
    const std::string message = PrintedErrorOf(result).message;
    const auto says = [&](const char* part) { return message.find(part) != std::string::npos; };
    const bool busy = says("lock on the source") || says("stayed open too long") || says("schema changed") ||
                      says("could not be read");
    const bool never_connected = result.err.find("reconnecting") == std::string::npos;
    EXPECT_TRUE(result.exit_status == kUnreachable && (busy || never_connected)) << result.exit_status << result.err;
  }

  BadLinkPlan plan_;
  std::mt19937_64 random_;
  RotvHome rotv_;
  SlowLink& link_;
  RandomWorkload workload_;

 private:
  void ExpectNothingElseIsLeft() {
    ExpectOneBaseline(rotv_);
    EXPECT_TRUE(WaitUntil(
        [&] {
          return rotv_.server().Value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rotv-sync %'",
                                      kSuperuser) == "0";
        },
        std::chrono::seconds(20)))
        << "sessions stay on the source";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(rotv_.home() / "sources")) {
      const std::string name = entry.path().filename();
      EXPECT_FALSE(name.starts_with("run-") || name == "unfinished" || name.find(".tmp") != std::string::npos) << entry;
    }
    EXPECT_TRUE(std::filesystem::is_empty(rotv_.home() / "sources/production/run"));
  }
};

// Runs it with a new seed, or with that of ROTV_RANDOM_SEED.
template <typename BadLinkRunOfSomeKind>
void RunBadLink(const BadLinkPlan& plan) {
  const char* given = std::getenv("ROTV_RANDOM_SEED");
  const uint64_t seed = given == nullptr ? std::random_device()() : std::strtoull(given, nullptr, 10);
  SCOPED_TRACE(fmt::format("ROTV_RANDOM_SEED={}", seed));
  BadLinkRunOfSomeKind(seed, plan).Run();
}

}  // namespace rotv::testing
