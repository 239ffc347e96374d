#include "storage/store_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "storage/epochs.h"
#include "storage/error.h"
#include "tests/support/files/thrown.h"

namespace rotv {
namespace {

using ::testing::ElementsAre;
using testing::ErrorOf;
using ::testing::HasSubstr;

constexpr TableId kTable = 7;
constexpr TableId kOther = 8;

StoreState Baseline(uint64_t lsn = 100) {
  proto::SourceIdentity source;
  source.set_encoding("UTF8");
  return StoreState::AtBaseline(
      {.source = source, .slot = "a slot", .publication = "a publication", .description = "a host"}, Lsn(lsn),
      {.time_us = 5, .xid = 6}, {.schema = "s", .tables = "t", .masks = "m"});
}

// Makes a state with a table that has rows, and a pull that has begun.
StoreState InPull(uint64_t lsn = 100) {
  StoreState state = Baseline(lsn);
  state.AddEpoch(kTable, state.ReserveEpoch(kTable), Lsn(lsn - 1));
  state.BeginPull();
  return state;
}

// Checks that `transition` is refused as a bug, for this reason, and leaves the state as it was.
void ExpectRefused(StoreState& state, const std::function<void()>& transition, const std::string& why) {
  const std::string before = state.manifest().SerializeAsString();
  const Error error = ErrorOf(transition);
  EXPECT_EQ(error.code(), ErrorCode::kBug);
  EXPECT_THAT(error.what(), HasSubstr(why));
  EXPECT_EQ(state.manifest().SerializeAsString(), before);
}

std::vector<TableId> Marked(const StoreState& state) {
  return {state.manifest().must_copy().begin(), state.manifest().must_copy().end()};
}

TEST(StoreStateTest, ABaselineIsItsOwnHeadAndDurable) {
  const StoreState state = Baseline(100);
  EXPECT_EQ(state.durable_lsn(), Lsn(100));
  EXPECT_EQ(state.head_lsn(), Lsn(100));
  const proto::Manifest& manifest = state.manifest();
  EXPECT_EQ(manifest.format_version(), kFormatVersion);
  EXPECT_EQ(manifest.baseline_lsn(), 100U);
  EXPECT_EQ(manifest.baseline_time_us(), 5);
  EXPECT_EQ(manifest.head_time_us(), 5);
  EXPECT_EQ(manifest.head_xid(), 6U);
  EXPECT_EQ(manifest.slot(), "a slot");
  EXPECT_EQ(manifest.publication(), "a publication");
  EXPECT_EQ(manifest.description(), "a host");
  EXPECT_EQ(manifest.source().encoding(), "UTF8");
  EXPECT_EQ(manifest.schema_fingerprint() + manifest.table_fingerprint() + manifest.mask_fingerprint(), "stm");
  EXPECT_FALSE(manifest.detached());
}

TEST(StoreStateTest, AnImportedStoreIsNeverPulled) {
  StoreState state = StoreState::Imported({.source = {}, .description = "a file"}, Lsn(100), 5);
  EXPECT_TRUE(state.manifest().imported());
  EXPECT_EQ(state.manifest().baseline_lsn(), 100U);
  EXPECT_EQ(state.head_lsn(), Lsn(100));
  ExpectRefused(
      state, [&] { state.BeginPull(); }, "without a slot");
}

TEST(StoreStateTest, TheDurableLsnNeverGoesBack) {
  StoreState state = InPull(100);
  state.Advance(Lsn(100));
  state.Advance(Lsn(150));
  EXPECT_EQ(state.durable_lsn(), Lsn(150));
  EXPECT_EQ(state.head_lsn(), Lsn(100));
  ExpectRefused(
      state, [&] { state.Advance(Lsn(149)); }, "goes back to 0/95");
  ExpectRefused(
      state, [&] { state.EndPullWithResync(Lsn(149), {}, {}, StoreState::History::kBroken); }, "goes back");
}

TEST(StoreStateTest, OnlyAPullAdvances) {
  StoreState state = Baseline();
  ExpectRefused(
      state, [&] { state.Advance(Lsn(200)); }, "outside of a pull");
  ExpectRefused(
      state, [&] { state.EndIncrementalPull({}); }, "did not begin");
  ExpectRefused(
      state, [&] { state.EndPullWithResync(Lsn(200), {}, {}, StoreState::History::kUnbroken); }, "outside");
}

TEST(StoreStateTest, AnIncrementalPullEndsWhereTheStreamHasComeTo) {
  StoreState state = InPull(100);
  state.Advance(Lsn(150));
  state.EndIncrementalPull({.time_us = 9, .xid = 10});
  EXPECT_EQ(state.head_lsn(), Lsn(150));
  EXPECT_EQ(state.manifest().head_time_us(), 9);
  EXPECT_EQ(state.manifest().head_xid(), 10U);
  EXPECT_EQ(state.manifest().schema_fingerprint(), "s");
  EXPECT_FALSE(state.manifest().pull_in_progress());
  EXPECT_EQ(state.manifest().gaps_size(), 0);
}

TEST(StoreStateTest, AnIncrementalPullDoesNotEndWhileATableWaitsForAResync) {
  StoreState state = InPull();
  state.MarkForResync(kTable);
  ExpectRefused(
      state, [&] { state.EndIncrementalPull({}); }, "waits for one");
}

TEST(StoreStateTest, APullWithAResyncLeavesAGapOnlyWhereTheHistoryIsBroken) {
  for (const auto history : {StoreState::History::kUnbroken, StoreState::History::kBroken}) {
    StoreState state = InPull(100);
    state.Advance(Lsn(150));
    state.MarkForResync(kTable);
    state.EndPullWithResync(Lsn(160), {.time_us = 9, .xid = 10}, {.schema = "S", .tables = "T", .masks = "M"}, history);
    EXPECT_EQ(state.durable_lsn(), Lsn(160));
    EXPECT_EQ(state.head_lsn(), Lsn(160));
    EXPECT_TRUE(state.needs_no_resync());
    EXPECT_FALSE(state.manifest().pull_in_progress());
    EXPECT_EQ(state.manifest().schema_fingerprint(), "S");
    const bool broken = history == StoreState::History::kBroken;
    ASSERT_EQ(state.manifest().gaps_size(), broken ? 1 : 0);
    if (!broken) continue;
    EXPECT_EQ(state.manifest().gaps(0).after_lsn(), 100U);
    EXPECT_EQ(state.manifest().gaps(0).before_lsn(), 160U);
  }
}

TEST(StoreStateTest, ATableIsMarkedForAResyncOnce) {
  StoreState state = InPull();
  state.MarkForResync(kOther);
  state.MarkForResync(kTable);
  state.MarkForResync(kOther);
  EXPECT_THAT(Marked(state), ElementsAre(kOther, kTable));
  state.MarkOnlyForResync({kTable});
  EXPECT_THAT(Marked(state), ElementsAre(kTable));
}

TEST(StoreStateTest, ATruncateBeginsAnEpochAfterItsTransaction) {
  StoreState state = InPull(100);
  const EpochNumber before = state.CurrentEpoch(kTable);
  const EpochNumber after = state.Truncate(kTable, Lsn(120));
  EXPECT_GT(after, before);
  EXPECT_EQ(state.CurrentEpoch(kTable), after);
  EXPECT_EQ(EpochsAt(state.manifest(), Lsn(120)).at(kTable), before);
  EXPECT_EQ(EpochsAt(state.manifest(), Lsn(121)).at(kTable), after);
  // The same transaction may empty it again.
  EXPECT_EQ(EpochsAt((state.Truncate(kTable, Lsn(120)), state.manifest()), Lsn(121)).at(kTable), after + 1);
}

TEST(StoreStateTest, ATruncateBelongsToATransactionThatIsNotDurableOfATableThatHasRows) {
  StoreState state = InPull(100);
  ExpectRefused(
      state, [&] { state.Truncate(kTable, Lsn(99)); }, "that is durable");
  ExpectRefused(
      state, [&] { state.Truncate(kOther, Lsn(100)); }, "no epoch");
  ExpectRefused(
      state, [&] { (void)state.CurrentEpoch(kOther); }, "no epoch");
}

TEST(StoreStateTest, TheNumberOfAnEpochIsNeverUsedAgain) {
  StoreState state = InPull(100);
  const EpochNumber given_up = state.ReserveEpoch(kTable);
  const EpochNumber copied = state.ReserveEpoch(kTable);
  EXPECT_GT(copied, given_up);
  const StoreState::EpochCounts counts = state.CountEpochs();
  state.AddEpoch(kTable, copied, Lsn(140));
  ExpectRefused(
      state, [&] { state.AddEpoch(kTable, given_up, Lsn(150)); }, "used again");
  ExpectRefused(
      state, [&] { state.AddEpoch(kTable, copied, Lsn(150)); }, "used again");
  ExpectRefused(
      state, [&] { state.AddEpoch(kTable, copied + 1, Lsn(150)); }, "was not reserved");
  ExpectRefused(
      state, [&] { state.AddEpoch(kOther, 1, Lsn(150)); }, "was not reserved");
  ASSERT_EQ(state.TakeBackEpochs(counts).size(), 1U);
  EXPECT_GT(state.ReserveEpoch(kTable), copied);
}

TEST(StoreStateTest, EpochsBeginInOrder) {
  StoreState state = InPull(100);
  const EpochNumber number = state.ReserveEpoch(kTable);
  ExpectRefused(
      state, [&] { state.AddEpoch(kTable, number, Lsn(98)); }, "before the one that it ends");
  state.AddEpoch(kTable, number, Lsn(99));
}

TEST(StoreStateTest, EpochsOfACopyThatFailedAreTakenBack) {
  StoreState state = InPull(100);
  const EpochNumber before = state.CurrentEpoch(kTable);
  const StoreState::EpochCounts counts = state.CountEpochs();
  const EpochNumber first = state.ReserveEpoch(kTable), other = state.ReserveEpoch(kOther);
  state.AddEpoch(kTable, first, Lsn(110));
  state.AddEpoch(kOther, other, Lsn(110));
  const std::vector<proto::DroppedEpoch> taken = state.TakeBackEpochs(counts);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].table(), kTable);
  EXPECT_EQ(taken[0].epoch(), first);
  EXPECT_EQ(taken[1].table(), kOther);
  EXPECT_EQ(state.CurrentEpoch(kTable), before);
  EXPECT_TRUE(state.TakeBackEpochs(counts).empty());
}

