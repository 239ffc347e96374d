#include "sync/remote/step_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/remote/head_object.h"
#include "sync/remote/segment_object.h"
#include "sync/remote/step_path.h"
#include "tests/sync/remote/small_history.h"

namespace rotv::remote {
namespace {

using testing::CodeOf;

class StepReaderTest : public ::testing::Test {
 protected:
  static void TakeSegment(RowStore& store, StepReader& reader, const proto::Segment& segment) {
    const PackedSegment packed = PackSegment(segment, nullptr);
    const UnpackedSegment unpacked = UnpackSegment(packed.object, packed.bytes, "x", nullptr);
    RowIntake rows(store, reader.epochs());
    rows.Take(unpacked, reader.Take(unpacked));
    rows.Flush();
  }

  // Takes a segment into a new store in `directory`.
  std::unique_ptr<RowStore> TakeInto(const testing::TempDir& directory, const proto::Segment& segment) {
    std::unique_ptr<RowStore> store = RowStore::Open(directory / "store", RowStore::Mode::kCreate);
    const proto::RemoteHead head = HeadOfSegment();
    const StoreState state = StoreState::OfRemote(head.state(), {});
    store->Publish(state, {});
    StepReader reader(*store, head, StepReader::Into::kNewStore, interrupt_);
    reader.Begin(head.base());
    TakeSegment(*store, reader, segment);
    reader.Finish(state);
    return store;
  }

  void Take(const proto::Segment& segment) {
    const testing::TempDir directory;
    const std::unique_ptr<RowStore> store = TakeInto(directory, segment);
    const auto scan = store->ScanAt({.table = 1, .epoch = 1, .lsn = Lsn(kHead)});
    ASSERT_TRUE(scan->Next());
    EXPECT_EQ(scan->line(), "1\tnew");
    EXPECT_FALSE(scan->Next());
    const auto older = store->ScanAt({.table = 1, .epoch = 1, .lsn = Lsn(kBaseline)});
    ASSERT_TRUE(older->Next());
    EXPECT_EQ(older->line(), "1\told");
  }

