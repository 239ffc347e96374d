#include "storage/give_way.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <memory>

#include "storage/source_lock.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::Lines;
using testing::Put;
using testing::TempDir;

constexpr int64_t kRowsOfRuns = 2000;
constexpr uint64_t kRunsOwed = 70;

// Each run has every row of a share, so that all overlap.
std::vector<Put> RowsOfRun(uint64_t lsn) {
  std::vector<Put> puts;
  for (int64_t id = static_cast<int64_t>(lsn % 3); id < kRowsOfRuns; id += 3) {
    puts.push_back(
        {.id = id, .lsn = lsn, .text = testing::Noise(200, static_cast<unsigned>(id) + static_cast<unsigned>(lsn))});
  }
  return puts;
}

const auto* const give_way_children = ::testing::AddGlobalTestEnvironment(new testing::ChildEnvironment({
    {"give way",
     [](const fs::path& directory) {
       const SourceLock lock(directory, std::string(kGivingWay) + "test", Access::kWrite);
       const GiveWay give_way(directory);
       std::cout << "holding" << std::endl;
       while (true) pause();
     }},
    {"compact and give way",
     [](const fs::path& directory) {
       const SourceLock lock(directory, std::string(kGivingWay) + "test", Access::kWrite);
       const GiveWay give_way(directory);
       const std::unique_ptr<RowStore> store = RowStore::Open(directory / "store", RowStore::Mode::kReadWrite);
       std::cout << "holding" << std::endl;
       store->Compact();
       std::cout << "compacted" << std::endl;
     }},
}));

TEST(GiveWayTest, WhoWantsTheLockGetsItAtOnce) {
  const TempDir directory;
  testing::Process holder(testing::RoleCommand("give way", directory.path()));
  ASSERT_TRUE(holder.WaitForOutput("holding", std::chrono::seconds(60))) << holder.Err();
  const auto start = std::chrono::steady_clock::now();
  const SourceLock lock(directory.path(), "pull", Access::kWrite);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_EQ(holder.Wait().exit_status, 0);
}

TEST(GiveWayTest, WhoHasGivenWayMayHoldTheLockAgain) {
  const TempDir directory;
  {
    const SourceLock lock(directory.path(), std::string(kGivingWay) + "test", Access::kWrite);
    const GiveWay give_way(directory.path());
  }
  const SourceLock lock(directory.path(), "pull", Access::kWrite);  // This process would end.
}

TEST(GiveWayTest, OnlyAHolderThatSaysSoGivesWay) {
  EXPECT_TRUE(GivesWay("rotv-sync idle compact (process 7)"));
  EXPECT_FALSE(GivesWay("rotv-sync pull (process 7)"));
  EXPECT_FALSE(GivesWay(""));
}

TEST(GiveWayTest, ACompactionThatIsEndedLosesNothingAndTheNextGoesOn) {
  const TempDir directory;
  std::vector<std::string> expected, older;
  {
    const std::unique_ptr<RowStore> store = RowStore::Open(directory / "store", RowStore::Mode::kCreate);
    for (uint64_t lsn = 10; lsn < 10 + kRunsOwed; ++lsn) testing::Write(*store, RowsOfRun(lsn));
    store->Publish(testing::StateAt(100), {});
    expected = Lines(*store, 100);
    older = Lines(*store, 50);
    EXPECT_EQ(store->compaction_owed(), CompactionOwed::kSome);
  }
  int ended = 0;
  for (std::chrono::milliseconds pause{0};; pause += std::chrono::milliseconds(20)) {
    testing::Process child(testing::RoleCommand("compact and give way", directory.path()));
    ASSERT_TRUE(child.WaitForOutput("holding", std::chrono::seconds(60))) << child.Err();
    const bool compacted = child.WaitForOutput("compacted", pause);
    {
      const SourceLock lock(directory.path(), "pull", Access::kWrite);
      const std::unique_ptr<RowStore> store = RowStore::Open(directory / "store", RowStore::Mode::kReadWrite);
      ASSERT_TRUE(Lines(*store, 100) == expected);
      ASSERT_TRUE(Lines(*store, 50) == older);
      if (store->compaction_owed() == CompactionOwed::kNothing) break;
    }
    ASSERT_FALSE(compacted);
    ++ended;
  }
  EXPECT_GT(ended, 0);
}

}  // namespace
}  // namespace rotv
