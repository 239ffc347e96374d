#include "sync/remote_subset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "os/clock.h"
#include "storage/atomic_file.h"
#include "storage/epochs.h"
#include "storage/error.h"
#include "storage/file_checksum.h"
#include "storage/source_records.h"
#include "sync/gc.h"
#include "sync/schema/follow.h"
#include "sync/subset/choose_rows.h"
#include "sync/subset/row_reader.h"
#include "sync/subset/subset_writer.h"

// What others follow is a history: a store with points, changes between them, and versions. So the subset of each
// published state is one of a store of its own, which is then published as any other. Nobody but the publisher needs to
// know that it is a subset.

namespace rotv {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "subset-";
constexpr const char* kStoreName = "store";
constexpr const char* kNewName = "new";
constexpr const char* kOldName = "old";

// True if this is a history of some subset of the store with this manifest.
bool IsSubsetOf(const proto::Manifest& subset, const proto::Manifest& source) {
  return subset.slot().starts_with(source.slot() + " subset ");
}

struct Point {
  Lsn lsn;
  StoreState::Moment moment;
};

Point HeadOf(const RowStore& source) {
  const proto::Manifest& manifest = source.manifest();
  return {source.state().head_lsn(), {.time_us = manifest.head_time_us(), .xid = manifest.head_xid()}};
}

class Updating {
 public:
  Updating(const Context& context, const RemoteConfig& remote, const SubsetConfig& wanted, const fs::path& directory,
           const RowStore& source, const proto::Manifest* published)
      : context_(context),
        remote_(remote),
        wanted_(wanted),
        directory_(directory),
        source_(source),
        origin_(SubsetOrigin(source.manifest(), wanted)),
        published_(published != nullptr && IsSubsetOf(*published, source.manifest()) ? published : nullptr) {
    for (const proto::Snapshot& snapshot : source.manifest().snapshots()) {
      if (PublishesSnapshot(remote, snapshot.name())) snapshots_.push_back(snapshot);
    }
  }

  void Run() {
    fs::remove_all(directory_ / kNewName);
    // A run was killed while it put a new one in its place. What is known of the old one is needed again.
    if (!fs::exists(StorePath()) && fs::exists(OldPath())) fs::rename(OldPath(), StorePath());
    fs::remove_all(OldPath());
    subset::RequireSubsetFits(source_, source_.state().head_lsn(), wanted_);
    if (!GoOn()) Begin();
  }

 private:
  fs::path StorePath() const { return directory_ / kStoreName; }
  fs::path OldPath() const { return directory_ / kOldName; }

  // Returns false if there is no store that goes on.
  bool GoOn() {
    if (!fs::exists(StorePath())) return false;
    std::unique_ptr<RowStore> store;
    if (!IsWhole([&] { store = RowStore::Open(StorePath(), RowStore::Mode::kReadWrite); })) return false;
    former_time_us_ = store->manifest().baseline_time_us();
    if (!IsOfSubset(store->manifest(), origin_)) return false;
    // Rows that a repair has mended in the source may be wrong in any state here.
    if (store->manifest().repairs() != source_.manifest().repairs()) return false;
    RequireNotAhead(store->manifest());
    for (const Point& point : PointsAfter(store->state().head_lsn())) {
      // Damage that this finds is the source's.
      const std::optional<subset::ChosenRows> rows = Choose(point);
      if (rows && !IsWhole([&] { AddPoint(point, *rows, *store); })) return false;
    }
    return IsWhole([&] {
      TakeSnapshots(*store);
      Tidy(*store);
    });
  }

  // Does this with the store that is here, and returns false if that is damaged.
  template <typename Work>
  bool IsWhole(const Work& work) const {
    try {
      work();
      return true;
    } catch (const subset::SourceDamaged&) {
      throw;  // No new store mends that.
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorrupt) throw;
      context_.progress.Warn(fmt::format("the subset that {} has is made again: {}", remote_.name, error.what()));
      return false;
    }
  }

  void RequireNotAhead(const proto::Manifest& subset) const {
    if (Lsn(subset.head_lsn()) <= source_.state().head_lsn()) return;
    throw Error(
        ErrorCode::kUsage,
        fmt::format("the subset for {} is of a newer state than the store of {}", remote_.name, context_.source.name),
        "pull first; if the store was put back from a copy: rotv-sync baseline --force");
  }

  void Begin() {
    // What goes on is compared when it is published (sync/publish.cc); this is another generation.
    if (published_ != nullptr) RequireNotAhead(*published_);
    {
      const std::unique_ptr<RowStore> store = RowStore::Open(directory_ / kNewName, RowStore::Mode::kCreate);
      bool is_begun = false;
      for (const Point& point : PointsAfter(Lsn())) {
        const std::optional<subset::ChosenRows> rows = Choose(point);
        if (!rows) continue;
        if (is_begun) {
          AddPoint(point, *rows, *store);
        } else {
          AddFirstPoint(point, *rows, *store);
        }
        is_begun = true;
      }
      TakeSnapshots(*store);
      StoreState state = store->state();
      state.NoteSize(store->DiskBytes());
      store->Publish(state, {});
    }
    if (fs::exists(StorePath())) fs::rename(StorePath(), OldPath());
    fs::rename(directory_ / kNewName, StorePath());
    SyncDirectory(directory_);
    fs::remove_all(OldPath());
  }

