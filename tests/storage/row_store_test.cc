#include "storage/row_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include "storage/change_log.h"
#include "storage/epochs.h"
#include "tests/storage/small_disk.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::CodeOf;
using testing::ErrorOf;
using testing::IntegerKey;
using testing::Lines;
using testing::ManifestAt;
using testing::Put;
using testing::RunRole;
using testing::StateAt;
using testing::StoreFixture;
using Mode = RowStore::Mode;
using Strings = std::vector<std::string>;

std::vector<std::pair<std::string, std::string>> LogOf(uint64_t lsn) {
  ChangeLogBuilder builder;
  builder.Begin(Lsn(lsn), 1, 1);
  builder.Add(1, 0, ChangeLogBuilder::Change::kInsert, "k");
  builder.Commit();
  return builder.Take(ChangeLogBuilder::Which::kAll);
}

// Text that does not compress.
std::string Noise(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string noise(size, '\0');
  for (char& byte : noise) byte = static_cast<char>('!' + random() % 90);
  return noise;
}

std::vector<Put> ManyRows(int64_t from, int64_t to, uint64_t lsn, size_t size) {
  std::vector<Put> puts;
  for (int64_t id = from; id < to; ++id) {
    puts.push_back({.id = id, .lsn = lsn, .text = Noise(size, static_cast<unsigned>(id))});
  }
  return puts;
}

void Begin(RowStore& store) {
  proto::Manifest manifest = store.manifest();
  manifest.set_pull_in_progress(true);
  store.Publish(StoreState::FromStored(manifest), {});
}

const auto* const children = ::testing::AddGlobalTestEnvironment(new testing::ChildEnvironment({
    {"open", [](const fs::path& path) { RowStore::Open(path, Mode::kReadWrite); }},
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

StoreFixture& WithOneRow(StoreFixture& store) {
  store.WriteAndPublish({{.id = 1, .lsn = 10, .text = "old"}}, 100);
  return store;
}

TEST(RowStoreTest, ANewStoreIsEmptyAndHasTheCurrentFormatVersion) {
  StoreFixture store;
  EXPECT_EQ(store->manifest().format_version(), kFormatVersion);
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{});
  EXPECT_GT(store->DiskBytes(), 0u);
}

TEST(RowStoreTest, UnpublishedWritesAreInvisible) {
  StoreFixture store;
  testing::Write(*store, {{.id = 1, .lsn = 10, .text = "a"}, {.id = 1, .lsn = 20, .text = "b"}});
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{});
  store->Publish(StateAt(20), {});
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{"a"});
  store->Publish(StateAt(21), {});
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{"b"});
}

TEST(RowStoreTest, AReopenedStoreHasAllPublishedRows) {
  StoreFixture store;
  proto::Manifest manifest = ManifestAt(100);
  manifest.set_slot("the slot");
  testing::Write(*store, {{.id = 1, .lsn = 10, .text = "a"}});
  store->Publish(StoreState::FromStored(manifest), {});
  for (Mode mode : {Mode::kReadWrite, Mode::kReadOnly}) {
    store.Reopen(mode);
    EXPECT_EQ(store->manifest().slot(), "the slot");
    EXPECT_EQ(Lines(*store, 100), Strings{"a"});
  }
}

TEST(RowStoreTest, AnExistingStoreIsNotCreatedAgain) {
  StoreFixture store;
  WithOneRow(store).Close();
  EXPECT_EQ(CodeOf([&] { RowStore::Open(store.path(), Mode::kCreate); }), ErrorCode::kDisk);
  store.Reopen();
  EXPECT_EQ(Lines(*store, 100), Strings{"old"});
}

TEST(RowStoreTest, OpeningAMissingStoreDoesNotCreateIt) {
  testing::TempDir directory;
  for (Mode mode : {Mode::kReadWrite, Mode::kReadOnly}) {
    const Error error = ErrorOf([&] { RowStore::Open(directory / "none", mode); });
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("is missing"));
    EXPECT_THAT(error.hint(), ::testing::HasSubstr("baseline --force"));
    EXPECT_FALSE(std::filesystem::exists(directory / "none"));
  }
}

