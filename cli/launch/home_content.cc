#include "cli/launch/home_content.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>

#include "cli/launch/fresh_place.h"
#include "cli/launch/launch_state.h"
#include "cli/launch/seed_file.h"
#include "cli/launch/warm_clusters.h"
#include "storage/error.h"
#include "sync/clean_stores.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

std::string NameOf(StoredItem::Kind kind) {
  switch (kind) {
    case StoredItem::Kind::kInUse:
      return "stores";
    case StoredItem::Kind::kKept:
      return "kept";
    case StoredItem::Kind::kUnfinished:
      return "unfinished";
    case StoredItem::Kind::kDamaged:
      return "damaged";
    case StoredItem::Kind::kUnknown:
      return "unknown";
    case StoredItem::Kind::kSubset:
      return "subsets";
    case StoredItem::Kind::kLeftover:
      return "leftovers";
  }
  return "others";
}

uint64_t SizeOnDisk(const fs::path& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) ? static_cast<uint64_t>(status.st_size) : 0;
}

uint64_t BytesOf(const fs::path& path) {
  uint64_t bytes = SizeOnDisk(path);
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(path, error))) return bytes;
  for (auto entry = fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    bytes += SizeOnDisk(entry->path());
  }
  return bytes;
}

// What else is there, by the name in the home directory.
const std::map<std::string, std::string>& KindsByName() {
  static const std::map<std::string, std::string> kKinds = {
      {"prepared", "clusters"}, {"scratch", "scratch"},   {"pgdata", "data"},         {"run", "run"},
      {"schedule", "run"},      {"rotv.toml", "secrets"}, {"mask-secret", "secrets"}, {"signing-key", "secrets"}};
  return kKinds;
}

void AddSeeds(const fs::path& home, std::vector<HomeItem>* items) {
  for (const SeedInHome& seed : SeedsIn(home)) {
    HomeItem& item = items->emplace_back();
    item = {.kind = "seeds", .path = seed.path, .bytes = seed.bytes, .source = seed.source};
    if (!seed.is_ours) {
      item.needed = "rotv start did not write it, or it was changed since";
    } else if (!IsStored(home, seed.source, seed.point)) {
      item.needed = "its state is no longer stored, so it could not be written again";
    }
  }
}

void AddWarmClusters(const fs::path& home, std::vector<HomeItem>* items) {
  std::map<fs::path, WarmCluster> complete;
  const WarmClusters clusters(home);
  for (WarmCluster& cluster : clusters.All()) complete[cluster.directory.parent_path()] = std::move(cluster);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(clusters.directory(), error)) {
    if (!entry.is_directory(error)) continue;
    HomeItem& item = items->emplace_back();
    item = {.kind = "clusters", .path = entry.path(), .bytes = BytesOf(entry.path())};
    const auto found = complete.find(entry.path());
    if (found == complete.end()) continue;  // A leftover, or one that is being written.
    item.source = found->second.source;
    if (found->second.state.kind == WarmKind::kSaved) {
      item.needed = fmt::format("it was saved as {}", found->second.state.saved_as);
    }
  }
}

// Databases that run, or ran, for one command.
void AddFreshPlaces(const fs::path& home, std::vector<HomeItem>* items) {
  for (const FoundFreshPlace& place : FindFreshPlaces(home)) {
    HomeItem& item = items->emplace_back();
    item = {.kind = "scratch", .path = place.path, .bytes = BytesOf(place.path)};
    if (place.in_use) item.needed = "a command runs on it";
  }
}

// What lies in a project's place and is not listed yet.
void AddOthers(const fs::path& place, std::vector<HomeItem>* items) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(place, error)) {
    const std::string name = entry.path().filename();
    const auto is_listed = [&](const HomeItem& item) { return item.path == entry.path(); };
    if (name == "sources" || name == "apps" || name == "warm" || name == "fresh" ||
        std::any_of(items->begin(), items->end(), is_listed)) {
      continue;
    }
    const auto known = KindsByName().find(name);
    const bool is_note = name.starts_with("seed-data");  // A note is counted with what is there of runs.
    items->push_back({.kind = known != KindsByName().end() ? known->second
                              : is_note                    ? "run"
                                                           : "others",
                      .path = entry.path(),
                      .bytes = BytesOf(entry.path())});
  }
}

std::set<StoredItem::Kind> StoredKinds(const std::set<std::string>& names) {
  std::set<StoredItem::Kind> kinds;
  for (const auto kind : {StoredItem::Kind::kDamaged, StoredItem::Kind::kUnknown, StoredItem::Kind::kSubset,
                          StoredItem::Kind::kLeftover}) {
    if (names.count(NameOf(kind)) > 0) kinds.insert(kind);
  }
  return kinds;
}

