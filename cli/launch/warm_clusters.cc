#include "cli/launch/warm_clusters.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "os/boot_id.h"
#include "os/random_text.h"
#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

constexpr size_t kIdDigits = 12;

fs::path LockPath(const fs::path& directory) { return directory / "lock"; }

FileDescriptor OpenLock(const fs::path& directory) {
  return FileDescriptor(open(LockPath(directory).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
}

// Held while clusters are begun, published, chosen or removed. It is only ever held for moments.
class Turn {
 public:
  explicit Turn(const fs::path& directory) {
    fs::create_directories(directory);
    fs::permissions(directory, fs::perms::owner_all);  // It holds production data.
    file_ = OpenOrCreateFile(directory / "lock", O_RDWR);
    while (flock(file_.get(), LOCK_EX) != 0) {
      if (errno != EINTR) ThrowDiskError("lock", directory, errno);
    }
  }

 private:
  FileDescriptor file_;
};

int64_t UsedTimeUs(const fs::path& directory) {
  struct stat status {};
  if (stat(LockPath(directory).c_str(), &status) != 0) return 0;
  return status.st_mtim.tv_sec * int64_t{1'000'000} + status.st_mtim.tv_nsec / 1000;
}

WarmCluster ClusterOf(const fs::path& directory, const WarmManifest& manifest) {
  return {.id = directory.filename(),
          .directory = directory / "cluster",
          .purpose = manifest.purpose,
          .source = manifest.source,
          .state = manifest.state,
          .server = manifest.server,
          .bytes = manifest.bytes,
          .made_time_us = manifest.made_time_us,
          .used_time_us = UsedTimeUs(directory)};
}

struct Kept {
  fs::path directory;
  WarmManifest manifest;
  int64_t used_time_us = 0;
};

// All directories in HOME/warm, with or without a manifest.
std::vector<fs::path> DirectoriesIn(const fs::path& warm) {
  std::vector<fs::path> directories;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(warm, error)) {
    if (entry.is_directory(error) && !entry.is_symlink(error)) directories.push_back(entry.path());
  }
  return directories;
}

// The complete ones, the most recently used first.
std::vector<Kept> KeptIn(const fs::path& warm) {
  std::vector<Kept> kept;
  for (const fs::path& directory : DirectoriesIn(warm)) {
    if (std::optional<WarmManifest> manifest = ReadWarmManifest(directory)) {
      kept.push_back({directory, *std::move(manifest), UsedTimeUs(directory)});
    }
  }
  std::sort(kept.begin(), kept.end(), [](const Kept& a, const Kept& b) { return a.used_time_us > b.used_time_us; });
  return kept;
}

// Removes a directory of HOME/warm unless it is in use. The manifest goes first: what a killed removal leaves is not
// complete, and the next command removes it. The caller has the turn.
bool RemoveDirectory(const fs::path& directory) {
  const FileDescriptor lock = OpenLock(directory);
  if (lock && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return false;
  std::error_code problem;
  fs::remove(WarmManifestPath(directory), problem);
  fs::remove_all(directory, problem);
  return !problem;
}

bool IsLimited(const WarmState& state) {
  return (state.kind == WarmKind::kState || state.kind == WarmKind::kForeign) && state.pinned.empty();
}

// What killed runs have left, and nobody works on.
void RemoveLeftovers(const fs::path& warm) {
  for (const fs::path& directory : DirectoriesIn(warm)) {
    if (!fs::exists(WarmManifestPath(directory))) RemoveDirectory(directory);
  }
}

// Those of other versions of this program, and with damaged manifests.
void RemoveUnreadable(const fs::path& warm) {
  for (const fs::path& directory : DirectoriesIn(warm)) {
    if (!ReadWarmManifest(directory)) RemoveDirectory(directory);
  }
}

// What may be used in all: half of what would be free without warm clusters.
uint64_t BytesAllowed(const fs::path& warm, uint64_t used, const WarmLimits& limits) {
  std::error_code error;
  const fs::space_info space = fs::space(warm, error);
  const uint64_t half = error ? 0 : (space.available + used) / 2;
  return limits.bytes > 0 ? std::min(half, limits.bytes) : half;
}

// Makes room for `bytes` more. Returns false if there is not enough.
bool ApplyLimits(const fs::path& warm, uint64_t bytes, const WarmLimits& limits) {
  std::vector<Kept> kept = KeptIn(warm);
  uint64_t used = 0;
  for (const Kept& one : kept) used += one.manifest.bytes;
  const uint64_t allowed = BytesAllowed(warm, used, limits);
  std::map<std::string, size_t> of_group;
  std::vector<Kept*> removable;
  for (Kept& one : kept) {
    if (!IsLimited(one.manifest.state)) continue;
    if (++of_group[one.manifest.group] <= limits.clusters) {
      removable.push_back(&one);
    } else if (RemoveDirectory(one.directory)) {
      used -= one.manifest.bytes;
    }
  }
  for (; used + bytes > allowed && !removable.empty(); removable.pop_back()) {  // The least recently used one is last.
    if (RemoveDirectory(removable.back()->directory)) used -= removable.back()->manifest.bytes;
  }
  return used + bytes <= allowed;
}

// Nothing was synced: after the machine was started again the files may not be what was written.
bool IsSoundSinceBoot(const fs::path& directory, WarmManifest manifest) {
  const std::string boot = os::BootId();
  if (!boot.empty() && manifest.boot == boot) return true;
  const Interrupt none;
  if (!DifferenceInBytes(directory / "cluster", manifest, none).empty()) return false;
  manifest.boot = boot;
  WriteWarmManifest(directory, manifest);
  return true;
}

// How far the LSNs are from each other.
uint64_t Distance(Lsn a, Lsn b) { return a < b ? b.value() - a.value() : a.value() - b.value(); }

}  // namespace

std::string WarmLease::FindDamage(const Interrupt& interrupt) const {
  const std::optional<WarmManifest> manifest = ReadWarmManifest(cluster_.directory.parent_path());
  return manifest ? DifferenceInBytes(cluster_.directory, *manifest, interrupt) : "its manifest is gone";
}

WarmClusters::WarmClusters(const fs::path& home) : directory_(home / "warm") {}

std::vector<WarmCluster> WarmClusters::All() const {
  std::vector<WarmCluster> all;
  for (const Kept& one : KeptIn(directory_)) {
    all.push_back(ClusterOf(one.directory, one.manifest));
    all.back().used_time_us = one.used_time_us;
  }
  return all;
}

std::optional<WarmLease> WarmClusters::Lease(const fs::path& directory, const WarmManifest& manifest) const {
  FileDescriptor lock = OpenLock(directory);
  if (!lock || flock(lock.get(), LOCK_SH | LOCK_NB) != 0) return std::nullopt;
  if (!DifferenceInFiles(directory / "cluster", manifest).empty() || !IsSoundSinceBoot(directory, manifest)) {
    lock = FileDescriptor();
    RemoveDirectory(directory);
    return std::nullopt;
  }
  futimens(lock.get(), nullptr);  // It was used now.
  WarmLease lease;
  lease.cluster_ = ClusterOf(directory, manifest);
  lease.files_ = manifest.files;
  lease.lock_file_ = LockPath(directory);
  lease.lock_ = std::move(lock);
  return lease;
}

std::optional<WarmLease> WarmClusters::FindBest(
    const std::function<std::optional<uint64_t>(const WarmManifest&)>& distance_of) const {
  if (!fs::exists(directory_)) return std::nullopt;
  const Turn turn(directory_);
  RemoveLeftovers(directory_);
  std::vector<std::pair<uint64_t, Kept>> found;
  for (Kept& one : KeptIn(directory_)) {
    if (const std::optional<uint64_t> distance = distance_of(one.manifest)) {
      found.emplace_back(*distance, std::move(one));
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [distance, one] : found) {
    if (std::optional<WarmLease> lease = Lease(one.directory, one.manifest)) return lease;
  }
  return std::nullopt;
}

std::optional<WarmLease> WarmClusters::FindEmpty(const WarmPurpose& purpose) const {
  return FindBest([key = EmptyPurposeKey(purpose)](const WarmManifest& manifest) -> std::optional<uint64_t> {
    if (manifest.state.kind != WarmKind::kEmpty || manifest.empty_purpose != key) return std::nullopt;
    return 0;
  });
}

std::optional<WarmLease> WarmClusters::FindForeign(const WarmPurpose& purpose, const std::string& fingerprint) const {
  return FindBest([&, key = PurposeKey(purpose)](const WarmManifest& manifest) -> std::optional<uint64_t> {
    const bool fits =
        manifest.state.kind == WarmKind::kForeign && manifest.purpose == key && manifest.state.seed == fingerprint;
    return fits ? std::optional<uint64_t>(0) : std::nullopt;
  });
}

std::optional<WarmLease> WarmClusters::FindSaved(const std::string& name) const {
  return FindBest([&](const WarmManifest& manifest) -> std::optional<uint64_t> {
    if (manifest.state.kind != WarmKind::kSaved || manifest.state.saved_as != name) return std::nullopt;
    return 0;
  });
}

std::optional<WarmLease> WarmClusters::FindById(const std::string& id) const {
  if (id.empty() || !fs::exists(directory_ / id)) return std::nullopt;
  const Turn turn(directory_);
  const std::optional<WarmManifest> manifest = ReadWarmManifest(directory_ / id);
  return manifest ? Lease(directory_ / id, *manifest) : std::nullopt;
}

std::optional<WarmLease> WarmClusters::FindAt(const WarmPurpose& purpose, const history::ResolvedPoint& point) const {
  return FindBest([&, key = PurposeKey(purpose)](const WarmManifest& manifest) -> std::optional<uint64_t> {
    const history::ResolvedPoint& has = manifest.state.point;
    const bool fits = manifest.state.kind == WarmKind::kState && manifest.purpose == key && has.lsn == point.lsn &&
                      has.baseline_lsn == point.baseline_lsn && has.baseline_time_us == point.baseline_time_us;
    return fits ? std::optional<uint64_t>(0) : std::nullopt;
  });
}

std::optional<WarmLease> WarmClusters::FindNear(const WarmPurpose& purpose, const history::ResolvedPoint& point) const {
  return FindBest([&, key = PurposeKey(purpose)](const WarmManifest& manifest) -> std::optional<uint64_t> {
    const history::ResolvedPoint& has = manifest.state.point;
    const bool fits = manifest.state.kind == WarmKind::kState && manifest.purpose == key &&
                      has.baseline_lsn == point.baseline_lsn && has.baseline_time_us == point.baseline_time_us &&
                      !WornOut(manifest.state);
    return fits ? std::optional<uint64_t>(Distance(has.lsn, point.lsn)) : std::nullopt;
  });
}

std::unique_ptr<WarmWriter> WarmClusters::Begin(uint64_t bytes, const WarmLimits& limits) const {
  const Turn turn(directory_);
  RemoveUnreadable(directory_);
  if (!ApplyLimits(directory_, bytes, limits)) return nullptr;
  const fs::path made = directory_ / os::RandomText(os::kHexDigits, kIdDigits);
  fs::create_directory(made);
  fs::permissions(made, fs::perms::owner_all);
  FileDescriptor lock = OpenOrCreateFile(LockPath(made), O_RDWR);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) ThrowDiskError("lock", made, errno);
  return std::make_unique<WarmWriter>(made, std::move(lock));
}

void WarmClusters::Trim(const WarmLimits& limits) const {
  if (!fs::exists(directory_)) return;
  const Turn turn(directory_);
  RemoveUnreadable(directory_);
  ApplyLimits(directory_, 0, limits);
}

void WarmClusters::ChangePins(const std::function<void(const std::string& id, std::set<std::string>*)>& change) const {
  if (!fs::exists(directory_)) return;
  const Turn turn(directory_);
  for (Kept& one : KeptIn(directory_)) {
    std::set<std::string> pinned = one.manifest.state.pinned;
    change(one.directory.filename(), &pinned);
    if (pinned == one.manifest.state.pinned) continue;
    one.manifest.state.pinned = pinned;
    WriteWarmManifest(one.directory, one.manifest);
  }
}

void WarmClusters::Pin(const std::string& id, const std::string& name) const {
  ChangePins([&](const std::string& of, std::set<std::string>* pinned) {
    pinned->erase(name);
    if (of == id) pinned->insert(name);
  });
}

void WarmClusters::Unpin(const std::string& name) const {
  ChangePins([&](const std::string&, std::set<std::string>* pinned) { pinned->erase(name); });
}

void WarmClusters::RemoveOlder(const std::string& id) const {
  const Turn turn(directory_);
  const std::optional<WarmManifest> newer = ReadWarmManifest(directory_ / id);
  if (!newer || newer->state.kind == WarmKind::kSaved) return;
  for (const Kept& one : KeptIn(directory_)) {
    const WarmState& state = one.manifest.state;
    const bool is_same = one.manifest.purpose == newer->purpose && state.kind == newer->state.kind &&
                         state.point == newer->state.point && state.seed == newer->state.seed;
    if (is_same && one.directory.filename() != id && state.pinned.empty()) RemoveDirectory(one.directory);
  }
}

bool WarmClusters::Remove(const std::string& id) const {
  if (!fs::exists(directory_ / id)) return true;
  const Turn turn(directory_);
  return RemoveDirectory(directory_ / id);
}

void WarmClusters::RemoveAll() const {
  if (!fs::exists(directory_)) return;
  const Turn turn(directory_);
  for (const fs::path& directory : DirectoriesIn(directory_)) {
    const std::optional<WarmManifest> manifest = ReadWarmManifest(directory);
    if (!manifest || manifest->state.kind != WarmKind::kSaved) RemoveDirectory(directory);
  }
}

void WarmClusters::RemoveOf(const std::string& source) const {
  if (!fs::exists(directory_)) return;
  const Turn turn(directory_);
  for (const Kept& one : KeptIn(directory_)) {
    const bool is_of = one.manifest.source == source && one.manifest.state.kind != WarmKind::kEmpty;
    if (is_of && one.manifest.state.kind != WarmKind::kSaved) RemoveDirectory(one.directory);
  }
}

void WarmClusters::RemoveSaved(const std::string& name) const {
  for (const WarmCluster& one : All()) {
    if (one.state.kind != WarmKind::kSaved || one.state.saved_as != name) continue;
    if (Remove(one.id)) return;
    throw Error(ErrorCode::kInUse, fmt::format("{} is in use by what was started from it", name), "rotv stop");
  }
  throw Error(ErrorCode::kUsage, fmt::format("nothing was saved as {}", name), "rotv save NAME");
}

std::vector<DamagedFile> WarmClusters::FindDamaged(const Interrupt& interrupt) const {
  std::vector<DamagedFile> damaged;
  for (const fs::path& directory : DirectoriesIn(directory_)) {
    const FileDescriptor lock = OpenLock(directory);
    if (!lock || flock(lock.get(), LOCK_SH | LOCK_NB) != 0) continue;  // It is being written or removed.
    if (!fs::exists(WarmManifestPath(directory))) continue;            // A leftover.
    const std::optional<WarmManifest> manifest = ReadWarmManifest(directory);
    if (!manifest) {
      damaged.push_back({WarmManifestPath(directory), "it is not what was written"});
      continue;
    }
    std::string problem = DifferenceInFiles(directory / "cluster", *manifest);
    if (problem.empty()) problem = DifferenceInBytes(directory / "cluster", *manifest, interrupt);
    if (!problem.empty()) damaged.push_back({directory / "cluster", problem});
  }
  return damaged;
}

bool WarmClusters::WornOut(const WarmState& state) {
  constexpr uint64_t kMostCarries = 20;
  return state.carries >= kMostCarries || state.carried_bytes > state.sql_bytes / 4;
}

}  // namespace rotv::launch
