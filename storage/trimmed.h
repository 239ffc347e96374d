// Texts without the spaces at their ends, whatever the locale. Pure.

#pragma once

#include <algorithm>
#include <string_view>

namespace rotv {

// A part of `text`, without those of `spaces` that it begins and ends with.
inline std::string_view Trimmed(std::string_view text, std::string_view spaces = " \t\n\v\f\r") {
  text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
  return text.substr(0, text.find_last_not_of(spaces) + 1);
}

}  // namespace rotv
