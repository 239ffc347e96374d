// A link that breaks: commands connect again by themselves and go on, in every phase; what a new connection would not
// help ends them at once. That a baseline keeps what is complete is in resume_test.cc.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/failure/workload.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFirstRetry = "; reconnecting, 1 of 8\n";

RotvHomeOptions LinkOptions(Way way, const std::map<std::string, std::string>& settings = {}) {
  return {.binary = ROTV_SYNC_BINARY,
          .way = way,
          .slow_link = SlowLinkOptions{.delay_each_way = milliseconds(1), .megabits_per_second = 40},
          .source_settings = settings};
}

// Waits until a session of ours runs a statement that matches the regular expression, or has run it last. The server
// looks by itself, a thousand times a second: some take no longer.
bool WaitForQuery(RotvHome& rotv, const std::string& pattern) {
  Connection watching = rotv.server().NewConnection(kSuperuser);
  watching.Exec("SET rotv.seen = no");
  watching.Exec(fmt::format(
      "DO $$ BEGIN FOR i IN 1..30000 LOOP PERFORM pg_stat_clear_snapshot(); IF EXISTS (SELECT FROM pg_stat_activity "
      "WHERE application_name LIKE 'rotv-sync %' AND query ~ '{}') THEN PERFORM set_config('rotv.seen', 'yes', false); "
      "RETURN; END IF; PERFORM pg_sleep(0.001); END LOOP; END $$",
      pattern));
  return watching.Value("SELECT current_setting('rotv.seen')") == "yes";
}

// That no wait is sat out first is what link_retry_test tests.
void ExpectInterrupted(Process& process) {
  const std::optional<Result> result = process.WaitFor(seconds(60));
  ASSERT_TRUE(result.has_value()) << "it goes on waiting";
  EXPECT_EQ(result->exit_status, kInterrupted) << result->err;
  EXPECT_THAT(result->err, Not(HasSubstr("; reconnecting, 5 of 8\n")));
}

int SessionsOn(RotvHome& rotv) {
  return std::stoi(rotv.server().Value(
      "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rotv-sync %'", kSuperuser));
}

class ReconnectTest : public ::testing::TestWithParam<Way> {
 protected:
  ReconnectTest() : rotv(LinkOptions(GetParam())), workload(rotv.server()) { rotv.MustSync({"baseline"}); }

  // What reaches the client while the command runs.
  uint64_t BytesOf(const std::string& command) {
    rotv.slow_link().ResetCounts();
    rotv.MustSync({command});
    return rotv.slow_link().BytesToClient();
  }

  RotvHome rotv;
  Workload workload;
};

INSTANTIATE_TEST_SUITE_P(Ways, ReconnectTest, ::testing::Values(Way::kDirect, Way::kSshSocket),
                         [](const auto& each) { return each.param == Way::kDirect ? "Url" : "Ssh"; });

TEST_P(ReconnectTest, APullGoesOnAfterBreaks) {
  int faults = 0;
  for (const uint64_t bytes : {20'000, 600'000, 2'500'000}) {
    SCOPED_TRACE(bytes);
    workload.Run(50);
    rotv.slow_link().BreakAfter(bytes);
    const Result result = rotv.Sync({"--json", "pull"});
    ASSERT_EQ(result.exit_status, 0) << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr(kFirstRetry));
    EXPECT_EQ(rotv.slow_link().faults(), ++faults);
    const nlohmann::json pull = nlohmann::json::parse(result.out);
    EXPECT_EQ(pull.at("reconnects"), 1);
    EXPECT_EQ(pull.at("transactions"), 51) << "by both attempts";
  }
  rotv.ExpectSeedIsDump();
  ExpectLogHasEachTransactionOnce(rotv, workload.transactions);
  ExpectOneBaseline(rotv);
}