  Interrupt interrupt_;
};

TEST_F(StepReaderTest, AHistoryIsTaken) { Take(GoodSegment()); }

TEST_F(StepReaderTest, WhatNoPublisherWritesIsRefused) {
  using Change = std::function<void(proto::Segment&)>;
  const std::pair<const char*, Change> cases[] = {
      {"a shape without a number", [](auto& s) { s.mutable_shapes(0)->set_id(0); }},
      {"two shapes with one number",
       [](auto& s) {
         *s.add_shapes() = s.shapes(0);
         s.mutable_shapes(1)->add_columns();
       }},
      {"no shape", [](auto& s) { s.clear_shapes(); }},
      {"a value of a column that ends a line",
       [](auto& s) { s.mutable_shapes(0)->mutable_columns(0)->set_missing("\n"); }},
      {"no schema", [](auto& s) { s.clear_schemas(); }},
      {"a schema of later", [](auto& s) { s.mutable_schemas(0)->set_lsn(kHead + 1); }},
      {"a command of psql in the schema",
       [](auto& s) { s.mutable_schemas(0)->mutable_schema()->mutable_pre_data()->append("\\! id\n"); }},
      {"a name that is none",
       [](auto& s) { s.mutable_schemas(0)->mutable_schema()->mutable_tables(0)->set_quoted_name("a; DROP"); }},
      {"a key of a column that is not there",
       [](auto& s) { s.mutable_schemas(0)->mutable_schema()->mutable_tables(0)->set_key_columns(0, 9); }},
      {"a transaction of later", [](auto& s) { s.mutable_transactions(0)->set_commit_lsn(kHead); }},
      {"transactions out of order",
       [](auto& s) {
         *s.add_transactions() = s.transactions(0);
         s.mutable_transactions(1)->set_commit_lsn(0x110);
       }},
      {"a row of an unknown kind",
       [](auto& s) { s.mutable_rows(0)->mutable_rows(0)->set_kind(static_cast<proto::SegmentRowKind>(7)); }},
      {"a row of later", [](auto& s) { s.mutable_rows(0)->mutable_rows(0)->set_commit_lsn(kHead); }},
      {"one row twice", [](auto& s) { *s.mutable_rows(0)->add_rows() = s.rows(0).rows(0); }},
      {"a line that ends the rows", [](auto& s) { s.mutable_rows(0)->mutable_rows(0)->set_line("\\."); }},
      {"a line with another line in it", [](auto& s) { s.mutable_rows(0)->mutable_rows(0)->set_line("1\tx\n2\ty"); }},
      {"a line with a column less", [](auto& s) { s.mutable_rows(0)->mutable_rows(0)->set_line("1"); }},
      {"a row under another one's key", [](auto& s) { s.mutable_rows(0)->mutable_rows(0)->set_line("2\tnew"); }},
      {"a row of a shape that is not there", [](auto& s) { s.mutable_rows(0)->mutable_rows(0)->set_shape(7); }},
  };
  for (const auto& [name, change] : cases) {
    SCOPED_TRACE(name);
    proto::Segment segment = GoodSegment();
    change(segment);
    EXPECT_EQ(CodeOf([&] { Take(segment); }), ErrorCode::kCorrupt);
  }
}

TEST_F(StepReaderTest, RowsOfAnEpochThatGcHasForgottenAreLeftOut) {
  proto::Segment segment = GoodSegment();
  *segment.add_rows() = segment.rows(0);
  segment.mutable_rows(1)->set_epoch(2);
  *segment.add_rows() = segment.rows(0);
  segment.mutable_rows(2)->set_table(2);
  Take(segment);
}

// A reader from a transaction's LSN finds all of its pieces, also those that are in the chunk before.
TEST_F(StepReaderTest, ATransactionThatGoesOnInAnotherChunkIsRead) {
  proto::Segment segment = GoodSegment();
  segment.clear_transactions();
  const auto add = [&](uint64_t lsn, size_t bytes, bool continued) {
    proto::Transaction* transaction = segment.add_transactions();
    transaction->set_commit_lsn(lsn);
    transaction->set_continued(continued);
    transaction->add_changes()->set_keys(std::string(bytes, '\0'));
  };
  add(0x110, 10, false);
  add(0x120, 300'000, true);
  add(0x120, 300'000, true);
  add(0x120, 10, false);
  const testing::TempDir directory;
  const std::unique_ptr<RowStore> store = TakeInto(directory, segment);
  int pieces = 0;
  store->VisitLog(Lsn(0x120), [&](const proto::Transaction&) { return ++pieces > 0; });
  EXPECT_EQ(pieces, 3);
}

// Takes a step into a store that has all of GoodSegment(), and gives what is there then.
class OverlapTest : public StepReaderTest {
 protected:
  void TakeStep(const proto::RemoteStep& step, const proto::Segment& segment) {
    const testing::TempDir directory;
    const std::unique_ptr<RowStore> store = TakeInto(directory, GoodSegment());
    proto::RemoteHead head = HeadOfSegment();
    head.set_number(2);
    head.mutable_state()->set_durable_lsn(0x300);
    head.mutable_state()->set_head_lsn(0x300);
    StoreState state = store->state();
    state.BeginPull();
    store->Publish(state, {});
    StepReader reader(*store, head, StepReader::Into::kFormerState, interrupt_);
    reader.Begin(step);
    TakeSegment(*store, reader, segment);
    state = store->state();
    state.EndPullFromRemote(head.state(), {});
    reader.Finish(state);
    for (const auto& [lsn, line] :
         {std::pair<uint64_t, const char*>{kBaseline, "1\told"}, {kHead, "1\tnew"}, {0x300, "1\tnewest"}}) {
      const auto scan = store->ScanAt({.table = 1, .epoch = 1, .lsn = Lsn(lsn)});
      ASSERT_TRUE(scan->Next());
      EXPECT_EQ(scan->line(), line);
    }
    store->VisitLog(Lsn(), [&](const proto::Transaction& transaction) {
      log_.push_back(transaction.commit_lsn());
      return true;
    });
    schemas_ = store->SchemaLsns().size();
  }

  static proto::RemoteStep Step(uint64_t from_lsn) {
    proto::RemoteStep step;
    step.mutable_from()->set_durable_lsn(from_lsn);
    step.mutable_from()->set_head_lsn(from_lsn);
    step.mutable_to()->set_number(2);
    step.mutable_to()->set_durable_lsn(0x300);
    step.mutable_to()->set_head_lsn(0x300);
    return step;
  }

  // What GoodSegment() has and what comes after it, as a publisher's longer step would have it; but what it has of
  // before is something else here, which would show.
  static proto::Segment LongSegment() {
    proto::Segment segment = GoodSegment();
    segment.mutable_schemas(0)->mutable_schema()->mutable_pre_data()->append("-- other\n");
    segment.mutable_transactions(0)->set_xid(99);
    segment.add_transactions()->set_commit_lsn(0x280);
    proto::SegmentRows* rows = segment.mutable_rows(0);
    for (proto::SegmentRow& row : *rows->mutable_rows()) row.set_line("1\tother");
    proto::SegmentRow newest = rows->rows(0);
    newest.set_commit_lsn(0x280);
    newest.set_line("1\tnewest");
    *rows->add_rows() = newest;
    return segment;
  }

  std::vector<uint64_t> log_;
  size_t schemas_ = 0;
};

TEST_F(OverlapTest, AStepThatBeginsBeforeTheStateChangesNothingThatIsVisible) {
  TakeStep(Step(0), LongSegment());
  EXPECT_THAT(log_, ::testing::ElementsAre(0x180, 0x280));
  EXPECT_EQ(schemas_, 1U);
}

TEST_F(OverlapTest, WhatIsOutsideOfItsStepIsRefused) {
  EXPECT_EQ(CodeOf([&] { TakeStep(Step(0x110), LongSegment()); }), ErrorCode::kCorrupt);  // The schema, at 0x100.
  proto::Segment segment = LongSegment();
  segment.clear_schemas();
  segment.clear_transactions();
  EXPECT_EQ(CodeOf([&] { TakeStep(Step(0x110), segment); }), ErrorCode::kCorrupt);  // A row of 0xFF.
  segment.clear_rows();
  segment.add_transactions()->set_commit_lsn(0x108);
  EXPECT_EQ(CodeOf([&] { TakeStep(Step(0x110), segment); }), ErrorCode::kCorrupt);
}

// The segment as its publisher wrote it.
std::string TextOf(const UnpackedSegment& unpacked) {
  proto::Segment segment = unpacked.descriptions();
  for (const std::string_view rows : unpacked.rows()) segment.add_rows()->ParseFromString(std::string(rows));
  return segment.SerializeAsString();
}

TEST(RemoteObjectTest, IsWhatItsHashSays) {
  const PackedSegment packed = PackSegment(GoodSegment(), nullptr);
  EXPECT_TRUE(IsObject(packed.object, packed.bytes));
  std::string flipped = packed.bytes;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
  EXPECT_FALSE(IsObject(packed.object, flipped));
  EXPECT_FALSE(IsObject(packed.object, packed.bytes.substr(1)));
  EXPECT_EQ(TextOf(UnpackSegment(packed.object, packed.bytes, "x", nullptr)), GoodSegment().SerializeAsString());
  proto::RemoteObject smaller = packed.object;
  smaller.set_raw_bytes(packed.object.raw_bytes() - 1);
  EXPECT_EQ(CodeOf([&] { UnpackSegment(smaller, packed.bytes, "x", nullptr); }), ErrorCode::kCorrupt);
}

TEST(RemoteObjectTest, IsReadWithItsKeyAlone) {
  const TeamKey key(TeamKey::NewText(), "x"), other(TeamKey::NewText(), "x");
  const PackedSegment packed = PackSegment(GoodSegment(), &key);
  EXPECT_EQ(TextOf(UnpackSegment(packed.object, packed.bytes, "x", &key)), GoodSegment().SerializeAsString());
  EXPECT_EQ(CodeOf([&] { UnpackSegment(packed.object, packed.bytes, "x", &other); }), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf([&] { UnpackSegment(packed.object, packed.bytes, "x", nullptr); }), ErrorCode::kCorrupt);
  // Its name tells nobody what is in it, who does not have the key.
  EXPECT_NE(NameOf(packed.object), NameOf(PackSegment(GoodSegment(), &other).object));
  EXPECT_EQ(NameOf(packed.object), NameOf(PackSegment(GoodSegment(), &key).object));
  const PackedSegment open = PackSegment(GoodSegment(), nullptr);
  EXPECT_EQ(CodeOf([&] { UnpackSegment(open.object, open.bytes, "x", &key); }), ErrorCode::kCorrupt);
}

TEST(RemoteHeadTest, IsReadWithItsKeyAlone) {
  const TeamKey key(TeamKey::NewText(), "x"), other(TeamKey::NewText(), "x");
  const proto::RemoteHead head = HeadOfSegment();
  const std::string bytes = PackHead(head, &key, nullptr);
  EXPECT_EQ(ParseHead(bytes, "x", &key).SerializeAsString(), head.SerializeAsString());
  EXPECT_EQ(CodeOf([&] { ParseHead(bytes, "x", &other); }), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf([&] { ParseHead(bytes, "x", nullptr); }), ErrorCode::kUsage);
  // One that somebody else has put there.
  EXPECT_EQ(CodeOf([&] { ParseHead(PackHead(head, nullptr, nullptr), "x", &key); }), ErrorCode::kCorrupt);
}

TEST(RemoteHeadTest, AnyDamageIsFound) {
  const TeamKey team_key(TeamKey::NewText(), "x");
  for (const TeamKey* key : {static_cast<const TeamKey*>(nullptr), &team_key}) {
    const proto::RemoteHead head = HeadOfSegment();
    const std::string bytes = PackHead(head, key, nullptr);
    EXPECT_EQ(ParseHead(bytes, "x", key).SerializeAsString(), head.SerializeAsString());
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 1);
      const ErrorCode code = CodeOf([&] { ParseHead(damaged, "x", key); });
      EXPECT_TRUE(code == ErrorCode::kCorrupt || code == ErrorCode::kUsage) << i;
      EXPECT_EQ(CodeOf([&] { ParseHead(bytes.substr(0, i), "x", key); }), ErrorCode::kCorrupt) << i;
    }
  }
}

TEST(RemoteHeadTest, PartsThatDoNotBelongTogetherAreRefused) {
  using Change = std::function<void(proto::RemoteHead&)>;
  const std::pair<const char*, Change> cases[] = {
      {"no base", [](auto& head) { head.clear_base(); }},
      {"a base of later", [](auto& head) { head.mutable_base()->mutable_to()->set_number(2); }},
      {"another generation", [](auto& head) { head.set_generation(std::string(32, 'x')); }},
      {"a step is missing", [](auto& head) { head.set_number(2); }},
      {"a step that leads nowhere",
       [](auto& head) {
         *head.add_changes()->mutable_from() = MarkOf(head);
         *head.mutable_changes(0)->mutable_to() = MarkOf(head);
       }},
      {"a step to later than its end",
       [](auto& head) {
         *head.add_changes()->mutable_from() = MarkOf(head);
         *head.mutable_changes(0)->mutable_to() = MarkOf(head);
         head.mutable_changes(0)->mutable_to()->set_number(2);
       }},
      {"a step whose end is another publication's",
       [](auto& head) {
         *head.add_changes()->mutable_from() = MarkOf(head);
         head.set_number(2);
         *head.mutable_changes(0)->mutable_to() = MarkOf(head);
         head.mutable_changes(0)->mutable_to()->set_durable_lsn(kHead - 1);
       }},
      {"a publication of two states",
       [](auto& head) {
         *head.add_changes()->mutable_from() = MarkOf(head);
         head.set_number(2);
         *head.mutable_changes(0)->mutable_to() = MarkOf(head);
         head.mutable_changes(0)->mutable_from()->set_head_lsn(kHead - 1);
       }},
      {"its head is later than its end", [](auto& head) { head.mutable_state()->set_head_lsn(kHead + 1); }},
      {"an object without a hash", [](auto& head) { head.mutable_base()->add_objects()->set_raw_bytes(1); }},
      {"a baseline that has not ended", [](auto& head) { head.mutable_state()->set_unfinished(true); }},
  };
  for (const auto& [name, change] : cases) {
    SCOPED_TRACE(name);
    proto::RemoteHead head = HeadOfSegment();
    change(head);
    EXPECT_EQ(CodeOf([&] { ParseHead(PackHead(head, nullptr, nullptr), "x", nullptr); }), ErrorCode::kCorrupt);
  }
  proto::RemoteHead later = HeadOfSegment();
  later.set_format(kRemoteFormat + 1);
  EXPECT_EQ(CodeOf([&] { ParseHead(PackHead(later, nullptr, nullptr), "x", nullptr); }), ErrorCode::kUsage);
}

}  // namespace
}  // namespace rotv::remote
