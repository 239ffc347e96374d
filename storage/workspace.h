// Workspace is the directory of a source under the home directory, and the lock that keeps a second process out.
//
//   HOME/sources/NAME/lock          held (flock) by the one process that works on this source; its text names it
//   HOME/sources/NAME/current       which store is in use; replaced by rename, with a checksum
//   HOME/sources/NAME/owned         slots and publications of ours that may exist on the source, and the baseline that
//                                   is not complete; the same
//   HOME/sources/NAME/store-XXXX/   a RocksDB; with the file `unfinished` until it has been in use
//   HOME/sources/NAME/run/          sockets of the command that holds the lock
//   HOME/sources/NAME/readers/      what commands that only read have open (store_view.h)

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "storage/source_lock.h"
#include "storage/source_records.h"
#include "storage/store_view.h"

namespace rotv {

// Holds the source's lock for its lifetime; with Access::kRead, a view of the stores.
class Workspace {
 public:
  // Creates the directories (0700) and takes the lock. `command` is what SourceInUse of another process says about this
  // one. Throws SourceInUse if another process holds the lock, kDisk if the home directory cannot be written, and
  // kCorrupt if `current` or `owned` is damaged or missing; then nothing is removed. Removes unfinished stores of
  // killed runs, but for the one of a baseline that can go on, and obsolete ones if the store in use is complete.
  //
  // With Access::kRead it takes no lock, waits for nobody and keeps nobody waiting: records and stores are those of one
  // moment, and stay so while another process changes them. Nothing is made but that view, nothing changed or removed,
  // and nothing that changes them may be called. Stores must be closed before it is destroyed. Where no view can be
  // made (the directory cannot be written, the disk is full, the file system has no hard links) it holds the lock.
  Workspace(const std::filesystem::path& home, const std::string& source_name, const std::string& command,
            Access access = Access::kWrite);

  const std::filesystem::path& directory() const { return directory_; }
  // The directory for sockets; it was emptied when the lock was taken. There is none with Access::kRead.
  std::filesystem::path RunDirectory() const { return directory_ / "run"; }

  std::optional<proto::CurrentStore> current() const { return current_; }
  // The path of the store in use. Throws kUsage with the command to run if there is none.
  std::filesystem::path CurrentStorePath() const;

  // Makes an empty directory for a new store, which the next run removes unless it becomes the one in use; `label`
  // becomes part of its name. Throws kDisk.
  std::filesystem::path MakeStoreDirectory(const std::string& label) const;
  // The same for what can be saved of `damaged`. No store has its name, and none that was replaced (Replace()).
  std::filesystem::path MakeRepairedDirectory(const std::filesystem::path& damaged) const;
  // The earlier stores that are kept for their snapshots, the youngest first.
  std::vector<std::filesystem::path> KeptStorePaths() const;
  enum class Before { kDelete, kKeep, kLeave };  // kLeave: its directory stays, and nothing names it any more.
  // Makes `store` the one in use; `before` decides what happens to the previous one. Durable on return. If it throws,
  // current() says which store is in use.
  void SetCurrent(const std::filesystem::path& store, const proto::OwnedObjects& objects, Before before);
  // The same for a store that was imported from a file. All earlier stores are deleted.
  void SetImported(const std::filesystem::path& store);
  // Has `repaired` take the place of `damaged`, which is the store in use or a kept one. The damaged one is renamed and
  // stays; gives its new path. Durable on return.
  std::filesystem::path Replace(const std::filesystem::path& damaged, const std::filesystem::path& repaired);
  // Deletes a kept store.
  void DropKept(const std::filesystem::path& store);
  // What could not be removed, with the reason, for people; nothing else depends on it.
  const std::vector<std::string>& not_removed() const { return not_removed_; }

  // The baseline that is not complete, if at least one of its tables is.
  const std::optional<proto::UnfinishedBaseline>& unfinished() const { return unfinished_; }
  std::filesystem::path UnfinishedStorePath() const { return stores_ / unfinished_->directory(); }
  // Why the unfinished baseline of an earlier run was removed, for people; empty if there was none, or nothing of it.
  const std::string& unfinished_problem() const { return unfinished_problem_; }
  // Records a baseline that begins, with its objects. `label` is that of its store's directory, which need not exist
  // yet. Durable on return.
  void SetUnfinished(const std::string& label, const proto::OwnedObjects& objects, int64_t begun_us);
  // Removes the unfinished baseline here, and makes its slot and publication leftovers. Durable on return.
  void DropUnfinished();

  // Makes the slot and publication of the current store leftovers. Durable on return.
  void SetDetached();

  // The recorded objects that may exist on the source and that neither the current store nor the unfinished baseline
  // uses.
  std::vector<proto::OwnedObjects> Leftovers() const;
  // Record, or forget, objects on the source. Durable on return.
  void AddOwned(const proto::OwnedObjects& objects);
  void RemoveOwned(const proto::OwnedObjects& objects);

 private:
  void OpenToRead(const std::string& command);
  std::vector<std::string> StoreNames() const;
  void ReadRecords();
  void ReadUnfinished();
  void RequireNoLostStore() const;
  void RemoveMarkOfCurrent() const;
  void RemoveOtherStores();
  void Remove(const std::filesystem::path& store);
  void TakeAsCurrent(const proto::CurrentStore& next);
  void SaveCurrent(proto::CurrentStore next);
  void SaveOwned() const;

  std::string source_name_;
  std::filesystem::path directory_;
  std::filesystem::path stores_;  // Has the stores: `directory_`, or the view of it.
  Access access_;
  SourceLock lock_;
  std::optional<StoreView> view_;
  std::optional<proto::CurrentStore> current_;
  proto::OwnedList owned_;
  std::optional<proto::UnfinishedBaseline> unfinished_;
  std::string unfinished_problem_;
  std::vector<std::string> not_removed_;
};

}  // namespace rotv
