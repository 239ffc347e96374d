#include "storage/workspace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <set>

#include "fmt/format.h"
#include "storage/atomic_file.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::ErrorOf;
using testing::TempDir;

const auto* const workspace_children = ::testing::AddGlobalTestEnvironment(new testing::ChildEnvironment({
    {"hold",
     [](const fs::path& home) {
       Workspace workspace(home, "prod", "baseline --force");
       std::cout << "holding" << std::endl;
       while (true) pause();
     }},
    {"killed while building",
     [](const fs::path& home) {
       Workspace workspace(home, "prod", "baseline");
       proto::OwnedObjects objects;
       objects.set_slot("slot_of_the_killed");
       workspace.AddOwned(objects);
       workspace.MakeStoreDirectory("half");
       raise(SIGKILL);
     }},
}));

proto::OwnedObjects Objects(const std::string& name) {
  proto::OwnedObjects objects;
  objects.set_slot(name);
  objects.set_publication(name + "_publication");
  return objects;
}

std::vector<std::string> LeftoverSlots(const Workspace& workspace) {
  std::vector<std::string> slots;
  for (const proto::OwnedObjects& objects : workspace.Leftovers()) slots.push_back(objects.slot());
  return slots;
}

// Makes a store that has all of a baseline.
fs::path MakeStore(const Workspace& workspace, const std::string& label) {
  const fs::path path = workspace.MakeStoreDirectory(label);
  const std::unique_ptr<RowStore> store = RowStore::Open(path, RowStore::Mode::kCreate);
  RowStore::Addition addition;
  addition.schema = {Lsn(100), proto::SchemaVersion()};
  store->Publish(testing::StateAt(100), addition);
  return path;
}

std::set<std::string> StoresIn(const fs::path& home) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(home / "sources/prod")) {
    const std::string name = entry.path().filename();
    if (name.starts_with("store-")) names.insert(name);
  }
  return names;
}

// A home with a source "prod" whose store in use is "store-new"; "store-kept" has snapshots, "store-old" was replaced.
class RecordTest : public ::testing::Test {
 protected:
  RecordTest() {
    Workspace workspace(home_.path(), "prod", "baseline");
    workspace.AddOwned(Objects("a"));
    workspace.SetCurrent(MakeStore(workspace, "kept"), Objects("a"), Workspace::Before::kDelete);
    workspace.SetCurrent(MakeStore(workspace, "new"), Objects("b"), Workspace::Before::kKeep);
  }
  fs::path File(const char* name) const { return home_.path() / "sources/prod" / name; }
  // A damaged file is refused, and nothing is removed.
  void ExpectRefused(const std::string& what) {
    EXPECT_EQ(ErrorOf([&] { Workspace(home_.path(), "prod", "status"); }).code(), ErrorCode::kCorrupt) << what;
    EXPECT_EQ(StoresIn(home_.path()), (std::set<std::string>{"store-kept", "store-new"})) << what;
  }

  TempDir home_;
};

TEST(WorkspaceTest, ItsDirectoriesArePrivateToTheOwner) {
  TempDir home;
  Workspace workspace(home / "home", "prod", "pull");
  for (const fs::path& created :
       {home / "home", home.path() / "home/sources", workspace.directory(), workspace.RunDirectory()}) {
    EXPECT_EQ(fs::status(created).permissions(), fs::perms::owner_all) << created;
  }
  EXPECT_EQ(workspace.directory(), home.path() / "home/sources/prod");
}

TEST(WorkspaceTest, ASecondProcessIsRefusedAndTheFirstIsNamed) {
  TempDir home;
  testing::Process holder(testing::RoleCommand("hold", home.path()));
  ASSERT_TRUE(holder.WaitForOutput("holding", std::chrono::seconds(60)));
  Error error = ErrorOf([&] { Workspace(home.path(), "prod", "pull"); });
  EXPECT_EQ(error.code(), ErrorCode::kInUse);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("prod"));
  EXPECT_THAT(error.what(), ::testing::HasSubstr("baseline --force"));
  EXPECT_THAT(error.what(), ::testing::HasSubstr(std::to_string(holder.pid())));
}

