// Conditions on a column that select the rows of a table to keep. Pure.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rotv {

enum class Comparison { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kIsNull, kIsNotNull };

struct RowCondition {
  std::string column;
  Comparison comparison = Comparison::kEqual;
  std::string value;  // Unused for kIsNull and kIsNotNull.
};

// Parses a condition: "created_at >= 2026-01-01", "status <> 'draft'", "\"Odd name\" is not null". nullopt if it is
// none.
std::optional<RowCondition> ParseRowCondition(std::string_view text);

}  // namespace rotv
