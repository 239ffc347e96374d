#include "sync/history/point.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "os/clock.h"
#include "storage/error.h"
#include "sync/history/point_time.h"

namespace rotv::history {
namespace {

std::string TimeText(int64_t time_us) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(time_us / kUsPerSecond)));
}

// Returns where the range begins in which every state exists.
Point Beginning(const proto::Manifest& manifest) {
  if (manifest.kept_from_lsn() > manifest.baseline_lsn()) {
    return {Lsn(manifest.kept_from_lsn()), manifest.kept_from_time_us()};
  }
  return {Lsn(manifest.baseline_lsn()), manifest.baseline_time_us()};
}

[[noreturn]] void ThrowNoPoint(const proto::Manifest& manifest, const std::string& at) {
  Point beginning = Beginning(manifest);
  const bool forgotten = beginning.lsn > Lsn(manifest.baseline_lsn());
  std::string others = forgotten ? ", and baseline" : "";
  for (const proto::Snapshot& snapshot : manifest.snapshots()) {
    if (Lsn(snapshot.lsn()) < beginning.lsn) others += ", " + snapshot.name();
  }
  throw Error(ErrorCode::kUsage, fmt::format("{} is outside of the stored history", at),
              // The time is rounded up, so that the lower end is itself a point that exists.
              fmt::format("points exist from {} ({}) to {} ({}){}", beginning.lsn.ToString(),
                          TimeText(beginning.time_us + kUsPerSecond - 1), Lsn(manifest.head_lsn()).ToString(),
                          TimeText(manifest.head_time_us()), others));
}

// True if the state at `lsn`, which is not after the head, was not forgotten.
bool IsKept(const proto::Manifest& manifest, Lsn lsn) {
  if (lsn >= Beginning(manifest).lsn || lsn == Lsn(manifest.baseline_lsn())) return true;
  const auto& snapshots = manifest.snapshots();
  return std::any_of(snapshots.begin(), snapshots.end(),
                     [&](const proto::Snapshot& snapshot) { return Lsn(snapshot.lsn()) == lsn; });
}

// Throws if `lsn` is in a gap, where no state exists; the hint has the two nearest points.
void CheckNoGap(const RowStore& store, Lsn lsn) {
  for (const proto::Gap& gap : store.manifest().gaps()) {
    Lsn after(gap.after_lsn());
    Lsn before(gap.before_lsn());
    if (lsn <= after || lsn >= before) continue;
    throw Error(ErrorCode::kUsage,
                fmt::format("{} is within a pull that found the schema changed or made a resync", lsn.ToString()),
                fmt::format("the nearest points are {} ({}) and {} ({})", after.ToString(),
                            TimeText(TimeAt(store, after)), before.ToString(), TimeText(TimeAt(store, before))));
  }
}

std::optional<Point> FindNamed(const RowStore& store, const std::string& name) {
  const proto::Manifest& manifest = store.manifest();
  if (name == "head") return Point{Lsn(manifest.head_lsn()), manifest.head_time_us()};
  if (name == "baseline") return Point{Lsn(manifest.baseline_lsn()), manifest.baseline_time_us()};
  for (const proto::Snapshot& snapshot : manifest.snapshots()) {
    if (snapshot.name() == name) return Point{Lsn(snapshot.lsn()), snapshot.time_us()};
  }
  return std::nullopt;
}

[[noreturn]] void ThrowNoSnapshot(const std::string& name, const std::string& names) {
  throw Error(ErrorCode::kUsage, fmt::format("there is no snapshot named {}", name),
              fmt::format("there are head, baseline{}", names));
}

std::string SnapshotNames(const RowStore& store) {
  std::string names;
  for (const proto::Snapshot& snapshot : store.manifest().snapshots()) names += ", " + snapshot.name();
  return names;
}

}  // namespace

Lsn LsnAt(const RowStore& store, int64_t time_us) {
  Lsn lsn(std::max(store.manifest().baseline_lsn(), store.manifest().kept_from_lsn()));
  store.VisitLog(Lsn(), [&](const proto::Transaction& transaction) {
    if (transaction.commit_time_us() > time_us) return false;
    lsn = std::max(lsn, Lsn(transaction.commit_lsn() + 1));
    return true;
  });
  return std::min(lsn, Lsn(store.manifest().head_lsn()));
}

int64_t TimeAt(const RowStore& store, Lsn lsn) {
  const proto::Manifest& manifest = store.manifest();
  Point beginning = Beginning(manifest);
  int64_t time_us = lsn >= beginning.lsn ? beginning.time_us : manifest.baseline_time_us();
  std::optional<proto::Transaction> last = store.LastLogged(lsn);
  if (last) time_us = std::max(time_us, last->commit_time_us());
  return time_us;
}

