// Tests values against a condition that decides which rows of a table are kept. Pure.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sync/context/row_condition.h"

namespace rotv::mask {

class ValueTest {
 public:
  virtual ~ValueTest() = default;
  // True if the condition holds for a value, as the source writes it. Must not be called for NULL, for which no
  // comparison holds.
  virtual bool Holds(std::string_view value) const = 0;
};

// Makes the test for a column of this type (pg_type's name, domains followed). Numbers, dates and timestamps (in UTC)
// have an order; values of all other types can be equal or not, as the source writes them. Throws kUsage, beginning
// with the column's name, if values of the type cannot be compared so, or if the condition's value is not of the type.
std::unique_ptr<const ValueTest> MakeValueTest(const RowCondition& condition, const std::string& type);

}  // namespace rotv::mask
