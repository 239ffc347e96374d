#include "sync/gc.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "os/clock.h"
#include "sync/context/open_workspace.h"
#include "sync/history/point.h"

namespace rotv {
namespace {

constexpr int64_t kUsPerDay = int64_t{24} * 60 * 60 * 1'000'000;
// The size to which a history may grow beside the data itself if the config has no limit.
constexpr uint64_t kAlwaysAllowed = uint64_t{512} << 20;

// Returns the point from which every state is kept.
history::Point KeepFrom(const RowStore& store, int keep_days) {
  const proto::Manifest& manifest = store.manifest();
  int64_t time_us = manifest.head_time_us() - keep_days * kUsPerDay;
  Lsn first(std::max(manifest.baseline_lsn(), manifest.kept_from_lsn()));
  int64_t first_time_us = std::max(manifest.baseline_time_us(), manifest.kept_from_time_us());
  if (time_us <= first_time_us) return {first, first_time_us};
  history::Point point{keep_days == 0 ? Lsn(manifest.head_lsn()) : history::LsnAt(store, time_us), time_us};
  for (const proto::Gap& gap : manifest.gaps()) {
    if (point.lsn > Lsn(gap.after_lsn()) && point.lsn < Lsn(gap.before_lsn())) point.lsn = Lsn(gap.before_lsn());
  }
  point.time_us = history::TimeAt(store, point.lsn);  // It stays the time of that LSN.
  return point;
}

}  // namespace

GcResult CollectGarbage(const Context& context, RowStore& store, int keep_days) {
  auto start = std::chrono::steady_clock::now();
  GcResult result;
  result.bytes_before = store.DiskBytes();
  history::Point keep_from = KeepFrom(store, keep_days);
  Lsn log_from = keep_from.lsn;
  for (const proto::Snapshot& snapshot : store.manifest().snapshots())
    log_from = std::min(log_from, Lsn(snapshot.lsn()));
  log_from = std::max(log_from, Lsn(store.manifest().log_from_lsn()));
  context.progress.Begin("dropping old versions", Progress::Unit::kItems, 0);
  result.counts = store.CollectGarbage(RetentionOf(store, keep_days), log_from, keep_from.time_us, [&](uint64_t seen) {
    context.interrupt.Check();
    context.progress.Update(seen);
  });
  context.progress.End();
  result.kept_from = keep_from.lsn;
  result.kept_from_time_us = keep_from.time_us;
  result.bytes_after = store.DiskBytes();
  result.seconds = os::SecondsSince(start);
  return result;
}

Retention RetentionOf(const RowStore& store, int keep_days) {
  const proto::Manifest& manifest = store.manifest();
  std::vector<Lsn> points = {Lsn(manifest.baseline_lsn()), Lsn(manifest.head_lsn())};
  for (const proto::Snapshot& snapshot : manifest.snapshots()) points.emplace_back(snapshot.lsn());
  return {points, KeepFrom(store, keep_days).lsn};
}

GcResult CollectGarbage(const Context& context, int keep_days) {
  Workspace workspace = OpenWorkspace(context, "gc");
  std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadWrite);
  return CollectGarbage(context, *store, keep_days);
}

void CollectGarbageIfLarge(const Context& context, RowStore& store) {
  const HistoryConfig& config = context.source.history;
  const uint64_t collected = store.manifest().collected_bytes();
  const uint64_t limit = config.limit_bytes.value_or(2 * collected + kAlwaysAllowed);
  const uint64_t bytes = store.DiskBytes();
  if (limit == 0 || bytes <= limit || bytes < collected + collected / 4) return;
  CollectGarbage(context, store, config.keep_days);
}

}  // namespace rotv
