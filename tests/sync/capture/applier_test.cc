#include "sync/capture/applier.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <utility>

#include "tests/sync/capture/applier_fixture.h"

namespace rotv {
namespace {

using testing::ErrorOf;
using testing::kInt4Oid;
using testing::kNullValue;
using testing::kToast;

using namespace std::string_literals;
TEST_F(ApplierTest, InsertUpdateAndDeleteInOneTransaction) {
  Begin(110);
  Insert(kKeyed, {"1", "a", "p"});
  Insert(kKeyed, {"2", "b", "p"});
  Insert(kKeyed, {"3", kNullValue, ""});
  Update(kKeyed, {"1", "A", "P"});
  Delete(2);
  EXPECT_TRUE(applier_->in_transaction());
  Commit(110);
  EXPECT_FALSE(applier_->in_transaction());
  EXPECT_EQ(Rows(), (Strings{"1\tA\tP", "3\t\\N\t"}));
  EXPECT_EQ(applier_->counts().transactions, 1u);
  EXPECT_EQ(applier_->counts().inserted, 3u);
  EXPECT_EQ(applier_->counts().updated, 1u);
  EXPECT_EQ(applier_->counts().deleted, 1u);
}

TEST_F(ApplierTest, EachTransactionIsAStateOfItsOwn) {
  for (uint64_t lsn : {110, 120, 130}) {
    Begin(lsn);
    lsn == 110 ? Insert(kKeyed, {"1", "110", "p"}) : Update(kKeyed, {"1", std::to_string(lsn), kToast});
    Commit(lsn);
  }
  EXPECT_EQ(Rows(kKeyed, 110), Strings{});
  EXPECT_EQ(Rows(kKeyed, 111), Strings{"1\t110\tp"});
  EXPECT_EQ(Rows(kKeyed, 130), Strings{"1\t120\tp"});
  EXPECT_EQ(Rows(kKeyed, 131), Strings{"1\t130\tp"});
}

TEST_F(ApplierTest, ARowDeletedAndInsertedAgainInOneTransactionExists) {
  Begin(110);
  Insert(kKeyed, {"1", "a", "p"});
  Commit(110);
  Begin(120);
  Delete(1);
  Insert(kKeyed, {"1", "b", "q"});
  Commit(120);
  EXPECT_EQ(Rows(), Strings{"1\tb\tq"});
}

TEST_F(ApplierTest, TwoKeysAreSwappedThroughAThird) {
  Begin(110);
  Insert(kKeyed, {"1", "one", "p1"});
  Insert(kKeyed, {"2", "two", "p2"});
  Commit(110);
  Begin(120);
  Update(kKeyed, OldKind::kKey, {"1", kNullValue, kNullValue}, {"-1", "one", kToast});
  Update(kKeyed, OldKind::kKey, {"2", kNullValue, kNullValue}, {"1", "two", kToast});
  Update(kKeyed, OldKind::kKey, {"-1", kNullValue, kNullValue}, {"2", "one", kToast});
  Commit(120);
  EXPECT_EQ(Rows(), (Strings{"1\ttwo\tp2", "2\tone\tp1"}));
}

// The place of a row whose key changes and whose picture (a TOAST value) is not sent.
enum class Place { kBuffer, kInFlight, kDisk };

class ApplierPlaceTest : public ApplierTest, public ::testing::WithParamInterface<Place> {
 protected:
  void Move() {
    if (GetParam() == Place::kInFlight) Spill();
    if (GetParam() == Place::kDisk) SpillToDisk();
  }
};
INSTANTIATE_TEST_SUITE_P(Places, ApplierPlaceTest, ::testing::Values(Place::kBuffer, Place::kInFlight, Place::kDisk));

TEST_P(ApplierPlaceTest, AKeyChangesWithItsPictureFromAnEarlierTransaction) {
  Begin(110);
  Insert(kKeyed, {"1", "a", "big"});
  Commit(110);
  Move();
  Begin(120);
  Update(kKeyed, OldKind::kKey, {"1", kNullValue, kNullValue}, {"5", "b", kToast});
  Commit(120);
  EXPECT_EQ(Rows(), Strings{"5\tb\tbig"});
  EXPECT_EQ(Rows(kKeyed, 120), Strings{"1\ta\tbig"});
}

TEST_P(ApplierPlaceTest, AKeyChangeFindsItsPictureAcrossSeveralPartialVersions) {
  Begin(110);
  Insert(kKeyed, {"1", "long", "big"});
  Commit(110);
  Move();
  Begin(120);
  Update(kKeyed, {"1", kToast, "bigger"});
  Commit(120);
  Move();
  Begin(130);
  Update(kKeyed, {"1", "longer", kToast});
  Move();
  Update(kKeyed, OldKind::kKey, {"1", kNullValue, kNullValue}, {"5", kToast, kToast});
  Move();
  Update(kKeyed, OldKind::kKey, {"5", kNullValue, kNullValue}, {"6", kToast, kToast});
  Commit(130);
  EXPECT_EQ(Rows(), Strings{"6\tlonger\tbigger"});
  EXPECT_EQ(Rows(kKeyed, 130), Strings{"1\tlong\tbigger"});
}

TEST_P(ApplierPlaceTest, PartialRowsOfOneTransactionAreMerged) {
  Begin(110);
  Insert(kKeyed, {"1", "long", "big"});
  Commit(110);
  Begin(120);
  Update(kKeyed, {"1", "longer", kToast});
  Move();
  Update(kKeyed, {"1", kToast, "bigger"});
  Move();
  Update(kKeyed, {"1", kToast, kToast});
  Commit(120);
  EXPECT_EQ(Rows(), Strings{"1\tlonger\tbigger"});
  EXPECT_EQ(Rows(kKeyed, 120), Strings{"1\tlong\tbig"});
}

TEST_P(ApplierPlaceTest, ARowThatTheSameTransactionInsertedIsMerged) {
  Begin(110);
  Insert(kKeyed, {"1", "long", "big"});
  Move();
  Update(kKeyed, {"1", "longer", kToast});
  Move();
  Update(kKeyed, {"1", kToast, "bigger"});
  Commit(110);
  EXPECT_EQ(Rows(), Strings{"1\tlonger\tbigger"});
}

TEST_P(ApplierPlaceTest, AMultisetCountsEqualRowsWhereverTheyAre) {
  Begin(110);
  Insert(kMultiset, {"x", "1"});
  Insert(kMultiset, {"x", "1"});
  Move();
  Insert(kMultiset, {"x", "1"});
  Insert(kMultiset, {"y", "1"});
  Commit(110);
  Move();
  Begin(120);
  Delete(kMultiset, OldKind::kFull, {"x", "1"});
  Move();
  Delete(kMultiset, OldKind::kFull, {"y", "1"});
  Commit(120);
  Move();
  Begin(130);
  Insert(kMultiset, {"y", "1"});
  Update(kMultiset, OldKind::kFull, {"x", "1"}, {"z", "1"});
  Commit(130);
  EXPECT_EQ(Rows(kMultiset, 131).size(), 3u);
  std::map<std::string, int> states[3];
  for (int i = 0; i < 3; ++i) {
    for (const std::string& line : Rows(kMultiset, 111 + static_cast<uint64_t>(i) * 10)) ++states[i][line];
  }
  EXPECT_EQ(states[0], (std::map<std::string, int>{{"x\t1", 3}, {"y\t1", 1}}));
  EXPECT_EQ(states[1], (std::map<std::string, int>{{"x\t1", 2}}));
  EXPECT_EQ(states[2], (std::map<std::string, int>{{"x\t1", 1}, {"y\t1", 1}, {"z\t1", 1}}));
}

TEST_F(ApplierTest, AMultisetRowUpdatedToItselfStays) {
  Begin(110);
  Insert(kMultiset, {"x", "1"});
  Commit(110);
  Begin(120);
  Update(kMultiset, OldKind::kFull, {"x", "1"}, {"x", kToast});
  Commit(120);
  EXPECT_EQ(Rows(kMultiset), Strings{"x\t1"});
}

TEST_F(ApplierTest, DeletingAMissingMultisetRowIsCorrupt) {
  Begin(110);
  EXPECT_EQ(ErrorOf([&] { Delete(kMultiset, OldKind::kFull, {"x", "1"}); }).code(), ErrorCode::kCorrupt);
}

TEST_F(ApplierTest, AMultisetsUpdateWithoutItsOldRowNeedsANewBaseline) {
  Begin(110);
  Insert(kMultiset, {"x", "1"});
  EXPECT_EQ(ErrorOf([&] { Update(kMultiset, {"x", "2"}); }).code(), ErrorCode::kProtocol);
}

TEST_F(ApplierTest, UnderIdentityFullUnchangedValuesComeFromTheOldRow) {
  Begin(110);
  Insert(kFull, {"1", "a", "big"});
  Commit(110);
  Begin(120);
  Update(kFull, OldKind::kFull, {"1", "a", "big"}, {"1", "b", kToast});
  Update(kFull, OldKind::kFull, {"1", "b", "big"}, {"2", "b", kToast});
  Commit(120);
  Begin(130);
  Delete(kFull, OldKind::kFull, {"2", "b", "big"});
  Commit(130);
  EXPECT_EQ(Rows(kFull, 121), Strings{"2\tb\tbig"});
  EXPECT_EQ(Rows(kFull), Strings{});
}

TEST_F(ApplierTest, AKeyChangeOfAMissingRowIsCorrupt) {
  Begin(110);
  EXPECT_EQ(ErrorOf([&] {
              Update(kKeyed, OldKind::kKey, {"1", kNullValue, kNullValue}, {"2", "a", kToast});
            }).code(),
            ErrorCode::kCorrupt);
}

TEST_F(ApplierTest, OnlyRowsAfterTheLastTruncateOfATransactionRemain) {
  Begin(110);
  Insert(kKeyed, {"1", "before", ""});
  Insert(kMultiset, {"x", "1"});
  Commit(110);
  Begin(120);
  Insert(kKeyed, {"2", "in vain", ""});
  Truncate({kKeyed, kMultiset});
  Insert(kKeyed, {"3", "in vain too", ""});
  Insert(kMultiset, {"y", "1"});
  SpillToDisk();
  Truncate({kKeyed});
  Insert(kKeyed, {"4", "last", ""});
  Commit(120);
  EXPECT_EQ(Rows(kKeyed, 120), Strings{"1\tbefore\t"});
  EXPECT_EQ(Rows(kMultiset, 120), Strings{"x\t1"});
  EXPECT_EQ(Rows(kKeyed, 121), Strings{"4\tlast\t"});
  EXPECT_EQ(Rows(kMultiset, 121), Strings{"y\t1"});
  EXPECT_EQ(applier_->counts().truncated, 3u);
}

TEST_F(ApplierTest, TransactionsAlreadyStoredAreSkipped) {
  Begin(kFrom - 1);
  Insert(kKeyed, {"1", "has it", ""});
  Truncate({kKeyed});
  EXPECT_TRUE(applier_->in_transaction());
  Commit(kFrom - 1);
  Begin(kFrom);
  Insert(kKeyed, {"2", "has it not", ""});
  Commit(kFrom);
  EXPECT_EQ(Rows(), Strings{"2\thas it not\t"});
  EXPECT_EQ(applier_->counts().transactions, 1u);
  EXPECT_EQ(applier_->counts().inserted, 1u);
  EXPECT_EQ(applier_->counts().truncated, 0u);
}

TEST_F(ApplierTest, AfterARestartTheStoreIsContinued) {
  Begin(110);
  Insert(kMultiset, {"x", "1"});
  Insert(kKeyed, {"1", "a", "big"});
  Commit(110);
  Publish();
  writer_->Drain();
  Start();
  Begin(110);  // The server sends again what was not acknowledged.
  Insert(kMultiset, {"x", "1"});
  Commit(110);
  Begin(120);
  Insert(kMultiset, {"x", "1"});
  Update(kKeyed, {"1", "b", kToast});
  Commit(120);
  EXPECT_EQ(Rows(kMultiset), (Strings{"x\t1", "x\t1"}));
  EXPECT_EQ(Rows(), Strings{"1\tb\tbig"});
}

TEST_F(ApplierTest, AnEmptyTransactionAdvancesTheLsnAndIsNotLogged) {
  Begin(110);
  Commit(110);
  EXPECT_EQ(applier_->complete_until(), Lsn(111));
  EXPECT_EQ(applier_->counts().transactions, 0u);
  EXPECT_TRUE(applier_->TakeLog().empty());
}

TEST_F(ApplierTest, TheLsnNeverDecreases) {
  applier_->ReachedOutsideOfTransaction(Lsn(500));
  applier_->ReachedOutsideOfTransaction(Lsn(400));
  EXPECT_EQ(applier_->complete_until(), Lsn(500));
}

TEST_F(ApplierTest, ChangesOfTablesThatAreNotFollowedAreDropped) {
  Begin(110);
  Insert(kUnknown, {"1"});
  Insert(kSchemaOnly, {"1"});
  Truncate({kUnknown, kSchemaOnly});
  Commit(110);
  EXPECT_EQ(applier_->counts().inserted, 0u);
  EXPECT_TRUE(applier_->TakeVersions()->empty());
  EXPECT_TRUE(state_.needs_no_resync());
}

TEST_F(ApplierTest, TheChangeLogNamesEveryChangedRow) {
  Begin(110);
  Insert(kKeyed, {"1", "a", "p"});
  Update(kKeyed, OldKind::kKey, {"1", kNullValue, kNullValue}, {"2", "a", "p"});
  Delete(2);
  Truncate({kKeyed});
  Commit(110);
  Publish();
  writer_->Drain();
  std::vector<proto::Transaction> logged;
  store_->VisitLog(Lsn(0), [&](const proto::Transaction& transaction) {
    logged.push_back(transaction);
    return true;
  });
  ASSERT_EQ(logged.size(), 1u);
  EXPECT_EQ(logged[0].commit_lsn(), 110u);
  ASSERT_EQ(logged[0].changes_size(), 2);
  const proto::TableChanges& changes = logged[0].changes(0);
  EXPECT_EQ(changes.inserted(), 1u);
  EXPECT_EQ(changes.updated(), 1u);
  EXPECT_EQ(changes.deleted(), 1u);
  std::string keys;
  for (int id : {1, 2, 1, 2}) keys += "\x08" + testing::IntegerKey(id);
  EXPECT_EQ(changes.keys(), keys);
  EXPECT_TRUE(logged[0].changes(1).truncated());
  EXPECT_EQ(logged[0].changes(1).epoch(), 1u);
}

}  // namespace
}  // namespace rotv
