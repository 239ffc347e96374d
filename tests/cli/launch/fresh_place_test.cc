#include "cli/launch/fresh_place.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/launch/home_content.h"
#include "cli/launch/launch_state.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/no_progress.h"

namespace rotv::launch {
namespace {

using testing::TempDir;

class FreshPlaceTest : public ::testing::Test {
 protected:
  void RemoveLeft() { RemoveLeftFresh(home_.path(), {}, progress_, interrupt_); }
  size_t Places() const {
    return static_cast<size_t>(
        std::distance(std::filesystem::directory_iterator(home_ / "fresh"), std::filesystem::directory_iterator()));
  }

  TempDir home_;
  testing::NoProgress progress_;
  Interrupt interrupt_;
};

TEST_F(FreshPlaceTest, APlaceGoesWithItsOwner) {
  auto first = std::make_unique<FreshPlace>(home_.path(), interrupt_);
  const FreshPlace second(home_.path(), interrupt_);
  EXPECT_NE(first->path(), second.path());
  RemoveLeft();
  EXPECT_EQ(Places(), 2U) << "they are in use";
  first.reset();
  EXPECT_EQ(Places(), 1U);
}

TEST_F(FreshPlaceTest, WhatKilledCommandsHaveLeftIsRemoved) {
  RemoveLeft();  // There is no directory yet.
  const FreshPlace own(home_.path(), interrupt_);
  // One that had begun to start something, one that had not, and one that had not even a lock.
  std::filesystem::create_directories(home_ / "fresh/a/run");
  testing::WriteFile(OwnerFile(home_ / "fresh/a"), "");
  WriteLaunchState(home_ / "fresh/a", {.runtime = "local"});
  std::filesystem::create_directories(home_ / "fresh/b/run");
  testing::WriteFile(OwnerFile(home_ / "fresh/b"), "");
  std::filesystem::create_directories(home_ / "fresh/c");
  RemoveLeft();
  EXPECT_EQ(Places(), 1U);
  EXPECT_TRUE(std::filesystem::exists(own.path()));
}

// Gives what `clean` lists of them: place and reason.
std::map<std::string, std::string> Listed(const std::filesystem::path& home) {
  std::map<std::string, std::string> listed;
  for (const HomeItem& item : HomeContent(home)) {
    if (item.path.parent_path() == home / "fresh")
      listed[item.kind + " " + item.path.filename().string()] = item.needed;
    EXPECT_NE(item.kind, "others") << item.path;
  }
  return listed;
}

TEST_F(FreshPlaceTest, CleanKnowsThemAndFreesThoseThatWereLeft) {
  const FreshPlace own(home_.path(), interrupt_);
  std::filesystem::create_directories(home_ / "fresh/a/run");
  testing::WriteFile(OwnerFile(home_ / "fresh/a"), "");
  testing::WriteFile(home_ / "fresh/a/run/log", "text");
  const std::string running = "scratch " + own.path().filename().string();
  EXPECT_EQ(Listed(home_.path()),
            (std::map<std::string, std::string>{{"scratch a", ""}, {running, "a command runs on it"}}));
  const std::vector<HomeItem> freed = FreeHomeContent(home_.path(), {"scratch"}, {}, progress_, interrupt_);
  ASSERT_EQ(freed.size(), 1U);
  EXPECT_EQ(freed[0].path, home_ / "fresh/a");
  EXPECT_EQ(freed[0].bytes, 4U);
  EXPECT_EQ(Listed(home_.path()).size(), 1U);
}

}  // namespace
}  // namespace rotv::launch
