// Reads the tables of a store for a check that is still being prepared: to bring the store to a state that the source
// can be asked for takes questions and answers, in which this machine has nothing to do.

#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "proto/store.pb.h"
#include "storage/interrupt.h"
#include "storage/row_store.h"
#include "sync/compare/stored_digest.h"

namespace rotv::compare {

// Any number of threads may take digests.
class DigestsAhead {
 public:
  // Begins to read, in a thread of its own, those tables of the store's durable state that are wanted and can be
  // compared, the largest first. `store` outlives this object, and may be written meanwhile, but for repairs, which
  // write at states that are durable already.
  DigestsAhead(const RowStore& store, const std::function<bool(const proto::Table&)>& wanted,
               const Interrupt& interrupt);
  ~DigestsAhead();
  DigestsAhead(const DigestsAhead&) = delete;
  DigestsAhead& operator=(const DigestsAhead&) = delete;

  // Says that the store has come to a later state: nothing is given of tables that have changed on the way, and nothing
  // at all if gc has removed what would tell. No digest may be taken before.
  void ComeTo(Lsn lsn);

  // Returns once all of them were read. For tests.
  void WaitUntilRead();

  // Returns the digest of the table in that state, waiting if it is just being read; nothing if the caller has to read
  // it. Each table is taken once at most.
  std::optional<TableDigest> Take(const StoredTable& table);

 private:
  struct Job {
    proto::Table table;
    EpochNumber epoch = 0;
    bool wanted = true;  // False once nobody will take it.
    bool begun = false;
    bool ended = false;
    std::optional<TableDigest> digest;  // None if it could not be read: whoever reads it again meets the same error.
  };
  void AddJobs(const std::function<bool(const proto::Table&)>& wanted);
  void Run();
  // The tables that have versions from in between; nothing if that cannot be told.
  std::optional<std::set<TableId>> ChangedUntil(Lsn lsn) const;
  Job* Begin();

  const RowStore& store_;
  const Interrupt& interrupt_;
  const Lsn from_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;  // The flags and digests are under the mutex.
  std::map<TableId, Job*> by_table_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace rotv::compare
