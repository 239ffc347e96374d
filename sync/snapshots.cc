#include "sync/snapshots.h"

#include <fmt/format.h>

#include <algorithm>

#include "os/clock.h"
#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/context/open_workspace.h"
#include "sync/gc.h"
#include "sync/history/point.h"
#include "sync/history/point_time.h"
#include "sync/pull.h"
#include "sync/seed/seed_writer.h"

namespace rotv {
namespace {

constexpr uint64_t kVersionsBetweenLooks = 4096;

SnapshotInfo InfoOf(const RowStore& store, const proto::Snapshot& snapshot, bool kept) {
  return {.name = snapshot.name(),
          .lsn = Lsn(snapshot.lsn()),
          .time_us = history::TimeAt(store, Lsn(snapshot.lsn())),
          .created_us = snapshot.created_us(),
          .rows = snapshot.rows(),
          .kept = kept};
}

void AppendSnapshots(const RowStore& store, bool kept, std::vector<SnapshotInfo>* infos) {
  for (const proto::Snapshot& snapshot : store.manifest().snapshots()) {
    infos->push_back(InfoOf(store, snapshot, kept));
  }
}

void SortByTime(std::vector<SnapshotInfo>* infos) {
  std::stable_sort(infos->begin(), infos->end(), [](const auto& a, const auto& b) { return a.time_us < b.time_us; });
}

std::unique_ptr<RowStore> OpenForReading(const std::filesystem::path& path) {
  return RowStore::Open(path, RowStore::Mode::kReadOnly);
}

std::vector<SnapshotInfo> AllSnapshots(const Workspace& workspace) {
  std::vector<SnapshotInfo> infos;
  AppendSnapshots(*OpenForReading(workspace.CurrentStorePath()), false, &infos);
  for (const std::filesystem::path& path : workspace.KeptStorePaths()) {
    AppendSnapshots(*OpenForReading(path), true, &infos);
  }
  return infos;
}

// Sets sole_bytes for the snapshots of the store in use. Data in memory counts with its size on disk.
void FindSoleBytes(const Context& context, const RowStore& store, std::vector<SnapshotInfo>* infos) {
  if (store.manifest().snapshots_size() == 0) return;
  Retention retention = RetentionOf(store, context.source.history.keep_days);
  SoleNeeds needs(retention);
  std::string row;
  uint64_t seen = 0;
  context.progress.Begin("adding up sizes", Progress::Unit::kItems, 0);
  store.VisitVersions([&](const VersionKey& key, const RowVersion& version, size_t bytes) {
    if (++seen % kVersionsBetweenLooks == 0) {
      context.interrupt.Check();
      context.progress.Update(seen);
    }
    std::string prefix = EncodeRowPrefix(key.table, key.epoch, key.row_key);
    if (prefix != row) needs.EndRow();
    row.swap(prefix);
    needs.Add(key.commit_lsn, version.kind, bytes);
  });
  context.progress.End();
  if (needs.total() == 0) return;
  const double on_disk = static_cast<double>(store.DiskBytes()) / static_cast<double>(needs.total());
  for (SnapshotInfo& info : *infos) {
    auto same = [&](const SnapshotInfo& other) { return !other.kept && other.lsn == info.lsn; };
    bool sole = std::count_if(infos->begin(), infos->end(), same) == 1 &&
                info.lsn != Lsn(store.manifest().baseline_lsn()) && info.lsn != Lsn(store.manifest().head_lsn());
    auto point = std::lower_bound(retention.points().begin(), retention.points().end(), info.lsn);
    if (info.kept || !sole) continue;
    auto bytes = needs.bytes()[static_cast<size_t>(point - retention.points().begin())];
    info.sole_bytes = static_cast<uint64_t>(static_cast<double>(bytes) * on_disk);
  }
}

// A store that is kept for one snapshot alone is freed with it.
void AppendKept(const std::filesystem::path& path, std::vector<SnapshotInfo>* infos) {
  std::unique_ptr<RowStore> store = OpenForReading(path);
  AppendSnapshots(*store, true, infos);
  if (store->manifest().snapshots_size() == 1) infos->back().sole_bytes = store->DiskBytes();
}

bool RemoveFrom(Workspace& workspace, const std::filesystem::path& path, const std::string& name) {
  std::unique_ptr<RowStore> store = RowStore::Open(path, RowStore::Mode::kReadWrite);
  StoreState state = store->state();
  if (!state.RemoveSnapshot(name)) return false;
  if (!state.manifest().snapshots().empty() || path == workspace.CurrentStorePath()) {
    store->Publish(state, {});
    return true;
  }
  // Deleting the last snapshot of a kept store deletes the store, atomically: a crash cannot leave an unnamed store.
  store.reset();
  workspace.DropKept(path);
  return true;
}

}  // namespace

void CheckSnapshotName(const std::string& name) {
  if (!history::IsSnapshotName(name)) {
    throw Error(ErrorCode::kUsage, fmt::format("\"{}\" cannot be the name of a snapshot", name),
                "1 to 100 letters, digits, dots, underscores and hyphens, with neither a dot nor a hyphen in front");
  }
  if (name == "head" || name == "baseline") {
    throw Error(ErrorCode::kUsage, fmt::format("{} always exists and cannot be created or deleted", name),
                "choose another name");
  }
}

void CheckNewSnapshotName(const std::string& name) {
  CheckSnapshotName(name);
  if (history::ParsePointTime(name, os::NowMicroseconds())) {
    throw Error(ErrorCode::kUsage, fmt::format("{} cannot be the name of a snapshot: it is a time", name),
                "choose another name, such as day-" + name);
  }
}

SnapshotInfo CreateSnapshot(const Context& context, const std::string& name, const std::string& at) {
  CheckNewSnapshotName(name);
  Workspace workspace = OpenWorkspace(context, "snapshot create");
  std::vector<SnapshotInfo> known = AllSnapshots(workspace);
  std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadWrite);
  const history::Point point = history::PointAt(*store, at.empty() ? "head" : at);
  for (const SnapshotInfo& other : known) {
    if (other.name != name) continue;
    if (other.lsn == point.lsn && !other.kept) return other;
    throw Error(ErrorCode::kUsage, fmt::format("there is a snapshot {} already, of {}", name, other.lsn.ToString()),
                fmt::format("choose another name, or delete it first: rotv-sync --source {} snapshot delete {}",
                            context.source.name, name));
  }
  context.progress.Begin("counting the rows", Progress::Unit::kBytes, 0);
  seed::SeedCounts counts = seed::WriteSeed(
      *store, point.lsn, [](std::string_view) {}, context.progress, context.interrupt);
  context.progress.End();

