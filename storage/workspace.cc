#include "storage/workspace.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "storage/atomic_file.h"
#include "storage/checked_file.h"
#include "storage/error.h"
#include "storage/row_store.h"

// `current` names the store in use, those kept for their snapshots, and those that are obsolete. Every change of stores
// is one atomic replacement of that small file: a kill before it leaves the former state, a kill after it leaves
// directories that are removed later. What is created on the source is recorded in `owned` before it exists there, for
// the same reason.
//
// Invariant: a store is removed only if it is known to be of no use. It carries the mark of one that was never in use,
// or `current` says that it is obsolete, and the store that replaced it opens and is complete. So a `current` that is
// lost or damaged costs nothing but a message, and a directory that nothing names (put there by somebody, or left by an
// older program) stays. Removing is no part of a change: what cannot be removed is told, and tried again by the next
// run.
//
// Readers take no lock, so what they see of the records must be right at any moment of a run: a file is replaced, and a
// store that it names is there until it does not any more. (store_view.cc says the rest.)
//
// A baseline that has begun is recorded in `owned` before anything of it exists, in the same write as its slot. It is
// kept for the next run only if its store opens and has a complete table; whatever else is left of it is removed.

namespace rotv {
namespace {

namespace fs = std::filesystem;

void MakePrivateDirectory(const fs::path& path) {
  std::error_code error;
  bool created = fs::create_directories(path, error);
  if (error) ThrowDiskError("make", path, error.value());
  if (created) fs::permissions(path, fs::perms::owner_all, error);
}

// Writes a file in a source's directory that survives power loss together with the directories that it is in: a run
// that was killed, or this one, may have made them without syncing them.
void WriteRecord(const fs::path& path, const std::string& content) {
  const fs::path sources = path.parent_path().parent_path();
  SyncDirectory(sources);
  SyncDirectory(sources.parent_path());
  WriteCheckedFile(path, content);
}

void RemoveTree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) ThrowDiskError("remove", path, error.value());
}

bool IsEmpty(const fs::path& directory) {
  std::error_code error;
  return fs::is_empty(directory, error) && !error;
}

