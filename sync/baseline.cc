#include "sync/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <utility>

#include "os/clock.h"
#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/capture/catch_up.h"
#include "sync/capture/disk_room.h"
#include "sync/capture/exported_snapshot_reading.h"
#include "sync/capture/preflight.h"
#include "sync/capture/publication.h"
#include "sync/context/open_workspace.h"
#include "sync/mask/fit.h"
#include "sync/mask/mask_plan.h"
#include "sync/mask/stored_lineage.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/object_names.h"
#include "sync/postgres/owned_objects.h"
#include "sync/postgres/source_session.h"
#include "sync/postgres/standby.h"
#include "sync/postgres/table_queue.h"
#include "sync/schema/broken_references.h"
#include "sync/schema/follow.h"
#include "sync/unfinished_baseline.h"

namespace rotv {

// A baseline is built beside the store in use, from the exported snapshot of a new permanent slot, and becomes the
// store in use by the rename of one small file. The order is publication, slot, rows, rename: the publication is
// committed before the slot exists, since pgoutput looks it up in the catalogue of the past, and the rows are read at
// the snapshot that the slot exported, so that the stream continues exactly where the copy ends. What will exist on the
// source is recorded here before it is created.
//
// The store has a state from the time at which slot and schema are known, with all tables waiting to be copied; each is
// published as complete when its copy ends. So a run that is killed or loses its link leaves a store that goes on, by
// this run or the next one: GoOnWithBaseline() brings what is here to a later exported snapshot and copies the rest
// there. The same happens if a migration comes in between. Where no table is complete there is nothing to go on with:
// store, slot and publication are removed, by this run or by the next command.

namespace {

using Clock = std::chrono::steady_clock;

// The most attempts that are made while the schema keeps changing.
constexpr int kMostTries = 5;

class BaselineRun {
 public:
  // `store` is that of an unfinished baseline that goes on, or null.
  BaselineRun(const Context& context, const BaselineOptions& options, Workspace& workspace,
              postgres::SourceSession& session, std::unique_ptr<RowStore> store)
      : context_(context),
        options_(options),
        workspace_(workspace),
        session_(session),
        store_(std::move(store)),
        sampler_(session.connection(), context.interrupt) {}

  BaselineResult Run() {
    const Clock::time_point start = Clock::now();
    fate_of_old_store_ = FateOfOldStore();
    if (store_) {
      objects_ = workspace_.unfinished()->objects();
      result_.went_on = true;
      result_.tables_kept = ProgressOf(*store_).complete;
    }
    try {
      Examine();
      CopyAll();
      Conclude();
    } catch (const Error& error) {
      EndUnfinished(error.code());
      throw;
    } catch (...) {
      EndUnfinished(ErrorCode::kBug);
      throw;
    }
    postgres::ReportRemoval(postgres::RemoveLeftovers(session_, workspace_, postgres::Reach::kAnywhere),
                            context_.progress);
    result_.wire_bytes = session_.link().BytesReceived();
    result_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return result_;
  }

 private:
  void Examine() {
    context_.progress.Begin("examining the source", Progress::Unit::kItems, 0);
    dump_program_ = std::async(std::launch::async, [this] { return capture::CheckDumpProgram(session_); });
    ReadLineage();
    postgres::Catalog catalog = mask::ReadMaskedCatalog(session_.connection(), context_, lineage_, "", &sampler_);
    std::vector<capture::Check> checks = capture::CheckServer(session_, options_.wal_limit);
    for (capture::Check& check : capture::CheckCatalog(catalog, context_.source)) checks.push_back(std::move(check));
    capture::ThrowFirstProblem(checks);
    const std::string unchecked = mask::UncheckedText(mask::RequireFit(session_.connection(), context_, catalog));
    if (!unchecked.empty()) context_.progress.Warn(unchecked);
    if (const std::string keys = schema::NotValidText(catalog); !keys.empty()) {
      context_.progress.Warn("they reference rows that are left out, so a seed makes these foreign keys NOT VALID: " +
                             keys);
    }
    published_ = schema::DescribeSchema(catalog, context_.source, ShapeMap()).schema;
    capture::CheckRoomForBaseline(context_, catalog, published_);
    context_.progress.End();
  }

