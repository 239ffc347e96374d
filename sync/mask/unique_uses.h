// Determines where a masked value must stay unique: in unique indexes and exclusion constraints, by a column itself, by
// expressions, by their predicates, and through generated columns. Pure.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sync/mask/mask_facts.h"

namespace rotv::mask {

// One key of a unique index or an exclusion constraint. A predicate is a key of its own.
struct UniqueKey {
  enum class Kind { kColumn, kExpression, kPredicate };
  uint32_t table = 0;
  std::string index;  // For messages: "unique index users_lower_idx".
  Kind kind = Kind::kColumn;
  std::string text;             // Text from pg_get_indexdef() or pg_get_expr(), with an empty search_path.
  std::vector<int> columns;     // Columns of the table that it may use.
  std::string operation = "=";  // Two rows conflict if the operators of all keys hold for them.
  bool nulls_equal = false;     // NULLS NOT DISTINCT
  std::string collation;        // The ICU locale of a collation that is not deterministic.
  bool own_equality = false;    // A user has defined the operator that compares.
};

struct GeneratedColumn {
  uint32_t table = 0;
  int column = 0;
  std::string text;
  std::vector<int> columns;  // The columns that it is computed from.
};

// True if lower() does to I, i and their like, under a collation of this locale, what it does in few languages only.
bool HasOwnCase(const std::string& locale);

// True if the ICU locale, of a collation that is not deterministic, only ignores case.
bool OnlyIgnoresCase(const std::string& locale);

// Returns how an expression uses the column of this name.
UniqueUse::By UseOf(const std::string& expression, const std::string& column);

// Sets unique, unique_uses, ignores_case and computed_from of the facts. `lowering` is what the database's lower()
// does.
void AddUniqueUses(const std::vector<UniqueKey>& keys, const std::vector<GeneratedColumn>& generated, Lowering lowering,
                   MaskFacts* facts);

}  // namespace rotv::mask
