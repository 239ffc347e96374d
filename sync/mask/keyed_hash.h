// Gives the numbers that masked values are made from: without the secret nobody can predict them, and the same value
// always gets the same number.

#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace rotv::mask {

using MaskSecret = std::array<unsigned char, 32>;

class KeyedHash {
 public:
  // Hashes for different purposes are independent of each other.
  KeyedHash(const MaskSecret& secret, std::string_view purpose);

  // Returns SipHash-2-4 of the value (libsodium's crypto_shorthash).
  uint64_t operator()(std::string_view value) const;

 private:
  std::array<unsigned char, 16> key_;
};

// An endless sequence of numbers that starts with a hash.
class HashStream {
 public:
  explicit HashStream(uint64_t hash) : state_(hash) {}

  uint64_t Next();
  // Returns a number below `bound`, which must not be 0.
  uint32_t Below(uint32_t bound);

 private:
  uint64_t state_;
};

}  // namespace rotv::mask