// True if the store opens and has all of a baseline.
bool IsComplete(const fs::path& store) {
  try {
    const std::unique_ptr<RowStore> opened = RowStore::Open(store, RowStore::Mode::kReadOnly);
    return !opened->SchemaLsns().empty() && !opened->state().unfinished();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

Workspace::Workspace(const fs::path& home, const std::string& source_name, const std::string& command, Access access)
    : source_name_(source_name), directory_(SourceDirectory(home, source_name)), stores_(directory_), access_(access) {
  if (access_ == Access::kRead) {
    OpenToRead(command);
    return;
  }
  MakePrivateDirectory(home);
  MakePrivateDirectory(home / "sources");
  MakePrivateDirectory(directory_);
  lock_ = SourceLock(directory_, command, access);
  ReadRecords();
  ReadUnfinished();
  RemoveTree(RunDirectory());
  RemoveAbandonedViews(directory_);
  for (const char* record : {"current", "owned"}) RemoveTemporaryFiles(directory_ / record);
  RemoveMarkOfCurrent();
  RemoveOtherStores();
  MakePrivateDirectory(RunDirectory());
}

// Where no view can be made, the lock keeps writers out.
void Workspace::OpenToRead(const std::string& command) {
  if (!fs::is_directory(directory_)) return;
  view_ = StoreView::Make(directory_);
  const auto read = [this] {
    ReadRecords();
    return StoreNames();
  };
  if (view_ && view_->Take(read)) {
    stores_ = view_->path();
  } else {
    view_.reset();
    lock_ = SourceLock(directory_, command, Access::kRead);
    ReadRecords();
  }
  ReadUnfinished();
}

std::vector<std::string> Workspace::StoreNames() const {
  std::vector<std::string> names;
  if (current_) {
    names.push_back(current_->directory());
    names.insert(names.end(), current_->kept().begin(), current_->kept().end());
  }
  const std::string& unfinished = owned_.unfinished().directory();
  if (IsStoreName(unfinished)) names.push_back(unfinished);
  return names;
}

void Workspace::ReadRecords() {
  current_.reset();
  const fs::path path = directory_ / "current";
  const std::optional<CheckedContent> record = ReadRecord(path);
  owned_ = ReadOwned(directory_ / "owned", record && !record->checked);
  if (!record) {
    RequireNoLostStore();
    return;
  }
  current_ = ParseCurrent(path, *record);
  if (record->checked || access_ == Access::kRead) return;
  SaveOwned();  // First: with a checksum in `current`, one is expected here.
  SaveCurrent(*current_);
}

void Workspace::ReadUnfinished() {
  if (!owned_.has_unfinished()) return;
  const proto::UnfinishedBaseline recorded = owned_.unfinished();
  owned_.clear_unfinished();  // What is not kept is forgotten when the file is next written.
  const std::string& name = recorded.directory();
  const fs::path store = stores_ / name;
  // A killed run may have made it the one in use.
  if (!IsStoreName(name) || (current_ && current_->directory() == name) || !fs::exists(store)) return;
  try {
    if (!HasCompleteTable(store)) return;
  } catch (const Error& error) {
    if (access_ == Access::kRead) return;  // Another run may be making it.
    if (error.code() == ErrorCode::kCorrupt) {
      unfinished_problem_ = error.what();
      return;
    }
    // Whatever keeps it from being read now may pass. A command that wants to go on with it says what it is.
  }
  *owned_.mutable_unfinished() = recorded;
  unfinished_ = recorded;
}

// Without `current` there is no baseline, unless that file was lost.
void Workspace::RequireNoLostStore() const {
  for (const auto& entry : fs::directory_iterator(directory_)) {
    const std::string name = entry.path().filename();
    if (!IsStoreName(name) || fs::exists(entry.path() / kUnfinishedMark) || !IsComplete(entry.path())) continue;
    ThrowDamagedRecord(directory_ / "current", fmt::format("is missing, but the store {} is there", name));
  }
}

// A run that ended between writing `current` and this, or that could not sync it, has left the mark: were `current`
// lost, the store would be taken for one that was never in use.
void Workspace::RemoveMarkOfCurrent() const {
  if (!current_) return;
  const fs::path mark = directory_ / current_->directory() / kUnfinishedMark;
  std::error_code error;
  if (!fs::exists(mark, error)) return;
  SyncDirectory(directory_);
  fs::remove(mark, error);
}

void Workspace::RemoveOtherStores() {
  std::vector<fs::path> unfinished, obsolete;
  for (const auto& entry : fs::directory_iterator(directory_)) {
    const std::string name = entry.path().filename();
    if (!IsStoreName(name)) continue;
    const auto names = [&](const auto& list) { return std::count(list.begin(), list.end(), name) > 0; };
    if (current_ && (current_->directory() == name || names(current_->kept()))) continue;
    if (unfinished_ && unfinished_->directory() == name) continue;
    // One that is empty did not even get its mark.
    if (fs::exists(entry.path() / kUnfinishedMark) || IsEmpty(entry.path())) unfinished.push_back(entry.path());
    if (current_ && names(current_->obsolete())) obsolete.push_back(entry.path());
  }
  for (const fs::path& store : unfinished) Remove(store);
  if (obsolete.empty() || !IsComplete(CurrentStorePath())) return;
  for (const fs::path& store : obsolete) Remove(store);
}

void Workspace::Remove(const fs::path& store) {
  std::error_code error;
  fs::remove_all(store, error);
  if (error) not_removed_.push_back(fmt::format("{}: {}", store.string(), error.message()));
}

fs::path Workspace::CurrentStorePath() const {
  if (!current_) {
    throw Error(ErrorCode::kUsage, fmt::format("there is no baseline of source {} yet", source_name_),
                fmt::format("take it first: rotv-sync --source {} baseline", source_name_));
  }
  return stores_ / current_->directory();
}

fs::path Workspace::MakeStoreDirectory(const std::string& label) const {
  const fs::path store = directory_ / (kStorePrefix + label);
  MakePrivateDirectory(store);
  WriteNewFile(store / kUnfinishedMark, "");
  SyncDirectory(store);
  SyncDirectory(directory_);
  return store;
}

fs::path Workspace::MakeRepairedDirectory(const fs::path& damaged) const {
  constexpr std::string_view kMark = "-repaired";
  std::string name = damaged.filename();
  name.erase(std::min(name.rfind(kMark), name.size()));
  name += kMark;
  std::string numbered = name;
  for (int number = 2; fs::exists(directory_ / numbered) || fs::exists(directory_ / (kDamagedPrefix + numbered));
       ++number) {
    numbered = fmt::format("{}-{}", name, number);
  }
  return MakeStoreDirectory(numbered.substr(std::string_view(kStorePrefix).size()));
}

std::vector<fs::path> Workspace::KeptStorePaths() const {
  std::vector<fs::path> paths;
  if (!current_) return paths;
  for (const std::string& name : current_->kept()) paths.insert(paths.begin(), stores_ / name);
  return paths;
}

void Workspace::SetCurrent(const fs::path& store, const proto::OwnedObjects& objects, Before before) {
  proto::CurrentStore next;
  if (current_) {
    *next.mutable_kept() = current_->kept();
    *next.mutable_obsolete() = current_->obsolete();
    if (before == Before::kKeep) next.add_kept(current_->directory());
    if (before == Before::kDelete) next.add_obsolete(current_->directory());
  }
  next.set_directory(store.filename().string());
  *next.mutable_objects() = objects;
  SaveCurrent(next);
  RemoveOtherStores();  // The sockets stay: this run still uses them.
}

void Workspace::SetImported(const fs::path& store) {
  proto::CurrentStore next;
  if (current_) {
    *next.mutable_obsolete() = current_->obsolete();
    next.mutable_obsolete()->MergeFrom(current_->kept());
    next.add_obsolete(current_->directory());
  }
  next.set_directory(store.filename().string());
  next.set_imported(true);
  SaveCurrent(next);
  RemoveOtherStores();
}

fs::path Workspace::Replace(const fs::path& damaged, const fs::path& repaired) {
  const std::string before = damaged.filename(), after = repaired.filename();
  proto::CurrentStore next = *current_;
  if (next.directory() == before) next.set_directory(after);
  std::replace(next.mutable_kept()->begin(), next.mutable_kept()->end(), before, after);
  SaveCurrent(next);
  std::error_code error;
  fs::remove(repaired / kUnfinishedMark, error);
  const fs::path aside = directory_ / (kDamagedPrefix + before);
  fs::rename(damaged, aside, error);
  return error ? damaged : aside;
}

void Workspace::DropKept(const fs::path& store) {
  proto::CurrentStore next = *current_;
  auto* kept = next.mutable_kept();
  kept->erase(std::remove(kept->begin(), kept->end(), store.filename().string()), kept->end());
  next.add_obsolete(store.filename().string());
  SaveCurrent(next);
  RemoveOtherStores();
}

void Workspace::SetUnfinished(const std::string& label, const proto::OwnedObjects& objects, int64_t begun_us) {
  proto::UnfinishedBaseline unfinished;
  unfinished.set_directory(kStorePrefix + label);
  *unfinished.mutable_objects() = objects;
  unfinished.set_begun_us(begun_us);
  *owned_.mutable_unfinished() = unfinished;
  unfinished_ = unfinished;
  *owned_.add_objects() = objects;
  SaveOwned();
}

void Workspace::DropUnfinished() {
  if (!unfinished_) return;
  Remove(UnfinishedStorePath());  // First: the disk may be too full for a record of it.
  unfinished_.reset();
  owned_.clear_unfinished();
  SaveOwned();
}

void Workspace::SetDetached() {
  AddOwned(current_->objects());
  proto::CurrentStore next = *current_;
  next.set_detached(true);
  SaveCurrent(next);
}

// Makes `next` the content of `current`. A failure after the file was replaced (a sync of the directory) leaves open
// which of the two a power loss would leave: the new one is in use from now on, and nothing of the old one is removed.
void Workspace::TakeAsCurrent(const proto::CurrentStore& next) {
  current_ = next;
  if (!unfinished_ || unfinished_->directory() != next.directory()) return;
  unfinished_.reset();
  owned_.clear_unfinished();  // A record on disk that names the store in use means nothing.
}

void Workspace::SaveCurrent(proto::CurrentStore next) {
  auto* obsolete = next.mutable_obsolete();
  const auto gone = [&](const std::string& name) { return !fs::exists(directory_ / name); };
  obsolete->erase(std::remove_if(obsolete->begin(), obsolete->end(), gone), obsolete->end());
  SyncDirectory(directory_);
  const std::string content = next.SerializeAsString();
  try {
    WriteRecord(directory_ / "current", content);
  } catch (const Error&) {
    const std::optional<CheckedContent> there = ReadRecord(directory_ / "current");
    if (there && there->checked && there->content == content) TakeAsCurrent(next);
    throw;
  }
  TakeAsCurrent(next);
  std::error_code ignored;
  fs::remove(directory_ / next.directory() / kUnfinishedMark, ignored);
}

std::vector<proto::OwnedObjects> Workspace::Leftovers() const {
  std::vector<proto::OwnedObjects> leftovers;
  for (const proto::OwnedObjects& objects : owned_.objects()) {
    if (current_ && !current_->detached() && SameObjects(objects, current_->objects())) continue;
    if (unfinished_ && SameObjects(objects, unfinished_->objects())) continue;
    leftovers.push_back(objects);
  }
  return leftovers;
}

void Workspace::AddOwned(const proto::OwnedObjects& objects) {
  const auto& list = owned_.objects();
  if (std::any_of(list.begin(), list.end(), [&](const auto& other) { return SameObjects(other, objects); })) return;
  *owned_.add_objects() = objects;
  SaveOwned();
}

void Workspace::RemoveOwned(const proto::OwnedObjects& objects) {
  auto* list = owned_.mutable_objects();
  list->erase(
      std::remove_if(list->begin(), list->end(), [&](const auto& other) { return SameObjects(other, objects); }),
      list->end());
  SaveOwned();
}

void Workspace::SaveOwned() const { WriteRecord(directory_ / "owned", owned_.SerializeAsString()); }

}  // namespace rotv
