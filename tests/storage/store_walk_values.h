// What the parts of StoreWalk share: numbers that look random, and the keys of rows.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/row_key.h"
#include "tests/storage/store_model.h"

namespace rotv::testing {

inline constexpr uint32_t kKeysOfATable = 24;  // Few, so that rows have many versions.
inline constexpr uint32_t kRowsOfAMultiset = 10;
inline constexpr uint64_t kLsnStep = 8;  // Commit records begin at multiples of eight.

inline uint64_t Mixed(uint64_t value) {  // SplitMix64.
  value += 0x9E3779B97F4A7C15;
  value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
  value = (value ^ value >> 27) * 0x94D049BB133111EB;
  return value ^ value >> 31;
}

// The keys of a table with a text key: zero bytes, bytes that are escaped, and texts that begin like others.
inline std::string TextKeyOf(uint32_t row) {
  constexpr std::string_view kBytes("\0\x01\xFFz", 4);
  std::string text;
  for (uint32_t rest = row + 1; rest != 0; rest /= 4) text += kBytes[rest % 4];
  std::string key;
  AppendTextKey(text, &key);
  return key;
}

inline std::string KeyOf(ModelTable::Kind kind, uint32_t row) {
  if (kind == ModelTable::Kind::kTextKey) return TextKeyOf(row);
  std::string key;
  AppendIntegerKey(std::to_string(static_cast<int64_t>(row) * 1000 - 7000), &key);
  return key;
}

}  // namespace rotv::testing
