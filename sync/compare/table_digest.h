// Digests the rows of a table in groups, with a number for each group that tells which rows it has, regardless of their
// order. Pure.
//
// A group is a range of the first key column's values, or a part of such a range: the rows whose hashes have the same
// last bits. A table without a key is one range.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::compare {

struct GroupDigest {
  uint64_t rows = 0;
  uint64_t sum = 0;  // The sum of the rows' hashes modulo 2^64.

  void Add(uint64_t hash) { ++rows, sum += hash; }
  void Add(const GroupDigest& other) { rows += other.rows, sum += other.sum; }
  friend bool operator==(const GroupDigest&, const GroupDigest&) = default;
};

struct TableDigest {
  std::vector<std::string> begins;  // For each range but the first: the first key column's text in its first row.
  size_t parts = 1;                 // The number of parts of each range; a power of two.
  std::vector<GroupDigest> groups;  // Indexed by range * parts + (hash & (parts - 1)).

  size_t ranges() const { return begins.size() + 1; }
  size_t GroupOf(size_t range, uint64_t hash) const { return range * parts + (hash & (parts - 1)); }
  uint64_t rows() const;
};

// Computes a digest of rows that are added in the order of their keys. Groups have some ten thousand rows; there are at
// most 16,384 of them. Memory does not depend on the number of rows.
class DigestBuilder {
 public:
  enum class Ranges { kByKey, kNone };
  explicit DigestBuilder(Ranges ranges);

  // True if Cut() must be called before the next Add(), with the first key column of the row to be added.
  bool WantsKey() const { return ranges_ == Ranges::kByKey && rows_here_ >= rows_per_range_; }
  void Cut(std::string_view key);
  void Add(uint64_t hash) {
    ++rows_here_;
    current_[hash & (current_.size() - 1)].Add(hash);
  }

  TableDigest Finish();

 private:
  using Parts = std::vector<GroupDigest>;
  void EndRange();
  // Merges each two ranges into one.
  void HalveRanges();

  const Ranges ranges_;
  uint64_t rows_per_range_;
  uint64_t rows_here_ = 0;
  Parts current_;
  std::string last_key_;  // Rows with this first key column stay in one range; empty if it is not known yet.
  bool knows_last_key_ = false;
  std::vector<Parts> ended_;
  std::vector<std::string> begins_;
};

}  // namespace rotv::compare
