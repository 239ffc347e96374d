#include "sync/capture/catch_up.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "storage/error.h"
#include "sync/capture/change_stream.h"
#include "sync/capture/preflight.h"
#include "sync/capture/publication.h"
#include "sync/capture/streaming.h"
#include "sync/mask/fit.h"
#include "sync/mask/mask_plan.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/large_objects.h"
#include "sync/postgres/object_names.h"
#include "sync/postgres/owned_objects.h"
#include "sync/schema/follow.h"
#include "sync/schema/table_change.h"

namespace rotv::capture {

// The stream tells everything about the rows of a table that is published and keeps its form. It tells nothing about
// tables that are not streamed, about a rewrite, or about a table between two migrations. When the end of a pull finds
// that something of this kind has happened, the pull ends in a resync.
//
// One exact LSN is needed at which copies and stream meet. An exported snapshot of an ordinary transaction has none:
// WAL positions and visibility are not tied. Only a new replication slot gives both, so a temporary one is created; it
// exports a snapshot that sees exactly what commits before its LSN L. The order is fixed by what must hold if the run
// is killed:
// 1. The publication is adjusted and committed before the slot exists, since pgoutput looks it up in the catalogue of
//    the past; tables that leave it are dropped first, which ends the server's refusal to UPDATE them.
// 2. Catalogue, fingerprints and sequences are read at L and compared with what is stored (table_change.h).
// 3. Tables that need it are copied at L into new epochs, which no reader sees yet.
// 4. must_copy names these tables before the stream passes over their changes: from then on these are dropped, and a
//    run that goes on after a kill must know it.
// 5. The permanent slot is streamed to L, where everything becomes visible in one synced batch.
// A migration at any point shows in a fingerprint at the end of the step, and the run starts over at a new slot.
// Streamed rows are kept; epochs of an incomplete copy are dropped.
//
// Invariant: after the batch, the state at L is the source's at L, in every table. Between the old head and L a state
// may be one that never was (some tables copied, others streamed), so a gap is recorded and no such point is offered.
//
// The cost is that of the tables copied, plus a few round trips. Taking a new baseline instead would be simpler, but
// would copy every table after each ALTER.
//
// A baseline goes on in the same way, but in another order: first the permanent slot is streamed to L, which becomes
// the baseline, and only then the tables that are not here are copied, one by one. So there is one LSN at every time at
// which all complete tables are exact and at which the others are copied: each can be published for itself when its
// copy ends, and a second interruption loses no more than the first. Copies that come before the stream would have to
// wait for it, invisible, and would be lost with it.

namespace {

// The most attempts that are made while the schema keeps changing.
constexpr int kMostTries = 5;
// Connections for the watchdog, and a table or two.
constexpr size_t kConnections = 2;

class CatchUpRun {
 public:
  CatchUpRun(postgres::SourceSession& session, RowStore& store, StoreState* state,
             ExportedSnapshotReading::Texts expected, AtHead at_head)
      : at_head_(at_head),
        session_(session),
        context_(session.context()),
        store_(store),
        state_(*state),
        expected_(expected),
        before_(store.SchemaAt(state->durable_lsn())),
        lineage_(before_),
        // Under other rules, other columns have none, and nobody has examined them.
        sampler_(session.connection(), context_.interrupt,
                 mask::MaskRulesChanged(state->manifest(), before_, context_) ? proto::SchemaVersion() : before_) {}

  CatchUpResult Run() {
    for (int attempt = 1; !TryResync(); ++attempt) {
      if (attempt == kMostTries) {
        throw Error(ErrorCode::kUnreachable,
                    fmt::format("the source's schema changed during each of {} attempts to follow it", kMostTries),
                    "try again when no migration is running on the source");
      }
      context_.progress.Note("the source's schema changed in the meantime: starting over");
      expected_ = ExportedSnapshotReading::Texts::kRead;
    }
    return std::move(result_);
  }

  // GoOnWithBaseline(), with the state in `*state`.
  bool GoOnWithBaseline(CopyCounts* counts) {
    return AtNewSnapshot(ExportedSnapshotReading::Texts::kRead, [&](const Difference& difference) {
      const Lsn lsn = difference.slot.lsn();
      ExportedSnapshotReading& reading = difference.reading;
      // Tables whose rows come in a form that is not known are marked as well, and copied with the others.
      Stream(difference.changes, TablesToResync(difference.changes), lsn);
      state_.MoveBaseline(lsn, reading.moment(), reading.fingerprints(mask::MaskFingerprint(context_)));
      RowStore::Addition addition;
      addition.schema = {lsn, reading.schema()};
      addition.sequences = {lsn, reading.sequences()};
      store_.Publish(state_, addition);
      return reading.CompleteBaseline(store_, &state_, counts);
    });
  }

 private:
  // How the source at a later exported snapshot differs from the store.
  struct Difference {
    postgres::ExportedSnapshotSlot& slot;
    ExportedSnapshotReading& reading;
    bool schema_changed = false;
    const std::vector<schema::TableChange>& changes;
  };

