#include "sync/subset/subset_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/epochs.h"
#include "tests/support/no_progress.h"
#include "tests/sync/store_source.h"

namespace rotv::subset {
namespace {

using rotv::testing::NoProgress;
using ::testing::ElementsAre;

constexpr TableId kTable = 1;

// A table with an integer key, whole in the subset; the source's store has states at 1000 and later.
class SubsetWriterTest : public ::testing::Test {
 protected:
  SubsetWriterTest() {
    rotv::testing::AddTable(&described_, kTable, "t", {{"id", rotv::testing::kInt4Oid}, {"v", rotv::testing::kInt4Oid}},
                            {0});
    rows_.whole = {kTable};
    for (int id = 1; id <= 3; ++id) Put(id, RowVersion::Kind::kRow, 10);
    PublishSource(1000);
    target_ = RowStore::Open(directory_ / "target", RowStore::Mode::kCreate);
    const StoreState baseline = StoreState::AtBaseline({.slot = "x subset y"}, Lsn(1000), {.time_us = 5}, {});
    counts_ = WriteFirstSubset(StateAt(1000), baseline, *target_, progress_, interrupt_);
  }

  void Put(int id, RowVersion::Kind kind, uint64_t commit_lsn, const std::string& value = "7") {
    VersionBuffer buffer(VersionBuffer::Index::kNone);
    const std::string line = std::to_string(id) + "\t" + value;
    const std::string key = rotv::testing::IntegerKey(id);
    buffer.Put({.table = kTable, .epoch = 0, .row_key = key, .commit_lsn = Lsn(commit_lsn)},
               {.kind = kind, .shape = kTable + 1000, .text = line});
    source_->Write(buffer);
  }
  void PublishSource(uint64_t lsn) {
    proto::Manifest manifest = rotv::testing::ManifestAt(lsn);
    rotv::testing::AddHistories(described_.schema, &manifest);
    const bool is_first = source_->state().head_lsn() == Lsn();
    RowStore::Addition addition;
    if (is_first) addition.schema = {Lsn(100), described_.schema};
    if (is_first) addition.shapes = {described_.new_shapes.begin(), described_.new_shapes.end()};
    source_->Publish(StoreState::FromStored(manifest), addition);
  }
  SubsetState StateAt(uint64_t lsn) {
    return {.store = *source_, .lsn = Lsn(lsn), .moment = {.time_us = static_cast<int64_t>(lsn)}, .rows = rows_};
  }
  void Next(uint64_t lsn) { counts_ = WriteNextSubset(StateAt(lsn), *target_, progress_, interrupt_); }

  std::vector<std::string> Lines(uint64_t lsn) const {
    const EpochNumber epoch = EpochsAt(target_->manifest(), Lsn(lsn)).at(kTable);
    std::vector<std::string> lines;
    const auto scan = target_->ScanAt({.table = kTable, .epoch = epoch, .lsn = Lsn(lsn)});
    while (scan->Next()) lines.emplace_back(scan->line());
    return lines;
  }

