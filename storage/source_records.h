// Reads what is recorded of a source under the home directory (workspace.h has the files). Takes no lock: each file is
// as some run has left it.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "storage/checked_file.h"

namespace rotv {

// True if `name` can be a source's name, which is also a directory's name: [A-Za-z0-9._-], at most 64 characters, not
// starting with '.'.
bool IsSourceName(std::string_view name);

// HOME/sources/NAME
std::filesystem::path SourceDirectory(const std::filesystem::path& home, const std::string& source_name);

// The sources that were imported from files, sorted by name.
std::vector<std::string> ImportedSources(const std::filesystem::path& home);

// True if a complete baseline of this source is here.
bool HasBaseline(const std::filesystem::path& home, const std::string& source_name);

// True if anything of this source may be here or on a server: a baseline, complete or not.
bool HasRecords(const std::filesystem::path& home, const std::string& source_name);

// The store of this source that is in use; nullopt if there is no baseline.
std::optional<proto::CurrentStore> ReadCurrent(const std::filesystem::path& home, const std::string& source_name);

// The record of objects on this source. Throws kCorrupt if it is damaged.
proto::OwnedList ReadOwnedObjects(const std::filesystem::path& home, const std::string& source_name);

// A store's directory, and what `current` knows of it.
struct StoreDirectory {
  enum class Role {
    kCurrent,
    kKept,        // For its snapshots.
    kObsolete,    // The next run removes it.
    kUnfinished,  // The same: it was never in use.
    kUnknown,     // Nothing names it, so nothing removes it.
  };
  std::filesystem::path path;
  Role role = Role::kUnknown;
};
// The stores of a source, those that `current` names first; directories that are missing too.
std::vector<StoreDirectory> StoresOf(const std::filesystem::path& home, const std::string& source_name,
                                     const std::optional<proto::CurrentStore>& current);

// Objects that may exist on a source, and the source of `home` that recorded them.
struct RecordedObjects {
  std::string source;
  proto::OwnedObjects objects;
  bool in_use = false;  // By the current store, or by a baseline that can go on.
};
// The recorded objects of all sources, sorted by source name. Unreadable records are skipped.
std::vector<RecordedObjects> AllRecordedObjects(const std::filesystem::path& home);

// The path of the store that `current` names.
std::filesystem::path StorePath(const std::filesystem::path& home, const std::string& source_name,
                                const proto::CurrentStore& current);

// --- The files and names themselves, for Workspace.

inline constexpr const char* kStorePrefix = "store-";      // Begins the name of a store's directory.
inline constexpr const char* kDamagedPrefix = "damaged-";  // Before the name of one that was repaired.
inline constexpr const char* kUnfinishedMark = "unfinished";

bool IsStoreName(std::string_view name);

// Returns nothing if there is no such file. Throws kCorrupt if its checksum is wrong.
std::optional<CheckedContent> ReadRecord(const std::filesystem::path& path);

// Throws kCorrupt if the content of `current` is not one.
proto::CurrentStore ParseCurrent(const std::filesystem::path& path, const CheckedContent& record);

// Reads `owned`; empty if there is no such file. `may_be_old`: the file beside it has no checksum either. Throws
// kCorrupt.
proto::OwnedList ReadOwned(const std::filesystem::path& path, bool may_be_old);

[[noreturn]] void ThrowDamagedRecord(const std::filesystem::path& path, const std::string& what);

// True if some table of the baseline in this store is complete. Throws kCorrupt if the store is damaged.
bool HasCompleteTable(const std::filesystem::path& store);

bool SameObjects(const proto::OwnedObjects& a, const proto::OwnedObjects& b);

}  // namespace rotv
