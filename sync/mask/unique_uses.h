// Works out what a masked value has to stay unique for: unique indexes and exclusion constraints, by a column itself,
// by expressions, by their predicates, and through generated columns. Pure.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sync/mask/mask_facts.h"

namespace rotv::mask {

// A key of a unique index or an exclusion constraint. A predicate is a key of its own.
struct UniqueKey {
  enum class Kind { kColumn, kExpression, kPredicate };
  uint32_t table = 0;
  std::string index;  // For messages: "unique index users_lower_idx".
  Kind kind = Kind::kColumn;
  std::string text;             // As pg_get_indexdef() and pg_get_expr() write it, with an empty search_path.
  std::vector<int> columns;     // Of the table, which it may be made of.
  std::string operation = "=";  // Two rows for which all keys' operators hold exclude each other.
  bool nulls_equal = false;     // NULLS NOT DISTINCT
  std::string collation;        // Of one that is not deterministic: its ICU locale.
};

struct GeneratedColumn {
  uint32_t table = 0;
  int column = 0;
  std::string text;
  std::vector<int> columns;  // Which it is made of.
};

// What an expression makes of the column of this name.
UniqueUse::By UseOf(const std::string& expression, const std::string& column);

// Sets unique, unique_uses and ignores_case. `lowering` is what the database's lower() does.
void AddUniqueUses(const std::vector<UniqueKey>& keys, const std::vector<GeneratedColumn>& generated, Lowering lowering,
                   MaskFacts* facts);

// An equality that ignores case counts for both sides of a foreign key, and for those that they reference in turn.
void SpreadEquality(MaskFacts* facts);

}  // namespace rotv::mask