TEST_F(RecordTest, AReaderNeitherWaitsNorKeepsAWriterWaiting) {
  testing::Process holder(testing::RoleCommand("hold", home_.path()));
  ASSERT_TRUE(holder.WaitForOutput("holding", std::chrono::seconds(60)));
  {
    const Workspace reader(home_.path(), "prod", "status", Access::kRead);
    EXPECT_EQ(reader.CurrentStorePath().filename(), "store-new");
    EXPECT_EQ(reader.KeptStorePaths().size(), 1U);
    EXPECT_NO_THROW(RowStore::Open(reader.CurrentStorePath(), RowStore::Mode::kReadOnly));
  }
  holder.Signal(SIGKILL);
  holder.Wait();
  const Workspace reader(home_.path(), "prod", "status", Access::kRead);
  const auto store = RowStore::Open(reader.CurrentStorePath(), RowStore::Mode::kReadOnly);
  Workspace writer(home_.path(), "prod", "baseline --force");
  writer.SetCurrent(MakeStore(writer, "newer"), Objects("c"), Workspace::Before::kDelete);
  EXPECT_EQ(StoresIn(home_.path()), (std::set<std::string>{"store-kept", "store-newer"}));
  EXPECT_EQ(store->SchemaLsns().size(), 1U);
  EXPECT_NO_THROW(RowStore::Open(reader.CurrentStorePath(), RowStore::Mode::kReadOnly));
}

TEST_F(RecordTest, AWriterRemovesTheViewsOfKilledReaders) {
  fs::create_directories(File("readers") / "killed/store-new");
  { Workspace workspace(home_.path(), "prod", "pull"); }
  EXPECT_FALSE(fs::exists(File("readers")));
}

TEST(WorkspaceTest, AReaderMakesNothingWhereNothingIsStored) {
  TempDir home;
  const Workspace reader(home.path(), "prod", "status", Access::kRead);
  EXPECT_FALSE(reader.current());
  EXPECT_TRUE(fs::is_empty(home.path()));
}

TEST(WorkspaceTest, AKilledProcessReleasesItsLock) {
  TempDir home;
  testing::Process holder(testing::RoleCommand("hold", home.path()));
  ASSERT_TRUE(holder.WaitForOutput("holding", std::chrono::seconds(60)));
  holder.Signal(SIGKILL);
  holder.Wait();
  EXPECT_NO_THROW(Workspace(home.path(), "prod", "pull"));
}

TEST(WorkspaceTest, EverySourceHasItsOwnLock) {
  TempDir home;
  Workspace production(home.path(), "prod", "pull");
  EXPECT_NO_THROW(Workspace(home.path(), "staging", "pull"));
  EXPECT_EQ(ErrorOf([&] { Workspace(home.path(), "prod", "pull"); }).code(), ErrorCode::kInUse);
}

