// Commands are killed, interrupted or cut off at many moments: the next one continues by itself, nothing is lost or
// repeated, no leftovers remain, and a complete result stays in use until its replacement is complete.

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/failure/workload.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

std::optional<Result> KillAfter(const Command& command, milliseconds delay) {
  Process process(command);
  std::optional<Result> early = process.WaitFor(delay);
  if (early) return early;
  process.Signal(SIGKILL);
  process.Wait();
  return std::nullopt;
}

// The link is slow enough that every phase has a moment to hit.
SlowLinkOptions Slow(double megabits_per_second) {
  return {.delay_each_way = milliseconds(1), .megabits_per_second = megabits_per_second};
}

RotvHomeOptions Options(double megabits_per_second) {
  return {.binary = ROTV_SYNC_BINARY, .slow_link = Slow(megabits_per_second)};
}

// Labels: slow
TEST(KillBaselineTest, TheOldBaselineStaysInUseAndNoLeftoversRemain) {
  RotvHome rotv(Options(40));
  Workload workload(rotv.server());
  rotv.MustSync({"baseline"});
  const std::string old_seed = ReadFile(rotv.Seed());
  const std::vector<std::string> of_old = rotv.LeftOnSource();
  const std::vector<std::string> old_store = Stores(rotv);
  workload.Run(10);

  const auto start = Clock::now();
  MustRun(rotv.SyncCommand({"baseline", "--force"}));
  const auto whole = std::chrono::duration_cast<milliseconds>(Clock::now() - start);
  ASSERT_NE(rotv.LeftOnSource(), of_old);
  ASSERT_THAT(rotv.LeftOnSource(), ::testing::SizeIs(2));
  ASSERT_NE(Stores(rotv), old_store);

  std::string seed = ReadFile(rotv.Seed());
  ASSERT_NE(seed, old_seed);
  std::vector<std::string> on_source = rotv.LeftOnSource();
  constexpr int kTries = 10;
  int killed = 0;
  int killed_with_slot = 0;
  for (int i = 1; i <= kTries; ++i) {
    workload.Run(1);
    if (KillAfter(rotv.SyncCommand({"baseline", "--force"}), whole * i / kTries)) {
      // The baseline completed before the kill: its result counts now.
      seed = ReadFile(rotv.Seed());
      on_source = rotv.LeftOnSource();
      ASSERT_THAT(on_source, ::testing::SizeIs(2));
      continue;
    }
    ++killed;
    if (rotv.LeftOnSource().size() > 2) ++killed_with_slot;
    // The next command that does more than read here cleans up, unless the baseline can go on.
    const std::string now = ReadFile(rotv.Seed());
    const bool unfinished = nlohmann::json::parse(rotv.MustSync({"--json", "status"})).at("unfinished").is_object();
    EXPECT_THAT(Stores(rotv), ::testing::SizeIs(unfinished ? 2 : 1));
    EXPECT_THAT(rotv.LeftOnSource(), ::testing::SizeIs(unfinished ? 4 : 2));
    if (unfinished) rotv.MustSync({"baseline", "--discard"});
    EXPECT_THAT(Stores(rotv), ::testing::SizeIs(1));
    if (rotv.LeftOnSource() != on_source) {
      // Killed after the rename: the new store is complete and in use, or the test has shown an error.
      EXPECT_NE(now, seed) << "try " << i;
      on_source = rotv.LeftOnSource();
      seed = now;
    }
    EXPECT_EQ(now, seed) << "try " << i << " of " << whole.count() << " ms";
    EXPECT_THAT(on_source, ::testing::SizeIs(2)) << "try " << i;
  }
  EXPECT_GE(killed, kTries / 2);
  EXPECT_GE(killed_with_slot, 1) << "never killed while its slot was there";
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
}

TEST(KillBaselineTest, LeftoversOfAFirstBaselineAreRemovedByTheNextCommand) {
  RotvHome rotv(Options(20));
  Workload workload(rotv.server());
  // Moments that can be seen from outside.
  const std::vector<std::pair<const char*, std::function<bool()>>> moments = {
      {"the publication is there", [&] { return !rotv.LeftOnSource().empty(); }},
      {"the slot is there", [&] { return rotv.LeftOnSource().size() == 2; }},
      {"the store is there", [&] { return !Stores(rotv).empty(); }},
      {"rows are copied",
       [&] {
         return rotv.server().Value(
                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%COPY public.big%' AND "
                    "application_name LIKE 'rotv-sync%' AND state = 'active'",
                    kSuperuser) != "0";
       }},
  };
  for (const auto& [what, seen] : moments) {
    SCOPED_TRACE(what);
    Process process(rotv.SyncCommand({"baseline"}));
    EXPECT_TRUE(WaitUntil(seen, seconds(60)));
    process.Signal(SIGKILL);
    process.Wait();
    ExpectNothingLeftButAnUnfinishedBaseline(rotv);
  }
  rotv.MustSync({"baseline"});
  ExpectOneBaseline(rotv);
  rotv.ExpectSeedIsDump();
}

