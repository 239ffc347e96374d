// Holds what masking has to know about tables and columns.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sync/mask/masker.h"
#include "sync/mask/pii_types.h"

namespace rotv::mask {

// Facts about a table's columns that only matter where they are masked.
struct MaskFacts {
  struct Table {
    std::vector<std::pair<std::string, std::string>>
        names;                          // (schema, name) of the table, then of those that it inherits from.
    std::map<int, MaskColumn> columns;  // By pg_attribute.attnum.
  };
  struct Reference {  // One column of a foreign key.
    uint32_t table = 0;
    int column = 0;
    uint32_t referenced_table = 0;
    int referenced_column = 0;
    uint32_t constraint = 0;  // pg_constraint.oid
    std::string name;         // The constraint's, quoted.
    bool match_full = false;
    bool enforced = true;  // False if it is NOT VALID or NOT ENFORCED: an import checks no row.
  };
  std::map<uint32_t, Table> tables;
  std::vector<Reference> references;
  std::map<uint32_t, TypeParts> types;  // By pg_type.oid.
};

}  // namespace rotv::mask
