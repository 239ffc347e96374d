#include "sync/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/capture/exported_snapshot_reading.h"
#include "sync/capture/preflight.h"
#include "sync/capture/publication.h"
#include "sync/context/open_workspace.h"
#include "sync/mask/fit.h"
#include "sync/mask/mask_plan.h"
#include "sync/mask/stored_lineage.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/large_objects.h"
#include "sync/postgres/object_names.h"
#include "sync/postgres/owned_objects.h"
#include "sync/postgres/source_session.h"
#include "sync/postgres/standby.h"
#include "sync/postgres/table_queue.h"
#include "sync/schema/follow.h"

namespace rotv {

// A baseline is built beside the store in use, from the exported snapshot of a new permanent slot, and becomes the
// store in use by the rename of one small file. The order is publication, slot, rows, rename: the publication is
// committed before the slot exists, since pgoutput looks it up in the catalogue of the past, and the rows are read at
// the snapshot that the slot exported, so that the stream continues exactly where the copy ends. What will exist on the
// source is recorded here before it is created: a run that is killed at any point leaves only things that the next
// command finds in the record and removes. If a migration changes the schema during an attempt, its copy is of no use,
// and the next attempt has a slot, a publication and a store of its own.

namespace {

using Clock = std::chrono::steady_clock;

// The most attempts that are made while the schema keeps changing.
constexpr int kMostTries = 5;

class BaselineRun {
 public:
  BaselineRun(const Context& context, const BaselineOptions& options, Workspace& workspace,
              postgres::SourceSession& session)
      : context_(context),
        options_(options),
        workspace_(workspace),
        session_(session),
        sampler_(session.connection(), context.interrupt) {}