TEST(RowStoreTest, AStoreThatWasNeverPublishedIsCorrupt) {
  StoreFixture store;
  store.Close();
  EXPECT_EQ(CodeOf([&] { store.Reopen(); }), ErrorCode::kCorrupt);
}

TEST(RowStoreTest, ANewerFormatIsRefusedAndNotChanged) {
  StoreFixture store;
  proto::Manifest manifest = ManifestAt(100);
  manifest.set_format_version(kFormatVersion + 1);
  manifest.set_pull_in_progress(true);
  testing::Write(*store, {{.id = 1, .lsn = 150, .text = "of a newer program"}});
  store->Publish(StoreState::FromStored(manifest), {});
  for (Mode mode : {Mode::kReadWrite, Mode::kReadOnly}) {
    Error error = ErrorOf([&] { store.Reopen(mode); });
    EXPECT_EQ(error.code(), ErrorCode::kDisk);
    EXPECT_THAT(error.what(), ::testing::HasSubstr(fmt::format("format {}", kFormatVersion + 1)));
  }
}

TEST(RowStoreTest, ASecondOpenerIsRefused) {
  StoreFixture store;
  WithOneRow(store);
  Error error = ErrorOf([&] { RowStore::Open(store.path(), Mode::kReadWrite); });
  EXPECT_EQ(error.code(), ErrorCode::kInUse);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("in use by another process"));

  testing::Result other = RunRole("open", store.path());
  EXPECT_EQ(other.exit_status, static_cast<int>(ErrorCode::kInUse));
  EXPECT_THAT(other.err, ::testing::HasSubstr("in use by another process"));
  store.Close();
  EXPECT_EQ(RunRole("open", store.path()).exit_status, 0);
}

TEST(RowStoreTest, ADirectoryNamedLockIsNotReportedAsInUse) {
  testing::TempDir directory;
  std::filesystem::create_directory(directory / "lock");
  Error error = ErrorOf([&] { RowStore::Open(directory / "lock", Mode::kReadWrite); });
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("in use by another process")));
}

