// Rules as they are written in [mask] of rotv.toml, for messages that say which line to add. Pure.

#pragma once

#include <string>
#include <vector>

#include "sync/context/mask_rule.h"

namespace rotv::mask {

// A pattern that names just this: parts with dots, quotes or stars in them stand in double quotes.
std::string MaskPattern(const std::vector<std::string>& parts);

// public.users.email. Without `column` it names the table.
std::string RulePattern(const std::string& schema, const std::string& table, const std::string& column = "");

// "email" in quotes, or { rule = "hash", length = 40 }.
std::string RuleText(const MaskRule& rule);

// "public.users.email" = "email". Always one line.
std::string RuleLine(const std::string& pattern, const MaskRule& rule);

}  // namespace rotv::mask