  // Reads the masks of the replaced store: everything that it has masked stays masked. An unfinished baseline has them
  // from there.
  void ReadLineage() {
    if (store_) {
      lineage_ = mask::MaskLineage(store_->SchemaAt(store_->state().durable_lsn()));
      return;
    }
    if (!workspace_.current()) return;
    try {
      lineage_ = mask::ReadStoredLineage(workspace_.CurrentStorePath(), session_.connection());
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorrupt && error.code() != ErrorCode::kDisk) throw;
      context_.progress.Warn(
          fmt::format("the store to be replaced cannot be read ({}): rules that masked it and are "
                      "not in the config are not known",
                      error.what()));
    }
  }

  // Copies until all tables are complete. As long as each attempt completes some, they are not counted.
  void CopyAll() {
    uint64_t complete = store_ ? ProgressOf(*store_).complete : 0;
    for (int attempt = 1; !Try(); ++attempt) {
      const uint64_t before = complete;
      complete = ProgressOf(*store_).complete;
      if (complete > before) attempt = 0;
      if (attempt == kMostTries) {
        throw Error(
            ErrorCode::kUnreachable,
            fmt::format("the source's schema changed during each of {} attempts to take a baseline", kMostTries),
            "try again when no migration is running on the source");
      }
      if (complete > 0) {
        context_.progress.Say("the source's schema changed in the meantime: going on with what is here");
        continue;
      }
      context_.progress.Warn("the source's schema changed in the meantime: starting over");
      store_.reset();
      workspace_.DropUnfinished();
      postgres::RemoveAndTellLeftovers(session_, workspace_);
      RefreshPublished();
    }
  }

  // Returns false if the schema changed in between.
  bool Try() {
    if (!store_) return Begin();
    RequireDumpProgram();
    // A run that was killed just before its end has left nothing to copy.
    return !store_->state().unfinished() || capture::GoOnWithBaseline(session_, *store_, &counts_);
  }

  // Makes publication, slot and store, and copies at the slot's snapshot. Returns false if the schema changed in
  // between.
  bool Begin() {
    objects_ = postgres::NewObjectNames(context_.source.name);
    postgres::SetPlace(session_, &objects_);
    workspace_.SetUnfinished(objects_.slot(), objects_, os::NowMicroseconds());
    // Connections for the copy are opened while publication and slot are created.
    constexpr size_t kForSnapshotAndWatchdog = 2;
    session_.Prepare(kForSnapshotAndWatchdog +
                     std::min(postgres::kMostTableReaders, static_cast<size_t>(published_.tables_size())));
    const std::filesystem::path store_path = workspace_.MakeStoreDirectory(objects_.slot());
    std::future<std::unique_ptr<RowStore>> opening =
        std::async(std::launch::async, [&] { return RowStore::Open(store_path, RowStore::Mode::kCreate); });
    capture::CreatePublication(session_.connection(), objects_.publication(), published_);
    context_.progress.Begin("waiting for a consistent point", Progress::Unit::kItems, 0);
    postgres::ExportedSnapshotSlot slot(session_, objects_.slot());
    const ShapeMap no_shapes;
    capture::ExportedSnapshotReading reading(
        session_, slot,
        {.publication = objects_.publication(), .shapes = no_shapes, .lineage = lineage_, .sampler = sampler_},
        capture::ExportedSnapshotReading::Texts::kRead);
    context_.progress.End();
    const bool unchanged = schema::SameTablesAreStreamed(published_, reading.schema()) && reading.ReadContents();
    // The answer is waited for only now: with a slow login shell on the remote host it takes longer than everything
    // before.
    if (unchanged) RequireDumpProgram();
    std::unique_ptr<RowStore> store = opening.get();
    StoreState state = StateOf(reading);
    RowStore::Addition addition;
    addition.schema = {reading.lsn(), reading.schema()};
    addition.shapes = reading.new_shapes();
    store->Publish(state, addition);
    store_ = std::move(store);
    return unchanged && reading.CompleteBaseline(*store_, &state, &counts_);
  }