TEST(RowStoreTest, AKilledProcessLeavesNoUnpublishedRows) {
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

TEST(RowStoreTest, ATransactionReceivedAgainIsWrittenAgain) {
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
TEST(RowStoreTest, OpeningAfterAKilledProcessReadsOnlyFilesThatMayHoldUnpublishedRows) {
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
TEST(RowStoreTest, AProcessKilledAfterTheCleanupLeavesNoUnpublishedRowsEither) {
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

TEST(RowStoreTest, AKilledProcessKeepsAllPublishedRows) {
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

TEST(RowStoreTest, AStoreKilledAtAnyTimeHasExactlyThePublishedRows) {
  StoreFixture store;
  WithOneRow(store).Close();
  for (int kill = 0; kill < 5; ++kill) {
    uint64_t before = 0;
    {
      testing::Process process(testing::RoleCommand("publishing until killed", store.path()));
      ASSERT_TRUE(process.WaitForOutput("published", std::chrono::seconds(20))) << process.Err();
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
TEST(RowStoreTest, ARunLeftByAKilledProcessIsNotOverwritten) {
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

TEST(RowStoreTest, AFailedRunWriteLeavesTheOldContent) {
  StoreFixture store;
  WithOneRow(store).Close();
  ExpectOldContentAfter("files are limited", store);
}

TEST(RowStoreTest, AFailedChangeLogWriteLeavesTheOldContent) {
  StoreFixture store;
  WithOneRow(store).Close();
  ExpectOldContentAfter("log is limited", store);
}

TEST(RowStoreTest, AFullDiskIsReportedAndLeavesTheOldContent) {
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

TEST(RowStoreTest, ADamagedFileNeverYieldsWrongRows) {
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

TEST(RowStoreTest, ATruncatedOrMissingFileIsCorrupt) {
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

TEST(RowStoreTest, AnEmptyBufferWritesNothing) {
  StoreFixture store;
  store->Write(VersionBuffer(VersionBuffer::Index::kNewest));
  store->Write(VersionBuffer(VersionBuffer::Index::kNone));
  store->WriteLog({});
  store->Publish(StateAt(100), {});
  EXPECT_EQ(Lines(*store, 100), Strings{});
}

TEST(RowStoreTest, TheLaterOfTwoWritesOfAVersionCounts) {
  StoreFixture store;
  store.WriteAndPublish({{.id = 1, .lsn = 10, .text = "a"}, {.id = 2, .lsn = 10, .text = "b"}}, 100);
  testing::Write(*store, {{.id = 1, .lsn = 10, .text = "A"}});
  EXPECT_EQ(Lines(*store, 100), (Strings{"A", "b"}));
}

TEST(RowStoreTest, NewestIsCompletedAsFarAsTheStoreCan) {
  StoreFixture store;
  testing::Write(*store, {{.id = 1, .lsn = 10, .text = "1\tbig"}, {.id = 11, .lsn = 5, .text = "11\tother"}});
  testing::Write(*store, {testing::Partial(1, 20, "one\t\\u"),
                          testing::Partial(2, 20, "2\t\\u"),
                          testing::Tombstone(3, 20),
                          {.id = 3, .lsn = 10, .text = "3\tx"}});
  std::string storage;
  auto newest = [&](int64_t id) { return store->Newest(EncodeRowPrefix(1, 0, IntegerKey(id)), &storage); };
  EXPECT_EQ(newest(1)->version.kind, RowVersion::Kind::kRow);
  EXPECT_EQ(newest(1)->version.text, "one\tbig");
  EXPECT_EQ(newest(1)->commit_lsn, Lsn(20));
  EXPECT_EQ(newest(2)->version.kind, RowVersion::Kind::kPartial);
  EXPECT_EQ(newest(2)->version.text, "2\t\\u");
  EXPECT_EQ(newest(3)->version.kind, RowVersion::Kind::kTombstone);
  EXPECT_FALSE(newest(4));
  EXPECT_FALSE(store->Newest(EncodeRowPrefix(1, 0, std::string(7, '\x80')), &storage));
}

TEST(RowStoreTest, TheSchemaInForceIsUsed) {
  StoreFixture store;
  for (uint64_t lsn : {100, 200}) {
    proto::SchemaVersion schema;
    schema.set_pre_data("since " + std::to_string(lsn));
    store->Publish(StateAt(lsn), {.schema = {{Lsn(lsn), schema}}, .sequences = {}});
  }
  store.Reopen();
  EXPECT_EQ(store->SchemaAt(Lsn(100)).pre_data(), "since 100");
  EXPECT_EQ(store->SchemaAt(Lsn(199)).pre_data(), "since 100");
  EXPECT_EQ(store->SchemaAt(Lsn(200)).pre_data(), "since 200");
  EXPECT_EQ(store->SchemaAt(Lsn(UINT64_MAX)).pre_data(), "since 200");
  EXPECT_EQ(CodeOf([&] { (void)store->SchemaAt(Lsn(99)); }), ErrorCode::kCorrupt);
}

TEST(RowStoreTest, SequencesComeFromTheFirstPullAtOrAfterTheLsn) {
  StoreFixture store;
  EXPECT_EQ(store->SequencesAt(Lsn(1)).values_size(), 0);
  for (uint64_t lsn : {100, 200}) {
    proto::SequenceValues values;
    values.add_values()->set_last_value(static_cast<int64_t>(lsn));
    store->Publish(StateAt(lsn), {.schema = {}, .sequences = {{Lsn(lsn), values}}});
  }
  store.Reopen();
  EXPECT_EQ(store->SequencesAt(Lsn(50)).values(0).last_value(), 100);
  EXPECT_EQ(store->SequencesAt(Lsn(100)).values(0).last_value(), 100);
  EXPECT_EQ(store->SequencesAt(Lsn(101)).values(0).last_value(), 200);
  EXPECT_EQ(store->SequencesAt(Lsn(200)).values(0).last_value(), 200);
  EXPECT_EQ(store->SequencesAt(Lsn(201)).values(0).last_value(), 200);
}

TEST(RowStoreTest, AnEpochServesStatesAfterItsStart) {
  proto::Manifest manifest;
  proto::TableHistory* history = manifest.add_tables();
  history->set_table(5);
  for (auto [number, start] : {std::pair(0, 10), std::pair(1, 20), std::pair(2, 20), std::pair(3, 30)}) {
    proto::Epoch* epoch = history->add_epochs();
    epoch->set_number(static_cast<uint32_t>(number));
    epoch->set_start_lsn(static_cast<uint64_t>(start));
  }
  EXPECT_EQ(EpochsAt(manifest, Lsn(10)).count(5), 0u);
  EXPECT_EQ(EpochsAt(manifest, Lsn(11)).at(5), 0u);
  EXPECT_EQ(EpochsAt(manifest, Lsn(20)).at(5), 0u);
  EXPECT_EQ(EpochsAt(manifest, Lsn(21)).at(5), 2u);  // Truncated twice in one transaction.
  EXPECT_EQ(EpochsAt(manifest, Lsn(31)).at(5), 3u);
  EXPECT_EQ(EpochsAt(manifest, Lsn(31)).count(6), 0u);
}

TEST(RowStoreTest, PartsOfATableHoldEveryRowExactlyOnce) {
  StoreFixture store;
  std::mt19937 random(7);
  std::set<std::string> texts;
  for (int run = 0; run < 40; ++run) {  // Pulls leave it like this: many runs, and versions of one row in several of
                                        // them.
    VersionBuffer buffer(VersionBuffer::Index::kNewest);
    for (int i = 0; i < 30; ++i) {
      int64_t id = static_cast<int64_t>(random() % 500) + run * 20;
      testing::Add(buffer, {.id = id, .lsn = static_cast<uint64_t>(10 + run), .text = std::to_string(id)});
      testing::Add(buffer, {.id = id, .lsn = 10, .text = "x", .table = 2});
      texts.insert(std::to_string(id));
    }
    store->Write(buffer);
  }
  store->Publish(StateAt(100), {});
  Strings whole = Lines(*store, 100);
  EXPECT_EQ(whole.size(), texts.size());
  for (size_t parts : {1, 2, 3, 16, 1000}) {
    Strings together;
    std::vector<KeyRange> ranges = store->Split(1, 0, parts);
    EXPECT_LE(ranges.size(), parts);
    EXPECT_GE(ranges.size(), std::min<size_t>(parts, 10));
    for (const KeyRange& range : ranges) {
      for (const std::string& line : Lines(*store, 100, range)) together.push_back(line);
    }
    EXPECT_EQ(together, whole) << parts;
  }
}

TEST(RowStoreTest, NoPartIsMuchLargerThanTheOthers) {
  StoreFixture store;
  constexpr size_t kRuns = 31, kParts = 16;
  for (size_t run = 0; run < kRuns; ++run) {
    testing::Write(*store, ManyRows(static_cast<int64_t>(run) * 10, static_cast<int64_t>(run) * 10 + 10, 10, 10));
  }
  store->Publish(StateAt(100), {});
  std::vector<KeyRange> ranges = store->Split(1, 0, kParts);
  EXPECT_EQ(ranges.size(), kParts);
  for (const KeyRange& range : ranges) EXPECT_LE(Lines(*store, 100, range).size(), 30u);
}

TEST(RowStoreTest, PartsDoNotSplitTheVersionsOfARow) {
  StoreFixture store;
  // Every run begins in the middle of row 5's history.
  for (uint64_t lsn = 40; lsn >= 10; --lsn) {
    testing::Write(*store, {{.id = 5, .lsn = lsn, .text = std::to_string(lsn)}, {.id = 6, .lsn = lsn, .text = "six"}});
  }
  testing::Write(*store, {{.id = 4, .lsn = 10, .text = "four"}});
  store->Publish(StateAt(100), {});
  Strings together;
  for (const KeyRange& range : store->Split(1, 0, 16)) {
    for (const std::string& line : Lines(*store, 100, range)) together.push_back(line);
  }
  EXPECT_EQ(together, (Strings{"four", "40", "six"}));
}

TEST(RowStoreTest, AnEmptyTableHasOnePart) {
  StoreFixture store;
  WithOneRow(store);
  EXPECT_EQ(store->Split(99, 0, 16).size(), 1u);
}

TEST(RowStoreTest, CompactionOfManyRunsChangesNothing) {
  StoreFixture store;
  for (uint64_t lsn = 10; lsn < 50; ++lsn) {
    testing::Write(*store, {{.id = 0, .lsn = lsn, .text = "first"},
                            {.id = static_cast<int64_t>(lsn % 7 + 1), .lsn = lsn, .text = std::to_string(lsn)},
                            {.id = 9, .lsn = lsn, .text = "last"}});
  }
  store->Publish(StateAt(100), {});
  std::vector<Strings> before, after;
  for (uint64_t lsn = 10; lsn <= 50; ++lsn) before.push_back(Lines(*store, lsn));
  store->Compact();
  for (uint64_t lsn = 10; lsn <= 50; ++lsn) after.push_back(Lines(*store, lsn));
  EXPECT_EQ(before, after);
  EXPECT_LE(store->Split(1, 0, 100).size(), 2u);
}

TEST(RowStoreTest, ScansSeeOneStateWhileAnotherIsWritten) {
  StoreFixture store;
  constexpr int kRows = 200, kRounds = 30;
  auto write = [&](uint64_t lsn) {
    std::vector<Put> puts;
    for (int id = 0; id < kRows; ++id) puts.push_back({.id = id, .lsn = lsn, .text = std::to_string(lsn)});
    testing::Write(*store, puts);
    store->WriteLog(LogOf(lsn));
  };
  write(9);
  store->Publish(StateAt(10), {});
  std::atomic<uint64_t> published{10};
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      std::string storage;
      while (!stop) {
        uint64_t lsn = published;
        EXPECT_EQ(Lines(*store, lsn), Strings(kRows, std::to_string(lsn - 1)));
        EXPECT_TRUE(store->Newest(EncodeRowPrefix(1, 0, IntegerKey(7)), &storage));
        Strings latest = Lines(*store, UINT64_MAX);  // Whichever state it is, it is one state.
        EXPECT_EQ(latest, Strings(kRows, latest.at(0)));
      }
    });
  }
  for (uint64_t lsn = 20; lsn < 20 + kRounds; ++lsn) {
    write(lsn - 1);
    store->Publish(StateAt(lsn), {});
    published = lsn;
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

TEST(RowStoreTest, WhatAKilledCopyLeftIsDropped) {
  StoreFixture store;
  StoreState state = StateAt(100);
  state.AddEpoch(1, state.ReserveEpoch(1), Lsn(99));
  store->Publish(state, {});
  // Epoch 1 is listed; 2 and 3 are copies that were not completed. Table 2 has no complete copy, table 3 is another
  // one.
  testing::Write(*store, {{.id = 1, .lsn = 99, .text = "here", .epoch = 1},
                          {.id = 2, .lsn = 99, .text = "half", .epoch = 2},
                          {.id = 3, .lsn = 99, .text = "half", .epoch = 3},
                          {.id = 4, .lsn = 99, .text = "half", .table = 2, .epoch = 1},
                          {.id = 5, .lsn = 99, .text = "other", .table = 3, .epoch = 1}});
  store->DropUnlistedEpochs({1, 2});
  store->Publish(state, {});
  store.Reopen();
  EXPECT_EQ(Lines(*store, 100, {}, 1, 1), std::vector<std::string>{"here"});
  EXPECT_TRUE(Lines(*store, 100, {}, 1, 2).empty());
  EXPECT_TRUE(Lines(*store, 100, {}, 1, 3).empty());
  EXPECT_TRUE(Lines(*store, 100, {}, 2, 1).empty());
  EXPECT_EQ(Lines(*store, 100, {}, 3, 1), std::vector<std::string>{"other"});
  // The number is used again.
  testing::Write(*store, {{.id = 6, .lsn = 99, .text = "again", .epoch = 2}});
  EXPECT_EQ(Lines(*store, 100, {}, 1, 2), std::vector<std::string>{"again"});
}

}  // namespace
}  // namespace rotv
