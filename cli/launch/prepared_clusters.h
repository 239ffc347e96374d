// Clusters that are kept ready between starts, so that a start on a seed that has not changed imports nothing, and one
// on a new seed needs no initdb. The entrypoint (entrypoint/prepared.sh) writes and reads them; here is which of them
// may be used, and that only complete ones are.
//
// In HOME/prepared: NAME.tar, the directory of a server that was stopped; NAME.json, what it was made for; NAME.new,
// one that is being written. NAME is `empty` (after initdb, with its databases) or `seeded` (with a seed imported).

#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <string>
#include <vector>

#include "os/environment.h"

namespace rotv::launch {

class PreparedClusters {
 public:
  explicit PreparedClusters(const std::filesystem::path& home);
  // Waits for what Keep() began; removes what was not kept.
  ~PreparedClusters();
  PreparedClusters(const PreparedClusters&) = delete;
  PreparedClusters& operator=(const PreparedClusters&) = delete;

  // Makes a file for each that may be written now, and gives those that fit `seed` and `database`. What does not fit is
  // deleted, it is of no use any more. Gives false, and nothing may be written, where the disk has no room for another
  // `bytes`. Throws kDisk if HOME cannot be written.
  bool Offer(const std::filesystem::path& seed, const std::string& database, uint64_t bytes);

  const std::filesystem::path& directory() const { return directory_; }
  // ROTV_PREPARED_SEEDED, ROTV_PREPARED_EMPTY for those that fit: for which server they were made, in words that the
  // entrypoint alone understands.
  const os::Environment& usable() const { return usable_; }

  // The entrypoint has written these: by name, for which server. They are put on the disk in the background, and count
  // once they are there; where that fails there is none, which costs time at the next start and nothing else.
  void Keep(const std::map<std::string, std::string>& written);

  // Deletes all: of this home nothing is to be kept.
  static void Remove(const std::filesystem::path& home);

 private:
  std::string KeyOf(const std::string& name) const;

  std::filesystem::path directory_;
  std::string seed_key_;
  std::string database_;
  os::Environment usable_;
  std::vector<std::future<void>> syncing_;
};

}  // namespace rotv::launch