TEST_P(ReconnectTest, WithoutRetriesABreakEndsItAtOnce) {
  workload.Run(1);
  rotv.slow_link().BreakAfter(600'000);
  const Result result = rotv.Sync({"pull", "--no-retry"});
  ExpectError(result, {kUnreachable, "", "again"});
  EXPECT_THAT(result.err, Not(HasSubstr("reconnect")));
  rotv.Configure({{"retries", "0"}});
  rotv.slow_link().BreakAfter(600'000);
  ExpectError(rotv.Sync({"pull"}), {kUnreachable, "", "again"});
  rotv.Configure({{"retries", "2"}});
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

// The source stops and starts again while the pull waits.
TEST_P(ReconnectTest, ASourceThatIsGoneForAWhileIsWaitedFor) {
  workload.Run(1);
  Process pull(rotv.SyncCommand({"pull"}));
  ASSERT_TRUE(WaitForQuery(rotv, "START_REPLICATION"));
  rotv.server().Crash();
  ASSERT_TRUE(pull.WaitForOutput("; reconnecting, 3 of 8\n", seconds(60))) << pull.Err();
  rotv.server().Start();
  const Result result = pull.Wait();
  EXPECT_EQ(result.exit_status, 0) << result.err;
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

// A wrong name or port, or a server that is down: whoever starts a command is told at once.
TEST_P(ReconnectTest, AFirstConnectionThatCannotBeMadeFailsAtOnce) {
  rotv.server().Crash();
  for (const std::vector<std::string>& command : {std::vector<std::string>{"pull"}, {"log", "--follow"}}) {
    const Result result = rotv.Sync(command);
    EXPECT_EQ(result.exit_status, kUnreachable) << result.err;
    EXPECT_THAT(result.err, Not(HasSubstr("reconnecting")));
  }
  rotv.server().Start();
  EXPECT_EQ(rotv.Sync({"log", "--no-retry"}).exit_status, kUsage) << "it goes with --follow only";
}

TEST_P(ReconnectTest, TheAttemptsAreBounded) {
  rotv.Configure({{"retries", "2"}});
  workload.Run(1);
  Process pull(rotv.SyncCommand({"pull"}));
  ASSERT_TRUE(WaitForQuery(rotv, "START_REPLICATION"));
  rotv.server().Crash();
  const Result result = pull.Wait();
  EXPECT_THAT(result.err, HasSubstr("; reconnecting, 2 of 2\n"));
  ExpectError(result, {kUnreachable, "(gave up after 2 attempts to reconnect)", "again"});
  rotv.server().Start();
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

TEST_P(ReconnectTest, AnInterruptEndsTheWait) {
  workload.Run(1);
  Process pull(rotv.SyncCommand({"pull"}));
  ASSERT_TRUE(WaitForQuery(rotv, "START_REPLICATION"));
  rotv.server().Crash();
  ASSERT_TRUE(pull.WaitForOutput("; reconnecting, 4 of 8\n", seconds(60))) << pull.Err();  // Four seconds.
  pull.Signal(SIGINT);
  ExpectInterrupted(pull);
  rotv.server().Start();
  rotv.MustSync({"pull"});
}

// Nothing tells the source that its client is gone, and no time-out ends the walsender, which holds the slot.
TEST_P(ReconnectTest, TheSlotOfABrokenConnectionIsReleased) {
  rotv.Configure({{"stall_timeout", "4"}});
  rotv.server().Set("wal_sender_timeout", "0");
  workload.Run(1);
  rotv.slow_link().FailAfter(SlowLink::Fault::kFreeze, 300'000);
  const Result result = rotv.Sync({"pull"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr(kFirstRetry));
  EXPECT_LT(result.seconds, 40);
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  EXPECT_TRUE(WaitUntil([&] { return SessionsOn(rotv) == 0; })) << "sessions stay on the source";
}

// The copies of a resync are written before they are published: what a broken attempt wrote must not be there when the
// next one copies the same tables.
TEST_P(ReconnectTest, AResyncStartsOver) {
  rotv.server().Exec("ALTER TABLE big ALTER text TYPE varchar; ALTER TABLE bag ALTER n TYPE bigint");
  rotv.slow_link().BreakAfter(1'100'000);
  Process pull(rotv.SyncCommand({"pull"}));
  int breaks = 0;
  for (const uint64_t next : {1'400'000, 0}) {
    ASSERT_TRUE(WaitUntil([&] { return rotv.slow_link().faults() > breaks || !pull.Running(); }, seconds(60)));
    if (!pull.Running()) break;
    breaks = rotv.slow_link().faults();
    rotv.slow_link().BreakAfter(next);
    rotv.server().Exec("DELETE FROM big WHERE id % 7 = 0; UPDATE bag SET n = n + 100; UPDATE big SET id = -id");
  }
  EXPECT_GE(breaks, 1);
  const Result result = pull.Wait();
  ASSERT_EQ(result.exit_status, 0) << result.err;
  rotv.slow_link().BreakAfter(0);
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  ExpectOneBaseline(rotv);
}

TEST_P(ReconnectTest, VerifyGoesOn) {
  const uint64_t whole = BytesOf("verify");
  int faults = 0;
  for (const int part : {1, 2, 3}) {
    SCOPED_TRACE(part);
    rotv.server().Exec("DELETE FROM big WHERE id % 100 = 0");
    rotv.slow_link().BreakAfter(whole * part / 4);
    const Result result = rotv.Sync({"verify"});
    ASSERT_EQ(result.exit_status, 0) << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr(kFirstRetry));
    EXPECT_EQ(rotv.slow_link().faults(), ++faults);
  }
  rotv.slow_link().BreakAfter(whole / 2);
  ExpectError(rotv.Sync({"verify", "--no-retry"}), {kUnreachable, "", "again"});
}

TEST_P(ReconnectTest, DetachRemovesAllOfIt) {
  const uint64_t whole = BytesOf("detach");
  rotv.MustSync({"baseline", "--force"});
  // After the login, which takes more over SSH.
  rotv.slow_link().BreakAfter(GetParam() == Way::kDirect ? whole / 2 : whole * 3 / 4);
  const Result result = rotv.Sync({"detach"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr(kFirstRetry));
  EXPECT_TRUE(rotv.LeftOnSource().empty());
}

TEST_P(ReconnectTest, FollowingGoesOnInALargeTransaction) {
  Process follow(rotv.SyncCommand({"log", "--follow"}));
  ASSERT_TRUE(WaitForQuery(rotv, "START_REPLICATION"));
  // The link breaks when a part of the transaction is written, but not published.
  rotv.slow_link().SetSpeed({}, 0);
  rotv.slow_link().BreakAfter(20'000'000);
  workload.RunLarge();
  ASSERT_TRUE(follow.WaitForOutput(kFirstRetry, seconds(60))) << follow.Err();
  ASSERT_TRUE(follow.WaitForOutput("public.bag +64,000", seconds(60))) << follow.Err();
  follow.Signal(SIGINT);
  EXPECT_EQ(follow.Wait().exit_status, kInterrupted);
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

class ReconnectBaselineTest : public ::testing::TestWithParam<Way> {
 protected:
  ReconnectBaselineTest() : rotv(LinkOptions(GetParam())), workload(rotv.server()) {}

  RotvHome rotv;
  Workload workload;
};

INSTANTIATE_TEST_SUITE_P(Ways, ReconnectBaselineTest, ::testing::Values(Way::kDirect, Way::kSshSocket),
                         [](const auto& each) { return each.param == Way::kDirect ? "Url" : "Ssh"; });

// In most phases nothing is complete yet: it begins again then, and leaves nothing of what it had made.
TEST_P(ReconnectBaselineTest, ABaselineGoesOnAfterBreaks) {
  int faults = 0;
  for (const uint64_t bytes : {20'000, 60'000, 300'000, 1'500'000}) {
    SCOPED_TRACE(bytes);
    rotv.slow_link().BreakAfter(bytes);
    const Result result = rotv.Sync({"--json", "baseline", "--force"});
    ASSERT_EQ(result.exit_status, 0) << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr(kFirstRetry));
    EXPECT_EQ(rotv.slow_link().faults(), ++faults);
    const nlohmann::json baseline = nlohmann::json::parse(result.out);
    EXPECT_EQ(baseline.at("reconnects"), 1);
    EXPECT_EQ(baseline.at("rows_copied"), baseline.at("rows"));
    ExpectOneBaseline(rotv);
  }
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  EXPECT_TRUE(WaitUntil([&] { return SessionsOn(rotv) == 0; })) << "sessions stay on the source";
}

// Nothing of it is complete, so it begins again, and its slot is removed before it makes another.
TEST_P(ReconnectBaselineTest, ABaselineThatBeginsAnewNeedsNoSecondSlot) {
  rotv.server().Set("max_replication_slots", "1");
  rotv.slow_link().BreakAfter(300'000);
  const Result result = rotv.Sync({"baseline"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr(kFirstRetry));
  ExpectOneBaseline(rotv);
}

TEST_P(ReconnectBaselineTest, WithoutRetriesABreakEndsItAtOnce) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{"baseline"}, {"pull"}}) {
    rotv.slow_link().BreakAfter(300'000);
    std::vector<std::string> all = command;
    all.emplace_back("--no-retry");
    const Result result = rotv.Sync(all);
    ExpectError(result, {kUnreachable, "", "again"});
    EXPECT_THAT(result.err, Not(HasSubstr("reconnect")));
    ExpectNothingLeftButAnUnfinishedBaseline(rotv);
  }
}

// The network forgets the connections that are open, pg_dump's too, and lets new ones through. What runs pg_dump cannot
// see that; the source can, since it hears no sign of life.
TEST_P(ReconnectBaselineTest, ADumpWhoseConnectionIsForgottenIsNotWaitedFor) {
  rotv.Configure({{"stall_timeout", "4"}});
  rotv.server().Exec(
      "DO $$ BEGIN FOR i IN 1..300 LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY)', i); END LOOP; END $$");
  Process baseline(rotv.SyncCommand({"baseline"}));
  ASSERT_TRUE(WaitForQuery(rotv, R"(LOCK TABLE public|src\(tbloid\))"));  // By pg_dump.
  rotv.slow_link().FailAfter(SlowLink::Fault::kFreeze, 1);
  const std::optional<Result> result = baseline.WaitFor(seconds(60));
  ASSERT_TRUE(result.has_value()) << "it hangs" << baseline.Err();
  EXPECT_EQ(result->exit_status, 0) << result->err;
  EXPECT_THAT(result->err, HasSubstr(kFirstRetry));
  ExpectOneBaseline(rotv);
}

TEST_P(ReconnectBaselineTest, AnInterruptEndsTheWait) {
  Process baseline(rotv.SyncCommand({"baseline"}));
  ASSERT_TRUE(WaitForQuery(rotv, "COPY public."));
  rotv.server().Crash();
  ASSERT_TRUE(baseline.WaitForOutput("; reconnecting, 4 of 8\n", seconds(60))) << baseline.Err();  // Four seconds.
  baseline.Signal(SIGINT);
  ExpectInterrupted(baseline);
  rotv.server().Start();
  rotv.MustSync({"baseline"});
  ExpectOneBaseline(rotv);
}

// It takes several breaks, each after three tables more, with one retry.
TEST(ReconnectCountTest, TheAttemptsAreCountedAnewWhenATableIsComplete) {
  RotvHome rotv(LinkOptions(Way::kDirect, {{"retries", "1"}}));
  for (int i = 0; i < 9; ++i) {
    rotv.server().Exec(
        fmt::format("CREATE TABLE part_{} (id int PRIMARY KEY, text text); INSERT INTO part_{} SELECT n, (SELECT "
                    "string_agg(md5(n::text || i), '') FROM generate_series(1, 30) i) FROM generate_series(1, 1500) n",
                    i, i));
  }
  constexpr uint64_t kThreeTables = 5'200'000;  // And what the beginning of an attempt takes.
  rotv.slow_link().BreakAfter(kThreeTables);
  Process process(rotv.SyncCommand({"--json", "baseline"}));
  for (int seen = 0; !process.WaitFor(milliseconds(20));) {
    if (rotv.slow_link().faults() == seen) continue;
    seen = rotv.slow_link().faults();
    rotv.slow_link().BreakAfter(kThreeTables);
  }
  rotv.slow_link().BreakAfter(0);
  const Result result = process.Wait();
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const nlohmann::json baseline = nlohmann::json::parse(result.out);
  EXPECT_GE(baseline.at("reconnects"), 2);
  EXPECT_EQ(baseline.at("rows_copied"), baseline.at("rows")) << "a table was copied twice";
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  ExpectOneBaseline(rotv);
}

TEST(ReconnectSshTest, ARefusalIsNotRetried) {
  RotvHome rotv(LinkOptions(Way::kSshSocket));
  Workload workload(rotv.server());
  rotv.MustSync({"baseline"});
  workload.Run(1);
  rotv.slow_link().ResetCounts();
  Process pull(rotv.SyncCommand({"pull"}));
  ASSERT_TRUE(WaitForQuery(rotv, "START_REPLICATION"));
  WriteFile(rotv.ssh().authorized_keys(), "", 0600);
  rotv.slow_link().Break();
  const Result result = pull.Wait();
  EXPECT_THAT(result.err, HasSubstr(kFirstRetry));
  EXPECT_THAT(result.err, Not(HasSubstr("2 of 8")));
  ExpectError(result, {kRefused, "refused the login", ""});
}

}  // namespace
}  // namespace rotv::testing
