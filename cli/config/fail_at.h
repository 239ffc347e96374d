// Reports an error in a section of rotv.toml.

#pragma once

#include <functional>
#include <string>

#include "cli/config/toml.h"

namespace rotv::config {

// Throws an Error that names the place in the file, what is wrong there, and a hint.
using FailAt = std::function<void(const toml::source_region& where, const std::string& what, const std::string& hint)>;

}  // namespace rotv::config
