// What masked values are made of: numbers that nobody can predict without the secret, the same for the same value each
// time.

#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace rotv::mask {

using MaskSecret = std::array<unsigned char, 32>;

class KeyedHash {
 public:
  // Hashes of different purposes have nothing to do with each other.
  KeyedHash(const MaskSecret& secret, std::string_view purpose);

  // SipHash-2-4 (libsodium's crypto_shorthash).
  uint64_t operator()(std::string_view value) const;

 private:
  std::array<unsigned char, 16> key_;
};

// An endless row of numbers that begins with a hash.
class HashStream {
 public:
  explicit HashStream(uint64_t hash) : state_(hash) {}

  uint64_t Next();
  // Below `bound`, which is not 0.
  uint32_t Below(uint32_t bound);

 private:
  uint64_t state_;
};

}  // namespace rotv::mask