  StoreState Baseline(const Point& point) const {
    // Each store is a generation of its own, also where it begins at the same state as one that is gone: what was
    // published of that one may have states, and rows in them, that this one never had, and nobody would be told that
    // they are gone.
    const std::string slot = fmt::format("{} {}", origin_, os::NowMicroseconds());
    // States are known by LSN and time of their baseline, too: those of another subset of the same state must not be
    // taken for these. Nor may a later history have an earlier baseline (sync/publish.cc). A source's slot takes longer
    // to be made than this.
    constexpr uint64_t kMostUs = 1000;
    const proto::Manifest& theirs = source_.manifest();
    StoreState::Moment moment = point.moment;
    FileChecksum checksum;
    checksum.Add(slot);
    moment.time_us += static_cast<int64_t>(checksum.value() % kMostUs);
    moment.time_us = std::max(moment.time_us, former_time_us_ + 1);
    if (published_ != nullptr && published_->baseline_time_us() < std::numeric_limits<int64_t>::max()) {
      moment.time_us = std::max(moment.time_us, published_->baseline_time_us() + 1);
    }
    StoreState state = StoreState::AtBaseline(
        {.source = theirs.source(), .slot = slot, .publication = "", .description = theirs.description()}, point.lsn,
        moment,
        {.schema = theirs.schema_fingerprint(),
         .tables = theirs.table_fingerprint(),
         .masks = theirs.mask_fingerprint()});
    while (state.manifest().repairs() < theirs.repairs()) state.NoteRepair();
    return state;
  }

  // The states after `lsn` that become points: those of snapshots, and the head.
  std::vector<Point> PointsAfter(Lsn lsn) const {
    const Point head = HeadOf(source_);
    std::map<Lsn, Point> points;
    for (const proto::Snapshot& snapshot : snapshots_) {
      const Lsn at(snapshot.lsn());
      if (at > lsn && at < head.lsn) points[at] = {at, {.time_us = snapshot.time_us()}};
    }
    if (head.lsn > lsn) points[head.lsn] = head;
    std::vector<Point> all;
    for (const auto& [at, point] : points) all.push_back(point);
    return all;
  }

  void AddFirstPoint(const Point& point, const subset::ChosenRows& rows, RowStore& store) {
    rows_[point.lsn] =
        subset::WriteFirstSubset({.store = source_, .lsn = point.lsn, .moment = point.moment, .rows = rows},
                                 Baseline(point), store, context_.progress, context_.interrupt)
            .rows;
  }

  void AddPoint(const Point& point, const subset::ChosenRows& rows, RowStore& store) {
    rows_[point.lsn] =
        subset::WriteNextSubset({.store = source_, .lsn = point.lsn, .moment = point.moment, .rows = rows}, store,
                                context_.progress, context_.interrupt)
            .rows;
  }

