// Keeps prepared clusters between starts, so that a start on an unchanged seed imports nothing, and one on a new seed
// needs no initdb. The entrypoint (entrypoint/prepared.sh) writes and reads the clusters; this class decides which may
// be used, and makes sure that only complete ones are.
//
// PLACE/prepared (project.h) holds NAME.tar, the directory of a stopped server; NAME.json, a note of what it was made
// for; NAME.new, one that is being written. NAME is `empty` (after initdb, with its databases) or `seeded` (with a seed
// imported).

#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <string>
#include <vector>

#include "cli/launch/checked_note.h"
#include "os/environment.h"
#include "storage/interrupt.h"

namespace rotv::launch {

class PreparedClusters {
 public:
  explicit PreparedClusters(const std::filesystem::path& place);
  // Waits for the work of Keep(); removes files that were not kept.
  ~PreparedClusters();
  PreparedClusters(const PreparedClusters&) = delete;
  PreparedClusters& operator=(const PreparedClusters&) = delete;

  // What a cluster is made for.
  struct Purpose {
    std::filesystem::path seed;
    std::string database;
    os::Environment twin = {};  // As in LaunchRequest.
  };
  // Finds the clusters that fit, deletes the others, and creates the files into which the entrypoint may write new
  // ones. Returns false, and then nothing may be written, if no cluster with this seed fits and the disk does not have
  // room for twice `bytes`. Throws kDisk if it cannot be written.
  bool Offer(const Purpose& purpose, uint64_t bytes);

  // Reads the clusters that are kept, and gives those that are not what was written, or whose notes are not. The next
  // start makes them again.
  static std::vector<DamagedFile> FindDamaged(const std::filesystem::path& place, const Interrupt& interrupt);

  const std::filesystem::path& directory() const { return directory_; }
  // ROTV_PREPARED_SEEDED and ROTV_PREPARED_EMPTY for the clusters that fit. The values say for which server they were
  // made, in a form that only the entrypoint understands.
  const os::Environment& usable() const { return usable_; }

  // Takes over the clusters that the entrypoint has written: by name, for which server. They are synced to disk in the
  // background, and are used once that is done. If it fails the cluster is not used, and the next start takes longer.
  void Keep(const std::map<std::string, std::string>& written);

  // Deletes all prepared clusters of `place`.
  static void Remove(const std::filesystem::path& place);

 private:
  std::string KeyOf(const std::string& name) const;

  std::filesystem::path directory_;
  std::string seed_key_;
  std::string database_key_;
  os::Environment usable_;
  std::vector<std::future<void>> syncing_;
};

}  // namespace rotv::launch
