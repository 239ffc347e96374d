#include "sync/history/point.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "os/clock.h"
#include "storage/error.h"
#include "sync/history/gap.h"
#include "sync/history/point_time.h"

namespace rotv::history {
namespace {

std::string SecondsText(int64_t time_us) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(time_us / kUsPerSecond)));
}

// Returns where the range begins in which every state exists.
Point Beginning(const proto::Manifest& manifest) {
  if (manifest.kept_from_lsn() > manifest.baseline_lsn()) {
    return {Lsn(manifest.kept_from_lsn()), manifest.kept_from_time_us()};
  }
  return {Lsn(manifest.baseline_lsn()), manifest.baseline_time_us()};
}

Point Head(const RowStore& store) { return {Lsn(store.manifest().head_lsn()), store.manifest().head_time_us()}; }

// Returns where a time leads that is not outside of the history. A time in a gap that is one of its ends' leads there:
// commits have their time before they have their place, so one in the gap may have the time of the head before it. Of
// the head after the gap an older program did not note the time; then that is the last commit's.
Lsn LsnOfTime(const RowStore& store, const PointTime& time) {
  if (time.to_us >= Head(store).time_us) return Head(store).lsn;
  const Lsn lsn = LsnAt(store, time.to_us);
  const proto::Gap* gap = GapAt(store, lsn);
  if (gap == nullptr) return lsn;
  const Lsn after(gap->after_lsn()), before(gap->before_lsn());
  if (TimeAt(store, after) >= TimeAt(store, lsn)) return after;
  const std::optional<RowStore::Head> noted = store.LastHead(before);
  if (noted && noted->lsn == before) return lsn;
  bool more = false;
  store.VisitLog(lsn, [&](const proto::Transaction& transaction) {
    more = Lsn(transaction.commit_lsn()) < before;
    return false;
  });
  return more ? lsn : before;
}

// True if nothing was committed, and no gap is, between the two.
bool IsSameState(const RowStore& store, Lsn before, Lsn after) {
  if (before > after) return false;
  Lsn next = after;
  store.VisitLog(before, [&](const proto::Transaction& transaction) {
    next = Lsn(transaction.commit_lsn());
    return false;
  });
  const auto& gaps = store.manifest().gaps();
  return next >= after && std::none_of(gaps.begin(), gaps.end(), [&](const proto::Gap& gap) {
           return Lsn(gap.after_lsn()) >= before && Lsn(gap.before_lsn()) <= after;
         });
}

// "16/B374D848 (2026-01-31T12:00:00Z)": the time leads to that state, and is left out if none does.
std::string PointText(const RowStore& store, Lsn lsn) {
  const int64_t time_us = TimeAt(store, lsn);
  const std::string seconds = SecondsText(time_us);
  for (const std::string& text : {seconds + "Z", fmt::format("{}.{:06}Z", seconds, time_us % kUsPerSecond)}) {
    const std::optional<PointTime> time = ParsePointTime(text, time_us);
    const bool inside = time && time->to_us >= Beginning(store.manifest()).time_us;
    if (inside && IsSameState(store, LsnOfTime(store, *time), lsn)) return fmt::format("{} ({})", lsn.ToString(), text);
  }
  return lsn.ToString();
}

enum class Where { kBefore, kAfter };

[[noreturn]] void ThrowNoPoint(const RowStore& store, const std::string& at, Where where) {
  const proto::Manifest& manifest = store.manifest();
  const Lsn beginning = Beginning(manifest).lsn;
  std::string others = beginning > Lsn(manifest.baseline_lsn()) ? ", and baseline" : "";
  for (const proto::Snapshot& snapshot : manifest.snapshots()) {
    if (Lsn(snapshot.lsn()) < beginning) others += ", " + snapshot.name();
  }
  throw Error(
      ErrorCode::kUsage, fmt::format("{} is outside of the stored history", at),
      fmt::format("points exist from {} to {}{}{}", PointText(store, beginning), PointText(store, Head(store).lsn),
                  others, where == Where::kAfter ? "; a pull brings later ones" : ""));
}

// True if the state at `lsn`, which is not after the head, was not forgotten.
bool IsKept(const proto::Manifest& manifest, Lsn lsn) {
  if (lsn >= Beginning(manifest).lsn || lsn == Lsn(manifest.baseline_lsn())) return true;
  const auto& snapshots = manifest.snapshots();
  return std::any_of(snapshots.begin(), snapshots.end(),
                     [&](const proto::Snapshot& snapshot) { return Lsn(snapshot.lsn()) == lsn; });
}