// Labels: slow
TEST(KillPullTest, NoTransactionIsLostOrRepeated) {
  RotvHome rotv(Options(25));
  Workload workload(rotv.server());
  rotv.MustSync({"baseline"});
  const std::string baseline = ReadFile(rotv.Seed());
  int killed = 0;
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    workload.Run(60);
    // From the time of connecting until after the end.
    if (!KillAfter(rotv.SyncCommand({"pull"}), milliseconds(150 + 250 * i))) ++killed;
    // The store can be used at any time: it shows the state of some commit.
    if (i % 4 == 1) rotv.Seed("between.sql");
  }
  EXPECT_GE(killed, 3);
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
  ExpectLogHasEachTransactionOnce(rotv, workload.transactions);
  ExpectOneBaseline(rotv);
  // The baseline's point is still known.
  EXPECT_EQ(ReadFile(rotv.Seed("first.sql", {"--snapshot", "baseline"})), baseline);
}

// A transaction that is larger than the memory for it is written in pieces.
// Labels: slow
TEST(KillPullTest, ALargeTransactionIsReceivedAgain) {
  RotvHome rotv(Options(200));
  Workload workload(rotv.server());
  rotv.MustSync({"baseline"});
  const std::string before = ReadFile(rotv.Seed());
  rotv.server().Exec(
      "BEGIN; INSERT INTO big (text) SELECT repeat(md5(n::text), 20) FROM generate_series(1, 90000) n;"
      "INSERT INTO bag SELECT n % 5, 'equal rows' FROM generate_series(1, 5000) n;"
      "UPDATE notes SET text = text || '1'; UPDATE big SET text = text || '2' WHERE id % 3 = 0;"
      "DELETE FROM bag WHERE n = 3; UPDATE notes SET id = id + 1000; UPDATE notes SET text = text || '3'; COMMIT");
  const auto runs = [&] {
    int count = 0;
    for (const auto& file : std::filesystem::directory_iterator(StorePath(rotv))) {
      if (file.path().extension() == ".sst") ++count;
    }
    return count;
  };
  for (int pieces = 1; pieces <= 3; ++pieces) {
    const int at_start = runs();
    Process process(rotv.SyncCommand({"pull"}));
    ASSERT_TRUE(WaitUntil([&] { return runs() >= at_start + pieces; }, seconds(60))) << process.Err();
    process.Signal(SIGKILL);
    EXPECT_EQ(process.Wait().exit_status, 128 + SIGKILL);
    EXPECT_EQ(ReadFile(rotv.Seed()), before);
  }
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
  ExpectLogHasEachTransactionOnce(rotv, 1);
}

TEST(KillMaterializeTest, TheOldFileStaysUntilTheNewOneIsComplete) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  Workload workload(rotv.server());
  rotv.server().Exec("INSERT INTO big (text) SELECT repeat(md5(n::text), 10) FROM generate_series(1, 100000) n");
  rotv.MustSync({"baseline"});
  const std::filesystem::path path = rotv.Seed();
  const std::string old_seed = ReadFile(path);
  workload.Run(1);
  rotv.MustSync({"pull"});
  const Command command = rotv.SyncCommand({"materialize", "--output", path});
  // The file takes its place after it was synced. That takes so long here that no signal comes too late.
  Command held = command;
  const std::filesystem::path library = rotv.directory() / "slow_disk.so";  // A path without spaces.
  std::filesystem::create_symlink(ROTV_SLOW_DISK, library);
  held.env["LD_PRELOAD"] = library;
  held.env["ROTV_TEST_SYNC_MS"] = "20000";
  const auto temporary_bytes = [&]() -> std::optional<uintmax_t> {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(path.parent_path())) {
      const std::string name = entry.path().filename();
      if (name.starts_with(path.filename().string() + ".rotv-")) return std::filesystem::file_size(entry.path(), none);
    }
    return std::nullopt;
  };
  for (uintmax_t bytes : {0, 1 << 20, 8 << 20, 20 << 20}) {
    Process process(held);
    EXPECT_TRUE(WaitUntil([&] { return temporary_bytes().value_or(0) >= bytes; }));
    process.Signal(bytes == 8 << 20 ? SIGTERM : SIGKILL);
    const Result result = process.Wait();
    ASSERT_FALSE(result.ok()) << "too late";
    EXPECT_EQ(ReadFile(path), old_seed);
  }
  MustRun(command);
  EXPECT_FALSE(temporary_bytes().has_value());
  ExpectSeedEqualsDump(rotv.server(), path);
}