TEST(StoreStateTest, SnapshotsHaveNamesOfTheirOwnAndAreNotAfterTheHead) {
  StoreState state = InPull(100);
  proto::Snapshot snapshot;
  snapshot.set_name("monday");
  snapshot.set_lsn(100);
  state.AddSnapshot(snapshot);
  ExpectRefused(
      state, [&] { state.AddSnapshot(snapshot); }, "one name");
  state.Advance(Lsn(120));
  snapshot.set_name("tuesday");
  snapshot.set_lsn(101);
  ExpectRefused(
      state, [&] { state.AddSnapshot(snapshot); }, "after the head");
  EXPECT_FALSE(state.RemoveSnapshot("tuesday"));
  EXPECT_TRUE(state.RemoveSnapshot("monday"));
  EXPECT_EQ(state.manifest().snapshots_size(), 0);
}

TEST(StoreStateTest, ADetachedStoreIsNotPulled) {
  StoreState state = Baseline();
  state.Detach();
  ExpectRefused(
      state, [&] { state.BeginPull(); }, "without a slot");
}

TEST(StoreStateTest, AnAbandonedPullKeepsWhatItHadPublished) {
  StoreState state = InPull(100);
  state.Advance(Lsn(150));
  state.AbandonPull();
  EXPECT_EQ(state.durable_lsn(), Lsn(150));
  EXPECT_EQ(state.head_lsn(), Lsn(100));
  EXPECT_FALSE(state.manifest().pull_in_progress());
}

