// A disk with little space: what cannot fit is refused beforehand, what might not is warned of, and what does not ends
// before the disk is full, so that nothing of a baseline stays, and what a pull has received does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>

#include "storage/row_store.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/failure/disk_fixture.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class DiskRoomTest : public DiskTest {
 protected:
  // Some 17 MB on the source, and half of it in a store.
  void FillTable() {
    for (int part = 0; part < 10; ++part) {
      Exec(
          "INSERT INTO t SELECT 10000 + n, (SELECT string_agg(md5(n::text || i), '') FROM generate_series(1, 16) i) "
          "FROM generate_series(" +
          std::to_string(part * 3000 + 1) + ", " + std::to_string(part * 3000 + 3000) + ") n");
    }
  }
  // Runs the command on a disk of which so much is free beside the reserve.
  Result SyncWithRoom(uint64_t bytes, const std::vector<std::string>& arguments) {
    constexpr uint64_t kReserve = (uint64_t{1} << 30) / 20;
    return RunCommand(disk_.WithFree(rotv.SyncCommand(arguments), kReserve + bytes));
  }
};

TEST_F(DiskRoomTest, ABaselineThatCannotFitIsRefusedBeforeAnythingIsMade) {
  FillTable();
  const Result result = SyncWithRoom(500'000, {"baseline"});
  ExpectError(result, {kDisk, "the baseline needs about ", "free space on the disk that holds"});
  EXPECT_THAT(result.err, HasSubstr(" MB here, and 500 kB are free in " + rotv.home().string()));
  ExpectNothingLeft(rotv);
}

TEST_F(DiskRoomTest, ABaselineEndsBeforeTheDiskIsFullAndLeavesNothing) {
  FillTable();
  const Result result = SyncWithRoom(5'000'000, {"baseline"});
  EXPECT_THAT(result.err, HasSubstr("warning: the baseline needs about "));
  EXPECT_THAT(result.err, HasSubstr("5.00 MB are free"));
  ExpectError(result, {kDisk, "the disk is nearly full", "free space on the disk that holds"});
  ExpectNothingLeft(rotv);
  EXPECT_THAT(rotv.MustSync({"doctor"}), Not(HasSubstr("leftover")));
  const Result enough = SyncWithRoom(50'000'000, {"baseline"});
  EXPECT_EQ(enough.exit_status, 0) << enough.err;
  EXPECT_THAT(enough.err, Not(HasSubstr("might not fit")));
  ExpectPullIsDump();
}

TEST_F(DiskRoomTest, APullEndsBeforeTheDiskIsFullAndGoesOnLater) {
  rotv.MustSync({"baseline"});
  FillTable();
  const Result result = SyncWithRoom(5'000'000, {"pull"});
  EXPECT_THAT(result.err, HasSubstr("warning: up to "));
  ExpectError(result, {kDisk, "the disk is nearly full", "free space on the disk that holds"});
  ExpectNothingAcknowledgedIsMissing();
  Seed();
  ExpectPullIsDump();
  // With no room at all a pull still works as long as nothing has to be written.
  EXPECT_EQ(SyncWithRoom(0, {"pull"}).exit_status, 0);
}

TEST_F(DiskRoomTest, RunsWithoutRoomToMergeThemAreMergedLater) {
  rotv.MustSync({"baseline"});
  AddRuns();
  const auto runs = [&] {
    const fs::path store = rotv.home() / "sources/production" / Stores(rotv).at(0);
    return std::count_if(fs::directory_iterator(store), fs::directory_iterator(),
                         [](const auto& file) { return file.path().extension() == ".sst"; });
  };
  const auto before = runs();
  const Result result = SyncWithRoom(80'000, {"compact"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_GE(runs(), before);
  rotv.MustSync({"compact"});
  EXPECT_LT(runs(), before);
  Change();
  ExpectPullIsDump();
}

TEST_F(DiskRoomTest, DoctorSaysHowLongTheDiskLasts) {
  EXPECT_THAT(SyncWithRoom(7'000'000'000, {"doctor"}).out, HasSubstr("7.00 GB free; a baseline takes about"));
  rotv.MustSync({"baseline"});
  Change();
  rotv.MustSync({"pull"});
  EXPECT_THAT(rotv.MustSync({"doctor"}), Not(HasSubstr("the disk lasts")));
  // As if the baseline had been taken two days ago.
  {
    const auto store =
        RowStore::Open(rotv::StorePath(rotv.home(), "production", *ReadCurrent(rotv.home(), "production")),
                       RowStore::Mode::kReadWrite);
    proto::Manifest manifest = store->manifest();
    manifest.set_baseline_time_us(manifest.head_time_us() - int64_t{2} * 24 * 3600 * 1'000'000);
    store->Publish(StoreState::FromStored(manifest), {});
  }
  const std::string few_days = SyncWithRoom(50'000, {"doctor"}).out;
  EXPECT_THAT(few_days, ::testing::ContainsRegex("the disk lasts about [0-9]+ days? at [0-9.]+ (B|kB) a day"));
  EXPECT_THAT(few_days, HasSubstr("gc --keep-days 7"));
}

}  // namespace
}  // namespace rotv::testing
