#include "sync/compare/digests_ahead.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/interrupt.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using compare::DigestsAhead;
using compare::TableDigest;
using testing::Put;

constexpr EpochNumber kEpoch = 1;

// A store of two tables at LSN 100, each with a row of LSN 50.
class DigestsAheadTest : public ::testing::Test {
 protected:
  DigestsAheadTest() {
    RowStore::Addition addition;
    for (TableId id : {TableId{1}, TableId{2}}) {
      proto::Shape shape;
      shape.set_id(id);
      shape.set_table(id);
      shape.add_columns()->set_number(1);
      addition.shapes.push_back(shape);
      proto::Table* table = schema_.add_tables();
      table->set_id(id);
      table->set_shape(id);
      table->add_key_is_integer(true);
      table->set_follow(proto::FOLLOW_KEY);
      table->add_key_columns(0);
      proto::TableHistory* history = manifest_.add_tables();
      history->set_table(id);
      history->add_epochs()->set_number(kEpoch);
    }
    addition.schema = {Lsn(1), schema_};
    store_->Publish(testing::StateAt(1), addition);
    WriteAndPublish({Row(1, 50, "one"), Row(2, 50, "two")}, 100);
  }

  static Put Row(TableId table, uint64_t lsn, const std::string& text) {
    return {.id = 1, .lsn = lsn, .text = text, .table = table, .epoch = kEpoch};
  }

  void WriteAndPublish(const std::vector<Put>& rows, uint64_t durable) {
    testing::Write(*store_, rows);
    manifest_.set_durable_lsn(durable);
    manifest_.set_head_lsn(durable);
    store_->Publish(StoreState::FromStored(manifest_), {});
  }

  std::optional<TableDigest> Take(DigestsAhead& ahead, TableId table, EpochNumber epoch = kEpoch) {
    return ahead.Take({.table = schema_.tables(static_cast<int>(table) - 1), .epoch = epoch, .lsn = Lsn(200)});
  }
  TableDigest Now(TableId table) {
    return compare::DigestOf(*store_,
                             {.table = schema_.tables(static_cast<int>(table) - 1), .epoch = kEpoch, .lsn = Lsn(200)},
                             [](uint64_t) {});
  }
  static bool All(const proto::Table& /*table*/) { return true; }

  testing::StoreFixture store_;
  proto::Manifest manifest_ = testing::ManifestAt(1);
  proto::SchemaVersion schema_;
  Interrupt interrupt_;
};

TEST_F(DigestsAheadTest, WhatDidNotChangeIsRead) {
  DigestsAhead ahead(*store_, All, interrupt_);
  ahead.WaitUntilRead();
  WriteAndPublish({Row(2, 150, "changed")}, 200);
  ahead.ComeTo(Lsn(200));
  const std::optional<TableDigest> digest = Take(ahead, 1);
  ASSERT_TRUE(digest);
  EXPECT_EQ(digest->rows(), 1u);
  EXPECT_EQ(digest->groups, Now(1).groups);
  EXPECT_FALSE(Take(ahead, 1)) << "it was taken twice";
}

TEST_F(DigestsAheadTest, WhatChangedSinceIsNotGiven) {
  DigestsAhead ahead(*store_, All, interrupt_);
  ahead.WaitUntilRead();
  WriteAndPublish({Row(2, 150, "changed")}, 200);
  ahead.ComeTo(Lsn(200));
  EXPECT_FALSE(Take(ahead, 2));
}

// gc removes the deleted row and its deletion, so that no version says that the table has changed.
TEST_F(DigestsAheadTest, NothingIsGivenOnceGarbageWasCollected) {
  DigestsAhead ahead(*store_, All, interrupt_);
  ahead.WaitUntilRead();
  Put deletion = Row(2, 150, "");
  deletion.kind = RowVersion::Kind::kTombstone;
  WriteAndPublish({deletion}, 200);
  (void)store_->CollectGarbage(Retention({Lsn(1), Lsn(200)}, Lsn(200)), Lsn(200), 1, [](uint64_t) {});
  ahead.ComeTo(Lsn(200));
  ASSERT_EQ(Now(2).rows(), 0u);
  EXPECT_FALSE(Take(ahead, 2));
}

TEST_F(DigestsAheadTest, AnotherEpochOrDescriptionIsAnotherTable) {
  DigestsAhead ahead(*store_, All, interrupt_);
  ahead.WaitUntilRead();
  ahead.ComeTo(Lsn(100));
  EXPECT_FALSE(Take(ahead, 1, kEpoch + 1));
  schema_.mutable_tables(1)->set_name("renamed");
  EXPECT_FALSE(Take(ahead, 2));
}

TEST_F(DigestsAheadTest, OnlyWhatIsWantedIsRead) {
  DigestsAhead ahead(
      *store_, [](const proto::Table& table) { return table.id() == 2; }, interrupt_);
  ahead.WaitUntilRead();
  ahead.ComeTo(Lsn(100));
  EXPECT_FALSE(Take(ahead, 1));
  EXPECT_TRUE(Take(ahead, 2));
}

// Between two reports a reading cannot be ended.
TEST_F(DigestsAheadTest, LargeRowsAreReportedOneByOne) {
  WriteAndPublish({Row(1, 150, std::string(size_t{17} << 20, 'x'))}, 200);
  std::vector<uint64_t> reports;
  (void)compare::DigestOf(*store_, {.table = schema_.tables(0), .epoch = kEpoch, .lsn = Lsn(200)},
                          [&](uint64_t rows) { reports.push_back(rows); });
  EXPECT_EQ(reports, (std::vector<uint64_t>{1, 0}));
}

TEST_F(DigestsAheadTest, ItEndsWithWhatIsNotTaken) { DigestsAhead ahead(*store_, All, interrupt_); }

}  // namespace
}  // namespace rotv