TEST(StoreStateTest, ACollectionKeepsNothingThatAnEarlierOneHasDropped) {
  StoreState state = InPull(100);
  state.Truncate(kTable, Lsn(120));
  state.Advance(Lsn(200));
  state.EndIncrementalPull({});
  const Retention retention({Lsn(200)}, Lsn(150));
  ExpectRefused(
      state, [&] { state.EndCollection(1); }, "did not begin");
  state.BeginCollection(retention, {kTable}, Lsn(140), 17);
  EXPECT_TRUE(state.manifest().collecting());
  ASSERT_EQ(state.manifest().dropping_size(), 1);
  EXPECT_EQ(state.manifest().dropping(0).epoch(), 1U);
  EXPECT_EQ(state.CurrentEpoch(kTable), 2U);
  state.EndCollection(4096);
  EXPECT_FALSE(state.manifest().collecting());
  EXPECT_EQ(state.manifest().dropping_size(), 0);
  EXPECT_EQ(state.manifest().collected_bytes(), 4096U);
  EXPECT_EQ(state.manifest().kept_from_time_us(), 17);
  ExpectRefused(
      state, [&] { state.BeginCollection(Retention({Lsn(200)}, Lsn(149)), {kTable}, Lsn(140), 17); }, "that are gone");
  ExpectRefused(
      state, [&] { state.BeginCollection(retention, {kTable}, Lsn(139), 17); }, "that are gone");
}

