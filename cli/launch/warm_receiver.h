// Receives the clusters that the entrypoint of a start sends (entrypoint/warm.sh), and keeps them as warm ones.

#pragma once

#include <filesystem>
#include <future>
#include <map>
#include <memory>
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

class WarmReceiver {
 public:
  // Makes a named pipe in `directory` for each offer that the disk has room for, and reads them on threads of its own.
  // What was in `directory` is removed. Throws kDisk.
  WarmReceiver(const WarmClusters& clusters, std::filesystem::path directory, const std::vector<WarmOffer>& offers);
  // Waits for the work of Keep(); removes the pipes and what was not kept.
  ~WarmReceiver();
  WarmReceiver(const WarmReceiver&) = delete;
  WarmReceiver& operator=(const WarmReceiver&) = delete;

  // False if there is no room for any: then the entrypoint is not asked to send.
  bool wants() const { return !incoming_.empty(); }
  const std::filesystem::path& directory() const { return directory_; }

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
  static void Read(Incoming* incoming);

  const WarmClusters clusters_;
  const std::filesystem::path directory_;
  std::vector<std::unique_ptr<Incoming>> incoming_;
};

}  // namespace rotv::launch
