// Reads what the source itself demands of values: CHECK constraints, domains, generated columns, NOT NULL, expressions
// of indexes. For each expression it says whether the source may be asked to evaluate it with our rights, which are
// more than its author's.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sync/postgres/pg_connection.h"

namespace rotv::mask {

struct SourceExpression {
  std::string text;          // Text from pg_get_expr(): over the columns' names, in a domain over VALUE.
  std::vector<int> columns;  // pg_attribute.attnum of the columns that it reads; 0 for the row as a whole.
  // It contains only PostgreSQL's own functions, operators and types, and no function that runs SQL, reads files or has
  // side effects. An owner of tables cannot change what it does.
  bool built_in = false;
};

struct SourceCheck {
  std::string name;  // For a domain's constraint, the domain's name, quoted.
  SourceExpression condition;
};

struct CheckedColumn {
  std::string type;               // The base type of its values, domains followed, with the modifier.
  bool built_in = false;          // That type is PostgreSQL's own.
  uint32_t enum_type = 0;         // The oid of the type if it is an enum.
  std::vector<uint32_t> domains;  // The domains between the column and that type.
  bool not_null = false;          // The column's own, not a domain's; false if it is NOT VALID.
  char generated = '\0';          // pg_attribute.attgenerated
  SourceExpression generation;    // Set if the column is generated.
  std::string length_function;  // "varchar", "bpchar", "bit", "varbit": the function that truncates or refuses a stored
                                // value; empty for none.
  int32_t modifier = -1;
};

// Constraints that are NOT VALID or NOT ENFORCED do not reject a row that is imported, and are left out.
struct SourceChecks {
  std::map<std::pair<uint32_t, int>, CheckedColumn> columns;  // By table and attnum.
  std::map<uint32_t, std::vector<SourceCheck>> of_tables;
  std::map<uint32_t, std::vector<SourceCheck>> of_domains;
  // A row for which the condition cannot be computed cannot be in the index.
  std::map<uint32_t, std::vector<SourceCheck>> of_indexes;
};

// Reads the checks of these tables in one round trip.
SourceChecks ReadSourceChecks(postgres::PgConnection& connection, const std::vector<uint32_t>& tables);

}  // namespace rotv::mask
