// Finds foreign keys and partitions in what pg_dump writes for a schema. Pure: no I/O.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rotv::formats {

// Schema and name of a table; unquoted.
using TableName = std::pair<std::string, std::string>;

// Schema and name of a table, and a constraint of it; unquoted.
using ConstraintName = std::tuple<std::string, std::string, std::string>;

// All names are unquoted. `columns` reference `referenced_columns` one by one; a PERIOD is left out of both, since
// values of it are compared by what they cover.
struct ForeignKeyText {
  TableName table;
  std::string name;
  std::vector<std::string> columns;
  TableName referenced;
  std::vector<std::string> referenced_columns;
  bool is_checked = true;  // False: it is NOT VALID or NOT ENFORCED, so an import does not look whether it holds.

  ConstraintName constraint() const { return {table.first, table.second, name}; }
};

// Returns the foreign key that a statement adds: "ALTER TABLE [ONLY] s.t\n    ADD CONSTRAINT c FOREIGN KEY (…)
// REFERENCES …"; nothing if it adds none.
std::optional<ForeignKeyText> ForeignKeyOf(std::string_view statement);

// Returns all foreign keys of a dump's text after the rows, in its order. `standard_strings` is the source's
// standard_conforming_strings.
std::vector<ForeignKeyText> ForeignKeysIn(std::string_view post_data, bool standard_strings);

// Returns each partition of a dump's text before the rows, with the table that it is a part of.
struct PartitionText {
  TableName partition;
  TableName of;
};
std::vector<PartitionText> PartitionsIn(std::string_view pre_data, bool standard_strings);

}  // namespace rotv::formats
