#include "storage/source_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "storage/error.h"
#include "storage/parse_message.h"
#include "storage/row_store.h"
#include "storage/store_seal.h"
#include "storage/store_view.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

// HasCompleteTable() for a store that another process may be writing. One that cannot be read is of no use.
bool CanGoOn(const fs::path& source_directory, const std::string& store) {
  try {
    std::optional<StoreView> view = StoreView::Make(source_directory);
    const bool viewed = view && view->Take([&] { return std::vector<std::string>{store}; });
    return HasCompleteTable((viewed ? view->path() : source_directory) / store);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

void ThrowDamagedRecord(const fs::path& path, const std::string& what) {
  throw Error(ErrorCode::kCorrupt, fmt::format("{} {}", path.string(), what),
              fmt::format("nothing was removed: put the file back from a copy of {}, or move that directory away and "
                          "take a new baseline",
                          path.parent_path().string()));
}

std::optional<CheckedContent> ReadRecord(const fs::path& path) {
  try {
    return ReadCheckedFile(path);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt) throw;
    ThrowDamagedRecord(path, "is damaged: its checksum is wrong");
  }
}

bool IsStoreName(std::string_view name) {
  return name.starts_with(kStorePrefix) && name.find('/') == std::string_view::npos;
}

// An older program wrote the file without a checksum: it must at least name a store, so that an empty or torn one is
// noticed.
proto::CurrentStore ParseCurrent(const fs::path& path, const CheckedContent& record) {
  proto::CurrentStore current;
  if (!ParseMessage(record.content, &current) || !IsStoreName(current.directory())) {
    ThrowDamagedRecord(path, "is damaged");
  }
  return current;
}

// A list without objects has no bytes, and an older program wrote it so.
proto::OwnedList ReadOwned(const fs::path& path, bool may_be_old) {
  const std::optional<CheckedContent> record = ReadRecord(path);
  proto::OwnedList list;
  if (!record) return list;
  if (!ParseMessage(record->content, &list) || (!record->checked && !may_be_old)) {
    ThrowDamagedRecord(path, "is damaged");
  }
  return list;
}

bool HasCompleteTable(const fs::path& store) {
  if (!fs::exists(store / kSealName)) return false;  // No state was published.
  const std::unique_ptr<RowStore> opened = RowStore::Open(store, RowStore::Mode::kReadOnly);
  const proto::Manifest& manifest = opened->manifest();
  const std::set<TableId> waiting(manifest.must_copy().begin(), manifest.must_copy().end());
  return !opened->SchemaLsns().empty() &&
         std::any_of(manifest.tables().begin(), manifest.tables().end(), [&](const proto::TableHistory& history) {
           return !history.epochs().empty() && waiting.count(history.table()) == 0;
         });
}

bool SameObjects(const proto::OwnedObjects& a, const proto::OwnedObjects& b) {
  return a.slot() == b.slot() && a.publication() == b.publication();
}

fs::path SourceDirectory(const fs::path& home, const std::string& source_name) {
  return home / "sources" / source_name;
}

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
    if (!IsSourceName(name)) continue;
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

bool HasRecords(const fs::path& home, const std::string& source_name) {
  std::error_code ignored;
  return HasBaseline(home, source_name) || fs::exists(SourceDirectory(home, source_name) / "owned", ignored);
}

std::optional<proto::CurrentStore> ReadCurrent(const fs::path& home, const std::string& source_name) {
  const fs::path path = SourceDirectory(home, source_name) / "current";
  const std::optional<CheckedContent> record = ReadRecord(path);
  if (!record) return std::nullopt;
  return ParseCurrent(path, *record);
}

fs::path StorePath(const fs::path& home, const std::string& source_name, const proto::CurrentStore& current) {
  return SourceDirectory(home, source_name) / current.directory();
}

proto::OwnedList ReadOwnedObjects(const fs::path& home, const std::string& source_name) {
  const fs::path directory = SourceDirectory(home, source_name);
  const std::optional<CheckedContent> current = ReadRecord(directory / "current");
  return ReadOwned(directory / "owned", current && !current->checked);
}

std::vector<StoreDirectory> StoresOf(const fs::path& home, const std::string& source_name,
                                     const std::optional<proto::CurrentStore>& current) {
  using Role = StoreDirectory::Role;
  const fs::path directory = SourceDirectory(home, source_name);
  std::vector<StoreDirectory> stores;
  std::set<std::string> known;
  const auto add = [&](const std::string& name, Role role) {
    if (known.insert(name).second) stores.push_back({directory / name, role});
  };
  if (current) {
    add(current->directory(), Role::kCurrent);
    for (const std::string& name : current->kept()) add(name, Role::kKept);
  }
  std::error_code error;
  std::vector<std::string> others;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename();
    if (IsStoreName(name) || name.starts_with(kDamagedPrefix)) others.push_back(name);
  }
  std::sort(others.begin(), others.end());
  for (const std::string& name : others) {
    const bool obsolete = current && std::count(current->obsolete().begin(), current->obsolete().end(), name) > 0;
    const bool unfinished = fs::exists(directory / name / kUnfinishedMark, error);
    add(name, obsolete ? Role::kObsolete : unfinished ? Role::kUnfinished : Role::kUnknown);
  }
  return stores;
}

std::vector<RecordedObjects> AllRecordedObjects(const fs::path& home) {
  std::vector<RecordedObjects> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(home / "sources", error)) {
    const std::string name = entry.path().filename();
    if (!IsSourceName(name)) continue;
    try {
      const auto current = ReadCurrent(home, name);
      const proto::OwnedList owned = ReadOwned(entry.path() / "owned", true);
      // A store that follows a remote has nothing on a server.
      const bool follows =
          current && !current->imported() && !current->detached() && !current->objects().slot().empty();
      if (follows) all.push_back({.source = name, .objects = current->objects(), .in_use = true});
      const std::string& unfinished = owned.unfinished().directory();
      // A record that names the store in use means nothing.
      const bool goes_on = owned.has_unfinished() && !(current && current->directory() == unfinished) &&
                           CanGoOn(entry.path(), unfinished);
      for (const proto::OwnedObjects& objects : owned.objects()) {
        if (follows && SameObjects(objects, current->objects())) continue;
        const bool in_use = goes_on && SameObjects(objects, owned.unfinished().objects());
        all.push_back({.source = name, .objects = objects, .in_use = in_use});
      }
    } catch (const Error&) {
      continue;  // A command that works on that source reports it.
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.source < b.source; });
  return all;
}

}  // namespace rotv
