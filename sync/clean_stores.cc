#include "sync/clean_stores.h"

#include <optional>
#include <string_view>

#include "storage/atomic_file.h"
#include "storage/directory_size.h"
#include "storage/error.h"
#include "storage/source_removal.h"
#include "storage/workspace.h"
#include "sync/check_store.h"
#include "sync/remote_subset.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using Kind = StoredItem::Kind;

constexpr std::string_view kDamagedPrefix = "damaged-";

// `current` is what the record says; `unfinished` is the name of the store of a baseline that may go on.
Kind KindOf(const StoreDirectory& store, const std::optional<proto::CurrentStore>& current,
            const std::string& unfinished) {
  const std::string name = store.path.filename();
  switch (store.role) {
    case StoreDirectory::Role::kCurrent:
      return Kind::kInUse;
    case StoreDirectory::Role::kKept:
      return Kind::kKept;
    case StoreDirectory::Role::kObsolete:
      return Kind::kLeftover;
    case StoreDirectory::Role::kUnfinished:
      return name == unfinished ? Kind::kUnfinished : Kind::kLeftover;
    case StoreDirectory::Role::kUnknown:
      if (name.starts_with(kDamagedPrefix)) return Kind::kDamaged;
      return current ? Kind::kUnknown : Kind::kInUse;  // Its record may be lost.
  }
  return Kind::kInUse;
}

void ListSource(const fs::path& home, const std::string& source, std::vector<StoredItem>* items) {
  std::optional<proto::CurrentStore> current;
  std::string unfinished;
  bool is_readable = true;
  try {
    current = ReadCurrent(home, source);
    unfinished = ReadOwnedObjects(home, source).unfinished().directory();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt) throw;
    is_readable = false;
  }
  for (const StoreDirectory& store : StoresOf(home, source, current)) {
    items->push_back({.kind = is_readable ? KindOf(store, current, unfinished) : Kind::kInUse,
                      .source = source,
                      .path = store.path,
                      .bytes = DirectorySize(store.path)});
  }
  for (const fs::path& subset : SubsetDirectories(home, source)) {
    items->push_back({.kind = Kind::kSubset, .source = source, .path = subset, .bytes = DirectorySize(subset)});
  }
}

void Remove(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) ThrowDiskError("remove", path, error.value());
}

}  // namespace

std::vector<StoredItem> ListStored(const fs::path& home) {
  std::vector<StoredItem> items;
  for (const std::string& source : StoredSources(home)) ListSource(home, source, &items);
  return items;
}

void FreeStored(const fs::path& home, const std::string& source, const std::set<Kind>& kinds) {
  {
    const Workspace workspace(home, source, "clean");  // This removes what earlier runs have left.
    for (const StoreDirectory& store : StoresOf(home, source, workspace.current())) {
      if (store.role != StoreDirectory::Role::kUnknown) continue;
      const Kind kind = KindOf(store, workspace.current(), "");
      if ((kind != Kind::kDamaged && kind != Kind::kUnknown) || kinds.count(kind) == 0) continue;
      Remove(store.path);
    }
    if (kinds.count(Kind::kSubset) > 0) {
      for (const fs::path& subset : SubsetDirectories(home, source)) {
        const SourceLock lock(subset, "clean", Access::kWrite);
        Remove(subset);
      }
    }
  }
  RemoveEmptySources(home);
}

bool IsStored(const fs::path& home, const std::string& source, const history::ResolvedPoint& point) {
  try {
    const Workspace workspace(home, source, "clean", Access::kRead);
    (void)history::OpenPoint(workspace, point);
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted || error.code() == ErrorCode::kBug) throw;
    return false;
  }
}

}  // namespace rotv
