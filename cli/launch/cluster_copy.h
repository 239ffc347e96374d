// Copies the files of a warm cluster, and checks their bytes on the way: they are read only once.

#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/launch/clone_record.h"
#include "cli/launch/warm_manifest.h"
#include "storage/handle.h"
#include "storage/interrupt.h"

namespace rotv::launch {

struct ClusterCopyRequest {
  std::filesystem::path from;   // HOME/warm/ID/cluster.
  std::vector<WarmFile> files;  // Of its manifest.
  std::filesystem::path to;     // Must not be there, unless it is reused.
  std::filesystem::path pipe;   // A named pipe that is made, and says how it ended.
  uid_t owner = 0;              // Of all that is made; whoever is not root makes files of their own.
  gid_t group = 0;
  // Not empty: `to` is there, an earlier clone without a server. Those of its files that nobody has changed stay,
  // others are made again, and whatever else is in it is removed.
  std::optional<CloneRecord> reused = {};
};

// Copies on threads of its own, while the entrypoint gets ready. The pipe then has one line (entrypoint/warm.sh reads
// it): `ok`, `full REASON` or `unusable REASON`. If this program ends before, the pipe has nothing, and an end. It
// belongs to the owner of the files.
//
// The new directory belongs to a user whom root does not trust. Directories are made before that user can reach them,
// and are kept open: no file is made by a path in which there could be a link by then. Where the file system has
// reflinks the bytes are shared, and not read. A CloneRecord is left beside the new directory.
class ClusterCopy {
 public:
  // On return all directories are there, and `to` has `marker`, an empty file. Throws kDisk; kCannotStart if no thread
  // can be started.
  ClusterCopy(ClusterCopyRequest request, const std::string& marker);
  ~ClusterCopy();  // Stops it.
  ClusterCopy(const ClusterCopy&) = delete;
  ClusterCopy& operator=(const ClusterCopy&) = delete;

 private:
  void StartThreads();
  void MakeDirectories(const std::string& marker);
  void MakeDirectory(int parent, const std::string& last, const std::string& name);
  void RemoveOthers();
  bool IsStillThere(const WarmFile& file);
  void Note(const std::string& name, int file);
  FileDescriptor Create(const std::string& name) const;
  void Work();
  void Copy(const WarmFile& file, std::vector<char>* buffer);
  void Fail(const std::string& line);
  void Tell();

  const ClusterCopyRequest request_;
  std::map<std::string, FileDescriptor> directories_;  // By name; "" is the cluster's.
  std::vector<const WarmFile*> queue_;                 // The largest first.
  FileDescriptor pipe_;
  Interrupt stop_;
  std::atomic<size_t> next_ = 0;
  std::atomic<size_t> working_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::string failure_;  // The line; empty if nothing failed.
  CloneRecord record_;
  std::vector<std::thread> threads_;
};

}  // namespace rotv::launch
