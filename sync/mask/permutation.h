// Keyed permutations: different values stay different, whatever their domain is, and none stays what it was.

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sync/mask/keyed_hash.h"

namespace rotv {

// A position of a value and how many values it can have.
struct Digit {
  uint32_t value;  // Below radix.
  uint32_t radix;  // Not 0.
};

class Permutation {
 public:
  explicit Permutation(KeyedHash hash) : hash_(hash) {}

  // Puts the values of `digits` in the place of others. A permutation of all values of these radices, another one for
  // each sequence of radices and each `context`. No value is its own image unless there is only one.
  void Apply(std::string_view context, std::vector<Digit>* digits) const;

  // The same for the numbers below `size`, which is not 0.
  uint64_t Apply(std::string_view context, uint64_t size, uint64_t number) const;

 private:
  enum class Direction { kForward, kBackward };
  void Turn(uint64_t context, Direction direction, std::vector<Digit>* digits) const;
  void Move(uint64_t context, int round, Direction direction, std::vector<Digit>* digits) const;

  const KeyedHash hash_;
};

}  // namespace rotv
