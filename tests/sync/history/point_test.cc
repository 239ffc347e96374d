#include "sync/history/point.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/change_log.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using testing::ErrorOf;
using testing::StoreFixture;

constexpr int64_t kSecond = 1000000;
constexpr int64_t kNoon = 1769860800 * kSecond;  // 2026-01-31T12:00:00Z

// Baseline 0/100 at noon, transactions 0/110, 0/120 and 0/130 a minute apart, head 0/200 ten minutes later.
class PointTest : public ::testing::Test {
 protected:
  PointTest() {
    ChangeLogBuilder log;
    for (int i = 1; i <= 3; ++i) {
      log.Begin(Lsn(0x100 + static_cast<uint64_t>(i) * 0x10), kNoon + i * 60 * kSecond, 1);
      log.Add(1, 0, ChangeLogBuilder::Change::kInsert, "k");
      log.Commit();
    }
    store_->WriteLog(log.Take(ChangeLogBuilder::Which::kAll));
    proto::Manifest manifest = testing::ManifestAt(0x200);
    manifest.set_baseline_lsn(0x100);
    manifest.set_baseline_time_us(kNoon);
    manifest.set_head_time_us(kNoon + 600 * kSecond);
    store_->Publish(StoreState::FromStored(manifest), {});
  }

  history::Point Find(const std::string& at) { return history::PointAt(*store_, at); }

  StoreFixture store_;
};

TEST_F(PointTest, HeadAndBaselineAreSnapshots) {
  EXPECT_EQ(history::PointAt(*store_, "head").lsn, Lsn(0x200));
  EXPECT_EQ(history::PointAt(*store_, "head").time_us, kNoon + 600 * kSecond);
  EXPECT_EQ(history::PointAt(*store_, "baseline").lsn, Lsn(0x100));
  EXPECT_EQ(history::PointAt(*store_, "baseline").time_us, kNoon);
}

TEST_F(PointTest, ASnapshotNameResolvesToItsPoint) {
  proto::Manifest manifest = store_->manifest();
  proto::Snapshot* snapshot = manifest.add_snapshots();
  snapshot->set_name("monday");
  snapshot->set_lsn(0x111);
  snapshot->set_time_us(kNoon + 60 * kSecond);
  store_->Publish(StoreState::FromStored(manifest), {});
  EXPECT_EQ(history::PointAt(*store_, "monday").lsn, Lsn(0x111));
  EXPECT_EQ(history::PointAt(*store_, "monday").time_us, kNoon + 60 * kSecond);
  Error error = ErrorOf([&] { history::PointAt(*store_, "tuesday"); });
  EXPECT_THAT(error.hint(), ::testing::StartsWith("there are head, baseline, monday; "));
}