  rotv::testing::TempDir directory_;
  rotv::testing::StoreFixture source_;
  schema::DescribedSchema described_;
  ChosenRows rows_;
  std::unique_ptr<RowStore> target_;
  NoProgress progress_;
  Interrupt interrupt_;
  WrittenChanges counts_;
};

TEST_F(SubsetWriterTest, OnlyWhatDiffersIsWrittenAsOneTransaction) {
  EXPECT_THAT(Lines(1000), ElementsAre("1\t7", "2\t7", "3\t7"));
  EXPECT_EQ(counts_.rows, 3);
  Put(1, RowVersion::Kind::kRow, 1500, "8");
  Put(1, RowVersion::Kind::kRow, 1600, "9");
  Put(2, RowVersion::Kind::kTombstone, 1600);
  Put(3, RowVersion::Kind::kRow, 1600, "7");
  Put(4, RowVersion::Kind::kRow, 1600);
  PublishSource(2000);
  Next(2000);
  EXPECT_THAT(Lines(2000), ElementsAre("1\t9", "3\t7", "4\t7"));
  EXPECT_THAT(Lines(1000), ElementsAre("1\t7", "2\t7", "3\t7"));
  size_t versions = 0;
  target_->VisitVersions(
      [&](const auto& key, const auto&, size_t) { versions += key.commit_lsn == Lsn(1999) ? 1 : 0; });
  EXPECT_EQ(versions, 3);
  std::vector<uint64_t> logged;
  target_->VisitLog(Lsn(), [&](const proto::Transaction& transaction) {
    const proto::TableChanges& changes = transaction.changes(0);
    logged = {transaction.commit_lsn(), changes.inserted(), changes.updated(), changes.deleted()};
    return true;
  });
  EXPECT_THAT(logged, ElementsAre(1999, 1, 1, 1));
  ASSERT_EQ(target_->manifest().gaps_size(), 1);
  EXPECT_EQ(target_->manifest().gaps(0).after_lsn(), 1000);
  EXPECT_EQ(target_->manifest().gaps(0).before_lsn(), 2000);
}

TEST_F(SubsetWriterTest, RowsThatAnEndedRunHasLeftAreNoneOfTheNext) {
  StoreState state = target_->state();
  state.BeginPull();
  target_->Publish(state, {});
  VersionBuffer left(VersionBuffer::Index::kNone);
  const std::string key = rotv::testing::IntegerKey(9);
  left.Put({.table = kTable, .epoch = target_->state().CurrentEpoch(kTable), .row_key = key, .commit_lsn = Lsn(1999)},
           {.shape = kTable + 1000, .text = "9\t9"});
  target_->Write(left);
  target_.reset();
  target_ = RowStore::Open(directory_ / "target", RowStore::Mode::kReadWrite);
  PublishSource(2000);
  Next(2000);
  EXPECT_THAT(Lines(2000), ElementsAre("1\t7", "2\t7", "3\t7"));
}

// Nobody makes a target again for that.
TEST_F(SubsetWriterTest, DamageOfTheSourceIsToldFromThatOfTheTarget) {
  VersionBuffer buffer(VersionBuffer::Index::kNone);
  const std::string key = rotv::testing::IntegerKey(4);
  buffer.Put({.table = kTable, .epoch = 0, .row_key = key, .commit_lsn = Lsn(1500)},
             {.shape = kTable + 2000, .text = "a shape that there is not"});
  source_->Write(buffer);
  PublishSource(2000);
  EXPECT_THROW(Next(2000), SourceDamaged);
}

// Its rows' keys have other bytes then.
TEST_F(SubsetWriterTest, ATableWithAnotherKeyBeginsAnew) {
  described_.schema.mutable_tables(0)->set_key_is_integer(0, false);
  VersionBuffer buffer(VersionBuffer::Index::kNone);
  buffer.Put({.table = kTable, .epoch = 1, .row_key = "key of 5", .commit_lsn = Lsn(1999)},
             {.shape = kTable + 1000, .text = "5\t5"});
  proto::Manifest manifest = rotv::testing::ManifestAt(2000);
  rotv::testing::AddHistories(described_.schema, &manifest);
  BeginEpoch(*manifest.mutable_tables(0), Lsn(1999));
  const EpochNumber epoch = manifest.tables(0).epochs().rbegin()->number();
  ASSERT_EQ(epoch, 1);
  source_->Write(buffer);
  source_->Publish(StoreState::FromStored(manifest), {.schema = {{Lsn(2000), described_.schema}}});
  Next(2000);
  EXPECT_THAT(Lines(2000), ElementsAre("5\t5"));
  EXPECT_THAT(Lines(1000), ElementsAre("1\t7", "2\t7", "3\t7"));
}

}  // namespace
}  // namespace rotv::subset