  // An old snapshot whose schema has not all that the config names, or that is damaged, keeps nobody from what is new:
  // it is left out, with a warning.
  std::optional<subset::ChosenRows> Choose(const Point& point) {
    const auto choose = [&] {
      return subset::ChooseRows(source_, point.lsn, wanted_, context_.progress, context_.interrupt);
    };
    if (point.lsn == source_.state().head_lsn()) {
      subset::ChosenRows rows = choose();
      for (const std::string& remark : rows.remarks) context_.progress.Warn(remark);
      return rows;
    }
    try {
      return choose();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUsage && error.code() != ErrorCode::kCorrupt) throw;
      for (const proto::Snapshot& snapshot : snapshots_) {
        if (Lsn(snapshot.lsn()) != point.lsn) continue;
        context_.progress.Warn(fmt::format("snapshot {} is not published: {}", snapshot.name(), error.what()));
      }
      unfit_.insert(point.lsn);
      return std::nullopt;
    }
  }

  void TakeSnapshots(RowStore& store) {
    StoreState state = store.state();
    const std::string before = state.manifest().SerializeAsString();
    const std::vector<Lsn> lsns = store.SequenceLsns();
    std::set<Lsn> points(lsns.begin(), lsns.end());
    std::erase_if(points, [&](Lsn lsn) { return lsn < Lsn(state.manifest().kept_from_lsn()); });
    points.insert(Lsn(state.manifest().baseline_lsn()));
    const auto former = state.manifest().snapshots();
    for (const proto::Snapshot& snapshot : former) {
      points.insert(Lsn(snapshot.lsn()));
      state.RemoveSnapshot(snapshot.name());
    }
    std::vector<std::string> left_out;
    for (proto::Snapshot snapshot : snapshots_) {
      const Lsn lsn(snapshot.lsn());
      if (points.count(lsn) == 0) {
        if (unfit_.count(lsn) == 0) left_out.push_back(snapshot.name());
        continue;
      }
      snapshot.set_rows(RowsAt(store, lsn));
      state.AddSnapshot(snapshot);
    }
    if (state.manifest().SerializeAsString() != before) store.Publish(state, {});
    if (left_out.empty()) return;
    context_.progress.Warn(fmt::format("snapshots of states that are not published in {} are not published there: {}",
                                       remote_.name, fmt::join(left_out, ", ")));
  }

  uint64_t RowsAt(const RowStore& store, Lsn lsn) {
    if (const auto known = rows_.find(lsn); known != rows_.end()) return known->second;
    for (const proto::Snapshot& snapshot : store.manifest().snapshots()) {
      if (Lsn(snapshot.lsn()) == lsn) return snapshot.rows();
    }
    const std::map<TableId, EpochNumber> epochs = EpochsAt(store.manifest(), lsn);
    uint64_t rows = 0;
    const proto::SchemaVersion schema = store.SchemaAt(lsn);
    for (const proto::Table& table : schema.tables()) {
      if (!schema::HasRows(table)) continue;
      const ScanRequest scan{.table = table.id(), .epoch = EpochOf(epochs, table, lsn), .lsn = lsn};
      rows += subset::CountRows(store, scan, UINT64_MAX);
    }
    return rows_[lsn] = rows;
  }

  // Each publication leaves a gap, and changes that nobody asks for any more.
  void Tidy(RowStore& store) const {
    constexpr int kMostGaps = 100;
    const int keep_days = context_.source.history.keep_days;
    const Lsn kept_from = RetentionOf(store, keep_days).keep_from();
    const auto& gaps = store.manifest().gaps();
    const auto old = std::count_if(gaps.begin(), gaps.end(),
                                   [&](const proto::Gap& gap) { return Lsn(gap.before_lsn()) <= kept_from; });
    if (old >= kMostGaps) {
      CollectGarbage(context_, store, keep_days);
    } else {
      CollectGarbageIfLarge(context_, store);
    }
    if (store.compaction_owed() != CompactionOwed::kNothing) store.Compact();
  }

  const Context& context_;
  const RemoteConfig& remote_;
  const SubsetConfig& wanted_;
  const fs::path directory_;
  const RowStore& source_;
  const std::string origin_;
  const proto::Manifest* published_;        // That of the remote, if it is of a subset of the same source's baseline.
  std::vector<proto::Snapshot> snapshots_;  // The source's that are published.
  std::set<Lsn> unfit_;                     // Those of them whose states have no subset.
  int64_t former_time_us_ = 0;              // Of the baseline of the store that is replaced.
  std::map<Lsn, uint64_t> rows_;            // By point.
};

}  // namespace

fs::path SubsetDirectory(const fs::path& home, const std::string& source, const std::string& remote) {
  return SourceDirectory(home, source) / (kPrefix + remote);
}

std::vector<fs::path> SubsetDirectories(const fs::path& home, const std::string& source) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(SourceDirectory(home, source), error)) {
    if (entry.path().filename().native().starts_with(kPrefix) && entry.is_directory(error)) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

SubsetConfig RowsFor(const RemoteConfig& remote, const SourceConfig& source) {
  if (!remote.rows) return source.subset;
  SubsetConfig rows = *remote.rows;
  rows.allows_not_valid = source.missing_references == MissingReferences::kNotValid;
  return rows;
}

std::string SubsetOrigin(const proto::Manifest& source, const SubsetConfig& config) {
  return fmt::format("{} subset {}", source.slot(), SubsetFingerprint(config));
}

bool IsOfSubset(const proto::Manifest& subset, const std::string& origin) {
  return subset.slot().starts_with(origin + " ");
}

RemoteSubset::RemoteSubset(const Context& context, const RemoteConfig& remote)
    : context_(context),
      remote_(remote),
      wanted_(RowsFor(remote, context.source)),
      directory_(SubsetDirectory(context.home, context.source.name, remote.name)),
      lock_(Lock(directory_, context.source.name, remote.name)) {}

SourceLock RemoteSubset::Lock(const fs::path& directory, const std::string& source, const std::string& remote) {
  try {
    return {directory, "publish", Access::kWrite};
  } catch (const SourceInUse& in_use) {
    const std::string& holder = in_use.holder();
    throw Error(ErrorCode::kInUse,
                fmt::format("the subset of {} for the remote {} is in use by another run{}", source, remote,
                            holder.empty() ? "" : ": " + holder),
                in_use.hint());
  }
}

std::unique_ptr<RowStore> RemoteSubset::Update(const RowStore& source, const proto::Manifest* published) {
  Updating(context_, remote_, wanted_, directory_, source, published).Run();
  return RowStore::Open(directory_ / kStoreName, RowStore::Mode::kReadOnly);
}

}  // namespace rotv
