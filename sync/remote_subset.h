// The store of the subset that is published at a remote, beside the source's own:
//
//   HOME/sources/NAME/subset-REMOTE/lock      held by the one process that works on it
//   HOME/sources/NAME/subset-REMOTE/store/    a RocksDB, whose history has one point for each publication
//   HOME/sources/NAME/subset-REMOTE/new/      one that is being made; whatever a killed run has left here is removed
//   HOME/sources/NAME/subset-REMOTE/old/      the store before, while the new one takes its place

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "storage/row_store.h"
#include "storage/source_lock.h"
#include "sync/context/context.h"
#include "sync/remote_config.h"

namespace rotv {

// Where the store of this remote's subset is, if there is one.
std::filesystem::path SubsetDirectory(const std::filesystem::path& home, const std::string& source,
                                      const std::string& remote);

// Those of all remotes that there are, or were.
std::vector<std::filesystem::path> SubsetDirectories(const std::filesystem::path& home, const std::string& source);

// Which rows of the source are published at this remote, which is_part().
SubsetConfig RowsFor(const RemoteConfig& remote, const SourceConfig& source);

// Says what a subset's store is made from: the source's baseline, and what [subset] means. In that store it has the
// place of a slot's name, with a number behind it that no other store has, so that each is another generation.
std::string SubsetOrigin(const proto::Manifest& source, const SubsetConfig& config);
// True if the history with this manifest has that origin.
bool IsOfSubset(const proto::Manifest& subset, const std::string& origin);

class RemoteSubset {
 public:
  // Takes the lock, and holds it. Throws kInUse if another process has it; kDisk.
  RemoteSubset(const Context& context, const RemoteConfig& remote);

  // Brings the store to the head of the source's, with a point for each snapshot on the way that is published, and
  // opens it for reading. It has the snapshots of the source that are published and that are states of it. Where the
  // baseline or [subset] is another one than before, the source was repaired, or the store is damaged or was removed,
  // it begins anew: later than `published`, which is the state in the remote, or nullptr. A snapshot whose schema
  // [subset] does not fit is left out, with a warning. A kill at any moment does no harm: the next call goes on.
  //
  // The source must have been opened since the lock was taken: otherwise another run may be ahead of it.
  //
  // Throws kUsage if [subset] has no start, does not fit the schema, or the store here, or what is published, is ahead
  // of the source's; kDisk, kCorrupt and kInterrupted.
  std::unique_ptr<RowStore> Update(const RowStore& source, const proto::Manifest* published);

 private:
  static SourceLock Lock(const std::filesystem::path& directory, const std::string& source, const std::string& remote);

  const Context& context_;
  const RemoteConfig& remote_;
  const SubsetConfig wanted_;
  const std::filesystem::path directory_;
  SourceLock lock_;
};

}  // namespace rotv