  // Takes an exported snapshot, compares the source there with the store, and returns what `work` makes of the
  // difference. Returns false if the schema changed in between.
  template <typename Work>
  bool AtNewSnapshot(ExportedSnapshotReading::Texts texts, const Work& work) {
    session_.Prepare(kConnections);  // They open while the catalogue is read and the slot is created.
    const std::optional<proto::SchemaVersion> published = Publish();
    if (!published) return false;
    context_.progress.Begin("waiting for a consistent point", Progress::Unit::kItems, 0);
    postgres::ExportedSnapshotSlot slot(session_, postgres::NewObjectNames(context_.source.name).slot(),
                                        postgres::ExportedSnapshotSlot::Lifetime::kTemporary);
    ExportedSnapshotReading reading(
        session_, slot,
        {.publication = publication(), .shapes = store_.shapes(), .lineage = lineage_, .sampler = sampler_}, texts);
    context_.progress.End();
    if (!schema::SameTablesAreStreamed(*published, reading.schema())) return false;
    const bool schema_changed = reading.fingerprint().schema != StoredFingerprint().schema;
    if (!reading.ReadContents()) return false;
    if (!reading.new_shapes().empty()) {
      store_.Publish(state_, {.schema = {}, .sequences = {}, .shapes = reading.new_shapes()});
    }
    const std::optional<std::vector<schema::TableChange>> changes = Compare(reading, schema_changed);
    return changes && work(Difference{slot, reading, schema_changed, *changes});
  }

  // Returns false if the schema changed in between, or if it turned out that more tables need a resync.
  bool TryResync() {
    return AtNewSnapshot(expected_, [&](const Difference& difference) {
      const std::set<TableId> to_resync = TablesToResync(difference.changes);
      if (!ReadSnapshot(difference.reading, to_resync, difference.schema_changed)) return false;
      if (at_head_ == AtHead::kHoldExportedSnapshot) {
        result_.snapshot = postgres::HoldExportedSnapshot(difference.slot);
      }
      difference.slot.Close();
      const Lsn lsn = difference.slot.lsn();
      if (!Stream(difference.changes, to_resync, lsn)) return false;
      Conclude(difference.reading, difference.changes, to_resync, lsn, difference.schema_changed);
      return true;
    });
  }

  // Adjusts the publication to the tables that are to be streamed, and returns the schema that they are part of;
  // nothing if that has changed meanwhile.
  std::optional<proto::SchemaVersion> Publish() {
    postgres::PgConnection& connection = session_.connection();
    postgres::Catalog catalog = mask::ReadMaskedCatalog(connection, context_, lineage_, publication(), &sampler_);
    ThrowFirstProblem(CheckCatalog(catalog, context_.source));
    const std::string unchecked = mask::UncheckedText(mask::RequireFit(connection, context_, catalog, before_));
    if (!unchecked.empty()) context_.progress.Warn(unchecked);
    proto::SchemaVersion schema = schema::DescribeSchema(catalog, context_.source, store_.shapes()).schema;
    if (!AdjustPublication(connection, publication(), schema)) return std::nullopt;
    return schema;
  }

  std::optional<std::vector<schema::TableChange>> Compare(ExportedSnapshotReading& reading, bool schema_changed) {
    const auto& marked = state_.manifest().must_copy();
    std::set<TableId> must_copy(marked.begin(), marked.end());
    std::vector<schema::TableChange> changes = schema::CompareTables({.before = before_,
                                                                      .now = reading.schema(),
                                                                      .shapes = store_.shapes(),
                                                                      .must_copy = must_copy,
                                                                      .text_changed = schema_changed});
    std::vector<const proto::Table*> doubtful;
    for (const schema::TableChange& change : changes) {
      if (change.fate == schema::Fate::kKeepIfProven) doubtful.push_back(change.now);
    }
    if (doubtful.empty()) return changes;
    std::optional<std::set<TableId>> rewritten = reading.WithoutOldRows(doubtful, state_.manifest().head_xid());
    if (!rewritten) return std::nullopt;
    for (schema::TableChange& change : changes) {
      if (change.fate != schema::Fate::kKeepIfProven) continue;
      change.fate = rewritten->count(change.now->id()) == 0 ? schema::Fate::kKeep : schema::Fate::kCopy;
      if (change.fate == schema::Fate::kCopy) change.reason = "it may have been rewritten";
    }
    return changes;
  }

  std::set<TableId> TablesToResync(const std::vector<schema::TableChange>& changes) const {
    std::set<TableId> tables;
    for (const schema::TableChange& change : changes) {
      if (change.fate != schema::Fate::kCopy) continue;
      tables.insert(change.now->id());
      const auto& waiting = state_.manifest().must_copy();
      if (state_.unfinished() && std::find(waiting.begin(), waiting.end(), change.now->id()) != waiting.end()) continue;
      context_.progress.Note(fmt::format("copying {}: {}", change.now->quoted_name(), change.reason));
    }
    return tables;
  }

