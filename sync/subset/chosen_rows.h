// The rows of a subset, as a seed's writer needs them.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "storage/row_store.h"
#include "sync/formats/foreign_keys.h"
#include "sync/subset/row_bits.h"

namespace rotv::subset {

// A range of a table's keys. A scan of it gives the rows `first`, `first` + 1, …
struct RowRange {
  KeyRange range;
  uint64_t first = 0;
  uint64_t rows = 0;
  std::string lines = {};  // Of the chosen rows, each with its newline, if ChosenTable::has_lines.
};

struct ChosenTable {
  RowBits rows;
  std::vector<RowRange> ranges;  // In order; together they are the table.
  bool has_lines = false;        // The rows need not be read again.
};

// Rows of one store at one LSN. Tables that are in neither have no rows.
struct ChosenRows {
  std::map<TableId, ChosenTable> tables;
  std::set<TableId> whole;
  std::vector<formats::ConstraintName> not_valid;  // Foreign keys to rows that are left out.
  std::vector<std::string> remarks;  // What a person should know: limits that were not kept, tables that are empty.
};

}  // namespace rotv::subset