Point PointNamed(const RowStore& store, const std::string& name) {
  if (std::optional<Point> point = FindNamed(store, name)) return *point;
  ThrowNoSnapshot(name, SnapshotNames(store));
}

Point PointAt(const RowStore& store, const std::string& at) {
  const proto::Manifest& manifest = store.manifest();
  Lsn head(manifest.head_lsn());
  if (std::optional<Lsn> lsn = Lsn::Parse(at)) {
    if (*lsn > head || !IsKept(manifest, *lsn)) ThrowNoPoint(manifest, at);
    CheckNoGap(store, *lsn);
    return {*lsn, *lsn == head ? manifest.head_time_us() : TimeAt(store, *lsn)};
  }
  std::optional<int64_t> time_us = ParsePointTime(at, os::NowMicroseconds());
  if (!time_us) {
    throw Error(ErrorCode::kUsage, fmt::format("{} is neither an LSN nor a time", at), kPointForms);
  }
  if (*time_us < Beginning(manifest).time_us || *time_us > manifest.head_time_us()) ThrowNoPoint(manifest, at);
  Lsn lsn = LsnAt(store, *time_us);
  CheckNoGap(store, lsn);
  return {lsn, *time_us};
}

namespace {

// Searches the store in use, then those that were kept, the newest first.
std::optional<PointInStore> FindInAll(const Workspace& workspace, const std::shared_ptr<RowStore>& current,
                                      const std::string& name, std::string* names) {
  if (std::optional<Point> point = FindNamed(*current, name)) return PointInStore{current, *point};
  *names = SnapshotNames(*current);
  for (const std::filesystem::path& path : workspace.KeptStorePaths()) {
    std::shared_ptr<RowStore> kept = RowStore::Open(path, RowStore::Mode::kReadOnly);
    if (std::optional<Point> point = FindNamed(*kept, name)) return PointInStore{kept, *point};
    *names += SnapshotNames(*kept);
  }
  return std::nullopt;
}

std::shared_ptr<RowStore> OpenCurrent(const Workspace& workspace) {
  return RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadOnly);
}

}  // namespace

PointInStore OpenPoint(const Workspace& workspace, const std::string& at, const std::string& snapshot) {
  std::shared_ptr<RowStore> current = OpenCurrent(workspace);
  if (!at.empty()) return {current, PointAt(*current, at)};
  std::string names;
  std::optional<PointInStore> found = FindInAll(workspace, current, snapshot, &names);
  if (!found) ThrowNoSnapshot(snapshot, names);
  return std::move(*found);
}

ResolvedPoint Resolved(const PointInStore& found) {
  const proto::Manifest& manifest = found.store->manifest();
  return {.lsn = found.point.lsn,
          .time_us = found.point.time_us,
          .baseline_lsn = Lsn(manifest.baseline_lsn()),
          .baseline_time_us = manifest.baseline_time_us()};
}

PointInStore OpenPoint(const Workspace& workspace, const ResolvedPoint& resolved) {
  std::vector<std::filesystem::path> paths = workspace.KeptStorePaths();
  paths.insert(paths.begin(), workspace.CurrentStorePath());
  for (const std::filesystem::path& path : paths) {
    std::shared_ptr<RowStore> store = RowStore::Open(path, RowStore::Mode::kReadOnly);
    PointInStore found{store, {resolved.lsn, resolved.time_us}};
    if (Resolved(found) == resolved && IsKept(store->manifest(), resolved.lsn)) return found;
  }
  throw Error(ErrorCode::kUsage, fmt::format("the state at {} is no longer stored", resolved.lsn.ToString()),
              "it was deleted meanwhile: run the command again");
}

std::vector<PointInStore> OpenAnyPoints(const Workspace& workspace, const std::vector<std::string>& texts) {
  std::shared_ptr<RowStore> current = OpenCurrent(workspace);
  std::vector<PointInStore> points;
  for (const std::string& text : texts) {
    std::string names;
    std::optional<PointInStore> found = FindInAll(workspace, current, text, &names);
    if (!found) {
      if (!Lsn::Parse(text) && !ParsePointTime(text, os::NowMicroseconds())) ThrowNoSnapshot(text, names);
      found = PointInStore{current, PointAt(*current, text)};
    }
    points.push_back(std::move(*found));
  }
  return points;
}

}  // namespace rotv::history
