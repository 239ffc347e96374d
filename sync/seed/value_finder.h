// Finds any of many values in a text, in one pass.

#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rotv::seed {

class ValueFinder {
 public:
  static constexpr size_t kShortest = 8;

  // `value` must have at least kShortest bytes; `owner` is reported where it is found.
  void Add(std::string_view value, size_t owner);
  bool empty() const { return by_start_.empty(); }

  // Calls `found` for each occurrence of a value.
  void Find(std::string_view text, const std::function<void(size_t owner)>& found) const;

 private:
  struct Value {
    std::string text;
    size_t owner;
  };
  static constexpr size_t kBits = size_t{1} << 20;
  static uint64_t StartOf(const char* text);
  static size_t BitOf(uint64_t start) { return (start * 0x9E3779B97F4A7C15) >> 44; }

  std::bitset<kBits> starts_;  // Rules out most positions of a text, since few can be the start of a value.
  std::unordered_map<uint64_t, std::vector<Value>> by_start_;
};

}  // namespace rotv::seed