// Checks what must hold after any transition.
void CheckInvariants(const StoreState& state, const StoreState& before) {
  const proto::Manifest& now = state.manifest();
  EXPECT_GE(state.durable_lsn(), before.durable_lsn());
  EXPECT_GE(state.head_lsn(), before.head_lsn());
  EXPECT_LE(state.head_lsn(), state.durable_lsn());
  for (const proto::TableHistory& history : now.tables()) {
    for (int i = 1; i < history.epochs_size(); ++i) {
      EXPECT_LT(history.epochs(i - 1).number(), history.epochs(i).number());
      EXPECT_LE(history.epochs(i - 1).start_lsn(), history.epochs(i).start_lsn());
    }
    if (!history.epochs().empty()) {
      EXPECT_LE(history.epochs().rbegin()->number(), history.last_number());
    }
  }
  for (int i = 0; i < now.gaps_size(); ++i) {
    EXPECT_LE(now.gaps(i).after_lsn(), now.gaps(i).before_lsn());
    EXPECT_GE(now.gaps(i).after_lsn(), i == 0 ? 0 : now.gaps(i - 1).before_lsn());
  }
  const std::set<TableId> marked(now.must_copy().begin(), now.must_copy().end());
  EXPECT_EQ(marked.size(), static_cast<size_t>(now.must_copy_size()));
}

TEST(StoreStateTest, ABaselineIsCompleteOnceEachTableIs) {
  StoreState state = Baseline(100);
  EXPECT_FALSE(state.unfinished());
  state.AwaitCopies({kTable, kOther});
  EXPECT_TRUE(state.unfinished());
  ExpectRefused(
      state, [&] { state.EndBaseline(1); }, "not complete");
  const EpochNumber number = state.ReserveEpoch(kTable);
  ExpectRefused(
      state, [&] { state.CompleteTable(kTable + 5, number, {}); }, "was not to be copied");
  state.CompleteTable(kTable, number, {.rows = 3, .bytes = 40});
  EXPECT_EQ(Marked(state), std::vector<TableId>{kOther});
  EXPECT_EQ(EpochsAt(state.manifest(), Lsn(100)), (std::map<TableId, EpochNumber>{{kTable, number}}));
  EXPECT_TRUE(EpochsAt(state.manifest(), Lsn(99)).empty());
  EXPECT_EQ(state.manifest().tables(0).copied_rows(), 3);
  EXPECT_EQ(state.manifest().tables(0).copied_bytes(), 40);
  const EpochNumber another = state.ReserveEpoch(kTable);
  ExpectRefused(
      state, [&] { state.CompleteTable(kTable, another, {}); }, "was not to be copied");
}

