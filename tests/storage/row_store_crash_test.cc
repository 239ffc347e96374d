// A store whose process is killed, whose disk is full, or whose files are damaged.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "storage/row_store.h"
#include "tests/storage/small_disk.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::Begin;
using testing::CodeOf;
using testing::IntegerKey;
using testing::Lines;
using testing::LogOf;
using testing::ManifestAt;
using testing::ManyRows;
using testing::Noise;
using testing::Put;
using testing::RunRole;
using testing::StateAt;
using testing::StoreFixture;
using testing::WithOneRow;
using Mode = RowStore::Mode;
using Strings = std::vector<std::string>;

const auto* const crash_children = ::testing::AddGlobalTestEnvironment(new testing::ChildEnvironment({
    {"killed before publishing",
     [](const fs::path& path) {
       std::unique_ptr<RowStore> store = RowStore::Open(path, Mode::kReadWrite);
       Begin(*store);
       testing::Write(*store, {{.id = 1, .lsn = 150, .text = "unpublished"}, {.id = 7, .lsn = 150, .text = "new"}});
       store->WriteLog(LogOf(150));
       raise(SIGKILL);
     }},
    {"killed after publishing",
     [](const fs::path& path) {
       std::unique_ptr<RowStore> store = RowStore::Open(path, Mode::kReadWrite);
       Begin(*store);
       testing::Write(*store, {{.id = 1, .lsn = 150, .text = "published"}});
       store->WriteLog(LogOf(150));
       store->Publish(StateAt(200), {});
       raise(SIGKILL);
     }},
    {"publishing until killed",
     [](const fs::path& path) {
       std::unique_ptr<RowStore> store = RowStore::Open(path, Mode::kReadWrite);
       Begin(*store);
       for (uint64_t lsn = store->manifest().durable_lsn();; lsn += 10) {
         std::vector<Put> puts = ManyRows(0, 50, lsn + 5, 100);
         for (Put& put : puts) put.text = std::to_string(lsn + 5);
         testing::Write(*store, puts);
         store->WriteLog(LogOf(lsn + 5));
         proto::Manifest manifest = ManifestAt(lsn + 10);
         manifest.set_pull_in_progress(true);
         store->Publish(StoreState::FromStored(manifest), {});
         std::cout << "published " << lsn + 10 << std::endl;
       }
     }},
    {"files are limited",
     [](const fs::path& path) {
       std::unique_ptr<RowStore> store = RowStore::Open(path, Mode::kReadWrite);
       Begin(*store);
       signal(SIGXFSZ, SIG_IGN);
       rlimit limit{256 << 10, 256 << 10};
       setrlimit(RLIMIT_FSIZE, &limit);
       testing::Write(*store, ManyRows(0, 1000, 150, 1000));
     }},
    {"log is limited",
     [](const fs::path& path) {
       std::unique_ptr<RowStore> store = RowStore::Open(path, Mode::kReadWrite);
       Begin(*store);
       signal(SIGXFSZ, SIG_IGN);
       rlimit limit{256 << 10, 256 << 10};
       setrlimit(RLIMIT_FSIZE, &limit);
       for (uint64_t lsn = 150;; ++lsn) {
         std::vector<std::pair<std::string, std::string>> log = LogOf(lsn);
         log[0].second = Noise(10000, static_cast<unsigned>(lsn));
         store->WriteLog(log);
         proto::Manifest manifest = ManifestAt(lsn);
         manifest.set_pull_in_progress(true);
         manifest.set_durable_lsn(100);
         store->Publish(StoreState::FromStored(manifest), {});
       }
     }},
    {"disk is full",
     [](const fs::path& path) {
       const fs::path disk = path / "disk";
       const bool mounted = testing::MountSmallDisk(disk);
       {
         std::unique_ptr<RowStore> store = RowStore::Open(disk / "store", Mode::kCreate);
         testing::Write(*store, {{.id = 1, .lsn = 10, .text = "old"}});
         store->Publish(StateAt(100), {});
       }
       try {
         std::unique_ptr<RowStore> store = RowStore::Open(disk / "store", Mode::kReadWrite);
         Begin(*store);
         if (!mounted) testing::FillDisk();
         for (int64_t id = 0;; id += 1000) testing::Write(*store, ManyRows(id, id + 1000, 150, 1000));
       } catch (const Error&) {
         // The disk's content disappears with this process.
         if (mounted) fs::copy(disk, path / "with room", fs::copy_options::recursive);
         throw;
       }
     }},
}));

