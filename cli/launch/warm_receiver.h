// Receives the clusters that the entrypoint of a start sends (entrypoint/warm.sh), and keeps them as warm ones.

#pragma once

#include <condition_variable>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/launch/warm_clusters.h"
#include "cli/launch/warm_writer.h"
#include "storage/handle.h"
#include "storage/interrupt.h"

namespace rotv::launch {

// A cluster that may come, under a name of entrypoint/warm.sh: `empty` or `state`.
struct WarmOffer {
  std::string name;
  WarmPurpose purpose;
  WarmState state;
  uint64_t bytes = 0;  // About.
};

// How the bytes come.
enum class SentBy {
  kPipe,   // As a tar.
  kFiles,  // This program reads the server's files, when a pipe says that they may be read; or as a tar.
};

class WarmReceiver {
 public:
  // Makes a named pipe in `directory` for each offer that the disk has room for, and reads them on threads of its own.
  // For kFiles also the pipe `taken`, which has a line when the files have been read. What was in `directory` is
  // removed. Throws kDisk.
  WarmReceiver(const WarmClusters& clusters, std::filesystem::path directory, SentBy sent_by,
               const std::vector<WarmOffer>& offers);
  // Waits for the work of Keep(); removes the pipes and what was not kept.
  ~WarmReceiver();
  WarmReceiver(const WarmReceiver&) = delete;
  WarmReceiver& operator=(const WarmReceiver&) = delete;

  // False if there is no room for any: then the entrypoint is not asked to send.
  bool wants() const { return !incoming_.empty(); }
  const std::filesystem::path& directory() const { return directory_; }

  // Says where the server's files are. To be called once it is started, for kFiles.
  void FilesAreIn(const std::filesystem::path& cluster);

  // Waits until the clusters that the entrypoint sends have come (by name, for which server), and publishes them in the
  // background. If that fails a cluster is not kept, and a later start takes longer. To be called once. Throws
  // kInterrupted.
  void Keep(const std::map<std::string, std::string>& sends, const Interrupt& interrupt);
  // Waits for that. Returns the clusters that are kept, by name.
  std::map<std::string, std::string> Published();

 private:
  struct Incoming {
    WarmOffer offer;
    std::unique_ptr<WarmWriter> writer;
    FileDescriptor pipe;
    std::promise<bool> received;  // Whether it is complete.
    Interrupt stop;
    std::thread thread;
    std::future<void> published;
  };
  void OpenTaken();
  void Read(Incoming* incoming);
  std::optional<std::filesystem::path> AwaitFiles(const Interrupt& stop);

  const WarmClusters clusters_;
  const std::filesystem::path directory_;
  FileDescriptor taken_;
  std::mutex mutex_;
  std::condition_variable is_known_;
  std::filesystem::path files_;  // Empty: not known yet.
  std::vector<std::unique_ptr<Incoming>> incoming_;
};

}  // namespace rotv::launch
