// A set of a table's rows, by their numbers: one bit a row.

#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace rotv::subset {

class RowBits {
 public:
  RowBits() = default;
  explicit RowBits(uint64_t rows) : words_((rows + kBits - 1) / kBits) {}

  bool Has(uint64_t row) const { return (words_[row / kBits] >> (row % kBits) & 1) != 0; }
  // Returns false if it was there.
  bool Add(uint64_t row) {
    uint64_t& word = words_[row / kBits];
    const uint64_t bit = uint64_t{1} << (row % kBits);
    if ((word & bit) != 0) return false;
    word |= bit;
    return true;
  }
  friend bool operator==(const RowBits&, const RowBits&) = default;

  // Counts those with begin <= row < end.
  uint64_t Count(uint64_t begin, uint64_t end) const {
    uint64_t count = 0;
    while (begin < end) {
      if (begin % kBits == 0 && end - begin >= kBits) {
        count += static_cast<uint64_t>(std::popcount(words_[begin / kBits]));
        begin += kBits;
      } else {
        count += Has(begin++) ? 1 : 0;
      }
    }
    return count;
  }

 private:
  static constexpr uint64_t kBits = 64;
  std::vector<uint64_t> words_;
};

}  // namespace rotv::subset
