// The names of masking rules.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/context/mask_rule.h"

namespace rotv {

// The kind of this name, "first_name"; nothing if there is none.
std::optional<MaskKind> MaskKindOf(std::string_view name);
// Every name there is.
std::vector<std::string> MaskKindNames();

}  // namespace rotv
