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
  EXPECT_EQ(history::PointNamed(*store_, "head").lsn, Lsn(0x200));
  EXPECT_EQ(history::PointNamed(*store_, "head").time_us, kNoon + 600 * kSecond);
  EXPECT_EQ(history::PointNamed(*store_, "baseline").lsn, Lsn(0x100));
  EXPECT_EQ(history::PointNamed(*store_, "baseline").time_us, kNoon);
}

TEST_F(PointTest, ASnapshotNameResolvesToItsPoint) {
  proto::Manifest manifest = store_->manifest();
  proto::Snapshot* snapshot = manifest.add_snapshots();
  snapshot->set_name("monday");
  snapshot->set_lsn(0x111);
  snapshot->set_time_us(kNoon + 60 * kSecond);
  store_->Publish(StoreState::FromStored(manifest), {});
  EXPECT_EQ(history::PointNamed(*store_, "monday").lsn, Lsn(0x111));
  EXPECT_EQ(history::PointNamed(*store_, "monday").time_us, kNoon + 60 * kSecond);
  Error error = ErrorOf([&] { history::PointNamed(*store_, "tuesday"); });
  EXPECT_EQ(error.hint(), "there are head, baseline, monday");
}

TEST_F(PointTest, AnUnknownSnapshotIsReportedByName) {
  Error error = ErrorOf([&] { history::PointNamed(*store_, "monday"); });
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
  EXPECT_EQ(Find("2026-01-31T12:02:30Z").time_us, kNoon + 150 * kSecond);
}

TEST_F(PointTest, ATimeCanBeWrittenInSeveralWays) {
  for (const char* at : {"2026-01-31T12:02:00Z", "2026-01-31T12:02:00", "2026-01-31 12:02:00", "2026-01-31 12:02"}) {
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

}  // namespace
}  // namespace rotv
