// Unpacks the blocks that rows are in before they are asked for, in a thread of its own.

#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/row_store.h"

namespace rotv::history {

// For who looks up `keys` one after the other: while they are at one group of keys, this one is at the next, and they
// at the one behind it, so that two processors share the work. What it finds only comes into the store's cache.
class ReadAhead {
 public:
  // `scan` is this object's own; the keys outlive it. Few keys are not worth a thread.
  ReadAhead(std::unique_ptr<RowScan> scan, const std::vector<std::string>& keys);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // The key that is looked up next.
  void At(size_t index) {
    if (index % kGroup == 0 && thread_.joinable()) Arrive(index / kGroup);
  }

 private:
  static constexpr size_t kGroup = 32;  // Their blocks are a fraction of the cache.

  void Arrive(size_t group);
  void Run();
  bool WaitForTurn(size_t group);

  std::unique_ptr<RowScan> scan_;
  const std::vector<std::string>& keys_;
  std::mutex mutex_;
  std::condition_variable moved_;
  size_t reached_ = 0;  // The group that is looked up.
  bool ended_ = false;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace rotv::history