TEST(RowStoreCrashTest, AKilledProcessLeavesNoUnpublishedRows) {
  StoreFixture store;
  WithOneRow(store).Close();
  EXPECT_EQ(RunRole("killed before publishing", store.path()).exit_status, 128 + SIGKILL);
  store.Reopen(Mode::kReadOnly);  // Removes nothing, and does not see the rows either.
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{"old"});
  EXPECT_TRUE(store->manifest().pull_in_progress());

  store.Reopen();
  EXPECT_FALSE(store->manifest().pull_in_progress());
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{"old"});
  std::string storage;
  EXPECT_EQ(store->Newest(EncodeRowPrefix(1, 0, IntegerKey(1)), &storage)->version.text, "old");
  EXPECT_FALSE(store->Newest(EncodeRowPrefix(1, 0, IntegerKey(7)), &storage));
  // They stay invisible even after another transaction publishes that LSN.
  store->Publish(StateAt(200), {});
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{"old"});
  int logged = 0;
  store->VisitLog(Lsn(0), [&](const proto::Transaction&) { return ++logged; });
  EXPECT_EQ(logged, 0);
}

TEST(RowStoreCrashTest, ATransactionReceivedAgainIsWrittenAgain) {
  StoreFixture store;
  WithOneRow(store).Close();
  EXPECT_EQ(RunRole("killed before publishing", store.path()).exit_status, 128 + SIGKILL);
  store.Reopen();
  testing::Write(*store, {{.id = 1, .lsn = 150, .text = "again"}, testing::Tombstone(7, 150)});
  store->Publish(StateAt(200), {});
  EXPECT_EQ(Lines(*store, 200), Strings{"again"});
  store.Reopen();
  EXPECT_EQ(Lines(*store, 200), Strings{"again"});
  EXPECT_EQ(Lines(*store, 150), Strings{"old"});
}

// Otherwise a store that took hours to fill would be read from end to end.
TEST(RowStoreCrashTest, OpeningAfterAKilledProcessReadsOnlyFilesThatMayHoldUnpublishedRows) {
  StoreFixture store;
  store.WriteAndPublish(ManyRows(0, 1000, 10, 1000), 100);
  store.Close();
  for (const auto& file : fs::directory_iterator(store.path())) {
    if (file.path().extension() != ".sst" || file.file_size() < 100000) continue;
    std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(file.file_size() / 2));
    bytes.write("damaged!", 8);
  }
  EXPECT_EQ(RunRole("killed before publishing", store.path()).exit_status, 128 + SIGKILL);
  store.Reopen();
  EXPECT_FALSE(store->manifest().pull_in_progress());
  std::string storage;
  EXPECT_FALSE(store->Newest(EncodeRowPrefix(1, 0, IntegerKey(1)), &storage)->version.text == "unpublished");
  EXPECT_EQ(CodeOf([&] { Lines(*store, 100); }), ErrorCode::kCorrupt);  // The damage is where a reader sees it.
}

// The process is killed twice: by then, what the first opening deleted is in a file of its own.
TEST(RowStoreCrashTest, AProcessKilledAfterTheCleanupLeavesNoUnpublishedRowsEither) {
  StoreFixture store;
  WithOneRow(store).Close();
  for (int kill = 0; kill < 3; ++kill) {
    EXPECT_EQ(RunRole("killed before publishing", store.path()).exit_status, 128 + SIGKILL);
    RunRole("open", store.path());
  }
  store.Reopen();
  std::string storage;
  EXPECT_EQ(store->Newest(EncodeRowPrefix(1, 0, IntegerKey(1)), &storage)->version.text, "old");
  EXPECT_FALSE(store->Newest(EncodeRowPrefix(1, 0, IntegerKey(7)), &storage));
}

TEST(RowStoreCrashTest, AKilledProcessKeepsAllPublishedRows) {
  StoreFixture store;
  WithOneRow(store).Close();
  EXPECT_EQ(RunRole("killed after publishing", store.path()).exit_status, 128 + SIGKILL);
  store.Reopen();
  EXPECT_EQ(store->manifest().durable_lsn(), 200u);
  EXPECT_EQ(Lines(*store, 200), Strings{"published"});
  int logged = 0;
  store->VisitLog(Lsn(0), [&](const proto::Transaction&) { return ++logged; });
  EXPECT_EQ(logged, 1);
}

TEST(RowStoreCrashTest, AStoreKilledAtAnyTimeHasExactlyThePublishedRows) {
  StoreFixture store;
  WithOneRow(store).Close();
  for (int kill = 0; kill < 5; ++kill) {
    uint64_t before = 0;
    {
      testing::Process process(testing::RoleCommand("publishing until killed", store.path()));
      ASSERT_TRUE(process.WaitForOutput("published", std::chrono::seconds(60))) << process.Err();
      for (int naps = 0; naps < kill; ++naps) testing::NapBetweenPolls();
      process.Signal(SIGKILL);
      std::string out = process.Wait().out;
      out.resize(out.rfind('\n'));  // The last line may be cut.
      before = std::stoull(out.substr(out.rfind(' ') + 1));
    }
    store.Reopen();
    uint64_t durable = store->manifest().durable_lsn();
    EXPECT_GE(durable, before);
    EXPECT_EQ(Lines(*store, UINT64_MAX), Strings(50, std::to_string(durable - 5)));
    uint64_t last = 0;
    store->VisitLog(Lsn(0), [&](const proto::Transaction& transaction) { return last = transaction.commit_lsn(); });
    EXPECT_EQ(last, durable - 5);
    store.Close();
  }
}

