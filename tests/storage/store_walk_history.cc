#include <fmt/format.h>

#include <algorithm>

#include "tests/storage/store_walk.h"

namespace rotv::testing {

// --- Between pulls

void StoreWalk::ChangeSnapshots(const Step& step) {
  Settle(step);
  ModelState& now = model_.now;
  if (now.pulling) return;
  const std::string name = fmt::format("s{}", step.a % 6);
  if (now.snapshots.erase(name) != 0) {
    if (!now.state.RemoveSnapshot(name)) throw Mismatch("a snapshot is unknown");
  } else {
    const std::vector<uint64_t> lsns = model_.RetainedLsns();
    const uint64_t lsn = step.b % 3 == 0 ? now.head : lsns[step.b % lsns.size()];
    if (lsn > now.head) return;
    proto::Snapshot snapshot;
    snapshot.set_name(name);
    snapshot.set_lsn(lsn);
    now.state.AddSnapshot(snapshot);
    now.snapshots[name] = lsn;
  }
  Publish({});
}

void StoreWalk::CollectGarbage(const Step& step) {
  if (step.c % 4 != 0) Settle(step);
  ModelState& now = model_.now;
  if (now.pulling) return;
  // What sync/gc.cc keeps.
  const uint64_t first = std::max(now.baseline, now.kept_from);
  uint64_t keep_from = step.a % 3 == 0 ? now.head : first + step.b % (now.head - first + 1);
  for (const auto& [after, before] : now.gaps) {
    if (keep_from > after && keep_from < before) keep_from = before;
  }
  uint64_t log_from = keep_from;
  std::vector<Lsn> points = {Lsn(now.baseline), Lsn(now.head)};
  for (const auto& [name, lsn] : now.snapshots) {
    log_from = std::min(log_from, lsn);
    points.emplace_back(lsn);
  }
  log_from = std::max(log_from, now.log_from);
  const Retention retention(points, Lsn(keep_from));

  if (store_ == nullptr) {
    before_collection_ = model_;
    published_before_collection_ = published_.size();
  }
  now.kept_from = keep_from;
  now.log_from = log_from;
  std::erase_if(now.gaps, [&](const auto& gap) { return gap.second <= keep_from; });
  std::set<TableId> tables;
  model_.Prune();
  for (const auto& [lsn, schema] : now.schemas) {
    for (const auto& [table, form] : schema.tables) tables.insert(table);
  }
  for (auto epochs = now.epochs.begin(); epochs != now.epochs.end();) {
    if (tables.count(epochs->first) != 0) {
      ++epochs;
      continue;
    }
    for (const ModelEpoch& epoch : epochs->second) model_.DropEpoch(epochs->first, epoch.number);
    epochs = now.epochs.erase(epochs);
  }
  now.state.BeginCollection(retention, tables, Lsn(log_from), 1);
  published_.push_back(now);
  if (store_ != nullptr) {
    struct Stopped {};
    uint32_t looks = step.c / 4 % 8;  // Now and then it is interrupted.
    const auto look = [&](uint64_t) {
      if (step.b % 4 == 0 && looks-- == 0) throw Stopped();
    };
    try {
      store_->CollectGarbage(retention, Lsn(log_from), 1, look);
    } catch (const Stopped&) {
    }
    // A second pass finds nothing, and ends what was interrupted.
    (void)store_->CollectGarbage(retention, Lsn(log_from), 1, [](uint64_t) {});
    const GarbageCounts again = store_->CollectGarbage(retention, Lsn(log_from), 1, [](uint64_t) {});
    if (again.dropped != 0 || again.epochs != 0) throw Mismatch("gc has left versions that nothing needs");
  }
  now.state.EndCollection(0);
  // The passes after the first one begin a collection again, and end it.
  published_.push_back(now);
  published_.back().state.BeginCollection(retention, tables, Lsn(log_from), 1);
  published_.push_back(now);
}

}  // namespace rotv::testing
