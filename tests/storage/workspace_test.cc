#include "storage/workspace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

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
       fs::create_directory(workspace.NewStorePath("half"));
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

fs::path MakeStore(const Workspace& workspace, const std::string& label) {
  fs::path store = workspace.NewStorePath(label);
  fs::create_directory(store);
  WriteFileAtomically(store / "CURRENT", label);
  return store;
}

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
  ASSERT_TRUE(holder.WaitForOutput("holding", std::chrono::seconds(20)));
  Error error = ErrorOf([&] { Workspace(home.path(), "prod", "pull"); });
  EXPECT_EQ(error.code(), ErrorCode::kInUse);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("prod"));
  EXPECT_THAT(error.what(), ::testing::HasSubstr("baseline --force"));
  EXPECT_THAT(error.what(), ::testing::HasSubstr(std::to_string(holder.pid())));
}

TEST(WorkspaceTest, AKilledProcessReleasesItsLock) {
  TempDir home;
  testing::Process holder(testing::RoleCommand("hold", home.path()));
  ASSERT_TRUE(holder.WaitForOutput("holding", std::chrono::seconds(20)));
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

TEST(WorkspaceTest, ADamagedPointerToTheCurrentStoreIsCorruptAndDeletesNothing) {
  TempDir home;
  fs::path store;
  {
    Workspace workspace(home.path(), "prod", "baseline");
    store = MakeStore(workspace, "1");
    workspace.SetCurrent(store, Objects("a"), Workspace::Before::kDelete);
  }
  WriteFileAtomically(home.path() / "sources/prod/current", "\xFF\xFF\xFF");
  EXPECT_EQ(ErrorOf([&] { Workspace(home.path(), "prod", "pull"); }).code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(fs::exists(store));
}

TEST(WorkspaceTest, AHomeThatCannotBeCreatedIsReported) {
  TempDir home;
  WriteFileAtomically(home / "file", "");
  Error error = ErrorOf([&] { Workspace(home / "file", "prod", "pull"); });
  EXPECT_EQ(error.code(), ErrorCode::kDisk);
  EXPECT_THAT(error.what(), ::testing::HasSubstr((home / "file").string()));
}

}  // namespace
}  // namespace rotv
