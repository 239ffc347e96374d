// Where a source's state lives under the home directory, and the lock that keeps a second process out.
//
//   HOME/sources/NAME/lock          held (flock) by the one process that works on this source; says which
//   HOME/sources/NAME/current       which store is in use; replaced by rename
//   HOME/sources/NAME/owned         slots and publications of ours that may exist on the source
//   HOME/sources/NAME/store-XXXX/   a RocksDB
//   HOME/sources/NAME/run/          sockets of a running command

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "storage/error.h"
#include "storage/handle.h"

namespace rotv {

// Whether `name` can be a source's name, which becomes a directory's: [A-Za-z0-9._-], at most 64, not starting with
// '.'.
bool IsSourceName(std::string_view name);

// The sources that came from files, in order of their names. Takes no lock.
std::vector<std::string> ImportedSources(const std::filesystem::path& home);

// Whether a complete baseline of this source is here. Takes no lock.
bool HasBaseline(const std::filesystem::path& home, const std::string& source_name);

// Which store of this source is in use; nothing if there is no baseline. Takes no lock.
std::optional<proto::CurrentStore> ReadCurrent(const std::filesystem::path& home, const std::string& source_name);

// Something that may exist on a source, and which source of `home` has recorded it.
struct RecordedObjects {
  std::string source;
  proto::OwnedObjects objects;
  bool in_use = false;  // By the current store.
};
// Of all sources, by their names. Takes no lock; what cannot be read is passed over.
std::vector<RecordedObjects> AllRecordedObjects(const std::filesystem::path& home);

// Another process holds the lock.
class SourceInUse : public Error {
 public:
  SourceInUse(const std::string& source_name, const std::string& holder);
  // Who, as it called itself: "rotv-sync pull (process 4711)". May be empty, of one
  // who says nothing for two seconds, or be that of the one before.
  const std::string& holder() const { return holder_; }

 private:
  std::string holder_;
};

// Where a store of this source is that CurrentStore names.
std::filesystem::path StorePath(const std::filesystem::path& home, const std::string& source_name,
                                const proto::CurrentStore& current);

// Holds the source's lock as long as it lives.
class Workspace {
 public:
  // Makes the directories (0700) and takes the lock. `command` is what another process is told of this one. Throws
  // SourceInUse if another process holds the lock, and kDisk if the home directory cannot be written. What a killed run
  // left half-built is removed.
  Workspace(const std::filesystem::path& home, const std::string& source_name, const std::string& command);

  const std::filesystem::path& directory() const { return directory_; }
  // For sockets; empty when the lock was taken.
  std::filesystem::path RunDirectory() const { return directory_ / "run"; }

  std::optional<proto::CurrentStore> current() const { return current_; }
  // Throws kUsage with the command to run if there is none.
  std::filesystem::path CurrentStorePath() const;

  // A path for a new store that does not exist yet; `label` is made part of its name.
  std::filesystem::path NewStorePath(const std::string& label) const;
  // Those that were in use and have snapshots, the youngest first.
  std::vector<std::filesystem::path> KeptStorePaths() const;
  enum class Before { kDelete, kKeep };
  // From now on `store` is the one in use; what becomes of the one before is said by `before`. Durable on return.
  void SetCurrent(const std::filesystem::path& store, const proto::OwnedObjects& objects, Before before);
  // The same for a store that came from a file. All stores before it are deleted.
  void SetImported(const std::filesystem::path& store);
  // Deletes a store that was kept.
  void DropKept(const std::filesystem::path& store);

  // From now on what the current store has on the source is a leftover. Durable on return.
  void SetDetached();

  // All that may exist on the source and is not in use by the current store.
  std::vector<proto::OwnedObjects> Leftovers() const;
  // Durable on return.
  void AddOwned(const proto::OwnedObjects& objects);
  void RemoveOwned(const proto::OwnedObjects& objects);

 private:
  void TakeLock(const std::string& command);
  void RemoveOtherStores() const;
  void SaveOwned() const;

  std::string source_name_;
  std::filesystem::path directory_;
  FileDescriptor lock_;
  std::optional<proto::CurrentStore> current_;
  proto::OwnedList owned_;
};

}  // namespace rotv
