#include "sync/remote/unnamed_objects.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ctime>

#include "sync/remote/directory_place.h"
#include "sync/remote/object_hash.h"
#include "sync/remote/segment_object.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::remote {
namespace {

constexpr int64_t kAnHour = 3600;

class UnnamedObjectsTest : public ::testing::Test {
 protected:
  // An object that was written so many hours ago.
  proto::RemoteObject Write(const std::string& bytes, int64_t hours) {
    proto::RemoteObject object;
    object.set_hash(HashOf(bytes));
    object.set_bytes(bytes.size());
    place_->WriteObject(NameOf(object), bytes);
    SetAge(object, hours);
    return object;
  }
  void SetAge(const proto::RemoteObject& object, int64_t hours) {
    const timespec time{.tv_sec = std::time(nullptr) - hours * kAnHour, .tv_nsec = 0};
    const timespec times[2] = {time, time};
    ASSERT_EQ(utimensat(AT_FDCWD, PathOf(object).c_str(), times, 0), 0);
  }
  std::filesystem::path PathOf(const proto::RemoteObject& object) const {
    return directory_ / "remote" / "objects" / NameOf(object);
  }
  bool IsThere(const proto::RemoteObject& object) const { return std::filesystem::exists(PathOf(object)); }

  static proto::RemoteHead HeadNaming(const proto::RemoteObject& object) {
    proto::RemoteHead head;
    *head.mutable_base()->add_objects() = object;
    return head;
  }

  const testing::TempDir directory_;
  const std::unique_ptr<RemotePlace> place_ = OpenDirectory(directory_ / "remote", Purpose::kPublish);
};

TEST_F(UnnamedObjectsTest, WhatIsOldAndUnnamedIsRemoved) {
  const proto::RemoteObject named = Write("named", 100), old = Write("old", 49), young = Write("young", 23);
  const proto::RemoteObject beside_it = Write("not so old", 25);
  proto::RemoteObject changed = old;
  changed.set_bytes(old.bytes() + 1);
  testing::WriteFile(directory_ / "remote" / "objects" / "somebody else's", "x");
  ASSERT_TRUE(place_->ReplaceHead(std::nullopt, "head"));
  const proto::RemoteHead head = HeadNaming(named);
  ListedObjects objects(*place_, head);
  EXPECT_TRUE(objects.Has(old));
  EXPECT_FALSE(objects.Has(changed));
  EXPECT_EQ(objects.RemoveUnnamed("head", head), 2U);
  EXPECT_TRUE(IsThere(named));
  EXPECT_FALSE(IsThere(beside_it));
  EXPECT_FALSE(IsThere(old));
  EXPECT_TRUE(IsThere(young));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "remote" / "objects" / "somebody else's"));
}

TEST_F(UnnamedObjectsTest, WhatAnotherPublicationHasTakenUpMeanwhileStays) {
  const proto::RemoteObject left = Write("left by a killed run", 49), old = Write("old", 49);
  ASSERT_TRUE(place_->ReplaceHead(std::nullopt, "head"));
  const proto::RemoteHead head;
  ListedObjects objects(*place_, head);
  // It is about to name this one.
  place_->KeepObject(NameOf(left));
  EXPECT_EQ(objects.RemoveUnnamed("head", head), 1U);
  EXPECT_TRUE(IsThere(left));
  EXPECT_FALSE(IsThere(old));
  // It has published: what its head names is not known here.
  SetAge(left, 49);
  ListedObjects again(*place_, head);
  ASSERT_TRUE(place_->ReplaceHead("head", "another head"));
  EXPECT_EQ(again.RemoveUnnamed("head", head), 0U);
  EXPECT_TRUE(IsThere(left));
}

TEST_F(UnnamedObjectsTest, ALittleWaitsUntilThereIsMuch) {
  ASSERT_TRUE(place_->ReplaceHead(std::nullopt, "head"));
  for (int count = 1; count <= 99; ++count) Write(std::to_string(count), 25);
  EXPECT_EQ(ListedObjects(*place_, std::nullopt).RemoveUnnamed("head", {}), 0U);
  Write("100", 25);
  EXPECT_EQ(ListedObjects(*place_, std::nullopt).RemoveUnnamed("head", {}), 100U);
}

TEST_F(UnnamedObjectsTest, WhatIsGoneCannotBeKept) {
  const proto::RemoteObject object = Write("an object", 25);
  EXPECT_TRUE(place_->KeepObject(NameOf(object)));
  std::filesystem::remove(PathOf(object));
  EXPECT_FALSE(place_->KeepObject(NameOf(object)));
}

TEST_F(UnnamedObjectsTest, WhatAnotherPublicationMayBeRemovingIsNotNamedAgain) {
  const proto::RemoteObject named = Write("named", 100), young = Write("young", 21), old = Write("old", 23);
  proto::RemoteObject missing;
  missing.set_hash(HashOf("missing"));
  const ListedObjects objects(*place_, HeadNaming(named));
  EXPECT_TRUE(objects.MayBeNamed(named));
  EXPECT_TRUE(objects.MayBeNamed(young));
  EXPECT_TRUE(objects.MayBeNamed(missing));
  EXPECT_FALSE(objects.MayBeNamed(old));
}

}  // namespace
}  // namespace rotv::remote
