// The text of pg_dump as statements and their tokens, to be changed by one clause.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/random/dice.h"

namespace rotv::testing {

class DumpClauses {
 public:
  // Takes a dump of a schema, without rows.
  explicit DumpClauses(std::string_view dump);

  struct Mutation {
    std::string sql;   // All statements, of which one is changed or left out.
    std::string what;  // The statement, and what was done to it.
  };
  // Leaves out a statement or some of its tokens, or makes a number or a text another one; but no function in C, which
  // could end the server. Most of these texts cannot be run.
  Mutation Mutate(Dice& dice) const;

  // The statements as they were.
  const std::string& sql() const { return sql_; }

 private:
  std::string sql_;
  std::vector<std::vector<std::string>> statements_;  // With the white space before each token.
  std::vector<size_t> changeable_;
};

// Lines of a dump in a form that is the same for schemas that count as equal: sorted, without the names of constraints,
// indexes and identities' sequences, and without values of user mappings.
std::vector<std::string> LinesThatCount(std::string_view dump);

}  // namespace rotv::testing
