#include "storage/workspace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "storage/atomic_file.h"
#include "storage/error.h"

// A store directory counts only if the file `current` names it, as the one in use or as a kept one. Everything else
// that looks like a store is unfinished or obsolete, and is removed by the next command that holds the lock. So every
// change of stores is one atomic replacement of that small file: a kill before it leaves the former state, a kill after
// it leaves directories that are removed later. What is created on the source is recorded in `owned` before it exists
// there, for the same reason.

namespace rotv {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStorePrefix = "store-";
constexpr std::chrono::seconds kLockHolderTimeout{2};
constexpr std::chrono::milliseconds kLook{10};

fs::path SourceDirectory(const fs::path& home, const std::string& source_name) {
  return home / "sources" / source_name;
}

void MakePrivateDirectory(const fs::path& path) {
  std::error_code error;
  bool created = fs::create_directories(path, error);
  if (error) ThrowDiskError("make", path, error.value());
  if (created) fs::permissions(path, fs::perms::owner_all, error);
}

void RemoveTree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) ThrowDiskError("remove", path, error.value());
}

template <typename Proto>
std::optional<Proto> ReadProto(const fs::path& path) {
  if (!fs::exists(path)) return std::nullopt;
  Proto parsed;
  if (!parsed.ParseFromString(ReadFile(path))) {
    throw Error(ErrorCode::kCorrupt, fmt::format("{} is damaged", path.string()),
                "take a new baseline: rotv-sync baseline --force");
  }
  return parsed;
}

bool Same(const proto::OwnedObjects& a, const proto::OwnedObjects& b) {
  return a.slot() == b.slot() && a.publication() == b.publication();
}

}  // namespace

bool IsSourceName(std::string_view name) {
  constexpr size_t kLongestName = 64;
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= kLongestName && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), allowed);
}

std::vector<std::string> ImportedSources(const fs::path& home) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(home / "sources", error)) {
    std::string name = entry.path().filename();
    std::optional<proto::CurrentStore> current = ReadCurrent(home, name);
    if (current && current->imported()) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool HasBaseline(const fs::path& home, const std::string& source_name) {
  std::error_code ignored;
  return fs::exists(SourceDirectory(home, source_name) / "current", ignored);
}

std::optional<proto::CurrentStore> ReadCurrent(const fs::path& home, const std::string& source_name) {
  return ReadProto<proto::CurrentStore>(SourceDirectory(home, source_name) / "current");
}

fs::path StorePath(const fs::path& home, const std::string& source_name, const proto::CurrentStore& current) {
  return SourceDirectory(home, source_name) / current.directory();
}

std::vector<RecordedObjects> AllRecordedObjects(const fs::path& home) {
  std::vector<RecordedObjects> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(home / "sources", error)) {
    const std::string name = entry.path().filename();
    try {
      const auto current = ReadCurrent(home, name);
      const auto owned = ReadProto<proto::OwnedList>(entry.path() / "owned").value_or(proto::OwnedList());
      const bool follows = current && !current->imported() && !current->detached();
      if (follows) all.push_back({.source = name, .objects = current->objects(), .in_use = true});
      for (const proto::OwnedObjects& objects : owned.objects()) {
        if (!follows || !Same(objects, current->objects())) all.push_back({.source = name, .objects = objects});
      }
    } catch (const Error&) {
      continue;  // A command that works on that source reports it.
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.source < b.source; });
  return all;
}

SourceInUse::SourceInUse(const std::string& source_name, const std::string& holder)
    : Error(ErrorCode::kInUse,
            fmt::format("source {} is in use by another run{}", source_name, holder.empty() ? "" : ": " + holder),
            "wait until it has ended, then run the command again"),
      holder_(holder) {}

Workspace::Workspace(const fs::path& home, const std::string& source_name, const std::string& command)
    : source_name_(source_name), directory_(SourceDirectory(home, source_name)) {
  MakePrivateDirectory(home);
  MakePrivateDirectory(home / "sources");
  MakePrivateDirectory(directory_);
  TakeLock(command);
  current_ = ReadCurrent(home, source_name);
  owned_ = ReadProto<proto::OwnedList>(directory_ / "owned").value_or(proto::OwnedList());
  RemoveTree(RunDirectory());
  RemoveOtherStores();
  MakePrivateDirectory(RunDirectory());
}

