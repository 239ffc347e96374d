// Finds any of many values in text, in one pass.

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

  // `value` has kShortest bytes at least; `owner` is told where it is found.
  void Add(std::string_view value, size_t owner);
  bool empty() const { return by_start_.empty(); }

  // Calls `found` for each place where a value stands.
  void Find(std::string_view text, const std::function<void(size_t owner)>& found) const;

 private:
  struct Value {
    std::string text;
    size_t owner;
  };
  static constexpr size_t kBits = size_t{1} << 20;
  static uint64_t StartOf(const char* text);
  static size_t BitOf(uint64_t start) { return (start * 0x9E3779B97F4A7C15) >> 44; }

  std::bitset<kBits> starts_;  // Most places of a text are no start of any value.
  std::unordered_map<uint64_t, std::vector<Value>> by_start_;
};

}  // namespace rotv::seed
