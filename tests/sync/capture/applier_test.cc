#include "sync/capture/applier.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <utility>

#include "storage/epochs.h"
#include "sync/formats/copy_text.h"
#include "sync/schema/follow.h"
#include "tests/sync/store_source.h"

namespace rotv {
namespace {

using namespace std::string_literals;
using formats::pgoutput::OldKind;
using testing::ErrorOf;
using testing::kInt4Oid;
using testing::kNullValue;
using testing::kToast;
using testing::StoreFixture;
using testing::TupleOf;
using Values = std::vector<std::string>;
using Strings = std::vector<std::string>;

constexpr uint32_t kKeyed = 1, kMultiset = 2, kSchemaOnly = 3, kFull = 4;
constexpr uint32_t kUnknown = 99;
constexpr uint64_t kFrom = 100;

class ApplierTest : public ::testing::Test {
 protected:
  ApplierTest() {
    testing::AddTable(&described_, kKeyed, "keyed", {{"id", kInt4Oid}, {"name"}, {"picture"}}, {0});
    testing::AddTable(&described_, kMultiset, "bag", {{"a"}, {"b"}}, {});
    testing::AddTable(&described_, kSchemaOnly, "none", {{"a"}}, {0})->set_follow(proto::FOLLOW_SCHEMA_ONLY);
    testing::AddTable(&described_, kFull, "fullkeyed", {{"id", kInt4Oid}, {"name"}, {"picture"}}, {0});
    proto::Manifest manifest = testing::ManifestAt(kFrom);
    testing::AddHistories(described_.schema, &manifest);
    state_ = StoreState::FromStored(manifest);
    state_.BeginPull();
    store_->Publish(state_, {.schema = {}, .sequences = {}, .shapes = described_.new_shapes});
    Start();
  }

  void Start() {
    relations_came_ = false;
    writer_.reset();
    writer_ = std::make_unique<capture::StoreWriter>(*store_);
    std::vector<capture::StreamedTable> tables;
    for (const proto::Table& table : described_.schema.tables()) {
      if (schema::IsStreamed(table)) tables.push_back({table.id(), {{&table, &store_->shapes().Get(table.shape())}}});
    }
    if (later_) tables.front().forms.push_back({&*later_, &store_->shapes().Get(later_->shape())});
    applier_ = std::make_unique<capture::Applier>(tables, state_, *writer_, state_.durable_lsn(), mask::MaskSecret());
  }

  void BeginOnly(uint64_t lsn) { applier_->Apply(formats::pgoutput::Begin{Lsn(lsn), static_cast<int64_t>(lsn), 1}); }
  void Begin(uint64_t lsn) {
    BeginOnly(lsn);
    if (!std::exchange(relations_came_, true)) Describe();
  }
  // The server describes each table in the same way before a stream's first change of it.
  void Describe() {
    for (const proto::Table& table : described_.schema.tables()) {
      formats::pgoutput::Relation relation;
      relation.oid = table.id();
      relation.replica_identity = table.key_columns().empty() ? 'f' : 'd';
      const proto::Shape& shape = store_->shapes().Get(table.shape());
      for (const proto::Column& column : shape.columns()) {
        const bool is_identity = !table.key_columns().empty() && relation.columns.empty();
        relation.columns.push_back({is_identity, column.name(), column.type_oid(), -1});
      }
      applier_->Apply(relation);
    }
    applier_->Apply(formats::pgoutput::Relation{.oid = kUnknown, .schema = {}, .name = {}, .columns = {}});
  }
  void Commit(uint64_t lsn) {
    applier_->Apply(formats::pgoutput::Commit{Lsn(lsn), Lsn(lsn + 1), static_cast<int64_t>(lsn)});
  }
  void Insert(uint32_t table, const Values& row) { applier_->Apply(formats::pgoutput::Insert{table, TupleOf(row)}); }
  void Update(uint32_t table, const Values& row) {
    applier_->Apply(formats::pgoutput::Update{table, std::nullopt, TupleOf(row)});
  }
  void Update(uint32_t table, OldKind kind, const Values& old, const Values& row) {
    applier_->Apply(formats::pgoutput::Update{table, formats::pgoutput::OldRow{kind, TupleOf(old)}, TupleOf(row)});
  }
  void Delete(uint32_t table, OldKind kind, const Values& old) {
    applier_->Apply(formats::pgoutput::Delete{table, {kind, TupleOf(old)}});
  }
  void Delete(int id) { Delete(kKeyed, OldKind::kKey, {std::to_string(id), kNullValue, kNullValue}); }
  void Truncate(const std::vector<uint32_t>& tables) {
    applier_->Apply(formats::pgoutput::Truncate{false, false, tables});
  }

