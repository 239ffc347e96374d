#include "sync/history/read_ahead.h"

#include <algorithm>

#include "storage/error.h"

namespace rotv::history {

ReadAhead::ReadAhead(std::unique_ptr<RowScan> scan, const std::vector<std::string>& keys)
    : scan_(std::move(scan)), keys_(keys) {
  if (keys.size() >= 4 * kGroup) thread_ = std::thread([this] { Run(); });
}

ReadAhead::~ReadAhead() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  moved_.notify_one();
  thread_.join();
}

void ReadAhead::Arrive(size_t group) {
  {
    std::lock_guard lock(mutex_);
    reached_ = group;
  }
  moved_.notify_one();
}

// Returns false at the end. A group is not begun before the caller is at the group before it: more would not stay in
// the cache.
bool ReadAhead::WaitForTurn(size_t group) {
  std::unique_lock lock(mutex_);
  moved_.wait(lock, [&] { return ended_ || reached_ + 1 >= group; });
  return !ended_;
}

void ReadAhead::Run() {
  try {
    for (size_t group = 1; group * kGroup < keys_.size() && WaitForTurn(group); group += 2) {
      const size_t end = std::min(keys_.size(), (group + 1) * kGroup);
      for (size_t i = group * kGroup; i < end; ++i) (void)scan_->Find(keys_[i]);
    }
  } catch (const Error&) {
    // The caller meets the same error when it looks these rows up, and reports it.
  }
}

}  // namespace rotv::history
