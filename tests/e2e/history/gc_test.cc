// Points that gc keeps are unchanged, and points that it drops are refused; at whatever moment it is killed.

#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "tests/e2e/history/history_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

class GcTest : public HistoryTest {
 protected:
  void Configure(const std::string& history) {
    std::ofstream(rotv.config(), std::ios::app) << "\n[history]\n" << history << "\n";
  }
  uint64_t StoreBytes() const { return Json({"status", "--offline"}).at("store_bytes"); }
};

// Labels: slow
TEST_F(GcTest, SnapshotsStillEqualTheirDumpsAndOtherPointsAreRefused) {
  const std::vector<Moment> moments = TwentyMoments();
  const Moment head = NowPulled();
  const std::string baseline = SeedText({"--snapshot", "baseline"});
  const nlohmann::json collected = Json({"gc", "--keep-days", "0"});
  EXPECT_GT(collected.at("dropped"), 0);
  EXPECT_GT(collected.at("dropped_epochs"), 0);
  EXPECT_EQ(SeedText({"--snapshot", "baseline"}), baseline);
  ExpectDump(head, {"--snapshot", "head"});
  for (size_t i = 0; i < moments.size(); ++i) {
    SCOPED_TRACE(i);
    if (HasName(i)) {
      ExpectDump(moments[i], {"--snapshot", "moment-" + std::to_string(i)});
      ExpectDump(moments[i], {"--at", moments[i].lsn});
    } else if (moments[i].lsn < head.lsn) {
      const Result refused = rotv.Sync({"materialize", "--at", moments[i].lsn, "--output", "-"});
      EXPECT_EQ(refused.exit_status, 2);
      EXPECT_THAT(refused.err, HasSubstr(", and baseline, moment-0, moment-4"));
    }
  }
  // A second gc has nothing to do, and later changes are followed.
  EXPECT_EQ(Json({"gc", "--keep-days", "0"}).at("dropped"), 0);
  Exec(
      "UPDATE t SET v = 'behind' WHERE id % 3 = 0; DELETE FROM t WHERE id % 7 = 0; INSERT INTO sack VALUES ('line 1')");
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
  ExpectDump(moments[5], {"--snapshot", "moment-5"});
  const nlohmann::json diff = Json({"snapshot", "diff", "baseline", "head"});
  EXPECT_EQ(diff.at("transactions"), nullptr);  // The change log of it is gone, but the difference is not.
  EXPECT_GT(diff.at("tables").size(), 1U);
  EXPECT_GT(Json({"snapshot", "diff", "moment-5", "head"}).at("transactions"), 0);

  // Moments are dropped once no name needs them.
  for (size_t i = 0; i < moments.size(); ++i) {
    if (HasName(i)) rotv.MustSync({"snapshot", "delete", "moment-" + std::to_string(i)});
  }
  EXPECT_GT(Json({"gc", "--keep-days", "0"}).at("dropped"), 0);
  EXPECT_EQ(SeedText({"--snapshot", "baseline"}), baseline);
  rotv.ExpectSeedIsDump();
  rotv.MustSync({"check", "--read-data"});
}

TEST_F(GcTest, TheLastDaysStayComplete) {
  const std::vector<Moment> moments = TwentyMoments();
  EXPECT_EQ(Json({"gc"}).at("dropped"), 0);
  for (const Moment& moment : moments) ExpectDump(moment, {"--at", moment.lsn});
  Configure("keep_days = 0");
  EXPECT_GT(Json({"gc"}).at("dropped"), 0);
}

// Labels: asan
TEST_F(GcTest, DiskSpaceIsFreed) {
  Exec("INSERT INTO t SELECT n, md5(n::text), repeat(md5(n::text), 20) FROM generate_series(1001, 5000) n");
  rotv.MustSync({"baseline"});
  for (int i = 0; i < 4; ++i) {
    Exec(
        "UPDATE t SET v = md5(random()::text), big = (SELECT string_agg(md5((n * id)::text), '') FROM "
        "generate_series(1, 30) n) WHERE id > 1000");
    rotv.MustSync({"pull"});
  }
  const uint64_t before = StoreBytes();
  const nlohmann::json collected = Json({"gc", "--keep-days", "0"});
  const uint64_t bytes_before = collected.at("bytes_before");
  EXPECT_LT(bytes_before, before + before / 50);
  EXPECT_GT(bytes_before, before - before / 50);
  EXPECT_LT(StoreBytes(), before * 6 / 10);
  rotv.ExpectSeedIsDump();
}

