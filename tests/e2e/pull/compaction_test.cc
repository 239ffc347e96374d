// Nobody waits for files to be merged: a pull has it done afterwards, by a program that gives way to every command.

#include <gmock/gmock.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "storage/give_way.h"
#include "storage/row_store.h"
#include "storage/source_lock.h"
#include "storage/workspace.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

class CompactionTest : public ::testing::Test {
 protected:
  CompactionTest() : rotv({.binary = ROTV_SYNC_BINARY, .way = Way::kDirect}) {
    rotv.server().Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one')");
    rotv.MustSync({"baseline"});
  }

  // As many runs, all of one row, as many small pulls leave; of a table that no state has.
  void AddRuns() {
    const Workspace workspace(rotv.home(), "production", "test");
    const auto store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadWrite);
    for (uint64_t lsn = 1; lsn <= 40; ++lsn) {
      VersionBuffer buffer(VersionBuffer::Index::kNewest);
      buffer.Put({.table = 1, .epoch = 0, .row_key = "key", .commit_lsn = Lsn(lsn)}, {.shape = 1, .text = "text"});
      store->Write(buffer);
    }
    store->Publish(store->state(), {});
  }
  CompactionOwed Owed() {
    const Workspace workspace(rotv.home(), "production", "test", Access::kRead);
    return RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadOnly)->compaction_owed();
  }
  nlohmann::json Json(const std::vector<std::string>& arguments) {
    return nlohmann::json::parse(rotv.MustSync(arguments));
  }

  RotvHome rotv;
};

TEST_F(CompactionTest, APullHasFilesMergedAfterItsEnd) {
  AddRuns();
  EXPECT_EQ(Owed(), CompactionOwed::kSome);
  rotv.server().Exec("INSERT INTO t VALUES (2, 'two')");
  rotv.MustSync({"pull"});
  EXPECT_TRUE(WaitUntil([&] { return Owed() == CompactionOwed::kNothing; }));
  rotv.server().Exec("INSERT INTO t VALUES (3, 'three')");
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();

  AddRuns();
  rotv.MustSync({"schedule", "run"});
  EXPECT_EQ(Owed(), CompactionOwed::kNothing);  // What started a scheduled run may end all that it leaves.

  AddRuns();
  rotv.MustSync({"verify"});
  EXPECT_TRUE(WaitUntil([&] { return Owed() == CompactionOwed::kNothing; }));
}

TEST_F(CompactionTest, SoDoesALogThatIsFollowed) {
  AddRuns();
  Process follow(rotv.SyncCommand({"log", "--follow"}));
  rotv.server().Exec("INSERT INTO t VALUES (2, 'two')");
  ASSERT_TRUE(follow.WaitForOutput("public.t +1", std::chrono::seconds(60))) << follow.Err();
  follow.Signal(SIGINT);
  EXPECT_EQ(follow.Wait().exit_status, static_cast<int>(ErrorCode::kInterrupted));
  EXPECT_TRUE(WaitUntil([&] { return Owed() == CompactionOwed::kNothing; }));
}

TEST_F(CompactionTest, ItGivesWayAndTakesNothingFromOthers) {
  AddRuns();
  {
    const SourceLock other(rotv.home() / "sources/production", "pull", Access::kWrite);
    EXPECT_EQ(Json({"compact", "--idle", "--json"}).at("begun"), false);
    EXPECT_EQ(rotv.Sync({"compact"}).exit_status, static_cast<int>(ErrorCode::kInUse));
  }
  EXPECT_EQ(Owed(), CompactionOwed::kSome);
  EXPECT_EQ(Json({"compact", "--json"}).at("merged"), true);
  EXPECT_EQ(Json({"compact", "--json"}).at("merged"), false);
  rotv.ExpectSeedIsDump();
  EXPECT_EQ(rotv.Sync({"--source", "mistyped", "compact"}).exit_status, static_cast<int>(ErrorCode::kUsage));
  EXPECT_FALSE(std::filesystem::exists(rotv.home() / "sources/mistyped"));
}

}  // namespace
}  // namespace rotv::testing
