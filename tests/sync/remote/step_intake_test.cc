#include "sync/remote/step_intake.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "storage/atomic_file.h"
#include "sync/remote/segment_object.h"
#include "tests/support/no_progress.h"
#include "tests/sync/remote/small_history.h"

namespace rotv::remote {
namespace {

using testing::CodeOf;

// Nothing has to come from there: objects are in the fetch's directory already.
class NoPlace : public RemotePlace {
 public:
  const std::string& description() const override { return description_; }
  std::optional<std::string> ReadHead() override { return std::nullopt; }
  bool ReplaceHead(const std::optional<std::string>&, std::string_view) override { return false; }
  std::string ReadObject(const std::string&, uint64_t) override { throw Error(ErrorCode::kUnreachable, "away", ""); }
  bool KeepObject(const std::string&) override { return true; }
  void WriteObject(const std::string&, std::string_view) override {}
  std::vector<Listed> ListObjects() override { return {}; }
  bool RemoveObject(const std::string&) override { return true; }

 private:
  const std::string description_ = "no place";
};

class StepIntakeTest : public ::testing::Test {
 protected:
  static constexpr int kObjects = 30;
  static constexpr int kRowsOfObject = 20;

  // All but the first object have rows and transactions alone; `wrong` has a row under another one's key.
  void Publish(int wrong = -1) {
    head_ = HeadOfSegment();
    for (int i = 0; i < kObjects; ++i) {
      proto::Segment segment = GoodSegment();
      segment.clear_rows();
      if (i > 0) segment.clear_shapes(), segment.clear_schemas();
      segment.mutable_transactions(0)->set_commit_lsn(kBaseline + static_cast<uint64_t>(i));
      proto::SegmentRows* rows = segment.add_rows();
      rows->set_table(1);
      rows->set_epoch(1);
      for (int n = 0; n < kRowsOfObject; ++n) {
        const std::string line = fmt::format("{}\tvalue", i * kRowsOfObject + n);
        proto::SegmentRow* row = rows->add_rows();
        row->set_key(i == wrong ? KeyOf("-1\tx") : KeyOf(line));
        row->set_commit_lsn(kBaseline - 1);
        row->set_shape(1);
        row->set_line(line);
      }
      const PackedSegment packed = PackSegment(segment, nullptr);
      *head_.mutable_base()->add_objects() = packed.object;
      std::filesystem::create_directories(fetched());
      WriteNewFile(fetched() / NameOf(packed.object), packed.bytes);
    }
  }

  std::unique_ptr<RowStore> Take(size_t threads) {
    std::unique_ptr<RowStore> store =
        RowStore::Open(directory_ / fmt::format("{}", ++stores_), RowStore::Mode::kCreate);
    const StoreState state = StoreState::OfRemote(head_.state(), {});
    store->Publish(state, {});
    StepReader reader(*store, head_, StepReader::Into::kNewStore, interrupt_);
    const Steps steps = {&head_.base()};
    std::vector<const proto::RemoteObject*> objects;
    for (const proto::RemoteObject& object : head_.base().objects()) objects.push_back(&object);
    ObjectFetch fetch({.place = place_, .objects = objects, .directory = fetched()}, interrupt_);
    versions_ = TakeSteps(
        {.steps = steps, .fetch = fetch, .store = *store, .reader = reader, .place = "no place", .threads = threads},
        progress_);
    reader.Finish(state);
    return store;
  }

  std::filesystem::path fetched() const { return directory_ / "fetched"; }

  const testing::TempDir directory_;
  const Interrupt interrupt_{};
  testing::NoProgress progress_;
  NoPlace place_;
  proto::RemoteHead head_;
  uint64_t versions_ = 0;
  int stores_ = 0;
};

TEST_F(StepIntakeTest, SeveralThreadsTakeWhatOneTakes) {
  Publish();
  for (const size_t threads : {1, 2, 2, 2, 5, 5, 5}) {
    SCOPED_TRACE(threads);
    const std::unique_ptr<RowStore> store = Take(threads);
    EXPECT_EQ(versions_, static_cast<uint64_t>(kObjects * kRowsOfObject));
    const auto scan = store->ScanAt({.table = 1, .epoch = 1, .lsn = Lsn(kHead)});
    for (int i = 0; i < kObjects * kRowsOfObject; ++i) {
      ASSERT_TRUE(scan->Next());
      ASSERT_EQ(scan->line(), fmt::format("{}\tvalue", i));
    }
    EXPECT_FALSE(scan->Next());
    // The log is in order only if each object has waited for its turn.
    std::vector<uint64_t> log;
    store->VisitLog(Lsn(), [&](const proto::Transaction& transaction) {
      log.push_back(transaction.commit_lsn());
      return true;
    });
    ASSERT_EQ(log.size(), static_cast<size_t>(kObjects));
    for (int i = 0; i < kObjects; ++i) EXPECT_EQ(log[static_cast<size_t>(i)], kBaseline + static_cast<uint64_t>(i));
  }
}

TEST_F(StepIntakeTest, WhatOneThreadRefusesEndsAll) {
  for (const int wrong : {0, 1, kObjects / 2, kObjects - 1}) {
    SCOPED_TRACE(wrong);
    std::filesystem::remove_all(fetched());
    Publish(wrong);
    for (const size_t threads : {1, 4}) EXPECT_EQ(CodeOf([&] { Take(threads); }), ErrorCode::kCorrupt);
  }
}

TEST_F(StepIntakeTest, AnObjectThatCannotBeReadEndsAll) {
  Publish();
  std::filesystem::remove(fetched() / NameOf(head_.base().objects(kObjects / 2)));
  for (const size_t threads : {1, 4}) EXPECT_EQ(CodeOf([&] { Take(threads); }), ErrorCode::kUnreachable);
}

}  // namespace
}  // namespace rotv::remote