// Throws if `lsn` is in a gap, where no state exists but, perhaps, one with older tables; the hint has the two nearest
// points.
void CheckNoGap(const RowStore& store, Lsn lsn, InGap in_gap) {
  const proto::Gap* gap = GapAt(store, lsn);
  if (gap == nullptr) return;
  std::string hint = fmt::format("the nearest points are {} and {}", PointText(store, Lsn(gap->after_lsn())),
                                 PointText(store, Lsn(gap->before_lsn())));
  const std::vector<UnstreamedTable> unstreamed = OnlyUnstreamed(store, *gap);
  if (unstreamed.empty()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} is within a pull that found the schema changed or made a resync", lsn.ToString()),
                hint);
  }
  const auto joined = std::find_if(unstreamed.begin(), unstreamed.end(),
                                   [](const UnstreamedTable& table) { return !table.joined_with.empty(); });
  if (in_gap == InGap::kOlderTables && joined == unstreamed.end()) return;
  if (in_gap == InGap::kOlderTables) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} is only known without {}, and a foreign key joins that with {}", lsn.ToString(),
                            joined->name, joined->joined_with),
                hint);
  }
  if (joined == unstreamed.end()) hint += "; materialize --older-tables takes those tables as they were at the first";
  const std::string advice = AdviceText(unstreamed);
  if (!advice.empty()) hint += fmt::format("; on the source, {} ends it", advice);
  throw Error(ErrorCode::kUsage,
              fmt::format("{} is between two pulls of which the second had to copy what is not streamed: {}",
                          lsn.ToString(), NamesText(unstreamed)),
              hint);
}

// `names` are those of the snapshots, each after ", ".
[[noreturn]] void ThrowNoSuchPoint(const std::string& text, const std::string& names) {
  throw Error(ErrorCode::kUsage,
              IsSnapshotName(text) ? fmt::format("there is no snapshot named {}", text)
                                   : fmt::format("{} is neither an LSN nor a time", text),
              fmt::format("there are head, baseline{}; else {}", names, kPointForms));
}

std::string SnapshotNames(const RowStore& store) {
  std::string names;
  for (const proto::Snapshot& snapshot : store.manifest().snapshots()) names += ", " + snapshot.name();
  return names;
}

// Returns a point from before the range in which every state exists that has just this time.
std::optional<Point> KeptPointAt(const RowStore& store, const PointTime& time) {
  const proto::Manifest& manifest = store.manifest();
  std::vector<Lsn> kept = {Lsn(manifest.baseline_lsn())};
  for (const proto::Snapshot& snapshot : manifest.snapshots()) kept.emplace_back(snapshot.lsn());
  for (const Lsn lsn : kept) {
    const int64_t time_us = TimeAt(store, lsn);
    if (time_us >= time.from_us && time_us <= time.to_us) return Point{lsn, time_us};
  }
  return std::nullopt;
}

// Returns the point at an LSN or a time. `names` are for the error.
Point PointByPosition(const RowStore& store, const std::string& at, const std::string& names, InGap in_gap) {
  if (std::optional<Lsn> lsn = Lsn::Parse(at)) {
    if (*lsn > Head(store).lsn) ThrowNoPoint(store, at, Where::kAfter);
    if (!IsKept(store.manifest(), *lsn)) ThrowNoPoint(store, at, Where::kBefore);
    CheckNoGap(store, *lsn, in_gap);
    return {*lsn, TimeAt(store, *lsn)};
  }
  const std::optional<PointTime> time = ParsePointTime(at, os::NowMicroseconds());
  if (!time) ThrowNoSuchPoint(at, names);
  if (time->is_now) return Head(store);
  if (time->to_us < Beginning(store.manifest()).time_us) {
    if (std::optional<Point> kept = KeptPointAt(store, *time)) return *kept;
    ThrowNoPoint(store, at, Where::kBefore);
  }
  if (time->from_us > Head(store).time_us) ThrowNoPoint(store, at, Where::kAfter);
  const Lsn lsn = LsnOfTime(store, *time);
  CheckNoGap(store, lsn, in_gap);
  return {lsn, TimeAt(store, lsn)};
}

}  // namespace

bool IsSnapshotName(std::string_view text) {
  constexpr size_t kLongest = 100;
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), allowed) &&
         text.front() != '.' && text.front() != '-';
}

std::string NameOfPoint(const std::string& text, Lsn lsn) {
  if (IsSnapshotName(text) && !ParsePointTime(text, os::NowMicroseconds())) return text;
  std::string name = lsn.ToString();
  std::replace(name.begin(), name.end(), '/', '-');
  return name;
}

std::optional<Point> FindNamed(const RowStore& store, const std::string& name) {
  const proto::Manifest& manifest = store.manifest();
  if (name == "head") return Head(store);
  if (name == "baseline") return Point{Lsn(manifest.baseline_lsn()), manifest.baseline_time_us()};
  for (const proto::Snapshot& snapshot : manifest.snapshots()) {
    if (snapshot.name() == name) return Point{Lsn(snapshot.lsn()), TimeAt(store, Lsn(snapshot.lsn()))};
  }
  return std::nullopt;
}

Lsn LsnAt(const RowStore& store, int64_t time_us) {
  Lsn lsn(std::max(store.manifest().baseline_lsn(), store.manifest().kept_from_lsn()));
  Lsn next = Head(store).lsn;  // The first transaction after the time.
  store.VisitLog(Lsn(), [&](const proto::Transaction& transaction) {
    if (transaction.commit_time_us() > time_us) {
      next = std::min(next, Lsn(transaction.commit_lsn()));
      return false;
    }
    lsn = std::max(lsn, Lsn(transaction.commit_lsn() + 1));
    return true;
  });
  std::optional<RowStore::Head> head = store.LastHead(next);
  for (; head && head->lsn > lsn; head = store.LastHead(Lsn(head->lsn.value() - 1))) {
    if (head->time_us <= time_us) return head->lsn;
  }
  return std::min(lsn, Head(store).lsn);
}

