// Tests values against a condition by which rows of a table are kept. Pure.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sync/context/row_condition.h"

namespace rotv::mask {

class ValueTest {
 public:
  virtual ~ValueTest() = default;
  // Of a value as the source writes it; not of NULL, which no comparison holds for.
  virtual bool Holds(std::string_view value) const = 0;
};

// For a column of this type (pg_type's name, behind domains). Numbers, dates and timestamps (in UTC) have an order; all
// others can be equal or not, as the source writes them. Throws kUsage, beginning with the column's name, if they
// cannot be compared so, or if the condition's value is none of the type.
std::unique_ptr<const ValueTest> MakeValueTest(const RowCondition& condition, const std::string& type);

}  // namespace rotv::mask
