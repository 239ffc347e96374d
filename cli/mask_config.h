// The [mask] section of rotv.toml.

#pragma once

#include <toml++/toml.h>

#include <functional>
#include <string>

#include "sync/mask/mask_rule.h"

namespace rotv {

// Throws what `fail` makes of a place in the file, what is wrong there, and a hint.
using FailAt = std::function<void(const toml::source_region& where, const std::string& what, const std::string& hint)>;

// Checked for its form; whether the columns are there, and can be masked so, only the source tells. A relative
// mask_secret stays as it is written.
MaskConfig ReadMaskConfig(const toml::table& table, const FailAt& fail);

}  // namespace rotv
