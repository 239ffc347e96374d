// Random schemas whose constraints look at values in every way that PostgreSQL has, and random masking rules for them:
// unique indexes of expressions and of parts of a table, exclusion constraints, collations that are not deterministic,
// generated columns, CHECK constraints, foreign keys between types that are equal in other ways than by their bytes.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sync/context/mask_rule.h"
#include "tests/support/random/dice.h"

namespace rotv::testing {

struct RandomMasks {
  std::string create;           // Statements, for the owner of an empty schema of this name in the search path.
  std::string change;           // Statements that change the rows, for later.
  std::vector<MaskRule> rules;  // Each with its pattern and its parts.

  // For the log of a failure.
  std::string Text() const;
};

// Statements that the server refuses, such as a constraint that the rows violate, change nothing. The same number gives
// the same schema.
RandomMasks MakeRandomMasks(uint64_t number, const std::string& schema);

}  // namespace rotv::testing