TEST(WorkspaceTest, WithoutABaselineTheHintNamesTheCommandThatTakesOne) {
  TempDir home;
  Workspace workspace(home.path(), "prod", "pull");
  EXPECT_FALSE(HasBaseline(home.path(), "prod"));
  EXPECT_FALSE(workspace.current());
  Error error = ErrorOf([&] { (void)workspace.CurrentStorePath(); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.hint(), ::testing::HasSubstr("--source prod baseline"));
}

TEST(WorkspaceTest, TheCurrentStoreStaysCurrentInTheNextRun) {
  TempDir home;
  fs::path store;
  {
    Workspace workspace(home.path(), "prod", "baseline");
    store = MakeStore(workspace, "1");
    workspace.SetCurrent(store, Objects("a"), Workspace::Before::kDelete);
    EXPECT_EQ(workspace.CurrentStorePath(), store);
  }
  EXPECT_TRUE(HasBaseline(home.path(), "prod"));
  Workspace next(home.path(), "prod", "pull");
  EXPECT_EQ(next.CurrentStorePath(), store);
  EXPECT_EQ(next.current()->objects().slot(), "a");
  EXPECT_TRUE(fs::exists(store / "CURRENT"));
}

TEST(WorkspaceTest, TheReplacedStoreIsDeletedAndTheSocketsStay) {
  TempDir home;
  Workspace workspace(home.path(), "prod", "baseline");
  fs::path first = MakeStore(workspace, "1");
  workspace.SetCurrent(first, Objects("a"), Workspace::Before::kDelete);
  fs::path second = MakeStore(workspace, "2");
  WriteFileAtomically(workspace.RunDirectory() / "socket", "");
  workspace.SetCurrent(second, Objects("b"), Workspace::Before::kDelete);
  EXPECT_FALSE(fs::exists(first));
  EXPECT_TRUE(fs::exists(second / "CURRENT"));
  EXPECT_TRUE(fs::exists(workspace.RunDirectory() / "socket"));
}

TEST(WorkspaceTest, AnUnfinishedStoreIsRemovedAndItsSlotRemembered) {
  TempDir home;
  fs::path store;
  {
    Workspace workspace(home.path(), "prod", "baseline");
    store = MakeStore(workspace, "good");
    workspace.AddOwned(Objects("good"));
    workspace.SetCurrent(store, Objects("good"), Workspace::Before::kDelete);
  }
  EXPECT_EQ(testing::RunRole("killed while building", home.path()).exit_status, 128 + SIGKILL);
  EXPECT_TRUE(fs::exists(home.path() / "sources/prod/store-half"));
  Workspace next(home.path(), "prod", "pull");
  EXPECT_FALSE(fs::exists(home.path() / "sources/prod/store-half"));
  EXPECT_EQ(next.CurrentStorePath(), store);
  EXPECT_TRUE(fs::exists(store / "CURRENT"));
  EXPECT_EQ(LeftoverSlots(next), std::vector<std::string>{"slot_of_the_killed"});
}

TEST(WorkspaceTest, OldSocketsAreGoneWhenTheLockIsTaken) {
  TempDir home;
  { WriteFileAtomically(Workspace(home.path(), "prod", "pull").RunDirectory() / "socket", ""); }
  Workspace workspace(home.path(), "prod", "pull");
  EXPECT_TRUE(fs::is_empty(workspace.RunDirectory()));
}

TEST(WorkspaceTest, LeftoversIncludeEverySlotButTheCurrentStores) {
  TempDir home;
  {
    Workspace workspace(home.path(), "prod", "baseline");
    for (const char* name : {"a", "b", "c"}) workspace.AddOwned(Objects(name));
    EXPECT_EQ(LeftoverSlots(workspace), (std::vector<std::string>{"a", "b", "c"}));
    workspace.SetCurrent(MakeStore(workspace, "1"), Objects("b"), Workspace::Before::kDelete);
    EXPECT_EQ(LeftoverSlots(workspace), (std::vector<std::string>{"a", "c"}));
    workspace.RemoveOwned(Objects("a"));
  }
  Workspace next(home.path(), "prod", "pull");
  EXPECT_EQ(LeftoverSlots(next), std::vector<std::string>{"c"});
  next.SetCurrent(MakeStore(next, "2"), Objects("c"), Workspace::Before::kDelete);
  EXPECT_EQ(LeftoverSlots(next), std::vector<std::string>{"b"});  // Until it is reported as removed.
}

TEST(WorkspaceTest, ASlotWithAnotherPublicationIsAnotherLeftover) {
  TempDir home;
  Workspace workspace(home.path(), "prod", "baseline");
  workspace.AddOwned(Objects("a"));
  proto::OwnedObjects other = Objects("a");
  other.set_publication("another");
  workspace.RemoveOwned(other);
  EXPECT_EQ(LeftoverSlots(workspace), std::vector<std::string>{"a"});
}

TEST_F(RecordTest, EveryFlippedBitIsRefusedAndRemovesNothing) {
  for (const char* name : {"current", "owned"}) {
    const std::string good = ReadFile(File(name));
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
      WriteNewFile(File(name), bad);
      ExpectRefused(fmt::format("{}, bit {}", name, bit));
    }
    WriteNewFile(File(name), good);
  }
  EXPECT_NO_THROW(Workspace(home_.path(), "prod", "status"));
}