  void RequireDumpProgram() {
    if (dump_program_.valid()) capture::ThrowIfProblem(dump_program_.get());
  }

  // Makes the complete store the one in use.
  void Conclude() {
    CountResult();
    const std::filesystem::path store_path = workspace_.UnfinishedStorePath();
    store_.reset();
    if (InUse()) workspace_.AddOwned(workspace_.current()->objects());
    workspace_.SetCurrent(store_path, objects_, fate_of_old_store_);
    if (!not_deleted_.empty()) context_.progress.Warn(not_deleted_);
    WarnOfStoresThatStay(workspace_, context_.progress);
  }

  // The objects of a detached store on the source have been removed, or are recorded already.
  bool InUse() const { return workspace_.current() && !workspace_.current()->detached(); }

  // The old store's snapshots outlive it. One that cannot be read stays, but nothing uses it: somebody may be able to.
  // This is asked at the beginning, since a failure to read it at the end would make its snapshots nobody's.
  Workspace::Before FateOfOldStore() {
    if (!workspace_.current()) return Workspace::Before::kDelete;
    try {
      std::unique_ptr<RowStore> old = RowStore::Open(workspace_.CurrentStorePath(), RowStore::Mode::kReadOnly);
      return old->manifest().snapshots_size() > 0 ? Workspace::Before::kKeep : Workspace::Before::kDelete;
    } catch (const Error& error) {
      not_deleted_ = fmt::format("the replaced store cannot be read ({}), and was not deleted: {}", error.what(),
                                 workspace_.CurrentStorePath().string());
      return Workspace::Before::kLeave;
    }
  }

  // The state of a store in which every table waits to be copied.
  StoreState StateOf(capture::ExportedSnapshotReading& reading) {
    StoreState state =
        StoreState::AtBaseline({.source = postgres::ReadIdentity(session_.connection()),
                                .slot = objects_.slot(),
                                .publication = objects_.publication(),
                                .description = session_.link().Description()},
                               reading.lsn(), reading.moment(), reading.fingerprints(mask::MaskFingerprint(context_)));
    std::set<TableId> tables;
    for (const proto::Table& table : reading.schema().tables()) {
      if (schema::HasRows(table)) tables.insert(table.id());
    }
    state.AwaitCopies(tables);
    return state;
  }

  // Reads the catalogue again for the next attempt.
  void RefreshPublished() {
    postgres::Catalog catalog = mask::ReadMaskedCatalog(session_.connection(), context_, lineage_, "", &sampler_);
    capture::ThrowFirstProblem(capture::CheckCatalog(catalog, context_.source));
    published_ = schema::DescribeSchema(catalog, context_.source, ShapeMap()).schema;
  }

  void CountResult() {
    const BaselineProgress progress = ProgressOf(*store_);
    const Lsn lsn(store_->manifest().baseline_lsn());
    result_.lsn = lsn;
    result_.tables = progress.tables;
    result_.rows = progress.rows;
    result_.row_bytes = progress.row_bytes;
    result_.rows_copied = counts_.rows;
    result_.carried_masks = mask::CarriedMasks(store_->SchemaAt(lsn).mask_record());
    result_.store_bytes = store_->DiskBytes();
  }

  // After a failure: keeps what is complete, for the next run, or removes what this one has made.
  void EndUnfinished(ErrorCode code) {
    // What failed may be what came after the store had become the one in use.
    if (!workspace_.unfinished()) return;
    const BaselineProgress progress = store_ ? ProgressOf(*store_) : BaselineProgress();
    store_.reset();
    if (progress.complete == 0 || !CanGoOnAfter(code)) return Remove();
    context_.progress.Warn(
        fmt::format("the baseline is not finished: {}, and slot {} stays on the source and holds back WAL there: {}",
                    ProgressText(progress), objects_.slot(), WaysOnText(workspace_)));
  }

