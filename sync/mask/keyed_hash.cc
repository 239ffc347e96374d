#include "sync/mask/keyed_hash.h"

#include <sodium.h>

#include <string>

namespace rotv::mask {

KeyedHash::KeyedHash(const MaskSecret& secret, std::string_view purpose) {
  static_assert(crypto_shorthash_KEYBYTES == std::tuple_size_v<decltype(key_)>);
  crypto_generichash(key_.data(), key_.size(), reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(),
                     secret.data(), secret.size());
}

uint64_t KeyedHash::operator()(std::string_view value) const {
  std::array<unsigned char, crypto_shorthash_BYTES> hash;
  crypto_shorthash(hash.data(), reinterpret_cast<const unsigned char*>(value.data()), value.size(), key_.data());
  uint64_t number = 0;
  for (unsigned char byte : hash) number = number << 8 | byte;
  return number;
}

// This is SplitMix64: its output reveals the hash, and the hash reveals nothing of the value.
uint64_t HashStream::Next() {
  uint64_t z = state_ += 0x9E3779B97F4A7C15;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

uint32_t HashStream::Below(uint32_t bound) { return static_cast<uint32_t>((Next() >> 32) * bound >> 32); }

}  // namespace rotv::mask
