// The rows of a table in groups, with a number for each group: which rows there are, in whatever order. Pure.
//
// A group is a range of the first key column's values, or a part of such a range: the rows whose hashes end alike. A
// table without a key is one range.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::compare {

struct GroupDigest {
  uint64_t rows = 0;
  uint64_t sum = 0;  // Of the rows' hashes, modulo 2^64.

  void Add(uint64_t hash) { ++rows, sum += hash; }
  void Add(const GroupDigest& other) { rows += other.rows, sum += other.sum; }
  friend bool operator==(const GroupDigest&, const GroupDigest&) = default;
};

struct TableDigest {
  std::vector<std::string> begins;  // Of each range but the first: the first key column's text in its first row.
  size_t parts = 1;                 // Of each range; a power of two.
  std::vector<GroupDigest> groups;  // range * parts + (hash & (parts - 1))

  size_t ranges() const { return begins.size() + 1; }
  size_t GroupOf(size_t range, uint64_t hash) const { return range * parts + (hash & (parts - 1)); }
  uint64_t rows() const;
};

// Makes a digest of rows that come in the order of their keys. Groups are of some ten thousand rows, and at most
// 16,384; what it takes in memory does not depend on the rows.
class DigestBuilder {
 public:
  enum class Ranges { kByKey, kNone };
  explicit DigestBuilder(Ranges ranges);

  // Whether Cut() must be called before the next Add(), with the first key column of the row to be added.
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
  // Makes one of each two ranges.
  void HalveRanges();

  const Ranges ranges_;
  uint64_t rows_per_range_;
  uint64_t rows_here_ = 0;
  Parts current_;
  std::string last_key_;  // Rows with it stay together; empty if not known yet.
  bool knows_last_key_ = false;
  std::vector<Parts> ended_;
  std::vector<std::string> begins_;
};

}  // namespace rotv::compare
