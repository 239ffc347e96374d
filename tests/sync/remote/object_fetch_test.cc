#include "sync/remote/object_fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "sync/remote/object_hash.h"
#include "sync/remote/segment_object.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/files/thrown.h"

namespace rotv::remote {
namespace {

using testing::CodeOf;

// A place in memory, which counts how often each object is read, and can be broken.
class MemoryPlace : public RemotePlace {
 public:
  proto::RemoteObject Add(const std::string& bytes) {
    proto::RemoteObject object;
    object.set_hash(HashOf(bytes));
    object.set_bytes(bytes.size());
    object.set_raw_bytes(1);
    objects_[NameOf(object)] = bytes;
    return object;
  }
  void Break(const std::string& name) { broken_.insert(name); }
  void Mend() { broken_.clear(); }
  void Damage(const std::string& name) { objects_[name].front() ^= 1; }
  int Reads(const std::string& name) { return reads_[name]; }

  const std::string& description() const override { return description_; }
  std::optional<std::string> ReadHead() override { return std::nullopt; }
  bool ReplaceHead(const std::optional<std::string>&, std::string_view) override { return false; }
  std::string ReadObject(const std::string& name, uint64_t) override {
    const std::lock_guard lock(mutex_);
    if (broken_.count(name) > 0) throw Error(ErrorCode::kUnreachable, "the place is away", "");
    ++reads_[name];
    return objects_.at(name);
  }
  bool KeepObject(const std::string&) override { return true; }
  void WriteObject(const std::string&, std::string_view) override {}
  std::vector<Listed> ListObjects() override { return {}; }
  bool RemoveObject(const std::string&) override { return true; }

 private:
  const std::string description_ = "a place";
  std::mutex mutex_;
  std::map<std::string, std::string> objects_;
  std::map<std::string, int> reads_;
  std::set<std::string> broken_;
};

class ObjectFetchTest : public ::testing::Test {
 protected:
  static constexpr size_t kObjects = 40;

  ObjectFetchTest() {
    for (size_t i = 0; i < kObjects; ++i) {
      contents_.push_back(std::string(1 + i * 97 % 1'000, 'x') + std::to_string(i));
      objects_.push_back(place_.Add(contents_.back()));
    }
    for (const proto::RemoteObject& object : objects_) wanted_.push_back(&object);
  }

  std::string Name(size_t index) const { return NameOf(objects_[index]); }
  ObjectFetch Fetch() {
    return ObjectFetch({.place = place_, .objects = wanted_, .directory = directory()}, interrupt_);
  }
  std::filesystem::path directory() const { return temporary_ / "fetched objects"; }
  void TakeAll(ObjectFetch* fetch) const {
    for (const std::string& content : contents_) ASSERT_EQ(fetch->Next(), content);
  }

  const testing::TempDir temporary_;
  const Interrupt interrupt_;
  MemoryPlace place_;
  std::vector<std::string> contents_;
  std::vector<proto::RemoteObject> objects_;
  std::vector<const proto::RemoteObject*> wanted_;
};

TEST_F(ObjectFetchTest, ObjectsComeInTheirOrderAndAreReadOnce) {
  ObjectFetch fetch = Fetch();
  TakeAll(&fetch);
  uint64_t bytes = 0;
  for (const proto::RemoteObject& object : objects_) bytes += object.bytes();
  EXPECT_EQ(fetch.received_bytes(), bytes);
  EXPECT_EQ(fetch.found_bytes(), 0U);
  for (size_t i = 0; i < kObjects; ++i) EXPECT_EQ(place_.Reads(Name(i)), 1);
}

TEST_F(ObjectFetchTest, WhatABrokenFetchHasReadIsUsedByTheNext) {
  constexpr size_t kBroken = 20;
  place_.Break(Name(kBroken));
  {
    ObjectFetch fetch = Fetch();
    // Those before it need not all be given.
    EXPECT_EQ(CodeOf([&] {
                for (size_t i = 0; i <= kBroken; ++i) EXPECT_EQ(fetch.Next(), contents_[i]);
              }),
              ErrorCode::kUnreachable);
  }
  place_.Mend();
  WriteNewFile(directory() / "of another head", "x");
  ObjectFetch fetch = Fetch();
  EXPECT_GT(fetch.found_bytes(), 0U);
  EXPECT_FALSE(std::filesystem::exists(directory() / "of another head"));
  TakeAll(&fetch);
  for (size_t i = 0; i < kObjects; ++i) EXPECT_EQ(place_.Reads(Name(i)), 1) << i;
}

// Two steps may have the same values of sequences, and nothing else.
TEST_F(ObjectFetchTest, AnObjectThatComesTwiceIsReadOnce) {
  std::vector<const proto::RemoteObject*> twice;
  for (const proto::RemoteObject& object : objects_) twice.insert(twice.end(), {&object, &object});
  wanted_ = twice;
  ObjectFetch fetch = Fetch();
  for (const std::string& content : contents_) {
    ASSERT_EQ(fetch.Next(), content);
    ASSERT_EQ(fetch.Next(), content);
  }
  for (size_t i = 0; i < kObjects; ++i) EXPECT_EQ(place_.Reads(Name(i)), 1);
}

TEST_F(ObjectFetchTest, AFileThatACrashHasCutOrFilledWithZerosIsReadAgain) {
  std::filesystem::create_directory(directory());
  WriteNewFile(directory() / Name(3), contents_[3].substr(1));
  WriteNewFile(directory() / Name(4), std::string(contents_[4].size(), '\0'));
  WriteNewFile(directory() / Name(5), contents_[5]);
  ObjectFetch fetch = Fetch();
  TakeAll(&fetch);
  EXPECT_EQ(place_.Reads(Name(3)), 1);
  EXPECT_EQ(place_.Reads(Name(4)), 1);
  EXPECT_EQ(place_.Reads(Name(5)), 0);
}

TEST_F(ObjectFetchTest, ADamagedObjectIsRefusedAndNotKept) {
  place_.Damage(Name(0));
  {
    ObjectFetch fetch = Fetch();
    EXPECT_EQ(CodeOf([&] { fetch.Next(); }), ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(std::filesystem::exists(directory() / Name(0)));
}

TEST_F(ObjectFetchTest, WhatHasNoRoomOnTheDiskIsNotBegun) {
  proto::RemoteObject huge = objects_[0];
  huge.set_hash(HashOf("huge"));
  huge.set_bytes(uint64_t{1} << 60);
  wanted_.push_back(&huge);
  EXPECT_EQ(CodeOf([&] { Fetch(); }), ErrorCode::kDisk);
  EXPECT_EQ(place_.Reads(Name(1)), 0);
}

}  // namespace
}  // namespace rotv::remote
