// Splits the names of tables and columns that sections of rotv.toml have as keys. Pure.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::config {

// Splits "schema.table" or "schema.table.column" at its dots. A part with dots is in double quotes, and quotes in it
// are doubled. Nothing if a part is empty or a quote is not closed.
std::optional<std::vector<std::string>> PatternParts(std::string_view text);

}  // namespace rotv::config