  proto::Snapshot snapshot;
  snapshot.set_name(name);
  snapshot.set_lsn(point.lsn.value());
  snapshot.set_time_us(point.time_us);
  snapshot.set_created_us(os::NowMicroseconds());
  snapshot.set_rows(counts.rows);
  StoreState state = store->state();
  state.AddSnapshot(snapshot);
  store->Publish(state, {});
  return InfoOf(*store, snapshot, false);
}

std::vector<SnapshotInfo> ListSnapshots(const Context& context) {
  Workspace workspace = OpenWorkspace(context, "snapshot list", Access::kRead);
  std::vector<SnapshotInfo> infos;
  std::unique_ptr<RowStore> store = OpenForReading(workspace.CurrentStorePath());
  AppendSnapshots(*store, false, &infos);
  FindSoleBytes(context, *store, &infos);
  for (const std::filesystem::path& path : workspace.KeptStorePaths()) AppendKept(path, &infos);
  SortByTime(&infos);
  return infos;
}

bool HasSnapshot(const Context& context, const std::string& name) {
  if (!HasBaseline(context)) return false;
  const std::vector<SnapshotInfo> all = AllSnapshots(OpenWorkspace(context, "snapshot list", Access::kRead));
  return std::any_of(all.begin(), all.end(), [&](const SnapshotInfo& one) { return one.name == name; });
}

void DeleteSnapshot(const Context& context, const std::string& name) {
  CheckSnapshotName(name);
  Workspace workspace = OpenWorkspace(context, "snapshot delete");
  if (RemoveFrom(workspace, workspace.CurrentStorePath(), name)) return;
  for (const std::filesystem::path& path : workspace.KeptStorePaths()) {
    if (RemoveFrom(workspace, path, name)) return;
  }
  history::RequireSnapshot(workspace, name);  // This throws the error that names the snapshots that exist.
}

}  // namespace rotv