TEST_F(GcTest, TheListShowsWhatDeletingASnapshotFrees) {
  Configure("keep_days = 0");
  rotv.MustSync({"baseline"});
  for (const std::string name : {"kept-1", "large", "kept-2"}) {
    const std::string size = name == "large" ? "5000" : "50";
    Exec("UPDATE t SET big = (SELECT string_agg(md5((n * id + " + size +
         ")::text), '') FROM generate_series(1, 30) n) WHERE id <= " + size);
    if (name == "large")
      Exec(
          "INSERT INTO t (id, big) SELECT n, (SELECT string_agg(md5((n * m)::text), '') FROM generate_series(1, 30) m) "
          "FROM generate_series(1000, 6000) n");
    rotv.MustSync({"snapshot", "create", name});
    rotv.MustSync({"pull"});
    rotv.MustSync({"snapshot", "delete", name});
    rotv.MustSync({"snapshot", "create", name});
    if (name == "large") Exec("DELETE FROM t WHERE id >= 1000");
  }
  rotv.MustSync({"pull"});
  rotv.MustSync({"gc"});
  const nlohmann::json list = Json({"snapshot", "list"}).at("snapshots");
  ASSERT_EQ(list.at(1).at("name"), "large");
  const uint64_t promised = list.at(1).at("sole_bytes");
  EXPECT_GT(promised, 10 * list.at(0).at("sole_bytes").get<uint64_t>());
  rotv.MustSync({"snapshot", "delete", "large"});
  const nlohmann::json collected = Json({"gc"});
  const uint64_t freed = collected.at("bytes_before").get<uint64_t>() - collected.at("bytes_after").get<uint64_t>();
  EXPECT_GT(freed, promised / 2);
  EXPECT_LT(freed, promised * 2);
}

TEST_F(GcTest, APullRunsGcWhenTheHistoryIsLarge) {
  rotv.MustSync({"baseline"});
  Configure("keep_days = 0\nlimit = \"100K\"");
  for (int i = 0; i < 3; ++i) {
    Exec("UPDATE t SET big = (SELECT string_agg(md5((n * id + " + std::to_string(i) +
         ")::text), '') FROM generate_series(1, 30) n)");
    rotv.MustSync({"pull"});
  }
  const Result refused = rotv.Sync({"materialize", "--at", "1 minute ago"});
  EXPECT_EQ(refused.exit_status, 2);
  const nlohmann::json collected = Json({"gc", "--keep-days", "0"});
  EXPECT_LT(collected.at("dropped"), 500) << "gc had hardly any work left";
  rotv.ExpectSeedIsDump();
}

TEST_F(GcTest, APullAfterALargeBaselineDropsNothing) {
  rotv.MustSync({"baseline"});
  Configure("keep_days = 0\nlimit = \"10K\"");
  ASSERT_GT(StoreBytes(), 20U << 10);
  Exec("UPDATE t SET v = 'changed' WHERE id = 7");
  rotv.MustSync({"pull"});
  EXPECT_EQ(Json({"log"}).at("transactions").size(), 1U) << "gc has dropped the history that this pull brought";
}

// Labels: slow
TEST_F(GcTest, AKilledGcIsCompletedByTheNext) {
  Exec("INSERT INTO t SELECT n, md5(n::text) FROM generate_series(2000, 60000) n");
  const std::vector<Moment> moments = TwentyMoments();
  Exec("UPDATE t SET v = 'more' WHERE id > 2000");
  rotv.MustSync({"pull"});
  KeepHome();
  uint64_t dropped = 0;
  RandomKills kills(TimeOf([&] { dropped = Json({"gc", "--keep-days", "0"}).at("dropped"); }));
  const uint64_t bytes = StoreBytes();
  for (int round = 0; round < 8; ++round) {
    RestoreHome();
    SCOPED_TRACE(kills.Kill(rotv.SyncCommand({"gc", "--keep-days", "0"})));
    ExpectDump(moments[1], {"--snapshot", "moment-1"});
    ExpectDump(moments[16], {"--snapshot", "moment-16"});
    const nlohmann::json collected = Json({"gc", "--keep-days", "0"});
    EXPECT_LE(collected.at("dropped"), dropped);
    EXPECT_LT(StoreBytes(), bytes + bytes / 5);
    for (size_t i : {0U, 5U, 12U, 17U}) ExpectDump(moments[i], {"--snapshot", "moment-" + std::to_string(i)});
    rotv.ExpectSeedIsDump({.import = Import::kNone});
  }
}

}  // namespace
}  // namespace rotv::testing
