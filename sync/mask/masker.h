// Replaces real values by masked ones. Pure; any number of threads may use one.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sync/context/mask_rule.h"
#include "sync/mask/keyed_hash.h"
#include "sync/mask/letter_case.h"

namespace rotv::mask {

// One use of a column by a unique index or an exclusion constraint.
struct UniqueUse {
  enum class By {
    kValue,    // Compares the value itself.
    kCase,     // Compares lower() or upper() of it.
    kText,     // Compares other functions of it that keep a text's letters and digits, except for their case.
    kDay,      // Compares the day of a timestamp.
    kUnknown,  // Compares something of which we cannot tell what becomes of a masked value.
  };
  By by = By::kValue;
  bool nulls_equal = false;  // Two NULLs may be equal there, too.
  bool exact = false;        // Values may differ there that are equal for the column's own "=".
  std::string what;          // For messages: "unique index users_lower_idx on lower(email)".
};

// The properties of a column that matter for masking.
struct MaskColumn {
  std::string name;
  std::string type;   // The base type's name in pg_type, domains followed: "text", "int4", "_text" for an array.
  int limit = 0;      // n of varchar(n) and char(n), in characters; 0 for none.
  int precision = 0;  // p of numeric(p, s); 0 for any.
  int scale = 0;
  bool not_null = false;
  bool unique = false;  // It is in a primary key, unique or exclusion constraint or unique index, alone or with others.
  // The uses by these, including those through a generated column.
  std::vector<UniqueUse> unique_uses = {};
  // Texts of it, or of a column at the other end of a foreign key, may be equal though their case differs.
  bool ignores_case = false;
  // The way in which the column's own "=" lowers texts; kUnknown if only identical bytes are equal.
  Lowering equality = Lowering::kUnknown;
  std::string locale = {};     // The locale of its collation, unless that is the database's.
  bool equality_known = true;  // False if values are equal that differ in bytes, and we cannot tell which.
  std::string narrowest = {};  // The narrowest type of the whole numbers that it is joined with by foreign keys.
  bool generated = false;
  std::vector<int> computed_from = {};  // The columns that a generated one is computed from, by pg_attribute.attnum.
  bool partition_key = false;
};

class Masker {
 public:
  virtual ~Masker() = default;

  // Appends the masked form of `value` (a type's text output, not NULL) to `out`; returns false if that is NULL. The
  // result is the same for the same value each time. Throws kProtocol, without naming the value, if it is not a value
  // of the column's type.
  virtual bool Append(std::string_view value, std::string* out) const = 0;
};

}  // namespace rotv::mask
