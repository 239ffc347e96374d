// Base64 encoding: RFC 4648, section 4.

#pragma once

#include <string>
#include <string_view>

namespace rotv::os {

// Encodes `bytes`, with padding and without line breaks.
std::string Base64(std::string_view bytes);

}  // namespace rotv::os
