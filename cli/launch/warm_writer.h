// Writes a new warm cluster (warm_clusters.h).

#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "cli/launch/clone_record.h"
#include "cli/launch/warm_manifest.h"
#include "cli/launch/warm_state.h"
#include "storage/handle.h"
#include "storage/interrupt.h"

namespace rotv::launch {

// WarmClusters::Begin() makes one. Unless it is published, its destructor removes the files.
class WarmWriter {
 public:
  // `directory` is the new one in HOME/warm, and `lock` its lock, held exclusively.
  WarmWriter(std::filesystem::path directory, FileDescriptor lock);
  ~WarmWriter();
  WarmWriter(const WarmWriter&) = delete;
  WarmWriter& operator=(const WarmWriter&) = delete;

  // Where the server's directory is, once it is known; may wait for that. Nothing: it cannot be read here.
  using FindCluster = std::function<std::optional<std::filesystem::path>()>;

  // Reads a tar of the cluster's directory from a pipe, and writes its files, until the line that follows the archive
  // (entrypoint/warm.sh). Or, if the pipe has the line that says so, takes the files where `find_cluster` says that
  // they are, and calls `say_taken`: the sender, which has held the server, then ends with the same line. Returns false
  // if the archive ends before, if there is something else than files and directories, or if it cannot be written. What
  // follows in the pipe is not read: DrainPipe() does that. Throws kInterrupted.
  bool Receive(int pipe, const Interrupt& interrupt, const FindCluster& find_cluster = {},
               const std::function<void()>& say_taken = {});
  // Writes the manifest. Only after Receive() has returned true. Throws kDisk.
  void Publish(const WarmPurpose& purpose, const WarmState& state, const std::string& server);

  // Which of the server's files have the bytes of the new cluster, if they were taken; else empty.
  CloneRecord record() const {
    CloneRecord record = record_;
    record.cluster = directory_ / "cluster";
    return record;
  }

  // How many bytes of files have come. Any thread may ask.
  uint64_t received() const { return received_; }

  std::string id() const { return directory_.filename(); }

 private:
  const std::filesystem::path directory_;
  FileDescriptor lock_;
  WarmManifest manifest_;
  CloneRecord record_;
  std::atomic<uint64_t> received_ = 0;
  bool is_published_ = false;
};

// Reads a pipe to its end, or until `stop` is requested, so that its writer is not left waiting.
void DrainPipe(int pipe, const Interrupt& stop);

}  // namespace rotv::launch
