// Writes rules as they are in [mask] of rotv.toml, for messages that say which line to add. Pure.

#pragma once

#include <string>
#include <vector>

#include "sync/context/mask_rule.h"

namespace rotv::mask {

// Returns a pattern that names just this; parts with dots, quotes or stars in them are in double quotes.
std::string MaskPattern(const std::vector<std::string>& parts);

// Returns public.users.email; without `column` the pattern names the table.
std::string RulePattern(const std::string& schema, const std::string& table, const std::string& column = "");

// Returns "email" in quotes, or { rule = "hash", length = 40 }.
std::string RuleText(const MaskRule& rule);

// Returns "public.users.email" = "email"; always one line.
std::string RuleLine(const std::string& pattern, const MaskRule& rule);

}  // namespace rotv::mask
