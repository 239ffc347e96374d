// Numbers that follow from one seed, the same on every machine. The standard does not define what its distributions
// make of an engine's numbers, so none of them is used.

#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace rotv::testing {

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}

  // 0 to limit - 1; 0 if there is no choice.
  int Below(int limit) { return limit <= 1 ? 0 : static_cast<int>(random_() % static_cast<uint64_t>(limit)); }
  bool OneIn(int chances) { return Below(chances) == 0; }

  // One of the elements of `from`, which must not be empty. The reference lives as long as `from`.
  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from.at(static_cast<size_t>(Below(static_cast<int>(from.size()))));
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace rotv::testing
