// Keeps warm clusters: directories of PostgreSQL clusters that were stopped cleanly and hold a known state, so that a
// start copies files in place of importing a seed. All projects of a home directory share them.
//
//   HOME/warm/                   0700
//   HOME/warm/lock               held for moments, while clusters are chosen, begun, published or removed
//   HOME/warm/ID/lock            held shared by whoever has chosen the cluster and by what runs on a clone of it, and
//                                exclusively by whoever writes or removes it; its time is when it was last used
//   HOME/warm/ID/cluster/        the files. They belong to us in every runtime: the entrypoint sends a tar through a
//                                pipe, and this program writes the files
//   HOME/warm/ID/manifest.json   what it holds, with the size, time and checksum of each file. It is written last and
//                                removed first: a directory without it is a leftover
//
// Files are not synced, which would take longer than all else: a machine that has started again since reads all bytes
// of a cluster before it uses it (WarmManifest::boot).
//
// No start ever writes to a warm cluster. The entrypoint (entrypoint/warm.sh) says for which server one was made.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/launch/checked_note.h"
#include "cli/launch/warm_manifest.h"
#include "cli/launch/warm_state.h"
#include "cli/launch/warm_writer.h"
#include "storage/handle.h"
#include "storage/interrupt.h"
#include "sync/describe_point.h"

namespace rotv::launch {

struct WarmCluster {
  std::string id;
  std::filesystem::path directory;  // HOME/warm/ID/cluster.
  std::string purpose;              // PurposeKey().
  std::string source;               // Empty: none.
  WarmState state;
  std::string server;        // For which server, in a form that only the entrypoint understands.
  uint64_t bytes = 0;        // Of its files.
  int64_t made_time_us = 0;  // Unix time by this machine's clock, as is the next one.
  int64_t used_time_us = 0;
};

// Keeps a cluster from being removed, as long as it exists.
class WarmLease {
 public:
  const WarmCluster& cluster() const { return cluster_; }
  const std::filesystem::path& lock_file() const { return lock_file_; }
  const std::vector<WarmFile>& files() const { return files_; }
  // Reads all files. Returns what is wrong with the first damaged one; empty if nothing is.
  std::string FindDamage(const Interrupt& interrupt) const;

 private:
  friend class WarmClusters;
  WarmCluster cluster_;
  std::vector<WarmFile> files_;
  std::filesystem::path lock_file_;
  FileDescriptor lock_;
};

// How many clusters are kept, apart from pinned, saved and empty ones. The least recently used ones are removed first.
struct WarmLimits {
  size_t clusters = 3;  // Of each source and database.
  uint64_t bytes = 0;   // Of all; 0: no limit but the disk's, of which half of what is free may be used.
};

// One object for one thread; any number of processes may have one of a home at the same time.
class WarmClusters {
 public:
  explicit WarmClusters(const std::filesystem::path& home);

  // All complete ones, the most recently used first. Does not look at their files.
  std::vector<WarmCluster> All() const;

  // Each of these returns a cluster whose files have the names, sizes and times that were written, and marks it as
  // used. Bytes are not read. One whose files differ is removed. Empty ones are looked for by database and twin alone.
  std::optional<WarmLease> FindEmpty(const WarmPurpose& purpose) const;
  std::optional<WarmLease> FindForeign(const WarmPurpose& purpose, const std::string& seed_fingerprint) const;
  std::optional<WarmLease> FindSaved(const std::string& name) const;
  std::optional<WarmLease> FindById(const std::string& id) const;
  // The one at this very point.
  std::optional<WarmLease> FindAt(const WarmPurpose& purpose, const history::ResolvedPoint& point) const;
  // The one of the same history whose LSN is nearest, and which was not carried too much (WornOut()).
  std::optional<WarmLease> FindNear(const WarmPurpose& purpose, const history::ResolvedPoint& point) const;

  // Makes room, and begins a new one of about so many bytes. Returns nothing if the disk has no room for it.
  std::unique_ptr<WarmWriter> Begin(uint64_t bytes, const WarmLimits& limits = {}) const;

  // Applies the limits: removes the least recently used ones that are neither pinned nor in use. Removes leftovers.
  void Trim(const WarmLimits& limits = {}) const;

  // A pin keeps a cluster of a point. Pinning one name again moves it.
  void Pin(const std::string& id, const std::string& name) const;
  void Unpin(const std::string& name) const;

  // Removes those of the same purpose and state as this one, which is newer.
  void RemoveOlder(const std::string& id) const;
  // Removes a cluster. Returns false if it is in use: then it stays.
  bool Remove(const std::string& id) const;
  // Remove all that are neither in use nor saved, or those of a source, after its store was changed in place or
  // removed.
  void RemoveAll() const;
  void RemoveOf(const std::string& source) const;
  void RemoveSaved(const std::string& name) const;  // Throws kUsage if there is none, kInUse.

  // Reads all files of all clusters. The next start makes those that are damaged again.
  std::vector<DamagedFile> FindDamaged(const Interrupt& interrupt) const;

  // True if so much was carried already that a new import is better than to carry it once more: dead rows and old
  // statistics stay in it.
  static bool WornOut(const WarmState& state);

  const std::filesystem::path& directory() const { return directory_; }

 private:
  std::optional<WarmLease> Lease(const std::filesystem::path& directory, const WarmManifest& manifest) const;
  std::optional<WarmLease> FindBest(
      const std::function<std::optional<uint64_t>(const WarmManifest&)>& distance_of) const;
  void ChangePins(const std::function<void(const std::string& id, std::set<std::string>* pinned)>& change) const;

  std::filesystem::path directory_;  // HOME/warm.
};

}  // namespace rotv::launch