TEST(StoreStateTest, ABaselineGoesOnAtALaterPoint) {
  StoreState state = Baseline(100);
  ExpectRefused(
      state, [&] { state.MoveBaseline(Lsn(150), {}, {}); }, "a complete baseline");
  state.AwaitCopies({kTable, kOther});
  state.CompleteTable(kTable, state.ReserveEpoch(kTable), {});
  ExpectRefused(
      state, [&] { state.MoveBaseline(Lsn(150), {}, {}); }, "outside of a pull");
  state.BeginPull();
  state.Advance(Lsn(140));
  ExpectRefused(
      state, [&] { state.MoveBaseline(Lsn(139), {}, {}); }, "goes back");
  state.MoveBaseline(Lsn(150), {.time_us = 9, .xid = 10}, {.schema = "S", .tables = "T", .masks = "M"});
  const proto::Manifest& manifest = state.manifest();
  EXPECT_EQ(manifest.baseline_lsn(), 150u);
  EXPECT_EQ(manifest.baseline_time_us(), 9);
  EXPECT_EQ(manifest.log_from_lsn(), 150u);
  EXPECT_EQ(manifest.schema_fingerprint(), "S");
  EXPECT_EQ(state.durable_lsn(), Lsn(150));
  EXPECT_EQ(state.head_lsn(), Lsn(150));
  EXPECT_FALSE(manifest.pull_in_progress());
  EXPECT_TRUE(manifest.gaps().empty());
  state.CompleteTable(kOther, state.ReserveEpoch(kOther), {});
  state.EndBaseline(4096);
  EXPECT_FALSE(state.unfinished());
  EXPECT_EQ(state.manifest().collected_bytes(), 4096u);
  EXPECT_EQ(EpochsAt(manifest, Lsn(150)).size(), 2u);
}

// The transitions come in any order, many with wrong numbers. The state takes the right ones, refuses the others and
// keeps its invariants. No number is reserved twice, and a state that is read again is the same.
TEST(StoreStateTest, RandomTransitionsKeepTheInvariants) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    StoreState state = InPull(100);
    std::set<std::pair<TableId, EpochNumber>> reserved;
    std::optional<StoreState::EpochCounts> counts;
    for (int step = 0; step < 100 && !::testing::Test::HasFailure(); ++step) {
      const StoreState before = state;
      const Lsn lsn(state.durable_lsn().value() + random() % 20 - 5);
      const auto table = static_cast<TableId>(kTable + random() % 3);
      try {
        switch (random() % 12) {
          case 0:
            state.BeginPull();
            break;
          case 1:
          case 2:
            state.Advance(lsn);
            counts.reset();  // What is durable is not taken back.
            break;
          case 3:
            state.EndIncrementalPull({});
            break;
          case 4:
            state.EndPullWithResync(Lsn(lsn.value() + 1), {}, {}, StoreState::History::kBroken);
            counts.reset();
            break;
          case 5:
            state.MarkForResync(table);
            break;
          case 6:
          case 7:
            state.Truncate(table, lsn);
            break;
          case 8: {
            const EpochNumber number = state.ReserveEpoch(table);
            EXPECT_TRUE(reserved.emplace(table, number).second) << "used again";
            if (random() % 3 != 0) state.AddEpoch(table, number, lsn);
            break;
          }
          case 9:
            state.AddEpoch(table, static_cast<EpochNumber>(random() % 10), lsn);
            break;
          case 10:
            counts ? (void)state.TakeBackEpochs(*std::exchange(counts, std::nullopt))
                   : (void)(counts = state.CountEpochs());
            break;
          default:
            state.MarkOnlyForResync({table});
        }
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kBug);
      }
      CheckInvariants(state, before);
    }
    const StoreState again = StoreState::FromStored(state.manifest());
    EXPECT_EQ(again.manifest().SerializeAsString(), state.manifest().SerializeAsString());
    EXPECT_EQ(again.CountEpochs(), state.CountEpochs());
  }
}

}  // namespace
}  // namespace rotv
