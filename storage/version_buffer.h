// Row versions on their way to the disk: filled by one thread, then written as one sorted run.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/row_version.h"

namespace rotv {

// Filled by one thread. Once filled it may be read by any number of threads, as long as nobody changes it.
class VersionBuffer {
 public:
  // A buffer that answers Newest() keeps an index, which costs some 10 ns a version.
  enum class Index { kNone, kNewest };
  explicit VersionBuffer(Index index);

  // Adds a version; one of the same row and commit LSN that is here already gives way to it, if there is an index.
  // Without one no row may come twice.
  void Put(const VersionKey& key, const RowVersion& version);

  // The versions of this row that were put, the last one first. They point into the buffer. Only with Index::kNewest.
  struct Found {
    Lsn commit_lsn;
    RowVersion version;
  };
  std::optional<Found> Newest(std::string_view row_prefix) const;
  std::vector<Found> Versions(std::string_view row_prefix) const;

  struct Entry {
    std::string_view key() const { return {data, key_size}; }
    std::string_view value() const { return {data + key_size, value_size}; }
    const char* data = nullptr;
    uint32_t key_size = 0;
    uint32_t value_size = 0;
    uint32_t previous = 0;  // One more than the index of the row's version before this one; 0 for none.
  };
  // What is in it, in byte order of the keys, each key once.
  std::vector<Entry> Sorted() const;

  bool empty() const { return entries_.empty(); }
  size_t bytes() const { return bytes_; }  // About what it takes in memory.

 private:
  char* Allocate(size_t size);
  // Where slots_ holds this row, or would hold it.
  size_t SlotOf(std::string_view row_prefix) const;
  void Grow();
  void AddIndexed(Entry entry);

  const bool indexed_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_left_ = 0;
  char* block_next_ = nullptr;
  size_t bytes_ = 0;
  std::vector<Entry> entries_;
  // Open addressing by the hash of the row prefix: one more than the index of the row's last entry, 0 for none.
  std::vector<uint32_t> slots_;
  size_t slots_used_ = 0;
  std::string scratch_;  // Kept to save allocations.
};

}  // namespace rotv
