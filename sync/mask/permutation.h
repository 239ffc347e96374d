// Keyed permutations: different values stay different, whatever their domain is, and no value stays the same. They are
// not cryptographic: the rounds are a mixer, chosen for speed, and nothing proves that they cannot be undone without
// the key. docs/masking-attacks.md says what a masked value tells.

#pragma once

#include <cstdint>
#include <string_view>

#include "sync/mask/keyed_hash.h"

namespace rotv::mask {

class Permutation {
 public:
  explicit Permutation(KeyedHash hash) : hash_(hash) {}

  static constexpr uint64_t kLargest = uint64_t{1} << 62;

  // Returns the image of `number` under a permutation of the numbers below `size`, which is at least 1 and at most
  // kLargest. Each `context` has a permutation of its own. No number is its own image, unless it is the only one.
  // Throws kBug if `number` is not below `size`.
  uint64_t Apply(std::string_view context, uint64_t size, uint64_t number) const;

 private:
  const KeyedHash hash_;
};

}  // namespace rotv::mask