// Labels: slow
TEST(InterruptTest, BaselineAndPullEndSoonAndContinueLater) {
  RotvHome rotv(Options(8));
  Workload workload(rotv.server());
  const auto interrupt = [&](const std::vector<std::string>& arguments, const std::function<bool()>& when) {
    Process process(rotv.SyncCommand(arguments));
    EXPECT_TRUE(WaitUntil(when, seconds(60))) << process.Err();
    process.Signal(SIGINT);
    const std::optional<Result> result = process.WaitFor(seconds(60));
    EXPECT_TRUE(result.has_value()) << "it does not end";
    EXPECT_EQ(result->exit_status, kInterrupted) << result->err;
    return *result;
  };
  const auto query_runs = [&](const std::string& part) {
    return rotv.server().Value(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rotv-sync%' AND query "
               "LIKE '%" +
                   part + "%'",
               kSuperuser) != "0";
  };
  interrupt({"baseline"}, [&] { return rotv.ssh().Sessions() > 0; });
  ExpectNothingLeft(rotv);
  interrupt({"baseline"}, [&] { return query_runs("COPY public.big"); });
  ExpectNothingLeftButAnUnfinishedBaseline(rotv);
  rotv.MustSync({"baseline"});
  workload.Run(300);
  const Result result = interrupt({"--json", "pull"}, [&] { return query_runs("START_REPLICATION"); });
  ExpectJsonError(result, {kInterrupted, "interrupted", "again"});
  ExpectOneBaseline(rotv);
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
  ExpectLogHasEachTransactionOnce(rotv, workload.transactions);
}

// The link is cut, or the source crashes, after so many bytes: exit 4, and the same command then works.
TEST(CutOffTest, ACutOffBaselineLeavesNothingAndWorksTheNextTime) {
  RotvHome rotv(Options(100));
  Workload workload(rotv.server());
  for (const uint64_t bytes : {2'000, 30'000, 300'000, 1'500'000}) {
    SCOPED_TRACE(bytes);
    rotv.slow_link().BreakAfter(bytes);
    const Result result = rotv.Sync({"baseline", "--no-retry"});
    ExpectError(result, {kUnreachable, "", "again"});
    ExpectNothingLeftButAnUnfinishedBaseline(rotv);
  }
  // sshd's sessions are killed while rows are copied.
  {
    rotv.slow_link().ResetCounts();
    Process process(rotv.SyncCommand({"baseline", "--no-retry"}));
    ASSERT_TRUE(WaitUntil([&] { return rotv.slow_link().BytesToClient() > 400'000; }));
    rotv.ssh().KillSessions();
    ExpectError(process.Wait(), {kUnreachable, "", "again"});
    ExpectNothingLeftButAnUnfinishedBaseline(rotv);
  }
  // The server crashes.
  {
    rotv.slow_link().ResetCounts();
    Process process(rotv.SyncCommand({"baseline", "--no-retry"}));
    ASSERT_TRUE(WaitUntil([&] { return rotv.slow_link().BytesToClient() > 400'000; }));
    rotv.server().Crash();
    ExpectError(process.Wait(), {kUnreachable, "", "again"});
    rotv.server().Start();
    ExpectNothingLeftButAnUnfinishedBaseline(rotv);
  }
  rotv.MustSync({"baseline"});
  ExpectOneBaseline(rotv);
  rotv.ExpectSeedIsDump();
}

// Labels: slow
TEST(CutOffTest, APullContinuesWhereItWasCutOff) {
  RotvHome rotv(Options(100));
  Workload workload(rotv.server());
  rotv.MustSync({"baseline"});
  for (const uint64_t bytes : {3'000, 40'000, 600'000, 2'500'000}) {
    SCOPED_TRACE(bytes);
    workload.Run(100);
    rotv.slow_link().BreakAfter(bytes);
    ExpectError(rotv.Sync({"pull", "--no-retry"}), {kUnreachable, "", "again"});
  }
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
  for (const bool crash : {false, true}) {
    SCOPED_TRACE(crash);
    workload.Run(200);
    rotv.slow_link().ResetCounts();
    Process process(rotv.SyncCommand({"pull", "--no-retry"}));
    ASSERT_TRUE(WaitUntil([&] { return rotv.slow_link().BytesToClient() > 1'000'000; }));
    if (crash) {
      rotv.server().Crash();
    } else {
      rotv.ssh().KillSessions();
    }
    ExpectError(process.Wait(), {kUnreachable, "", "again"});
    if (crash) rotv.server().Start();
    if (crash) workload = Workload(rotv.server(), workload.transactions);
    rotv.MustSync({"pull"});
    rotv.ExpectSeedIsDump();
  }
  // The server also crashes between two pulls.
  rotv.server().Crash();
  rotv.server().Start();
  workload = Workload(rotv.server(), workload.transactions);
  workload.Run(10);
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
  ExpectLogHasEachTransactionOnce(rotv, workload.transactions);
}

}  // namespace
}  // namespace rotv::testing
