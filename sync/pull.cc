#include "sync/pull.h"

#include <fmt/format.h>

#include <chrono>
#include <future>

#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/capture/catch_up.h"
#include "sync/capture/pull_target.h"
#include "sync/capture/streaming.h"
#include "sync/context/open_workspace.h"
#include "sync/gc.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/owned_objects.h"
#include "sync/postgres/source_session.h"
#include "sync/postgres/standby.h"
#include "sync/schema/follow.h"

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

  PullResult Run() {
    Clock::time_point start = Clock::now();
    result_.from = state_.head_lsn();
    capture::SourceState source = capture::AskSourceState(session_.connection(), state_.manifest());
    MarkInProgress();
    if (!PullIncrementally(source)) PullWithResync(source);
    store_.Compact();
    CollectGarbageIfLarge(context_, store_);
    result_.to = state_.head_lsn();
    if (result_.schema_changed) {
      result_.schema_changes = schema::CompareSchemas(store_.SchemaAt(result_.from), store_.SchemaAt(result_.to));
    }
    result_.wire_bytes = session_.link().BytesReceived();
    result_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
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
        mask::MaskRulesChanged(manifest, schema, context_))
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

  const Context& context_;
  postgres::SourceSession& session_;
  RowStore& store_;
  StoreState state_;
  PullResult result_;
};

}  // namespace

bool HasBaseline(const Context& context) { return HasBaseline(context.home, context.source.name); }

PullResult Pull(const Context& context) {
  Workspace workspace = OpenWorkspace(context, "pull");
  std::filesystem::path path = workspace.CurrentStorePath();
  // The store is opened while the link is opened.
  std::future<std::unique_ptr<RowStore>> opening =
      std::async(std::launch::async, [&] { return RowStore::Open(path, RowStore::Mode::kReadWrite); });
  postgres::SourceSession session(context, workspace.RunDirectory(),
                                  postgres::SourceSession::Connections::kAlsoReplication);
  postgres::RequirePrimary(session);
  postgres::RemoveAndTellLeftovers(session, workspace);
  std::unique_ptr<RowStore> store = opening.get();
  return Pull(session, *store);
}

PullResult Pull(postgres::SourceSession& session, RowStore& store) {
  if (store.manifest().detached()) {
    throw Error(ErrorCode::kSlotLost, "this source was detached: its replication slot was dropped",
                "take a new baseline: rotv-sync pull --rebaseline");
  }
  return PullRun(session, store).Run();
}

}  // namespace rotv