// Removes what a scratch server has left. Throws kInUse if one runs.
void FreeScratch(const fs::path& home) {
  const fs::path scratch = home / "scratch";
  if (!fs::exists(scratch)) return;
  const LaunchLock lock(scratch);
  fs::remove_all(scratch);
}

class Freeing {
 public:
  Freeing(const fs::path& home, const std::set<std::string>& kinds, const os::Environment& environment,
          Progress& progress, const Interrupt& interrupt)
      : home_(home), kinds_(kinds), environment_(environment), progress_(progress), interrupt_(interrupt) {}

  std::vector<HomeItem> Run() {
    std::vector<HomeItem> chosen;
    for (HomeItem& item : HomeContent(home_)) {
      if (kinds_.count(item.kind) > 0 && item.needed.empty()) chosen.push_back(std::move(item));
    }
    std::set<std::string> sources;
    for (const HomeItem& item : chosen) {
      if (!StoredKinds({item.kind}).empty()) sources.insert(item.source);
    }
    for (const std::string& source : sources) FreeSource(source);
    FreeDerived(chosen);
    std::erase_if(chosen, [](const HomeItem& item) { return fs::exists(fs::symlink_status(item.path)); });
    return chosen;
  }

 private:
  void FreeSource(const std::string& source) {
    try {
      FreeStored(home_, source, StoredKinds(kinds_));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kInUse && error.code() != ErrorCode::kCorrupt) throw;
      progress_.Warn(fmt::format("nothing of {} was freed: {}", source, error.what()));
    }
  }

  // A start reads seeds and clusters.
  void FreeDerived(const std::vector<HomeItem>& chosen) {
    if (kinds_.count("scratch") > 0) {
      RemoveLeftFresh(home_, environment_, progress_, interrupt_);
      FreeScratch(home_);
    }
    if (kinds_.count("seeds") == 0 && kinds_.count("clusters") == 0) return;
    for (const fs::path& place : PlacesIn(home_)) {
      const LaunchLock lock(place);
      if (kinds_.count("clusters") > 0) fs::remove_all(place / "prepared");  // Of older programs.
    }
    for (const HomeItem& item : chosen) {
      if (item.kind == "clusters" && item.path.filename() != "prepared") {
        WarmClusters(home_).Remove(item.path.filename());
      }
    }
    const LaunchLock lock(home_);
    for (const HomeItem& item : chosen) {
      if (item.kind == "seeds") RemoveSeed(item.path);
    }
  }

  const fs::path& home_;
  const std::set<std::string>& kinds_;
  const os::Environment& environment_;
  Progress& progress_;
  const Interrupt& interrupt_;
};

}  // namespace

const std::vector<HomeKind>& HomeKinds() {
  static const std::vector<HomeKind> kKinds = {
      {.name = "stores", .meaning = "what is stored of each source (gc, source remove)"},
      {.name = "kept", .meaning = "earlier stores, for their snapshots (snapshot delete)"},
      {.name = "unfinished", .meaning = "baselines that were interrupted and go on (baseline --discard)"},
      {.name = "damaged", .meaning = "damaged stores that check --repair has set aside", .can_be_freed = true},
      {.name = "unknown", .meaning = "stores that no record names", .can_be_freed = true},
      {.name = "subsets",
       .meaning = "subsets as they are published; a publish makes one again, and followers then take all of it",
       .can_be_freed = true},
      {.name = "leftovers", .meaning = "what killed runs have left", .can_be_freed = true},
      {.name = "seeds", .meaning = "seeds, which are written again when they are needed", .can_be_freed = true},
      {.name = "clusters", .meaning = "warm clusters, which make a start faster", .can_be_freed = true},
      {.name = "scratch", .meaning = "scratch servers, and databases of one command", .can_be_freed = true},
      {.name = "data", .meaning = "the cluster of rotv start --persistent"},
      {.name = "run", .meaning = "logs and records of runs and schedules"},
      {.name = "secrets", .meaning = "config and keys"},
      {.name = "others", .meaning = "files that are not ours"},
  };
  return kKinds;
}

std::vector<HomeItem> HomeContent(const fs::path& home) {
  std::vector<HomeItem> items;
  for (const StoredItem& stored : ListStored(home)) {
    items.push_back({.kind = NameOf(stored.kind), .path = stored.path, .bytes = stored.bytes, .source = stored.source});
  }
  AddSeeds(home, &items);
  AddWarmClusters(home, &items);
  AddFreshPlaces(home, &items);
  for (const fs::path& place : PlacesIn(home)) AddOthers(place, &items);
  return items;
}

std::vector<HomeItem> FreeHomeContent(const fs::path& home, const std::set<std::string>& kinds,
                                      const os::Environment& environment, Progress& progress,
                                      const Interrupt& interrupt) {
  return Freeing(home, kinds, environment, progress, interrupt).Run();
}

}  // namespace rotv::launch