  BaselineResult Run() {
    Clock::time_point start = Clock::now();
    Examine();
    for (int attempt = 1;; ++attempt) {
      objects_ = postgres::NewObjectNames(context_.source.name);
      postgres::SetPlace(session_, &objects_);
      workspace_.AddOwned(objects_);
      bool complete = false;
      try {
        complete = Try();
      } catch (...) {
        Undo();
        throw;
      }
      if (complete) break;
      RemoveStore();
      postgres::RemoveAndTellLeftovers(session_, workspace_);
      if (attempt == kMostTries) {
        throw Error(
            ErrorCode::kUnreachable,
            fmt::format("the source's schema changed during each of {} attempts to take a baseline", kMostTries),
            "try again when no migration is running on the source");
      }
      context_.progress.Warn("the source's schema changed in the meantime: starting over");
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
    published_ = schema::DescribeSchema(catalog, context_.source, ShapeMap()).schema;
    context_.progress.End();
  }

  // Reads the masks of the replaced store: everything that it has masked stays masked.
  void ReadLineage() {
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

  // Returns false if the schema changed in between. Everything that was created is recorded, and removed by the caller.
  bool Try() {
    // Connections for the copy are opened while publication and slot are created.
    constexpr size_t kForSnapshotAndWatchdog = 2;
    session_.Prepare(kForSnapshotAndWatchdog +
                     std::min(postgres::kMostTableReaders, static_cast<size_t>(published_.tables_size())));
    store_path_ = workspace_.MakeStoreDirectory(objects_.slot());
    std::future<std::unique_ptr<RowStore>> opening =
        std::async(std::launch::async, [this] { return RowStore::Open(store_path_, RowStore::Mode::kCreate); });
    capture::CreatePublication(session_.connection(), objects_.publication(), published_);
    context_.progress.Begin("waiting for a consistent point", Progress::Unit::kItems, 0);
    postgres::ExportedSnapshotSlot slot(session_, objects_.slot());
    const ShapeMap no_shapes;
    capture::ExportedSnapshotReading reading(
        session_, slot,
        {.publication = objects_.publication(), .shapes = no_shapes, .lineage = lineage_, .sampler = sampler_},
        capture::ExportedSnapshotReading::Texts::kRead);
    context_.progress.End();
    if (!schema::SameTablesAreStreamed(published_, reading.schema()) || !reading.ReadContents())
      return RefreshPublished();
    // The answer is waited for only now: with a slow login shell on the remote host it takes longer than everything
    // before.
    if (dump_program_.valid()) capture::ThrowIfProblem(dump_program_.get());

    std::unique_ptr<RowStore> store = opening.get();
    StoreState state = StateOf(reading, slot.lsn());
    store->Publish(state, {.schema = {}, .sequences = {}, .shapes = reading.new_shapes()});
    std::set<TableId> tables;
    for (const proto::Table& table : reading.schema().tables()) {
      if (schema::HasRows(table)) tables.insert(table.id());
    }
    capture::CopyCounts counts;
    if (!reading.Read(*store, tables, capture::ExportedSnapshotReading::Texts::kRead, &state, &counts))
      return RefreshPublished();

    RowStore::Addition addition;
    addition.schema = {slot.lsn(), reading.schema()};
    addition.sequences = {slot.lsn(), reading.sequences()};
    store->Publish(state, addition);
    CountResult(counts, reading.schema(), slot.lsn(), *store);
    store.reset();
    if (InUse()) workspace_.AddOwned(workspace_.current()->objects());
    workspace_.SetCurrent(store_path_, objects_, FateOfOldStore());
    store_path_.clear();
    WarnOfStoresThatStay(workspace_, context_.progress);
    return true;
  }

  // The objects of a detached store on the source have been removed, or are recorded already.
  bool InUse() const { return workspace_.current() && !workspace_.current()->detached(); }

  // The old store's snapshots outlive it. One that cannot be read stays, but nothing uses it: somebody may be able to.
  Workspace::Before FateOfOldStore() const {
    if (!workspace_.current()) return Workspace::Before::kDelete;
    try {
      std::unique_ptr<RowStore> old = RowStore::Open(workspace_.CurrentStorePath(), RowStore::Mode::kReadOnly);
      return old->manifest().snapshots_size() > 0 ? Workspace::Before::kKeep : Workspace::Before::kDelete;
    } catch (const Error& error) {
      context_.progress.Warn(fmt::format("the replaced store cannot be read ({}), and was not deleted: {}",
                                         error.what(), workspace_.CurrentStorePath().string()));
      return Workspace::Before::kLeave;
    }
  }

  StoreState StateOf(const capture::ExportedSnapshotReading& reading, Lsn lsn) {
    return StoreState::AtBaseline({.source = postgres::ReadIdentity(session_.connection()),
                                   .slot = objects_.slot(),
                                   .publication = objects_.publication(),
                                   .description = session_.link().Description()},
                                  lsn, reading.moment(), reading.fingerprints(mask::MaskFingerprint(context_)));
  }

  // Reads the catalogue again for the next attempt. Returns false always, so that a caller can return it.
  bool RefreshPublished() {
    postgres::Catalog catalog = mask::ReadMaskedCatalog(session_.connection(), context_, lineage_, "", &sampler_);
    capture::ThrowFirstProblem(capture::CheckCatalog(catalog, context_.source));
    published_ = schema::DescribeSchema(catalog, context_.source, ShapeMap()).schema;
    return false;
  }

  void CountResult(const capture::CopyCounts& counts, const proto::SchemaVersion& schema, Lsn lsn,
                   const RowStore& store) {
    result_.lsn = lsn;
    result_.rows = counts.rows;
    result_.row_bytes = counts.bytes;
    result_.carried_masks = mask::CarriedMasks(schema.mask_record());
    result_.store_bytes = store.DiskBytes();
    result_.tables = static_cast<uint64_t>(std::count_if(
        schema.tables().begin(), schema.tables().end(),
        [](const proto::Table& table) { return schema::HasRows(table) && table.id() != postgres::kLargeObjectTable; }));
  }

  void RemoveStore() {
    std::error_code ignored;
    if (!store_path_.empty()) std::filesystem::remove_all(store_path_, ignored);
    store_path_.clear();
  }

  // Removes what a failed attempt has created, as far as the source can be reached: the rest is recorded, and removed
  // by the next run. This opens another session, since the first one may be what has failed.
  void Undo() {
    // What failed may be what came after the store had become the one in use.
    if (workspace_.current() && workspace_.current()->objects().slot() == objects_.slot()) return;
    RemoveStore();
    static const Interrupt kNotInterrupted;  // The interrupt may be the reason for this call.
    try {
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
  mask::MaskLineage lineage_;
  mask::PiiSampler sampler_;
  proto::OwnedObjects objects_;
  proto::SchemaVersion published_;
  std::filesystem::path store_path_;
  BaselineResult result_;
  std::future<capture::Check> dump_program_;  // Declared last: it uses the session, and must end before the other
                                              // members.
};

BaselineResult TakeIn(Workspace& workspace, const Context& context, const BaselineOptions& options) {
  postgres::SourceSession session(context, workspace.RunDirectory());
  postgres::RequirePrimary(session);
  postgres::RemoveAndTellLeftovers(session, workspace);
  return BaselineRun(context, options, workspace, session).Run();
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

std::optional<BaselineResult> TakeMissingBaseline(const Context& context) {
  Workspace workspace = OpenWorkspace(context, "baseline");
  if (workspace.current()) return std::nullopt;
  return TakeIn(workspace, context, {});
}

}  // namespace rotv
