#include "sync/pull.h"

#include <fmt/format.h>

#include <chrono>
#include <future>

#include "storage/error.h"
#include "storage/row_store.h"
#include "storage/workspace.h"
#include "sync/catalog.h"
#include "sync/change_stream.h"
#include "sync/pull_target.h"
#include "sync/sequences.h"
#include "sync/source_session.h"

namespace rotv {
namespace {

using Clock = std::chrono::steady_clock;

class PullRun {
 public:
  PullRun(const Context& context, SourceSession& session, RowStore& store)
      : context_(context), session_(session), store_(store), manifest_(store.manifest()) {}

  PullResult Run() {
    Clock::time_point start = Clock::now();
    result_.from = Lsn(manifest_.head_lsn());
    SourceState state = AskSourceState(session_.connection(), manifest_);
    CheckSchemaUnchanged(state.fingerprint, manifest_);
    proto::SchemaVersion schema = store_.SchemaAt(Lsn(manifest_.durable_lsn()));
    for (const std::string& table : ExclusionChanges(schema, context_.source)) {
      context_.progress.Warn(table +
                             " is in `exclude` of rotv.toml now or was at the baseline, but not both: that takes "
                             "effect with the next rotv-sync baseline --force");
    }
    MarkInProgress();
    Conclude(Receive(session_.replication(), schema, state.insert_lsn), state);
    result_.to = Lsn(manifest_.head_lsn());
    result_.wire_bytes = session_.link().BytesReceived();
    result_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return result_;
  }

 private:
  // So that rows of a run that is killed are found and removed.
  void MarkInProgress() {
    manifest_.set_pull_in_progress(true);
    store_.Publish(manifest_, {});
  }

  // Gives the answers to the questions at the end: fingerprint, then sequences.
  std::vector<PgResult> Receive(PgConnection& streaming, const proto::SchemaVersion& schema, Lsn target) {
    StoreWriter writer(store_);
    Lsn from(manifest_.durable_lsn());
    Applier applier(schema, manifest_, writer, from);
    ChangeStream stream({.connection = streaming,
                         .applier = applier,
                         .writer = writer,
                         .manifest = manifest_,
                         .progress = context_.progress,
                         .interrupt = context_.interrupt,
                         .log_flush = [this] { return AskLogFlush(); }});
    context_.progress.Begin("receiving changes", Progress::Unit::kBytes, BytesBetween(from, target));
    stream.ReceiveUntil(target);
    // The schema must be the same at the end as it was at the start: only then was it so all the while. Asked while the
    // stream is ended.
    PgConnection& connection = session_.connection();
    std::future<std::vector<PgResult>> answers = std::async(std::launch::async, [&] {
      return connection.QueryAll(FingerprintSql(connection, manifest_.publication()) + ";" + SequencesSql(schema));
    });
    stream.End();
    context_.progress.End();
    const Applier::Counts& counts = applier.counts();
    result_.transactions = counts.transactions;
    result_.inserted = counts.inserted;
    result_.updated = counts.updated;
    result_.deleted = counts.deleted;
    result_.truncated = counts.truncated;
    return answers.get();
  }

  void Conclude(const std::vector<PgResult>& results, const SourceState& before) {
    CheckSchemaUnchanged(ParseFingerprint(results, 0), manifest_);
    manifest_.set_head_lsn(manifest_.durable_lsn());
    manifest_.set_head_time_us(before.time_us);
    manifest_.set_pull_in_progress(false);
    RowStore::Addition addition;
    addition.sequences = {Lsn(manifest_.head_lsn()), ParseSequences(results, 2)};
    store_.Publish(manifest_, addition);
    store_.Tidy();
  }

  LogFlush AskLogFlush() {
    PgResult row = session_.connection().Query(
        "SELECT pg_current_wal_flush_lsn(), setting FROM pg_settings WHERE name = 'wal_writer_delay'");
    return {Lsn::Parse(row.Text(0, 0)).value(), std::chrono::milliseconds(row.Int(0, 1))};
  }

  const Context& context_;
  SourceSession& session_;
  RowStore& store_;
  proto::Manifest manifest_;
  PullResult result_;
};

}  // namespace

bool HasBaseline(const Context& context) { return HasBaseline(context.home, context.source.name); }

PullResult Pull(const Context& context) {
  Workspace workspace(context.home, context.source.name, "pull");
  std::filesystem::path path = workspace.CurrentStorePath();
  // The store is opened while the link is.
  std::future<std::unique_ptr<RowStore>> opening =
      std::async(std::launch::async, [&] { return RowStore::Open(path, RowStore::Mode::kReadWrite); });
  SourceSession session(context, workspace.RunDirectory(), SourceSession::Connections::kAlsoReplication);
  session.RemoveLeftovers(workspace);
  std::unique_ptr<RowStore> store = opening.get();
  if (store->manifest().detached()) {
    throw Error(ErrorCode::kSlotLost, "this source was detached: its slot is gone",
                "take a new baseline: rotv-sync baseline --force");
  }
  return PullRun(context, session, *store).Run();
}

}  // namespace rotv
