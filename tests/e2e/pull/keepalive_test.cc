// A source that drops clients without a standby status for two seconds, and work that takes longer than that.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/large_fixture.h"

namespace rotv::testing {
namespace {

class KeepaliveTest : public LargeTest {
 protected:
  explicit KeepaliveTest(RotvHomeOptions options = LargeOptions()) : LargeTest(std::move(options)) {
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE no_key (id int, v bytea);"
        "INSERT INTO t SELECT n, 'row' FROM generate_series(1, 1000) n; INSERT INTO no_key VALUES (1, 'x')");
  }

  void ExpectNoReplicationTimeout() {
    EXPECT_THAT(rotv.server().log(), ::testing::Not(::testing::HasSubstr("replication timeout")));
  }
};

// About 12 s on the link.
class KeepaliveSlowLinkTest : public KeepaliveTest {
 protected:
  KeepaliveSlowLinkTest() : KeepaliveTest(Options()) {}

  static RotvHomeOptions Options() {
    RotvHomeOptions options = LargeOptions();
    options.slow_link = SlowLinkOptions{.megabits_per_second = 8};
    return options;
  }
  // Returns bytes that cannot be compressed.
  static std::string Bytes(int64_t count) {
    return fmt::format("(SELECT string_agg(sha512((random() || 'x' || n)::bytea), '') FROM generate_series(1, {}) n)",
                       count / 64);
  }
};

// Labels: slow
TEST_F(KeepaliveSlowLinkTest, StandbyStatusIsSentWhileATransactionIsReceived) {
  rotv.MustSync({"baseline"});
  Exec("BEGIN; INSERT INTO t SELECT n, encode(" + Bytes(6000) +
       ", 'hex') || n FROM generate_series(2000, 2010) n; "
       "INSERT INTO t SELECT n, encode(sha512(random()::text::bytea), 'hex') FROM generate_series(3000, 120000) n; "
       "COMMIT");
  WithinMemory("pull", {"pull"});
  EXPECT_GT(last_seconds, 4);
  ExpectNoReplicationTimeout();
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

// A single message takes longer than the limit.
// Labels: slow
TEST_F(KeepaliveSlowLinkTest, StandbyStatusIsSentWhileALargeRowIsReceived) {
  rotv.MustSync({"baseline"});
  Exec("INSERT INTO t SELECT 5000, encode(" + Bytes(8'000'000) + ", 'base64')");
  WithinMemory("pull", {"pull"});
  EXPECT_GT(last_seconds, 4);
  ExpectNoReplicationTimeout();
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

// The connection for the stream is open all the time.
// Labels: slow
TEST_F(KeepaliveSlowLinkTest, TheConnectionStaysAliveWhileATableIsCopied) {
  rotv.MustSync({"baseline"});
  Exec("INSERT INTO no_key SELECT 2, " + Bytes(6'000'000) + "; UPDATE t SET v = 'streamed'; ALTER TABLE t ADD c int");
  const nlohmann::json pulled = WithinMemory("pull", {"pull"});
  EXPECT_EQ(pulled["copied"], nlohmann::json({"public.no_key"}));
  EXPECT_EQ(pulled["updated"], 1000);
  EXPECT_GT(last_seconds, 4);
  ExpectNoReplicationTimeout();
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

// Labels: slow
TEST_F(KeepaliveTest, StandbyStatusIsSentWhileTheDiskIsSlow) {
  rotv.MustSync({"baseline"});
  Exec(
      "UPDATE t SET v = repeat('streamed', 100); INSERT INTO t SELECT n, repeat('x', 500) FROM generate_series(2000, "
      "60000) n");
  Command command = rotv.SyncCommand({"pull"});
  // The library's path has no spaces, which would separate two libraries.
  const std::filesystem::path library = rotv.directory() / "slow_disk.so";
  std::filesystem::create_symlink(ROTV_SLOW_DISK, library);
  command.env["LD_PRELOAD"] = library;
  command.env["ROTV_TEST_SYNC_MS"] = "700";
  const Result result = RunCommand(command);
  EXPECT_TRUE(result.ok()) << Describe(command, result);
  EXPECT_GT(result.seconds, 4);
  RecordProperty("pull_ms", static_cast<int>(result.seconds * 1000));
  ExpectNoReplicationTimeout();
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

}  // namespace
}  // namespace rotv::testing
