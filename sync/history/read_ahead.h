// Reads and unpacks the blocks of rows before they are asked for, in a thread of its own.

#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/row_store.h"

namespace rotv::history {

// Serves a caller that looks up `keys` one after the other: while the caller is at one group of keys, this thread reads
// the next group, so that two processors share the work. The blocks only get into the store's cache.
class ReadAhead {
 public:
  // `scan` belongs to this object; the keys must outlive it. No thread is started for a few keys.
  ReadAhead(std::unique_ptr<RowScan> scan, const std::vector<std::string>& keys);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // Must be called with the key that is looked up next.
  void At(size_t index) {
    if (index % kGroup == 0 && thread_.joinable()) Arrive(index / kGroup);
  }

 private:
  static constexpr size_t kGroup = 32;  // The blocks of so many keys are a fraction of the cache.

  void Arrive(size_t group);
  void Run();
  bool WaitForTurn(size_t group);

  std::unique_ptr<RowScan> scan_;
  const std::vector<std::string>& keys_;
  std::mutex mutex_;
  std::condition_variable moved_;
  size_t reached_ = 0;  // The group that the caller is at.
  bool ended_ = false;
  std::thread thread_;  // Declared last, since it uses the other members.
};

}  // namespace rotv::history
