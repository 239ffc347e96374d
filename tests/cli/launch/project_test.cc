#include "cli/launch/project.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cli/launch/launch_state.h"
#include "storage/error.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;
using ::testing::MatchesRegex;

class ProjectTest : public ::testing::Test {
 protected:
  fs::path Directory(const std::string& name) const {
    fs::create_directories(top_ / name);
    return top_ / name;
  }
  Project Find(const fs::path& directory, const std::string& name = "") const {
    return FindProject({.home = home_, .directory = directory, .application = directory / "app", .name = name});
  }
  Project Claimed(const fs::path& directory, const std::string& name = "") const {
    Project project = Find(directory, name);
    project.directory = directory;
    ClaimPlace(project);
    return project;
  }
  static void Started(const Project& project) {
    LaunchState state;
    state.directory = project.directory;
    WriteLaunchState(project.place, state);
  }
  ErrorCode RefusalOf(const fs::path& directory, const std::string& name) const {
    try {
      Claimed(directory, name);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kBug;
  }

  const testing::TempDir top_;
  const fs::path home_ = top_ / "home";
};

TEST_F(ProjectTest, TheFirstOneHasTheHomeAndOthersTheirOwnPlaces) {
  const Project shop = Claimed(Directory("shop"));
  EXPECT_EQ(shop.name, "shop");
  EXPECT_EQ(shop.place, home_);
  const Project forum = Claimed(Directory("forum"));
  EXPECT_EQ(forum.name, "forum");
  EXPECT_EQ(forum.place, home_ / "apps/forum");
  EXPECT_EQ(Find(Directory("shop")).place, home_);
  EXPECT_EQ(Find(Directory("forum")).place, forum.place);
  EXPECT_EQ(KnownProjects(home_).size(), 2u);
  EXPECT_EQ(Find(Directory("shop"), "forum").place, forum.place);
  EXPECT_EQ(Find(Directory("shop"), "shop").place, home_) << "its own name is no other one";
}

TEST_F(ProjectTest, ClonesWithTheSameNameAreToldApart) {
  const Project first = Claimed(Directory("a/shop"));
  const Project second = Claimed(Directory("b/shop"));
  EXPECT_EQ(first.name, "shop");
  EXPECT_THAT(second.name, MatchesRegex("shop-[0-9a-f]+"));
  EXPECT_EQ(second.place, home_ / "apps" / second.name);
  EXPECT_EQ(Find(Directory("a/shop")).name, first.name);
  EXPECT_EQ(Find(Directory("b/shop")).name, second.name);
  EXPECT_EQ(RefusalOf(Directory("b/shop"), "shop"), ErrorCode::kUsage) << "the name is the other clone's";
  // What was the first clone's is not the second's once that is gone.
  Started(first);
  fs::remove_all(first.directory);
  EXPECT_EQ(Find(Directory("b/shop")).name, second.name);
}

TEST_F(ProjectTest, ARenamedDirectoryKeepsItsProject) {
  const std::string created = testing::MustRun({.argv = {"stat", "-c", "%w", top_.path()}}).out;
  const Project shop = Claimed(Directory("shop"));
  fs::create_directories(shop.place / "pgdata");
  Claimed(Directory("forum"));
  fs::rename(top_ / "shop", top_ / "store");
  const Project store = Find(top_ / "store");
  if (created == "-\n") {  // This file system does not tell when a directory was created: it may be any other one.
    EXPECT_EQ(store.name, "store");
    return;
  }
  EXPECT_EQ(store.name, "shop");
  EXPECT_EQ(store.place, home_);
  EXPECT_EQ(store.directory, top_ / "store");
  ClaimPlace(store);
  // The old name is free for another directory.
  EXPECT_THAT(Find(Directory("shop")).name, MatchesRegex("shop-[0-9a-f]+"));
}

TEST_F(ProjectTest, ADirectoryMayHaveSeveralByName) {
  const Project shop = Claimed(Directory("shop"));
  const Project other = Claimed(Directory("shop"), "other");
  EXPECT_EQ(other.name, "other");
  EXPECT_EQ(other.place, home_ / "apps/other");
  EXPECT_EQ(Find(Directory("shop")).place, shop.place);
  // A name does not take the place of the first project.
  const testing::TempDir empty;
  const fs::path home = empty / "home";
  EXPECT_EQ(FindProject({.home = home, .directory = Directory("shop"), .application = {}, .name = "x"}).place,
            home / "apps/x");
}

TEST_F(ProjectTest, WhatAnOlderProgramHasStartedIsItsProjects) {
  LaunchState state;
  state.directory = Directory("shop") / "app";
  WriteLaunchState(home_, state);
  EXPECT_EQ(Find(Directory("shop")).place, home_);
  EXPECT_EQ(Find(Directory("shop")).name, "shop");
  EXPECT_EQ(Find(Directory("forum")).place, home_ / "apps/forum");
  Claimed(Directory("shop"));
  RemoveLaunchState(home_);
  EXPECT_EQ(Find(Directory("forum")).place, home_ / "apps/forum");
  // A program that did not even write down the directory.
  RemoveLaunchState(home_);
  fs::remove(home_ / "run/project.json");
  WriteLaunchState(home_, LaunchState());
  EXPECT_EQ(Find(Directory("forum")).place, home_);
}

TEST_F(ProjectTest, WhatIsLeftOfADeletedDirectoryIsForgottenUnlessItHasData) {
  const Project shop = Claimed(Directory("shop"));
  fs::remove_all(shop.directory);
  EXPECT_TRUE(KnownProjects(home_).empty());
  EXPECT_EQ(Find(Directory("forum")).place, home_);
  fs::create_directories(home_ / "pgdata");
  EXPECT_EQ(Find(Directory("forum")).place, home_ / "apps/forum") << "the cluster is not this project's";
}

TEST_F(ProjectTest, NamesFitAFileAndAContainer) {
  EXPECT_EQ(Find(Directory("My Shop (2)")).name, "My-Shop-2-");
  EXPECT_EQ(Find(Directory("...")).name, "app");
  EXPECT_EQ(Find(Directory("größe")).name, "gr-e");
  EXPECT_EQ(Find(Directory(std::string(200, 'x'))).name, std::string(48, 'x'));
  EXPECT_EQ(Find("/").name, "app");
  for (const char* bad : {".hidden", "-x", "a/b", "a b", "..", "ä"}) {
    try {
      Find(Directory("shop"), bad);
      ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage) << bad;
    }
  }
}

TEST_F(ProjectTest, ADamagedRecordIsNobodys) {
  Claimed(Directory("shop"));
  for (const char* text :
       {"", "{}", "[]", R"({"name": "../x", "directory": "/", "identity": "", "is_named": false})"}) {
    testing::WriteFile(home_ / "run/project.json", text);
    EXPECT_TRUE(KnownProjects(home_).empty()) << text;
    EXPECT_EQ(Find(Directory("forum")).place, home_) << text;
  }
}

}  // namespace
}  // namespace rotv::launch
