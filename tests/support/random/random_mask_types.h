// What random masked schemas are made of: types with values that are equal without being the same, and what constraints
// and indexes say about a column.

#pragma once

#include <string>
#include <vector>

namespace rotv::testing {

struct MaskableType {
  std::string name;      // In SQL.
  std::string base;      // In pg_type, domains resolved.
  std::string referred;  // Another type that a foreign key of this one may reference, or be referenced by.
  std::vector<std::string> values;
};

// All types. They need kRandomMasksPrelude.
const std::vector<MaskableType>& MaskableTypes();
// Null if there is none with this name.
const MaskableType* MaskableTypeNamed(const std::string& name);

// A query for many values of the type, as columns i and v: all are different, and close to each other. Empty if no rule
// takes the type but for "null" and "constant".
std::string ManyOf(const MaskableType& type);

// Expressions, predicates and conditions over a column {0}, one beside it, {1}, the number n and the generated column
// g.
const std::vector<std::string>& MaskExpressions();
const std::vector<std::string>& MaskPredicates();
const std::vector<std::string>& MaskChecks();

// What all of these schemas need, for a superuser.
extern const char* const kRandomMasksPrelude;

}  // namespace rotv::testing
