// What no server sends in this order, and shapes of a table that differ from the stored one.

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "sync/capture/applier.h"
#include "tests/sync/capture/applier_fixture.h"

namespace rotv {
namespace {

using testing::ErrorOf;
using testing::kNullValue;
using testing::kToast;
using namespace std::string_literals;

// Each case is something that an intact source never sends; a good transaction comes before it.
class ApplierDisorderTest : public ApplierTest, public ::testing::WithParamInterface<size_t> {
 public:
  struct Disorder {
    const char* name;
    std::function<void(ApplierDisorderTest&)> send;
  };
  static std::vector<Disorder> All();
};

std::vector<ApplierDisorderTest::Disorder> ApplierDisorderTest::All() {
  using Test = ApplierDisorderTest;
  const Values row = {"1", "a", "p"};
  return {
      {"RowOutsideOfATransaction", [=](Test& test) { test.Insert(kKeyed, row); }},
      {"UpdateOutsideOfATransaction", [=](Test& test) { test.Update(kKeyed, row); }},
      {"DeleteOutsideOfATransaction", [=](Test& test) { test.Delete(1); }},
      {"TruncateOutsideOfATransaction", [=](Test& test) { test.Truncate({kKeyed}); }},
      {"RelationOutsideOfATransaction", [=](Test& test) { test.Describe(); }},
      {"MessageOfATransactionOutsideOfOne",
       [=](Test& test) {
         test.applier_->Apply(formats::pgoutput::LogicalMessage{true, Lsn(120), "p", "c"});
       }},
      {"CommitWithoutBegin", [=](Test& test) { test.Commit(120); }},
      {"CommitTwice", [=](Test& test) { test.Begin(120), test.Commit(120), test.Commit(120); }},
      {"BeginWithinATransaction", [=](Test& test) { test.Begin(120), test.Begin(130); }},
      {"CommitOfAnotherTransaction", [=](Test& test) { test.Begin(120), test.Commit(130); }},
      {"CommitThatEndsBeforeItself",
       [=](Test& test) {
         test.Begin(120), test.applier_->Apply(formats::pgoutput::Commit{Lsn(120), Lsn(120), 0});
       }},
      {"SameTransactionAgain", [=](Test& test) { test.Begin(110); }},
      {"EarlierTransaction", [=](Test& test) { test.Begin(105); }},
      {"TransactionThatTheStoreHasAfterALaterOne", [=](Test& test) { test.Begin(kFrom - 1); }},
      {"TransactionBeforeAKeepalive",
       [=](Test& test) { test.applier_->ReachedOutsideOfTransaction(Lsn(500)), test.Begin(499); }},
      {"RowOfATableThatWasNotDescribed", [=](Test& test) { test.Begin(120), test.Insert(7, row); }},
      {"RowOfTheTableZero", [=](Test& test) { test.Begin(120), test.Insert(0, row); }},
      {"TruncateOfATableThatWasNotDescribed", [=](Test& test) { test.Begin(120), test.Truncate({7}); }},
      {"ColumnTooMany",
       [=](Test& test) {
         test.Begin(120), test.Insert(kKeyed, {"1", "a", "p", "q"});
       }},
      {"ColumnTooFew",
       [=](Test& test) {
         test.Begin(120), test.Insert(kKeyed, {"1", "a"});
       }},
      {"NoColumns", [=](Test& test) { test.Begin(120), test.Insert(kKeyed, {}); }},
      {"OldRowOfOtherColumns", [=](Test& test) { test.Begin(120), test.Update(kKeyed, OldKind::kKey, {"1"}, row); }},
      {"DeletedRowOfOtherColumns", [=](Test& test) { test.Begin(120), test.Delete(kKeyed, OldKind::kKey, {}); }},
      {"NewRowWithAnUnchangedColumn",
       [=](Test& test) {
         test.Begin(120), test.Insert(kKeyed, {"2", "b", kToast});
       }},
      {"NewRowOfABagWithAnUnchangedColumn",
       [=](Test& test) {
         test.Begin(120), test.Insert(kMultiset, {"x", kToast});
       }},
      {"OldRowOfAMultisetWithAnUnchangedColumn",
       [=](Test& test) {
         test.Begin(120), test.Delete(kMultiset, OldKind::kFull, {"x", kToast});
       }},
      {"DeletedRowOfABagByItsKey",
       [=](Test& test) {
         test.Begin(120), test.Delete(kMultiset, OldKind::kKey, {"x", "1"});
       }},
      {"KeyThatIsNoNumber",
       [=](Test& test) {
         test.Begin(120), test.Insert(kKeyed, {"1\n", "a", "p"});
       }},
      {"KeyThatIsNull",
       [=](Test& test) {
         test.Begin(120), test.Insert(kKeyed, {kNullValue, "a", "p"});
       }},
      {"ZeroByte",
       [=](Test& test) {
         test.Begin(120), test.Insert(kKeyed, {"2", "a\0b"s, "p"});
       }},
      {"BytesThatAreNoText",
       [=](Test& test) {
         test.Begin(120), test.Insert(kKeyed, {"2", "\xff", "p"});
       }},
      {"OldRowWithBytesThatAreNoText",
       [=](Test& test) {
         test.Begin(120), test.Delete(kMultiset, OldKind::kFull, {"\xc3", "1"});
       }},
  };
}

TEST_P(ApplierDisorderTest, IsAProtocolErrorAndStoresNothing) {
  Begin(110);
  Insert(kKeyed, {"1", "a", "p"});
  Commit(110);
  Publish();
  EXPECT_EQ(ErrorOf([&] { All()[GetParam()].send(*this); }).code(), ErrorCode::kProtocol);
  writer_->Drain();
  EXPECT_EQ(testing::Lines(*store_, UINT64_MAX, {}, kKeyed, EpochsAt(store_->manifest(), Lsn(111)).at(kKeyed)),
            Strings{"1\ta\tp"});
  EXPECT_EQ(store_->manifest().durable_lsn(), 111u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ApplierDisorderTest, ::testing::Range(size_t{0}, ApplierDisorderTest::All().size()),
                         [](const auto& kind) { return ApplierDisorderTest::All()[kind.param].name; });

TEST_F(ApplierTest, ATableWithAnotherShapeIsSkippedAndMarkedForResync) {
  Begin(110);
  Insert(kKeyed, {"1", "a", "p"});
  applier_->Apply(KeyedRelation({"id", "title", "picture"}));
  EXPECT_TRUE(state_.needs_no_resync()) << "no row of that shape has come";
  Insert(kKeyed, {"2", "b", "p"});
  Insert(kFull, {"3", "c", "p"});
  Commit(110);
  ASSERT_EQ(state_.manifest().must_copy_size(), 1);
  EXPECT_EQ(state_.manifest().must_copy(0), kKeyed);
  EXPECT_EQ(applier_->counts().inserted, 2u);
  EXPECT_EQ(Rows(kFull), Strings{"3\tc\tp"});
}

TEST_F(ApplierTest, AnotherShapeInAStoredTransactionIsHarmless) {
  Begin(kFrom - 10);
  applier_->Apply(KeyedRelation({"id", "title"}));
  Insert(kKeyed, {"1", "a"});
  Commit(kFrom - 10);
  Begin(110);
  applier_->Apply(KeyedRelation({"id", "name", "picture"}));
  Insert(kKeyed, {"2", "b", "p"});
  Commit(110);
  EXPECT_TRUE(state_.needs_no_resync());
  EXPECT_EQ(Rows(), Strings{"2\tb\tp"});
}

TEST_F(ApplierTest, RowsOfALaterShapeFollowRowsOfAnEarlierShape) {
  proto::Shape shape = described_.new_shapes[0];
  shape.set_id(5000);
  shape.mutable_columns()->SwapElements(0, 1);
  shape.mutable_columns()->RemoveLast();  // name, id; picture (3) dropped; then:
  proto::Column* stars = shape.add_columns();
  stars->set_name("stars");
  stars->set_type_oid(testing::kTextOid);
  stars->set_number(4);
  stars->set_missing("5");
  store_->Publish(state_, {.schema = {}, .sequences = {}, .shapes = {shape}});
  later_ = described_.schema.tables(0);
  later_->set_shape(5000);
  later_->set_key_columns(0, 1);
  Start();
  Begin(110);
  applier_->Apply(KeyedRelation({"id", "name", "picture"}));
  Insert(kKeyed, {"1", "a", "p"});
  Insert(kKeyed, {"2", "b", "p"});
  applier_->Apply(KeyedRelation({"name", "id", "stars"}));
  Update(kKeyed, {kToast, "2", "1"});
  Insert(kKeyed, {"c", "3", "2"});
  Commit(110);
  Publish();
  writer_->Drain();
  std::unique_ptr<RowScan> scan =
      store_->ScanAt({.table = kKeyed, .epoch = 0, .lsn = Lsn(200), .range = {}, .shape = 5000});
  Strings rows;
  while (scan->Next()) rows.emplace_back(scan->line());
  EXPECT_EQ(rows, (Strings{"a\t1\t5", "b\t2\t1", "c\t3\t2"}));
}

}  // namespace
}  // namespace rotv
