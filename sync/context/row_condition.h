// Conditions on a column by which rows of a table are kept. Pure.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rotv {

enum class Comparison { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kIsNull, kIsNotNull };

struct RowCondition {
  std::string column;
  Comparison comparison = Comparison::kEqual;
  std::string value;  // Of a comparison with one.
};

// "created_at >= 2026-01-01", "status <> 'draft'", "\"Odd name\" is not null"; nothing if it is none.
std::optional<RowCondition> ParseRowCondition(std::string_view text);

}  // namespace rotv