int64_t TimeAt(const RowStore& store, Lsn lsn) {
  const proto::Manifest& manifest = store.manifest();
  if (lsn == Head(store).lsn) return Head(store).time_us;
  if (lsn == Lsn(manifest.baseline_lsn())) return manifest.baseline_time_us();
  const Point beginning = Beginning(manifest);
  int64_t time_us = lsn >= beginning.lsn ? beginning.time_us : manifest.baseline_time_us();
  if (const std::optional<RowStore::Head> head = store.LastHead(lsn)) {
    time_us = std::max(time_us, head->time_us);
    if (head->lsn == lsn) return time_us;
  }
  // What was before a snapshot may have been forgotten, but not its time.
  for (const proto::Snapshot& snapshot : manifest.snapshots()) {
    if (lsn < beginning.lsn && Lsn(snapshot.lsn()) == lsn) return std::max(time_us, snapshot.time_us());
  }
  const std::optional<proto::Transaction> last = store.LastLogged(lsn);
  if (last) time_us = std::max(time_us, last->commit_time_us());
  return time_us;
}

Point PointAt(const RowStore& store, const std::string& at) {
  if (std::optional<Point> point = FindNamed(store, at)) return *point;
  return PointByPosition(store, at, SnapshotNames(store), InGap::kRefused);
}

namespace {

std::shared_ptr<RowStore> OpenCurrent(const Workspace& workspace) {
  return RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadOnly);
}

// Searches the store in use, then those that were kept, the newest first. What cannot be a name is not searched.
std::optional<PointInStore> FindInAll(const Workspace& workspace, const std::shared_ptr<RowStore>& current,
                                      const std::string& name, std::string* names) {
  if (std::optional<Point> point = FindNamed(*current, name)) return PointInStore{current, *point};
  *names = SnapshotNames(*current);
  if (!IsSnapshotName(name)) return std::nullopt;
  for (const std::filesystem::path& path : workspace.KeptStorePaths()) {
    std::shared_ptr<RowStore> kept = RowStore::Open(path, RowStore::Mode::kReadOnly);
    if (std::optional<Point> point = FindNamed(*kept, name)) return PointInStore{kept, *point};
    *names += SnapshotNames(*kept);
  }
  return std::nullopt;
}

}  // namespace

void RequireSnapshot(const Workspace& workspace, const std::string& name) {
  std::string names;
  if (!FindInAll(workspace, OpenCurrent(workspace), name, &names)) ThrowNoSuchPoint(name, names);
}

PointInStore OpenPoint(const Workspace& workspace, const std::string& text, InGap in_gap) {
  return std::move(OpenPoints(workspace, {text}, in_gap).front());
}

ResolvedPoint Resolved(const PointInStore& found) {
  const proto::Manifest& manifest = found.store->manifest();
  return {.lsn = found.point.lsn,
          .time_us = found.point.time_us,
          .baseline_lsn = Lsn(manifest.baseline_lsn()),
          .baseline_time_us = manifest.baseline_time_us()};
}

bool HasState(const RowStore& store, const ResolvedPoint& resolved) {
  const proto::Manifest& manifest = store.manifest();
  return Lsn(manifest.baseline_lsn()) == resolved.baseline_lsn &&
         manifest.baseline_time_us() == resolved.baseline_time_us && resolved.lsn <= Head(store).lsn &&
         IsKept(manifest, resolved.lsn);
}

PointInStore OpenPoint(const Workspace& workspace, const ResolvedPoint& resolved) {
  std::vector<std::filesystem::path> paths = workspace.KeptStorePaths();
  paths.insert(paths.begin(), workspace.CurrentStorePath());
  for (const std::filesystem::path& path : paths) {
    std::shared_ptr<RowStore> store = RowStore::Open(path, RowStore::Mode::kReadOnly);
    if (HasState(*store, resolved)) return {store, {resolved.lsn, resolved.time_us}};
  }
  throw Error(ErrorCode::kUsage, fmt::format("the state at {} is no longer stored", resolved.lsn.ToString()),
              "it was deleted meanwhile: run the command again");
}

std::vector<PointInStore> OpenPoints(const Workspace& workspace, const std::vector<std::string>& texts, InGap in_gap) {
  std::shared_ptr<RowStore> current = OpenCurrent(workspace);
  std::vector<PointInStore> points;
  for (const std::string& text : texts) {
    std::string names;
    std::optional<PointInStore> found = FindInAll(workspace, current, text, &names);
    if (!found) found = PointInStore{current, PointByPosition(*current, text, names, in_gap)};
    points.push_back(std::move(*found));
  }
  return points;
}

}  // namespace rotv::history