  // The stream does the same when the buffer is full: versions leave it, whether a transaction is open or not.
  void Spill() { Submit({.versions = applier_->TakeVersions(), .log = applier_->TakeLog(), .publication = {}}); }
  void SpillToDisk() {
    Spill();
    writer_->Drain();
  }
  void Publish() {
    ASSERT_FALSE(applier_->in_transaction());
    state_.Advance(applier_->complete_until());
    Submit({.versions = applier_->TakeVersions(),
            .log = applier_->TakeLog(),
            .publication = capture::StoreWriter::Job::Publication{state_, {}}});
  }
  void Submit(capture::StoreWriter::Job job) {
    while (!writer_->TrySubmit(&job)) writer_->WaitForRoom(1000);
  }

  // The rows of a table at `lsn`, once everything is written.
  Strings Rows(uint32_t table = kKeyed, uint64_t lsn = UINT64_MAX) {
    Publish();
    writer_->Drain();
    return testing::Lines(*store_, lsn, {}, table, EpochsAt(store_->manifest(), Lsn(lsn)).at(table));
  }

  StoreFixture store_;
  schema::DescribedSchema described_;
  std::optional<proto::Table> later_;  // The later shape of the table kKeyed.
  StoreState state_;
  std::unique_ptr<capture::StoreWriter> writer_;
  std::unique_ptr<capture::Applier> applier_;
  bool relations_came_ = false;
};

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

formats::pgoutput::Relation KeyedRelation(const std::vector<std::string>& names) {
  formats::pgoutput::Relation relation;
  relation.oid = kKeyed;
  for (const std::string& name : names) {
    relation.columns.push_back({name == "id", name, name == "id" ? kInt4Oid : testing::kTextOid, -1});
  }
  return relation;
}

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

// Random transactions, with the buffer taken at random, are compared with the simplest model.
TEST_F(ApplierTest, EveryStateOfRandomTransactionsMatchesTheModel) {
  std::mt19937 random(9);
  std::map<int, std::pair<std::string, std::string>> rows;
  std::map<std::string, int> multiset;
  std::map<uint64_t, Strings> states, multiset_states;
  auto text = [&] { return std::to_string(random() % 1000); };
  for (uint64_t lsn = 110; lsn < 110 + 400 * 10; lsn += 10) {
    Begin(lsn);
    for (auto changes = random() % 6; changes > 0; --changes) {
      int id = static_cast<int>(random() % 12);
      std::string key = std::to_string(id);
      auto row = rows.find(id);
      auto action = random() % 8;
      if (row == rows.end()) {
        rows[id] = {text(), text()};
        Insert(kKeyed, {key, rows[id].first, rows[id].second});
      } else if (action == 0) {
        Delete(id);
        rows.erase(row);
      } else if (action <= 2) {
        row->second.first = text();
        Update(kKeyed, {key, row->second.first, kToast});
      } else if (action <= 4) {
        row->second.second = text();
        Update(kKeyed, {key, kToast, row->second.second});
      } else if (action == 5) {
        Update(kKeyed, {key, kToast, kToast});
      } else if (int other = static_cast<int>(random() % 12); rows.count(other) == 0) {
        rows[other] = {row->second.first, action == 6 ? row->second.second : text()};
        Update(kKeyed, OldKind::kKey, {key, kNullValue, kNullValue},
               {std::to_string(other), kToast, action == 6 ? kToast : rows[other].second});
        rows.erase(id);
      }
      std::string value = std::to_string(random() % 4);
      if (multiset[value] > 0 && random() % 2 == 0) {
        --multiset[value];
        Delete(kMultiset, OldKind::kFull, {value, "b"});
      } else {
        ++multiset[value];
        Insert(kMultiset, {value, "b"});
      }
      if (random() % 40 == 0) {
        Truncate({kKeyed});
        rows.clear();
      }
      if (random() % 10 == 0) Spill();
      if (random() % 20 == 0) SpillToDisk();
    }
    Commit(lsn);
    for (const auto& [id, columns] : rows) {
      states[lsn + 1].push_back(std::to_string(id) + "\t" + columns.first + "\t" + columns.second);
    }
    states[lsn + 1];
    for (const auto& [value, count] : multiset) {
      for (int i = 0; i < count; ++i) multiset_states[lsn + 1].push_back(value + "\tb");
    }
    if (random() % 5 == 0) Publish();
    if (random() % 50 == 0) {
      Publish();
      writer_->Drain();
      store_->Compact();
    }
  }
  Publish();
  writer_->Drain();
  for (const auto& [lsn, state] : states) {
    Strings found = testing::Lines(*store_, lsn, {}, kKeyed, EpochsAt(store_->manifest(), Lsn(lsn)).at(kKeyed));
    std::sort(found.begin(), found.end(),
              [](const std::string& a, const std::string& b) { return std::stoi(a) < std::stoi(b); });
    ASSERT_EQ(found, state) << lsn;
    Strings in_multiset = testing::Lines(*store_, lsn, {}, kMultiset, 0);
    std::sort(in_multiset.begin(), in_multiset.end());
    ASSERT_EQ(in_multiset, multiset_states[lsn]) << lsn;
  }
}

}  // namespace
}  // namespace rotv