// RocksDB takes over a run by giving it a second name; a process killed before it removes the first leaves both.
TEST(RowStoreCrashTest, ARunLeftByAKilledProcessIsNotOverwritten) {
  StoreFixture store;
  store.WriteAndPublish(ManyRows(0, 1000, 10, 1000), 100);
  Strings lines = Lines(*store, 100);
  store.Close();
  for (const auto& file : fs::directory_iterator(store.path())) {
    if (file.path().extension() == ".sst" && file.file_size() > 100000) {
      fs::create_hard_link(file.path(), store.path() / "run-0.tmp");
    }
  }
  ASSERT_TRUE(fs::exists(store.path() / "run-0.tmp"));
  store.Reopen();
  EXPECT_FALSE(fs::exists(store.path() / "run-0.tmp"));
  store.WriteAndPublish({{.id = -1, .lsn = 150, .text = "another"}}, 200);
  store.Reopen();
  lines.insert(lines.begin(), "another");
  EXPECT_TRUE(Lines(*store, 200) == lines);
}

void ExpectOldContentAfter(const std::string& role, StoreFixture& store) {
  testing::Result result = RunRole(role, store.path());
  EXPECT_EQ(result.exit_status, static_cast<int>(ErrorCode::kDisk)) << result.err;
  EXPECT_THAT(result.err, ::testing::HasSubstr(store.path().string()));
  store.Reopen();
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{"old"});
  for (const auto& file : fs::directory_iterator(store.path())) EXPECT_NE(file.path().extension(), ".tmp");
  store.WriteAndPublish({{.id = 1, .lsn = 150, .text = "new"}}, 200);
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{"new"});
}

TEST(RowStoreCrashTest, AFailedRunWriteLeavesTheOldContent) {
  StoreFixture store;
  WithOneRow(store).Close();
  ExpectOldContentAfter("files are limited", store);
}

TEST(RowStoreCrashTest, AFailedChangeLogWriteLeavesTheOldContent) {
  StoreFixture store;
  WithOneRow(store).Close();
  ExpectOldContentAfter("log is limited", store);
}

TEST(RowStoreCrashTest, AFullDiskIsReportedAndLeavesTheOldContent) {
  testing::TempDir directory;
  fs::create_directory(directory / "disk");
  testing::Result result = RunRole("disk is full", directory.path());
  EXPECT_EQ(result.exit_status, static_cast<int>(ErrorCode::kDisk)) << result.err;
  // The reserve comes first where the disk says how much is free.
  EXPECT_THAT(result.err,
              ::testing::AnyOf(::testing::HasSubstr("No space left"), ::testing::HasSubstr("the disk is nearly full")));
  // The same store on a disk that has room again.
  const fs::path copy = directory / "with room";
  std::unique_ptr<RowStore> store =
      RowStore::Open((fs::exists(copy) ? copy : directory / "disk") / "store", Mode::kReadWrite);
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{"old"});
}

TEST(RowStoreCrashTest, ADamagedFileNeverYieldsWrongRows) {
  StoreFixture store;
  store.WriteAndPublish(ManyRows(0, 300, 10, 1000), 100);
  const Strings lines = Lines(*store, 100);
  store.Close();
  fs::path sst;
  for (const auto& file : fs::directory_iterator(store.path())) {
    if (file.path().extension() == ".sst" && file.file_size() > 100000) sst = file.path();
  }
  ASSERT_FALSE(sst.empty());
  const auto size = static_cast<std::streamoff>(fs::file_size(sst));
  auto flip = [&](std::streamoff at) {
    std::fstream file(sst, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    char byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x55));
  };
  int corrupt = 0;
  for (int i = 0; i < 25; ++i) {
    std::streamoff at = i < 20 ? size / 20 * i : size - 1 - (25 - i) * 11;
    flip(at);
    try {
      store.Reopen();
      EXPECT_TRUE(Lines(*store, 100) == lines) << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << error.what();
      ++corrupt;
    }
    store.Close();
    flip(at);
  }
  EXPECT_GE(corrupt, 15);
  store.Reopen();
  EXPECT_TRUE(Lines(*store, 100) == lines);
}

TEST(RowStoreCrashTest, ATruncatedOrMissingFileIsCorrupt) {
  for (bool truncated : {true, false}) {
    StoreFixture store;
    store.WriteAndPublish(ManyRows(0, 300, 10, 1000), 100);
    store.Close();
    for (const auto& file : fs::directory_iterator(store.path())) {
      if (file.path().extension() != ".sst") continue;
      if (truncated) fs::resize_file(file.path(), file.file_size() / 2);
      if (!truncated) fs::remove(file.path());
    }
    EXPECT_EQ(CodeOf([&] {
                store.Reopen();
                Lines(*store, 100);
              }),
              ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace rotv
