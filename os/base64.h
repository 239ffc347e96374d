// Base64 (RFC 4648), with padding and without line ends. Pure.

#pragma once

#include <string>
#include <string_view>

namespace rotv::os {

std::string Base64(std::string_view bytes);

}  // namespace rotv::os
