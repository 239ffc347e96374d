// Writes to the store in a thread of its own, so that receiving does not wait for the disk.

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
  // One unit of writing: versions and log, then (at the end of a transaction) the publication that makes them visible.
  struct Job {
    std::shared_ptr<const VersionBuffer> versions;
    std::vector<std::pair<std::string, std::string>> log;
    struct Publication {
      StoreState state;
      RowStore::Addition addition;
    };
    std::optional<Publication> publication;
  };

  // The store must outlive the writer.
  explicit StoreWriter(RowStore& store);
  // Drops jobs that were not written.
  ~StoreWriter();

  // Submits a job; jobs are written in order. Returns false if too many are in progress: then call WaitForRoom() and
  // try again. Every call of this class throws what an earlier job threw.
  bool TrySubmit(Job* job);
  void WaitForRoom(int timeout_ms);
  // Wait until all submitted jobs are written; DrainFor() returns false if that takes longer.
  void Drain();
  bool DrainFor(int timeout_ms);

  const ShapeMap& shapes() const { return store_.shapes(); }

  // The durable LSN of the last job that was published and synced.
  Lsn durable_lsn();

  // Returns the newest version of a row in the submitted jobs and in the store; a partial one is completed. May be
  // called only by the thread that submits. `storage` holds the bytes that the result points into.
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
  std::thread thread_;  // Declared last, since it uses all members above.
};

}  // namespace rotv::capture
