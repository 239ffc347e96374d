// VersionBuffer gathers row versions in memory, to be written as one sorted run.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/row_version.h"

namespace rotv {

// One thread fills it, and asks it for rows. Any number of threads may call all else while it does not change.
class VersionBuffer {
 public:
  // Only with kNewest may it be asked for rows. The index for that is made once it is asked.
  enum class Index { kNone, kNewest };
  explicit VersionBuffer(Index index) : index_(index) {}

  // Adds a version. With kNewest it replaces an earlier version of the same row and commit LSN; else no row may be
  // added twice.
  void Put(const VersionKey& key, const RowVersion& version);

  // The same for a version that is encoded: key and value of an Entry. Only without an index.
  void PutEncoded(std::string_view key, std::string_view value);

  // The versions of this row that were added, the last one first. They point into the buffer. Only with Index::kNewest.
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
  };
  // All versions, in byte order of their keys; each key once, unless a row was added twice without an index.
  std::vector<Entry> Sorted() const;
  // The table of two neighbours with one key; nullopt if there are none.
  static std::optional<TableId> TableWithTwins(const std::vector<Entry>& sorted);
  bool keeps_twins() const { return index_ == Index::kNone; }

  // The greatest of all keys; the buffer must not be empty.
  std::string_view GreatestKey() const;

  bool empty() const { return entries_.empty(); }
  size_t bytes() const { return bytes_; }  // The approximate memory use.

 private:
  char* Allocate(size_t size);
  // The slot that holds this row, or would hold it.
  size_t SlotOf(std::string_view row_prefix) const;
  void Grow() const;
  // Adds to the index what was added to the buffer since the last question.
  void CompleteIndex() const;

  const Index index_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_left_ = 0;
  char* block_next_ = nullptr;
  size_t bytes_ = 0;
  std::vector<Entry> entries_;
  // A hash table with open addressing, by row prefix: the number of the row's last entry plus one; 0 for none.
  mutable std::vector<uint32_t> slots_;
  mutable size_t slots_used_ = 0;
  // For each entry in the table the row's version before it, numbered likewise.
  mutable std::vector<uint32_t> previous_;
  std::string scratch_;  // A member to save allocations.
};

}  // namespace rotv
