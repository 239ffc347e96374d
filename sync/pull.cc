#include "sync/pull.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "os/clock.h"
#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/capture/catch_up.h"
#include "sync/capture/disk_room.h"
#include "sync/capture/pull_target.h"
#include "sync/capture/reconnecting.h"
#include "sync/capture/streaming.h"
#include "sync/compact.h"
#include "sync/context/link_retry.h"
#include "sync/context/open_workspace.h"
#include "sync/gc.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/source_session.h"
#include "sync/schema/broken_references.h"
#include "sync/schema/follow.h"
#include "sync/unfinished_baseline.h"

namespace rotv {

// A pull begins as an incremental one, on the assumption that only streamed rows have changed, and ends in a resync if
// the assumption proves wrong. It is checked twice: before the stream, by the schema's fingerprint, and after it, by
// the same fingerprint and those of the tables that are not streamed. Equal fingerprints at both ends mean that nothing
// else has changed in between, because every schema change changes them (fingerprint.h). Checking first costs one round
// trip that is needed anyway (it fixes the target); checking afterwards runs while the stream ends.
//
// Whatever the stream has brought is kept when a resync follows, and the resync continues from there: what was received
// is durable and acknowledged, so it would not come again.

namespace {

using Clock = std::chrono::steady_clock;

class PullRun {
 public:
  PullRun(postgres::SourceSession& session, RowStore& store)
      : context_(session.context()), session_(session), store_(store), state_(store.state()) {}

  // What was received from `received_until` on counts as the result, also if an earlier attempt received it.
  PullResult Run(Lsn received_until) {
    Clock::time_point start = Clock::now();
    const bool continues = received_until < state_.durable_lsn();
    result_.from = state_.head_lsn();
    capture::SourceState source = capture::AskSourceState(session_.connection(), state_.manifest());
    capture::WarnOfLongPull(context_, source.insert_lsn.value() - state_.durable_lsn().value());
    MarkInProgress();
    if (!PullIncrementally(source)) PullWithResync(source);
    if (continues) CountLogged(received_until);
    CompactIfMuchIsOwed(store_);
    result_.compaction_owed = store_.compaction_owed() != CompactionOwed::kNothing;
    result_.to = state_.head_lsn();
    if (result_.schema_changed) {
      result_.schema_changes = schema::CompareSchemas(store_.SchemaAt(result_.from), store_.SchemaAt(result_.to));
    }
    result_.wire_bytes = session_.link().BytesReceived();
    result_.seconds = os::SecondsSince(start);
    return result_;
  }

 private:
  // Marks the store, so that rows of a killed run are found and removed.
  void MarkInProgress() {
    state_.BeginPull();
    store_.Publish(state_, {});
  }

  // Streams, on the assumption that nothing else has changed; returns false if something has, before or in the
  // meantime. What was streamed is stored in that case, and the resync continues after it.
  bool PullIncrementally(const capture::SourceState& source) {
    const proto::Manifest& manifest = state_.manifest();
    const postgres::Fingerprint stored{manifest.schema_fingerprint(), manifest.table_fingerprint()};
    proto::SchemaVersion schema = store_.SchemaAt(state_.durable_lsn());
    if (source.fingerprint != stored || !state_.needs_no_resync()) return false;
    if (!schema::ExclusionChanges(schema, context_.source).empty() ||
        !schema::ReferencesAreSettled(schema, context_.source) || mask::MaskRulesChanged(manifest, schema, context_))
      return false;

    std::vector<capture::StreamedTable> tables;
    for (const proto::Table& table : schema.tables()) {
      if (schema::IsStreamed(table)) tables.push_back({table.id(), {{&table, &store_.shapes().Get(table.shape())}}});
    }
    // The schema must be the same at the end as it was at the start: only then was it the same all the time. The
    // question is asked while the stream ends.
    std::optional<capture::UnchangedCheck::Head> head;
    Count(capture::StreamUntil(session_, store_, tables, source.insert_lsn, &state_, [&] {
      head = capture::UnchangedCheck(session_.connection(), manifest, schema, source).Ask();
    }));
    if (!head || !state_.needs_no_resync()) return false;

    result_.carried_masks = mask::CarriedMasks(schema.mask_record());
    state_.EndIncrementalPull({.time_us = source.time_us, .xid = head->xid});
    RowStore::Addition addition;
    addition.sequences = {state_.head_lsn(), head->sequences};
    store_.Publish(state_, addition);
    return true;
  }

  void PullWithResync(const capture::SourceState& source) {
    bool new_texts = source.fingerprint.schema != state_.manifest().schema_fingerprint();
    capture::CatchUpResult caught_up = capture::CatchUp(
        session_, store_, &state_,
        new_texts ? capture::ExportedSnapshotReading::Texts::kRead : capture::ExportedSnapshotReading::Texts::kKnown);
    Count(caught_up.counts);
    result_.copied = std::move(caught_up.copied);
    result_.copied_rows = caught_up.copied_rows;
    result_.schema_changed = caught_up.schema_changed;
    result_.mask_changed = caught_up.mask_changed;
    result_.carried_masks = mask::CarriedMasks(store_.SchemaAt(state_.head_lsn()).mask_record());
  }

  void Count(const capture::Applier::Counts& counts) {
    result_.transactions += counts.transactions;
    result_.inserted += counts.inserted;
    result_.updated += counts.updated;
    result_.deleted += counts.deleted;
    result_.truncated += counts.truncated;
  }

  // Counts again, by the change log.
  void CountLogged(Lsn from) {
    result_.transactions = result_.inserted = result_.updated = result_.deleted = result_.truncated = 0;
    store_.VisitLog(from, [&](const proto::Transaction& piece) {
      if (!piece.continued()) ++result_.transactions;
      for (const proto::TableChanges& changes : piece.changes()) {
        result_.inserted += changes.inserted();
        result_.updated += changes.updated();
        result_.deleted += changes.deleted();
        if (changes.truncated()) ++result_.truncated;
      }
      return true;
    });
  }

  const Context& context_;
  postgres::SourceSession& session_;
  RowStore& store_;
  StoreState state_;
  PullResult result_;
};

void RequireSlot(const RowStore& store) {
  if (!store.manifest().detached()) return;
  throw Error(ErrorCode::kSlotLost, "this source was detached: its replication slot was dropped",
              "take a new baseline: rotv-sync pull --rebaseline");
}

}  // namespace

bool HasBaseline(const Context& context) { return HasBaseline(context.home, context.source.name); }

PullResult Pull(const Context& context) {
  Workspace workspace = OpenWorkspace(context, "pull");
  LinkRetry retry(context);
  PullResult result;
  std::optional<Clock::time_point> start;
  Lsn received_until;
  const uint64_t wire_bytes =
      capture::RunReconnecting(workspace, context, retry, [&](postgres::SourceSession& session, RowStore& store) {
        if (!start) {
          start = Clock::now();
          received_until = store.state().durable_lsn();
          TellUnfinished(session, workspace);
        }
        RequireSlot(store);
        result = PullRun(session, store).Run(received_until);
        CollectGarbageIfLarge(context, store);
        result.compaction_owed = store.compaction_owed() != CompactionOwed::kNothing;
      });
  result.wire_bytes = wire_bytes;
  result.reconnects = retry.retries();
  result.seconds = os::SecondsSince(*start);
  return result;
}

PullResult Pull(postgres::SourceSession& session, RowStore& store) {
  RequireSlot(store);
  return PullRun(session, store).Run(store.state().durable_lsn());
}

}  // namespace rotv
