// The names of the kinds of masking rules.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/context/mask_rule.h"

namespace rotv {

// The kind with this name ("first_name"); nullopt if there is none.
std::optional<MaskKind> MaskKindOf(std::string_view name);
// All names.
std::vector<std::string> MaskKindNames();

}  // namespace rotv
