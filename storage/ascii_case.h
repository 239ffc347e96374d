// Lower case of ASCII letters, whatever the locale: for keywords, host names and names of settings. Pure.

#pragma once

#include <string>
#include <string_view>

namespace rotv {

// Other bytes stay as they are.
inline std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace rotv
