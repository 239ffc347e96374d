// Puts masked values in the place of real ones. Pure; any number of threads may use one.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sync/context/mask_rule.h"
#include "sync/mask/keyed_hash.h"
#include "sync/mask/letter_case.h"

namespace rotv::mask {

// How a unique index or an exclusion constraint looks at a column.
struct UniqueUse {
  enum class By {
    kValue,    // By the value itself.
    kCase,     // By lower() or upper() of it.
    kText,     // By other functions that leave letters and digits of a text as they are, but for their case.
    kDay,      // By the day of a timestamp.
    kUnknown,  // By something of which we cannot tell what it makes of a masked value.
  };
  By by = By::kValue;
  bool nulls_equal = false;  // Two NULLs may be equal there, too.
  std::string what;          // For messages: "unique index users_lower_idx on lower(email)".
};

// A column as far as it matters for masking.
struct MaskColumn {
  std::string name;
  std::string type;   // The base type's name in pg_type, behind domains: "text", "int4", "_text" for an array.
  int limit = 0;      // Of varchar(n) and char(n): characters; 0 for none.
  int precision = 0;  // Of numeric(p, s); 0 for any.
  int scale = 0;
  bool not_null = false;
  bool unique = false;  // Alone or with others in a primary key, unique or exclusion constraint or index.
  // In which, and how; also by way of a generated column.
  std::vector<UniqueUse> unique_uses = {};
  // Texts of it, or of a column at the other end of a foreign key, may be equal but for their case.
  bool ignores_case = false;
  // How the column's own "=" lowers texts; kUnknown where texts are equal if they are the same bytes.
  Lowering equality = Lowering::kUnknown;
  bool generated = false;
  bool partition_key = false;
};

class Masker {
 public:
  virtual ~Masker() = default;

  // Appends what stands for `value` (a type's text output, not NULL) to `out`; false if that is NULL. The same for the
  // same value each time. Throws kProtocol, without the value, if it is none of the column's type.
  virtual bool Append(std::string_view value, std::string* out) const = 0;
};

}  // namespace rotv::mask