TEST_F(RecordTest, EveryShortenedFileIsRefusedAndRemovesNothing) {
  for (const char* name : {"current", "owned"}) {
    const std::string good = ReadFile(File(name));
    for (size_t size = 0; size < good.size(); ++size) {
      WriteNewFile(File(name), good.substr(0, size));
      ExpectRefused(fmt::format("{}, {} bytes", name, size));
    }
    WriteNewFile(File(name), good);
  }
}

TEST_F(RecordTest, AMissingRecordOfStoresIsNoticed) {
  fs::remove(File("current"));
  ExpectRefused("current is missing");
}

TEST_F(RecordTest, WhatAnOlderProgramWroteIsReadAndGetsAChecksum) {
  std::string current, owned;
  {
    Workspace workspace(home_.path(), "prod", "status");
    current = workspace.current()->SerializeAsString();
  }
  WriteNewFile(File("current"), current);
  WriteNewFile(File("owned"), owned);
  {
    Workspace workspace(home_.path(), "prod", "status");
    EXPECT_EQ(workspace.CurrentStorePath(), File("store-new"));
    EXPECT_TRUE(workspace.Leftovers().empty());
  }
  for (const char* name : {"current", "owned"}) EXPECT_TRUE(ReadFile(File(name)).starts_with("rotv-sync file 1 "));
  for (const char* empty : {"current", "owned"}) {
    const std::string good = ReadFile(File(empty));
    WriteNewFile(File(empty), "");
    ExpectRefused(fmt::format("empty {}", empty));
    WriteNewFile(File(empty), good);
  }
}

TEST_F(RecordTest, AStoreThatNothingNamesStays) {
  fs::create_directory(File("store-of-somebody"));
  WriteNewFile(File("store-of-somebody") / "file", "");
  fs::create_directory(File("store-empty"));  // A baseline was killed before it could mark it.
  { Workspace workspace(home_.path(), "prod", "status"); }
  EXPECT_TRUE(fs::exists(File("store-of-somebody")));
  EXPECT_FALSE(fs::exists(File("store-empty")));
}

TEST_F(RecordTest, AMarkOfAStoreThatWasNeverInUseIsRemovedFromTheOneInUse) {
  WriteNewFile(File("store-new") / "unfinished", "");
  { Workspace workspace(home_.path(), "prod", "status"); }
  EXPECT_FALSE(fs::exists(File("store-new") / "unfinished"));
  EXPECT_TRUE(fs::exists(File("store-new") / "CURRENT"));
}

TEST_F(RecordTest, AnObsoleteStoreStaysUntilTheNewOneIsComplete) {
  const fs::path next = [&] {
    Workspace workspace(home_.path(), "prod", "baseline");
    const fs::path path = MakeStore(workspace, "next");
    fs::rename(path / "CURRENT", path / "moved");  // It was damaged before it came into use.
    workspace.SetCurrent(path, Objects("c"), Workspace::Before::kDelete);
    return path;
  }();
  EXPECT_TRUE(fs::exists(File("store-new")));
  { Workspace workspace(home_.path(), "prod", "status"); }
  EXPECT_TRUE(fs::exists(File("store-new")));
  fs::rename(next / "moved", next / "CURRENT");
  { Workspace workspace(home_.path(), "prod", "status"); }
  EXPECT_FALSE(fs::exists(File("store-new")));
  EXPECT_TRUE(fs::exists(File("store-kept")));
}

TEST(WorkspaceTest, AHomeThatCannotBeCreatedIsReported) {
  TempDir home;
  WriteFileAtomically(home / "file", "");
  Error error = ErrorOf([&] { Workspace(home / "file", "prod", "pull"); });
  EXPECT_EQ(error.code(), ErrorCode::kDisk);
  EXPECT_THAT(error.what(), ::testing::HasSubstr((home / "file").string()));
}

