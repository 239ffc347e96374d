// The [mask] section of rotv.toml.

#pragma once

#include <string>

#include "cli/config/fail_at.h"
#include "sync/context/mask_rule.h"

namespace rotv::config {

// Checks the form of the rules. Whether the columns exist and can be masked this way, only the source can tell. A
// relative mask_secret is returned unchanged.
MaskConfig ReadMaskConfig(const toml::table& table, const FailAt& fail);

// Lists the rules for a help text, each with what it gives, one a line.
std::string MaskRuleList();

}  // namespace rotv::config
