// Writes to the store in a thread of its own, so that receiving never waits for the disk.

#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "storage/row_store.h"

namespace rotv::capture {

class StoreWriter {
 public:
  // What is written in one go: versions and log, then (at the end of a transaction) what makes them visible.
  struct Job {
    std::shared_ptr<const VersionBuffer> versions;
    std::vector<std::pair<std::string, std::string>> log;
    struct Publication {
      StoreState state;
      RowStore::Addition addition;
    };
    std::optional<Publication> publication;
  };

  // The store outlives the writer.
  explicit StoreWriter(RowStore& store);
  // Drops what was not written.
  ~StoreWriter();

  // Hands a job over, in order. False if too many are under way: WaitForRoom() and try again. Every call throws what a
  // job before it threw.
  bool TrySubmit(Job* job);
  void WaitForRoom(int timeout_ms);
  // Until all that was submitted is written; DrainFor() gives false if that takes longer.
  void Drain();
  bool DrainFor(int timeout_ms);

  const ShapeMap& shapes() const { return store_.shapes(); }

  // What was published last is durable up to here.
  Lsn durable_lsn();

  // The newest version of a row in what was submitted and in the store; a partial one is made whole. For the one thread
  // that submits. `storage` holds the bytes that it points into.
  std::optional<VersionBuffer::Found> Newest(std::string_view row_prefix, std::string* storage);

 private:
  void Run();
  void Rethrow();

  RowStore& store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;  // The first one is being written.
  bool stop_ = false;
  std::exception_ptr error_;
  Lsn durable_lsn_;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace rotv::capture
