// Looks a type's name up among others.

#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

namespace rotv::mask {

inline bool IsOneOf(const std::string& type, std::initializer_list<std::string_view> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

}  // namespace rotv::mask