void Workspace::TakeLock(const std::string& command) {
  fs::path path = directory_ / "lock";
  lock_ = OpenOrCreateFile(path, O_RDWR);
  const auto deadline = std::chrono::steady_clock::now() + kLockHolderTimeout;
  while (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) ThrowDiskError("lock", path, errno);
    // A process that has just taken the lock may not have written its name yet; callers decide by that name.
    std::string holder = ReadFile(path);
    if (!holder.empty() || std::chrono::steady_clock::now() > deadline) throw SourceInUse(source_name_, holder);
    std::this_thread::sleep_for(kLook);
  }
  std::string holder = fmt::format("rotv-sync {} (process {})", command, getpid());
  if (ftruncate(lock_.get(), 0) != 0 || pwrite(lock_.get(), holder.data(), holder.size(), 0) < 0) {
    ThrowDiskError("write", path, errno);
  }
}

void Workspace::RemoveOtherStores() const {
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(directory_)) {
    std::string name = entry.path().filename().string();
    bool used = current_ && (current_->directory() == name ||
                             std::count(current_->kept().begin(), current_->kept().end(), name) > 0);
    if (name.starts_with(kStorePrefix) && !used) leftovers.push_back(entry.path());
  }
  for (const fs::path& leftover : leftovers) RemoveTree(leftover);
}

fs::path Workspace::CurrentStorePath() const {
  if (!current_) {
    throw Error(ErrorCode::kUsage, fmt::format("there is no baseline of source {} yet", source_name_),
                fmt::format("take it first: rotv-sync --source {} baseline", source_name_));
  }
  return directory_ / current_->directory();
}

fs::path Workspace::NewStorePath(const std::string& label) const { return directory_ / (kStorePrefix + label); }

std::vector<fs::path> Workspace::KeptStorePaths() const {
  std::vector<fs::path> paths;
  if (!current_) return paths;
  for (const std::string& name : current_->kept()) paths.insert(paths.begin(), directory_ / name);
  return paths;
}

void Workspace::SetCurrent(const fs::path& store, const proto::OwnedObjects& objects, Before before) {
  SyncDirectory(directory_);
  proto::CurrentStore next;
  if (current_) {
    *next.mutable_kept() = current_->kept();
    if (before == Before::kKeep) next.add_kept(current_->directory());
  }
  next.set_directory(store.filename().string());
  *next.mutable_objects() = objects;
  WriteFileAtomically(directory_ / "current", next.SerializeAsString());
  current_ = next;
  RemoveOtherStores();  // The sockets stay: this run still uses them.
}

void Workspace::SetImported(const fs::path& store) {
  SyncDirectory(directory_);
  proto::CurrentStore next;
  next.set_directory(store.filename().string());
  next.set_imported(true);
  WriteFileAtomically(directory_ / "current", next.SerializeAsString());
  current_ = next;
  RemoveOtherStores();
}

void Workspace::DropKept(const fs::path& store) {
  proto::CurrentStore next = *current_;
  auto* kept = next.mutable_kept();
  kept->erase(std::remove(kept->begin(), kept->end(), store.filename().string()), kept->end());
  WriteFileAtomically(directory_ / "current", next.SerializeAsString());
  current_ = next;
  RemoveOtherStores();
}

void Workspace::SetDetached() {
  AddOwned(current_->objects());
  proto::CurrentStore next = *current_;
  next.set_detached(true);
  WriteFileAtomically(directory_ / "current", next.SerializeAsString());
  current_ = next;
}

std::vector<proto::OwnedObjects> Workspace::Leftovers() const {
  std::vector<proto::OwnedObjects> leftovers;
  for (const proto::OwnedObjects& objects : owned_.objects()) {
    if (!current_ || current_->detached() || !Same(objects, current_->objects())) leftovers.push_back(objects);
  }
  return leftovers;
}

void Workspace::AddOwned(const proto::OwnedObjects& objects) {
  const auto& list = owned_.objects();
  if (std::any_of(list.begin(), list.end(), [&](const auto& other) { return Same(other, objects); })) return;
  *owned_.add_objects() = objects;
  SaveOwned();
}

void Workspace::RemoveOwned(const proto::OwnedObjects& objects) {
  auto* list = owned_.mutable_objects();
  list->erase(std::remove_if(list->begin(), list->end(), [&](const auto& other) { return Same(other, objects); }),
              list->end());
  SaveOwned();
}

void Workspace::SaveOwned() const { WriteFileAtomically(directory_ / "owned", owned_.SerializeAsString()); }

}  // namespace rotv
