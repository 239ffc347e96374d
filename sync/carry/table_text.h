// Reads pg_dump's CREATE TABLE, and says how one such table becomes another one. Pure.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::carry {

struct ColumnText {
  std::string name;       // As it is written, like everything here.
  std::string type;       // With its collation.
  std::string value;      // The expression of its DEFAULT; empty if there is none.
  std::string generated;  // GENERATED ALWAYS AS (…) STORED
  bool not_null = false;

  bool operator==(const ColumnText&) const = default;
};

struct TableText {
  std::string head;  // Before the parenthesis.
  std::string tail;  // After it.
  std::vector<ColumnText> columns;
  std::map<std::string, std::string> constraints;  // By their names: CONSTRAINT n CHECK (…)
};

// Returns nothing if the statement cannot be read.
std::optional<TableText> ReadTableText(std::string_view statement, bool standard_strings);

struct TableAlteration {
  std::vector<std::string> first;  // What removes; before any object is created.
  std::vector<std::string> then;   // What renames, adds and changes.
  std::vector<std::string> last;   // What the rows must satisfy; after these are as they should be.
};

// What is known of the table beside its text, by the names of columns in the target.
struct ColumnFacts {
  std::map<std::string, std::string> before;    // The name that a column had before, for all that were there.
  std::map<std::string, std::string> existing;  // The values that existing rows have in a new column; NULL if none.
};

// Returns the statements that make the table `name` with the text `from` the one with the text `to`; nothing if that
// cannot be done in place. The values of existing rows are kept, and columns end up in the order of `to`.
std::optional<TableAlteration> AlterTable(std::string_view name, const TableText& from, const TableText& to,
                                          const ColumnFacts& facts, bool standard_strings);

}  // namespace rotv::carry