  bool ReadSnapshot(ExportedSnapshotReading& reading, const std::set<TableId>& tables, bool schema_changed) {
    // The texts also list the large objects.
    bool read_texts = schema_changed || tables.count(postgres::kLargeObjectTable) != 0;
    auto texts = read_texts ? ExportedSnapshotReading::Texts::kRead : ExportedSnapshotReading::Texts::kKnown;
    const StoreState::EpochCounts epochs = state_.CountEpochs();
    CopyCounts counts;
    if (reading.Read(store_, tables, texts, &state_, &counts)) {
      result_.copied_rows = counts.rows;
      if (read_texts) return true;
      reading.KeepTextsOf(before_);
      return true;
    }
    for (const proto::DroppedEpoch& epoch : state_.TakeBackEpochs(epochs)) {
      store_.DropEpoch(epoch.table(), epoch.epoch());
    }
    return false;
  }

  // Returns false if rows came that have neither the old nor the new form of their table, which then needs a resync,
  // too.
  bool Stream(const std::vector<schema::TableChange>& changes, const std::set<TableId>& copied, Lsn target) {
    // A run that goes on after an interruption must know that these tables' changes are dropped from now on.
    state_.MarkOnlyForResync(copied);
    std::vector<StreamedTable> tables;
    for (const schema::TableChange& change : changes) {
      if (change.fate != schema::Fate::kKeep || !schema::IsStreamed(*change.now)) continue;
      StreamedTable table{.id = change.now->id(), .forms = {}};
      table.forms.push_back({change.before, &store_.shapes().Get(change.before->shape())});
      if (change.now->shape() != change.before->shape()) {
        table.forms.push_back({change.now, &store_.shapes().Get(change.now->shape())});
      }
      tables.push_back(std::move(table));
    }
    result_.counts = StreamUntil(session_, store_, tables, target, &state_, {});
    return static_cast<size_t>(state_.manifest().must_copy_size()) == copied.size();
  }

  void Conclude(ExportedSnapshotReading& reading, const std::vector<schema::TableChange>& changes,
                const std::set<TableId>& copied, Lsn lsn, bool schema_changed) {
    for (const schema::TableChange& change : changes) {
      if (copied.count(change.now->id()) != 0) result_.copied.push_back(change.now->quoted_name());
    }
    result_.schema_changed = schema_changed;
    result_.mask_changed = mask::MaskRulesChanged(state_.manifest(), before_, context_);
    const bool others = reading.fingerprint() != StoredFingerprint() ||
                        !schema::ExclusionChanges(before_, context_.source).empty() || result_.mask_changed;
    const bool broken = others || !copied.empty();
    state_.EndPullWithResync(lsn, reading.moment(), reading.fingerprints(mask::MaskFingerprint(context_)),
                             broken ? StoreState::History::kBroken : StoreState::History::kUnbroken);
    if (broken) {
      const bool only_unstreamed = !others && WereUnstreamed(changes, copied);
      state_.ExplainGap(copied,
                        only_unstreamed ? StoreState::GapReason::kUnstreamed : StoreState::GapReason::kAlsoOthers);
    }
    RowStore::Addition addition;
    addition.schema = {lsn, reading.schema()};
    addition.sequences = {lsn, reading.sequences()};
    store_.Publish(state_, addition);
  }

  // True if none of the tables that were copied has ever been streamed.
  static bool WereUnstreamed(const std::vector<schema::TableChange>& changes, const std::set<TableId>& copied) {
    return std::all_of(changes.begin(), changes.end(), [&](const schema::TableChange& change) {
      return copied.count(change.now->id()) == 0 ||
             (change.before != nullptr && change.before->follow() == proto::FOLLOW_COPY &&
              change.now->follow() == proto::FOLLOW_COPY);
    });
  }

  postgres::Fingerprint StoredFingerprint() const {
    return {state_.manifest().schema_fingerprint(), state_.manifest().table_fingerprint()};
  }
  const std::string& publication() const { return state_.manifest().publication(); }

  const AtHead at_head_;
  postgres::SourceSession& session_;
  const Context& context_;
  RowStore& store_;
  StoreState& state_;
  ExportedSnapshotReading::Texts expected_;
  const proto::SchemaVersion before_;  // The schema under which the stored rows were received.
  const mask::MaskLineage lineage_;
  mask::PiiSampler sampler_;
  CatchUpResult result_;
};

}  // namespace

CatchUpResult CatchUp(postgres::SourceSession& session, RowStore& store, StoreState* state,
                      ExportedSnapshotReading::Texts expected, AtHead at_head) {
  return CatchUpRun(session, store, state, expected, at_head).Run();
}

bool GoOnWithBaseline(postgres::SourceSession& session, RowStore& store, CopyCounts* counts) {
  StoreState state = store.state();
  const auto& waiting = state.manifest().must_copy();
  // A copy that was interrupted has left rows before the baseline, which no scan would hold back.
  store.DropUnlistedEpochs(std::set<TableId>(waiting.begin(), waiting.end()));
  state.BeginPull();
  store.Publish(state, {});
  return CatchUpRun(session, store, &state, ExportedSnapshotReading::Texts::kRead, AtHead::kLeave)
      .GoOnWithBaseline(counts);
}

}  // namespace rotv::capture