  // True if the next run can go on after such a failure. A refusal is no interruption: it ends a baseline, but not what
  // an earlier run has left of it. After a full disk its space is worth more.
  bool CanGoOnAfter(ErrorCode code) const {
    if (code == ErrorCode::kUnreachable || code == ErrorCode::kInterrupted) return true;
    return result_.went_on && (code == ErrorCode::kRefused || code == ErrorCode::kUsage || code == ErrorCode::kInUse ||
                               code == ErrorCode::kCannotStart);
  }

  // Removes what was created, as far as the source can be reached: the rest is recorded, and removed by the next run.
  // This opens another session, since the first one may be what has failed.
  void Remove() {
    static const Interrupt kNotInterrupted;  // The interrupt may be the reason for this call.
    try {
      workspace_.DropUnfinished();
      Context context{context_.source, context_.home, context_.progress, kNotInterrupted};
      std::filesystem::path directory =
          workspace_.RunDirectory() / "undo";  // The first session's sockets have the same names.
      std::error_code ignored;
      std::filesystem::create_directory(directory, ignored);
      postgres::SourceSession cleaner(context, directory, postgres::SourceSession::Connections::kOne,
                                      postgres::SourceSession::Warnings::kKeep);
      postgres::RemoveAndTellLeftovers(cleaner, workspace_);
    } catch (const Error& error) {
      context_.progress.Note(fmt::format("left on the source until the next run: {}", objects_.slot()));
    }
  }

  const Context& context_;
  const BaselineOptions& options_;
  Workspace& workspace_;
  postgres::SourceSession& session_;
  Workspace::Before fate_of_old_store_ = Workspace::Before::kLeave;
  std::string not_deleted_;          // Why the old store stays, if it does.
  std::unique_ptr<RowStore> store_;  // The baseline's, once its first state is published.
  mask::MaskLineage lineage_;
  mask::PiiSampler sampler_;
  proto::OwnedObjects objects_;
  proto::SchemaVersion published_;
  capture::CopyCounts counts_;  // What this run has copied.
  BaselineResult result_;
  std::future<capture::Check> dump_program_;  // Declared last: it uses the session, and must end before the other
                                              // members.
};

BaselineResult TakeIn(Workspace& workspace, const Context& context, BaselineOptions options) {
  if (options.unfinished == Unfinished::kRestart) workspace.DropUnfinished();
  postgres::SourceSession session(context, workspace.RunDirectory());
  postgres::RequirePrimary(session);
  std::unique_ptr<RowStore> store = TakeUpUnfinished(session, workspace);
  // The user has decided about it when the baseline was begun.
  if (store) options.wal_limit = capture::WalLimit::kUnlimitedAllowed;
  postgres::RemoveAndTellLeftovers(session, workspace);
  return BaselineRun(context, options, workspace, session, std::move(store)).Run();
}

}  // namespace

BaselineResult TakeBaseline(const Context& context, const BaselineOptions& options) {
  Workspace workspace = OpenWorkspace(context, "baseline");
  if (workspace.current() && options.replace == Replace::kRefuse) {
    throw Error(ErrorCode::kUsage, fmt::format("there is a baseline of {} already", context.source.name),
                "rotv-sync pull brings it up to date; rotv-sync baseline --force replaces it");
  }
  return TakeIn(workspace, context, options);
}

std::optional<std::string> DiscardUnfinished(const Context& context) {
  Workspace workspace = OpenWorkspace(context, "baseline");
  if (!workspace.unfinished()) return std::nullopt;
  const std::string text =
      ProgressText(ProgressOf(*RowStore::Open(workspace.UnfinishedStorePath(), RowStore::Mode::kReadOnly)));
  workspace.DropUnfinished();
  postgres::SourceSession session(context, workspace.RunDirectory());
  postgres::ReportRemoval(postgres::RemoveLeftovers(session, workspace, postgres::Reach::kAnywhere), context.progress);
  return text;
}

std::optional<BaselineResult> TakeMissingBaseline(const Context& context) {
  Workspace workspace = OpenWorkspace(context, "baseline");
  if (workspace.current()) return std::nullopt;
  return TakeIn(workspace, context, {});
}

}  // namespace rotv
