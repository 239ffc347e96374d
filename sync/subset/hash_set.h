// A set of 64-bit hashes other than 0, at 16 to 32 bytes for each: std::unordered_set takes twice as much, and one
// lookup is made for each row of a table.

#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace rotv::subset {

class HashSet {
 public:
  // `hash` is not 0.
  void Add(uint64_t hash) {
    if (2 * (size_ + 1) > slots_.size()) Grow();
    uint64_t& slot = slots_[Find(hash)];
    if (slot == hash) return;
    slot = hash;
    ++size_;
  }
  bool Has(uint64_t hash) const { return size_ > 0 && hash != 0 && slots_[Find(hash)] == hash; }
  uint64_t size() const { return size_; }

  // Calls `visit` for each hash, in no order.
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    for (const uint64_t hash : slots_) {
      if (hash != 0) visit(hash);
    }
  }

 private:
  // The slot that has the hash, or where it belongs. There is always a free one.
  size_t Find(uint64_t hash) const {
    const size_t mask = slots_.size() - 1;
    size_t at = static_cast<size_t>(hash) & mask;
    while (slots_[at] != 0 && slots_[at] != hash) at = (at + 1) & mask;
    return at;
  }
  void Grow() {
    constexpr size_t kLeast = 16;
    std::vector<uint64_t> old(slots_.empty() ? kLeast : slots_.size() * 2);
    old.swap(slots_);
    for (const uint64_t hash : old) {
      if (hash != 0) slots_[Find(hash)] = hash;
    }
  }

  std::vector<uint64_t> slots_;  // 0: free.
  uint64_t size_ = 0;
};

}  // namespace rotv::subset
