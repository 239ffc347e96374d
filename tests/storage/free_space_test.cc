#include "storage/free_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/error.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

TEST(FreeSpaceTest, IsThatOfTheDirectoryThatThePathWillBeIn) {
  const testing::TempDir directory;
  const std::optional<FreeSpace> there = FreeSpaceOf(directory.path());
  const std::optional<FreeSpace> later = FreeSpaceOf(directory / "not/yet");
  ASSERT_TRUE(there && later);
  EXPECT_EQ(there->reserve, later->reserve);
  EXPECT_GT(there->reserve, 0U);
  EXPECT_LE(there->reserve, uint64_t{64} << 20);
}

TEST(FreeSpaceTest, WhatDoesNotFitBesideTheReserveIsRefusedWithTheNumbers) {
  const testing::TempDir directory;
  RequireFreeSpace(directory.path(), 1);
  try {
    RequireFreeSpace(directory.path(), uint64_t{1} << 62);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDisk);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("the disk is nearly full"));
    EXPECT_THAT(error.hint(), ::testing::HasSubstr(directory.path().string()));
  }
}

TEST(FreeSpaceTest, NothingIsUsableInTheReserve) {
  EXPECT_EQ((FreeSpace{.free = 10, .reserve = 20}.usable()), 0U);
  EXPECT_EQ((FreeSpace{.free = 30, .reserve = 20}.usable()), 10U);
}

}  // namespace
}  // namespace rotv
