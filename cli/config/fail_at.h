// How the readers of rotv.toml's sections say what is wrong in it.

#pragma once

#include <toml++/toml.h>

#include <functional>
#include <string>

namespace rotv::config {

// Throws what it makes of a place in the file, what is wrong there, and a hint.
using FailAt = std::function<void(const toml::source_region& where, const std::string& what, const std::string& hint)>;

}  // namespace rotv::config
