#include "sync/baseline_attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "os/clock.h"
#include "storage/error.h"
#include "sync/capture/catch_up.h"
#include "sync/capture/disk_room.h"
#include "sync/capture/preflight.h"
#include "sync/capture/publication.h"
#include "sync/mask/fit.h"
#include "sync/mask/mask_plan.h"
#include "sync/mask/stored_lineage.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/exported_snapshot_slot.h"
#include "sync/postgres/object_names.h"
#include "sync/postgres/owned_objects.h"
#include "sync/postgres/table_queue.h"
#include "sync/schema/broken_references.h"
#include "sync/schema/follow.h"
#include "sync/unfinished_baseline.h"

namespace rotv {

// The order is publication, slot, rows: the publication is committed before the slot exists, since pgoutput looks it up
// in the catalogue of the past, and the rows are read at the snapshot that the slot exported, so that the stream
// continues exactly where the copy ends. What will exist on the source is recorded here before it is created.
//
// The store has a state from the time at which slot and schema are known, with all tables waiting to be copied; each is
// published as complete when its copy ends. So an attempt that is killed or loses its link leaves a store that goes on:
// GoOnWithBaseline() brings what is here to a later exported snapshot and copies the rest there. The same happens if a
// migration comes in between.

namespace {

// The most attempts that are made while the schema keeps changing.
constexpr int kMostTries = 5;

void TellSecondSlot(std::vector<capture::Check>* checks) {
  for (capture::Check& check : *checks) {
    if (check.name != capture::kSlotsCheck || check.outcome != capture::Check::Outcome::kProblem) continue;
    check.message += ", and a baseline that goes on needs a second one for that time";
    check.fix += "; or do without what is here: rotv-sync baseline --restart";
  }
}

}  // namespace

BaselineAttempt::BaselineAttempt(postgres::SourceSession& session, Workspace& workspace, const Options& options,
                                 std::unique_ptr<RowStore>& store, capture::CopyCounts& counts)
    : session_(session),
      context_(session.context()),
      workspace_(workspace),
      options_(options),
      store_(store),
      counts_(counts),
      sampler_(session.connection(), session.context().interrupt) {}

void BaselineAttempt::Run() {
  Examine();
  CopyAll();
}

void BaselineAttempt::Examine() {
  context_.progress.Begin("examining the source", Progress::Unit::kItems, 0);
  dump_program_ = std::async(std::launch::async, [this] { return capture::CheckDumpProgram(session_); });
  ReadLineage();
  postgres::Catalog catalog = mask::ReadMaskedCatalog(session_.connection(), context_, lineage_, "", &sampler_);
  std::vector<capture::Check> checks = capture::CheckServer(session_, options_.wal_limit);
  for (capture::Check& check : capture::CheckCatalog(catalog, context_.source)) checks.push_back(std::move(check));
  if (store_) TellSecondSlot(&checks);
  capture::ThrowFirstProblem(checks);
  const std::string unchecked = mask::UncheckedText(mask::RequireFit(session_.connection(), context_, catalog));
  if (options_.warnings == postgres::SourceSession::Warnings::kSay) WarnOfSeeds(catalog, unchecked);
  published_ = schema::DescribeSchema(catalog, context_.source, ShapeMap()).schema;
  // What is here already needs no more room.
  if (!store_) capture::CheckRoomForBaseline(context_, catalog, published_);
  context_.progress.End();
}

void BaselineAttempt::WarnOfSeeds(const postgres::Catalog& catalog, const std::string& unchecked) const {
  if (!unchecked.empty()) context_.progress.Warn(unchecked);
  if (const std::string keys = schema::NotValidText(catalog); !keys.empty()) {
    context_.progress.Warn("they reference rows that are left out, so a seed makes these foreign keys NOT VALID: " +
                           keys);
  }
}

// Reads the masks of the replaced store: everything that it has masked stays masked. An unfinished baseline has them
// from there.
void BaselineAttempt::ReadLineage() {
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
void BaselineAttempt::CopyAll() {
  uint64_t complete = store_ ? ProgressOf(*store_).complete : 0;
  for (int attempt = 1; !Try(); ++attempt) {
    const uint64_t before = complete;
    complete = store_ ? ProgressOf(*store_).complete : 0;
    if (complete > before) attempt = 0;
    if (attempt == kMostTries) {
      throw Error(ErrorCode::kUnreachable,
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
bool BaselineAttempt::Try() {
  if (!store_) return Begin();
  RequireDumpProgram();
  // A run that was killed just before its end has left nothing to copy.
  return !store_->state().unfinished() || capture::GoOnWithBaseline(session_, *store_, &counts_);
}

// Makes publication, slot and store, and copies at the slot's snapshot. Returns false if the schema changed in
// between.
bool BaselineAttempt::Begin() {
  proto::OwnedObjects objects = postgres::NewObjectNames(context_.source.name);
  postgres::SetPlace(session_, &objects);
  workspace_.SetUnfinished(objects.slot(), objects, os::NowMicroseconds());
  // Connections for the copy are opened while publication and slot are created.
  constexpr size_t kForWatchdog = 1;
  session_.Prepare(kForWatchdog + std::min(postgres::kMostTableReaders, static_cast<size_t>(published_.tables_size())));
  const std::filesystem::path store_path = workspace_.MakeStoreDirectory(objects.slot());
  std::future<std::unique_ptr<RowStore>> opening =
      std::async(std::launch::async, [&] { return RowStore::Open(store_path, RowStore::Mode::kCreate); });
  if (!capture::CreatePublication(session_.connection(), objects.publication(), published_)) return false;
  context_.progress.Begin("waiting for a consistent point", Progress::Unit::kItems, 0);
  postgres::ExportedSnapshotSlot slot(session_, objects.slot());
  const ShapeMap no_shapes;
  capture::ExportedSnapshotReading reading(
      session_, slot,
      {.publication = objects.publication(), .shapes = no_shapes, .lineage = lineage_, .sampler = sampler_},
      capture::ExportedSnapshotReading::Texts::kRead);
  context_.progress.End();
  const bool unchanged = schema::SameTablesAreStreamed(published_, reading.schema()) && reading.ReadContents();
  // The answer is waited for only now: with a slow login shell on the remote host it takes longer than everything
  // before.
  if (unchanged) RequireDumpProgram();
  std::unique_ptr<RowStore> store = opening.get();
  StoreState state = StateOf(reading, objects);
  RowStore::Addition addition;
  addition.schema = {reading.lsn(), reading.schema()};
  addition.shapes = reading.new_shapes();
  store->Publish(state, addition);
  store_ = std::move(store);
  return unchanged && reading.CompleteBaseline(*store_, &state, &counts_);
}

void BaselineAttempt::RequireDumpProgram() {
  if (dump_program_.valid()) capture::ThrowIfProblem(dump_program_.get());
}

// The state of a store in which every table waits to be copied.
StoreState BaselineAttempt::StateOf(capture::ExportedSnapshotReading& reading, const proto::OwnedObjects& objects) {
  StoreState state =
      StoreState::AtBaseline({.source = postgres::ReadIdentity(session_.connection()),
                              .slot = objects.slot(),
                              .publication = objects.publication(),
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
void BaselineAttempt::RefreshPublished() {
  postgres::Catalog catalog = mask::ReadMaskedCatalog(session_.connection(), context_, lineage_, "", &sampler_);
  capture::ThrowFirstProblem(capture::CheckCatalog(catalog, context_.source));
  published_ = schema::DescribeSchema(catalog, context_.source, ShapeMap()).schema;
}

}  // namespace rotv
