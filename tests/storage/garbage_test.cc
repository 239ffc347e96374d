#include "storage/garbage.h"

#include <gtest/gtest.h>

#include "storage/epochs.h"
#include "storage/row_store.h"

namespace rotv {
namespace {

using Lsns = std::vector<Lsn>;

TEST(GarbageTest, ASchemaIsKeptForStatesUpToTheNextSchema) {
  const Lsns keys = {Lsn(10), Lsn(20), Lsn(30)};
  EXPECT_EQ(Unneeded(Retention({Lsn(10)}, Lsn(50)), keys, Valid::kFromKey), (Lsns{Lsn(20)}));
  EXPECT_EQ(Unneeded(Retention({Lsn(20)}, Lsn(50)), keys, Valid::kFromKey), (Lsns{Lsn(10)}));
  EXPECT_EQ(Unneeded(Retention({Lsn(29)}, Lsn(50)), keys, Valid::kFromKey), (Lsns{Lsn(10)}));
  EXPECT_EQ(Unneeded(Retention({}, Lsn(30)), keys, Valid::kFromKey), (Lsns{Lsn(10), Lsn(20)}));
  EXPECT_EQ(Unneeded(Retention({}, Lsn(29)), keys, Valid::kFromKey), (Lsns{Lsn(10)}));
}

TEST(GarbageTest, SequencesAreKeptForStatesUpToTheirLsn) {
  const Lsns keys = {Lsn(10), Lsn(20), Lsn(30)};
  EXPECT_EQ(Unneeded(Retention({Lsn(10)}, Lsn(50)), keys, Valid::kUpToKey), (Lsns{Lsn(20)}));
  EXPECT_EQ(Unneeded(Retention({Lsn(11)}, Lsn(50)), keys, Valid::kUpToKey), (Lsns{Lsn(10)}));
  EXPECT_EQ(Unneeded(Retention({}, Lsn(30)), keys, Valid::kUpToKey), (Lsns{Lsn(10), Lsn(20)}));
  EXPECT_EQ(Unneeded(Retention({}, Lsn(20)), keys, Valid::kUpToKey), (Lsns{Lsn(10)}));
}

TEST(GarbageTest, EpochsThatServeNoKeptStateAreForgotten) {
  proto::Manifest manifest;
  for (TableId table : {1U, 2U}) {
    proto::TableHistory* history = manifest.add_tables();
    history->set_table(table);
    for (uint64_t start : {9U, 20U, 20U, 40U}) BeginEpoch(*history, Lsn(start));
  }
  proto::Gap* gap = manifest.add_gaps();
  gap->set_after_lsn(15);
  gap->set_before_lsn(20);
  gap = manifest.add_gaps();
  gap->set_after_lsn(35);
  gap->set_before_lsn(41);
  // Table 2 is in no kept schema.
  ForgetEpochs(Retention({Lsn(10)}, Lsn(40)), {1}, &manifest);
  ASSERT_EQ(manifest.tables(0).epochs_size(), 3);
  EXPECT_EQ(manifest.tables(0).epochs(0).start_lsn(), 9U);
  EXPECT_EQ(manifest.tables(0).epochs(1).number(), 3U) << "the first epoch that starts at 20 serves no state";
  EXPECT_EQ(manifest.tables(0).epochs(2).start_lsn(), 40U);
  EXPECT_EQ(manifest.tables(1).epochs_size(), 0);
  EXPECT_EQ(manifest.tables(1).last_number(), 4U);
  EXPECT_EQ(manifest.dropping_size(), 5);
  ASSERT_EQ(manifest.gaps_size(), 1);
  EXPECT_EQ(manifest.gaps(0).before_lsn(), 41U);
}

}  // namespace
}  // namespace rotv