TEST_F(PointTest, AnUnknownSnapshotIsReportedByName) {
  Error error = ErrorOf([&] { history::PointAt(*store_, "monday"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("monday"));
}

TEST_F(PointTest, AnLsnIsAPointWithTheTimeOfTheLastEarlierCommit) {
  EXPECT_EQ(Find("0/100").lsn, Lsn(0x100));
  EXPECT_EQ(Find("0/100").time_us, kNoon);
  EXPECT_EQ(Find("0/120").lsn, Lsn(0x120));
  EXPECT_EQ(Find("0/120").time_us, kNoon + 60 * kSecond);
  EXPECT_EQ(Find("0/121").time_us, kNoon + 120 * kSecond);
  EXPECT_EQ(Find("0/200").time_us, kNoon + 600 * kSecond);
}

TEST_F(PointTest, ATimeIsThePointAfterTheLastCommitUpToIt) {
  EXPECT_EQ(Find("2026-01-31T12:00:00Z").lsn, Lsn(0x100));
  EXPECT_EQ(Find("2026-01-31T12:00:59Z").lsn, Lsn(0x100));
  EXPECT_EQ(Find("2026-01-31T12:01:00Z").lsn, Lsn(0x111));
  EXPECT_EQ(Find("2026-01-31T12:02:30Z").lsn, Lsn(0x121));
  EXPECT_EQ(Find("2026-01-31T12:09:00Z").lsn, Lsn(0x131));
  EXPECT_EQ(Find("2026-01-31T12:02:30Z").time_us, kNoon + 120 * kSecond);  // It is the LSN's, not the one asked for.
}

TEST_F(PointTest, ATimeCanBeWrittenInSeveralWays) {
  for (const char* at : {"2026-01-31T12:02:00Z", "2026-01-31T12:02:00", "2026-01-31 12:02:00", "2026-01-31 12:02",
                         "2026-01-31 12:02:00 UTC"}) {
    EXPECT_EQ(Find(at).lsn, Lsn(0x121)) << at;
  }
}

TEST_F(PointTest, PointsOutsideTheHistoryAreRefusedWithTheRange) {
  for (const char* at : {"0/FF", "0/201", "1/0", "2026-01-31T11:59:59Z", "2026-01-31T12:10:01Z", "2026-01-31"}) {
    Error error = ErrorOf([&] { Find(at); });
    EXPECT_EQ(error.code(), ErrorCode::kUsage) << at;
    EXPECT_THAT(error.hint(), ::testing::HasSubstr("0/100 (2026-01-31T12:00:00Z) to 0/200 (2026-01-31T12:10:00Z)"));
  }
}

TEST_F(PointTest, MalformedPointsAreRefusedWithTheValidForms) {
  for (const char* at : {"last week", "0/", "2026-01-31T12:02:00Zulu", "12:02", "2026-13-31", "-1 hour", "0/1 "}) {
    Error error = ErrorOf([&] { Find(at); });
    EXPECT_EQ(error.code(), ErrorCode::kUsage) << at;
    EXPECT_THAT(error.hint(), ::testing::HasSubstr("16/B374D848"));
  }
}

TEST_F(PointTest, NowIsTheHead) { EXPECT_EQ(Find("now").lsn, Lsn(0x200)); }

// A pull that ended at 0/200 goes on: with transactions 0/210 and 0/220, the second of which is in a gap that ends at
// 0/280; head 0/300.
class FormerHeadTest : public PointTest {
 protected:
  FormerHeadTest() {
    proto::Manifest manifest = store_->manifest();
    PublishHead(manifest, 0x200, kNoon + 600 * kSecond + 250'000);
    Log(0x210, kNoon + 660 * kSecond + 500'000);
    PublishHead(manifest, 0x218, kNoon + 700 * kSecond);
    Log(0x220, kNoon + 720 * kSecond);
    proto::Gap* gap = manifest.add_gaps();
    gap->set_after_lsn(0x218);
    gap->set_before_lsn(0x280);
    PublishHead(manifest, 0x280, kNoon + 730 * kSecond + 400'000);
    PublishHead(manifest, 0x300, kNoon + 800 * kSecond);
  }

  void PublishHead(proto::Manifest& manifest, uint64_t lsn, int64_t time_us) {
    manifest.set_durable_lsn(lsn);
    manifest.set_head_lsn(lsn);
    manifest.set_head_time_us(time_us);
    RowStore::Addition addition;
    addition.sequences = {Lsn(lsn), proto::SequenceValues()};
    store_->Publish(StoreState::FromStored(manifest), addition);
  }
  void Log(uint64_t lsn, int64_t time_us) {
    ChangeLogBuilder log;
    log.Begin(Lsn(lsn), time_us, 1);
    log.Add(1, 0, ChangeLogBuilder::Change::kInsert, "k");
    log.Commit();
    store_->WriteLog(log.Take(ChangeLogBuilder::Which::kAll));
  }
};

TEST_F(FormerHeadTest, AnLsnKeepsTheTimeThatItHadAsTheHead) {
  EXPECT_EQ(Find("0/200").time_us, kNoon + 600 * kSecond + 250'000);
  EXPECT_EQ(Find("0/208").time_us, kNoon + 600 * kSecond + 250'000);
  EXPECT_EQ(Find("0/211").time_us, kNoon + 660 * kSecond + 500'000);
  EXPECT_EQ(Find("0/280").time_us, kNoon + 730 * kSecond + 400'000);
  EXPECT_EQ(Find("0/300").time_us, kNoon + 800 * kSecond);
}

TEST_F(FormerHeadTest, ATimeLeadsToTheLastHeadOrCommitByThen) {
  EXPECT_EQ(Find("2026-01-31T12:10:00Z").lsn, Lsn(0x200));
  EXPECT_EQ(Find("2026-01-31T12:10:00.0Z").lsn, Lsn(0x131));
  EXPECT_EQ(Find("2026-01-31T12:10:30Z").lsn, Lsn(0x200));
  EXPECT_EQ(Find("2026-01-31T12:11:00Z").lsn, Lsn(0x211));
  EXPECT_EQ(Find("2026-01-31T12:12:10Z").lsn, Lsn(0x280));
  EXPECT_EQ(Find("2026-01-31T12:13:20Z").lsn, Lsn(0x300));
}

TEST_F(FormerHeadTest, EveryTimeOfAHintLeadsToItsLsn) {
  const Error error = ErrorOf([&] { Find("2026-01-31T12:12:00Z"); });
  EXPECT_EQ(error.hint(), "the nearest points are 0/218 (2026-01-31T12:11:40Z) and 0/280 (2026-01-31T12:12:10Z)");
  EXPECT_EQ(Find("2026-01-31T12:11:40Z").lsn, Lsn(0x218));
}

TEST_F(FormerHeadTest, ACommitInAGapWithTheTimeOfTheHeadBeforeItIsNotMeant) {
  proto::Manifest manifest = store_->manifest();
  Log(0x310, kNoon + 800 * kSecond);
  proto::Gap* gap = manifest.add_gaps();
  gap->set_after_lsn(0x300);
  gap->set_before_lsn(0x380);
  PublishHead(manifest, 0x380, kNoon + 900 * kSecond);
  EXPECT_EQ(Find("2026-01-31T12:13:20Z").lsn, Lsn(0x300));
}

// An older program noted no times of heads.
TEST_F(PointTest, WithoutTimesOfHeadsTheEndOfAGapHasThatOfTheLastCommit) {
  proto::Manifest manifest = store_->manifest();
  proto::Gap* gap = manifest.add_gaps();
  gap->set_after_lsn(0x118);
  gap->set_before_lsn(0x128);
  store_->Publish(StoreState::FromStored(manifest), {});
  const Error error = ErrorOf([&] { Find("0/121"); });
  EXPECT_EQ(error.hint(), "the nearest points are 0/118 (2026-01-31T12:01:00Z) and 0/128 (2026-01-31T12:02:00Z)");
  EXPECT_EQ(Find("2026-01-31T12:02:00Z").lsn, Lsn(0x128));
}

TEST(SnapshotNameTest, OnlyPlainNamesCanBeSnapshots) {
  for (const char* good : {"a", "second.of_2-names", "2026-01-31", "now"}) EXPECT_TRUE(history::IsSnapshotName(good));
  for (const char* bad : {"", ".a", "-a", "a b", "0/16", "5m ago", "\xC3\xBC"}) {
    EXPECT_FALSE(history::IsSnapshotName(bad)) << bad;
  }
  EXPECT_EQ(history::NameOfPoint("monday", Lsn(0x100)), "monday");
  EXPECT_EQ(history::NameOfPoint("5m ago", Lsn(0x100)), "0-100");
  EXPECT_EQ(history::NameOfPoint("yesterday", Lsn(0x100)), "0-100");
}

}  // namespace
}  // namespace rotv
