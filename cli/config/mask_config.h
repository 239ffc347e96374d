// The [mask] section of rotv.toml.

#pragma once

#include <string>

#include "cli/config/fail_at.h"
#include "sync/context/mask_rule.h"

namespace rotv::config {

// Checked for its form; whether the columns are there, and can be masked so, only the source tells. A relative
// mask_secret stays as it is written.
MaskConfig ReadMaskConfig(const toml::table& table, const FailAt& fail);

// The rules for a help text, each with what it gives, a line each.
std::string MaskRuleList();

}  // namespace rotv::config
