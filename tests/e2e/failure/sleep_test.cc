// A machine that sleeps: all processes of a command stop for longer than every time-out, the source ends its side
// meanwhile, and the processes continue. Each command ends, or goes on by itself, within a bound.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>

#include "tests/e2e/error_checks.h"
#include "tests/e2e/failure/workload.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using std::chrono::seconds;

class SleepTest : public ::testing::TestWithParam<Way> {
 protected:
  SleepTest()
      : rotv({.binary = ROTV_SYNC_BINARY,
              .way = GetParam(),
              .postgres = {.settings = {{"wal_sender_timeout", "2s"}}},
              .slow_link = SlowLinkOptions{.delay_each_way = std::chrono::milliseconds(1), .megabits_per_second = 8},
              .source_settings = {{"stall_timeout", "4"}}}),
        workload(rotv.server()),
        watching_(rotv.server().NewConnection(kSuperuser)) {}

  // Sessions of ours on the source.
  int Sessions(const std::string& condition = "true") {
    return std::stoi(watching_.Value(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rotv-sync %' AND " + condition));
  }

  // Stops the command and whatever it has started, until the source has ended all of its sessions; that takes longer
  // than the command's own time-outs. The network forgets the connections too.
  void Sleep(Process& process) {
    process.SignalGroup(SIGSTOP);
    EXPECT_TRUE(WaitUntil(
        [&] {
          watching_.Exec(
              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'rotv-sync %' AND "
              "state_change < clock_timestamp() - interval '6 seconds'");
          return Sessions() == 0;
        },
        seconds(60)))
        << Sessions();
  }

  RotvHome rotv;
  Workload workload;

 private:
  Connection watching_;
};

INSTANTIATE_TEST_SUITE_P(Ways, SleepTest, ::testing::Values(Way::kDirect, Way::kSshSocket),
                         [](const auto& each) { return each.param == Way::kDirect ? "Url" : "Ssh"; });

// Labels: slow
TEST_P(SleepTest, APullGoesOn) {
  rotv.MustSync({"baseline"});
  workload.Run(20);
  rotv.slow_link().ResetCounts();
  Process pull(rotv.SyncCommand({"pull"}));
  ASSERT_TRUE(WaitUntil([&] { return rotv.slow_link().BytesToClient() > 500'000; }));
  Sleep(pull);
  pull.SignalGroup(SIGCONT);
  const std::optional<Result> result = pull.WaitFor(seconds(60));
  ASSERT_TRUE(result.has_value()) << "it does not end";
  EXPECT_EQ(result->exit_status, 0) << result->err;
  EXPECT_THAT(result->err, ::testing::HasSubstr("reconnecting, 1 of 8"));
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  ExpectLogHasEachTransactionOnce(rotv, workload.transactions);
  EXPECT_TRUE(WaitUntil([&] { return Sessions() == 0; }));
}

// Labels: slow
TEST_P(SleepTest, ABaselineGoesOn) {
  rotv.slow_link().ResetCounts();
  Process baseline(rotv.SyncCommand({"baseline"}));
  ASSERT_TRUE(WaitUntil([&] { return Sessions("query LIKE '%COPY %'") > 0; }, seconds(60))) << baseline.Err();
  Sleep(baseline);
  baseline.SignalGroup(SIGCONT);
  const std::optional<Result> result = baseline.WaitFor(seconds(60));
  ASSERT_TRUE(result.has_value()) << "it does not end";
  EXPECT_EQ(result->exit_status, 0) << result->err;
  EXPECT_THAT(result->err, ::testing::HasSubstr("reconnecting, 1 of 8"));
  rotv.MustSync({"pull"});
  ExpectOneBaseline(rotv);
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  EXPECT_TRUE(WaitUntil([&] { return Sessions() == 0; }));
}

// The command sleeps while it waits for the next attempt, and for the source to answer it.
// Labels: slow
TEST_P(SleepTest, AWaitGoesOn) {
  rotv.MustSync({"baseline"});
  workload.Run(1);
  Process pull(rotv.SyncCommand({"pull"}));
  ASSERT_TRUE(WaitUntil([&] { return Sessions("query LIKE '%START_REPLICATION%'") > 0; }));
  rotv.slow_link().Freeze();
  ASSERT_TRUE(pull.WaitForOutput("reconnecting, 1 of 8", seconds(60))) << pull.Err();
  Sleep(pull);
  rotv.slow_link().Thaw();
  pull.SignalGroup(SIGCONT);
  const std::optional<Result> result = pull.WaitFor(seconds(60));
  ASSERT_TRUE(result.has_value()) << "it does not end";
  EXPECT_EQ(result->exit_status, 0) << result->err;
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

}  // namespace
}  // namespace rotv::testing
