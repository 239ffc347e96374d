// The words that fake names and addresses consist of.

#pragma once

#include <span>
#include <string_view>

#include "sync/mask/keyed_hash.h"

namespace rotv::mask {

std::span<const std::string_view> FirstNames();
std::span<const std::string_view> LastNames();
std::span<const std::string_view> Streets();

inline constexpr int kLongestName = 10;
inline constexpr int kLongestStreet = 18;

inline std::string_view Pick(std::span<const std::string_view> words, HashStream& stream) {
  return words[stream.Below(static_cast<uint32_t>(words.size()))];
}

}  // namespace rotv::mask