// A home with a source "prod" whose baseline was interrupted.
class UnfinishedTest : public ::testing::Test {
 protected:
  // With `complete` of two tables.
  void Interrupt(int complete) {
    Workspace workspace(home_.path(), "prod", "baseline");
    workspace.SetUnfinished("half", Objects("half"), 7);
    const auto store = RowStore::Open(workspace.MakeStoreDirectory("half"), RowStore::Mode::kCreate);
    StoreState state = StoreState::AtBaseline({.slot = "half"}, Lsn(100), {}, {});
    state.AwaitCopies({1, 2});
    RowStore::Addition addition;
    addition.schema = {Lsn(100), proto::SchemaVersion()};
    store->Publish(state, addition);
    for (TableId table = 1; table <= static_cast<TableId>(complete); ++table) {
      state.CompleteTable(table, state.ReserveEpoch(table), {});
      store->Publish(state, {});
    }
  }
  void ExpectNothingHere(const Workspace& workspace) {
    EXPECT_FALSE(workspace.unfinished());
    EXPECT_EQ(LeftoverSlots(workspace), std::vector<std::string>{"half"});
    EXPECT_TRUE(StoresIn(home_.path()).empty());
  }

  TempDir home_;
};

TEST_F(UnfinishedTest, OneWithACompleteTableIsKept) {
  Interrupt(1);
  for (int again = 0; again < 2; ++again) {
    const Workspace workspace(home_.path(), "prod", "status");
    ASSERT_TRUE(workspace.unfinished());
    EXPECT_EQ(workspace.unfinished()->begun_us(), 7);
    EXPECT_EQ(workspace.UnfinishedStorePath().filename(), "store-half");
    EXPECT_TRUE(LeftoverSlots(workspace).empty());
    EXPECT_TRUE(workspace.unfinished_problem().empty());
  }
  EXPECT_FALSE(HasBaseline(home_.path(), "prod"));
  EXPECT_TRUE(AllRecordedObjects(home_.path()).at(0).in_use);
  {
    Workspace workspace(home_.path(), "prod", "detach");
    workspace.DropUnfinished();
    ExpectNothingHere(workspace);
  }
  ExpectNothingHere(Workspace(home_.path(), "prod", "status"));
}

TEST_F(UnfinishedTest, OneWithoutACompleteTableIsRemoved) {
  Interrupt(0);
  EXPECT_FALSE(AllRecordedObjects(home_.path()).at(0).in_use);
  ExpectNothingHere(Workspace(home_.path(), "prod", "status"));
}

TEST_F(UnfinishedTest, OneThatIsDamagedIsRemovedAndTheReasonIsTold) {
  Interrupt(2);
  for (const auto& file : fs::directory_iterator(home_.path() / "sources/prod/store-half")) {
    if (file.path().filename().string().starts_with("MANIFEST")) fs::resize_file(file.path(), 60);
  }
  const Workspace workspace(home_.path(), "prod", "status");
  ExpectNothingHere(workspace);
  EXPECT_FALSE(workspace.unfinished_problem().empty());
}

TEST_F(UnfinishedTest, OnceInUseItIsNoLongerUnfinished) {
  Interrupt(2);
  {
    Workspace workspace(home_.path(), "prod", "baseline");
    workspace.SetCurrent(workspace.UnfinishedStorePath(), Objects("half"), Workspace::Before::kDelete);
    EXPECT_FALSE(workspace.unfinished());
  }
  // The record on disk still has it.
  const Workspace workspace(home_.path(), "prod", "pull");
  EXPECT_FALSE(workspace.unfinished());
  EXPECT_EQ(workspace.CurrentStorePath().filename(), "store-half");
  EXPECT_TRUE(LeftoverSlots(workspace).empty());
  EXPECT_EQ(StoresIn(home_.path()), std::set<std::string>{"store-half"});
}

}  // namespace
}  // namespace rotv
