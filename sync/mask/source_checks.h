// Reads what the source itself demands of values: CHECK constraints, domains, generated columns, NOT NULL. Says of each
// expression whether the source may be asked to evaluate it with our rights, which are more than its author's.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sync/postgres/pg_connection.h"

namespace rotv::mask {

struct SourceExpression {
  std::string text;          // As pg_get_expr() has it: over the columns' names, in a domain over VALUE.
  std::vector<int> columns;  // pg_attribute.attnum of those that it reads.
  // Nothing but PostgreSQL's own functions, operators and types is in it, and no function that runs SQL, reads files or
  // has effects. An owner of tables can put nothing of his own behind its words.
  bool built_in = false;
};

struct SourceCheck {
  std::string name;  // Of a domain's: the domain's, quoted.
  SourceExpression condition;
};

struct CheckedColumn {
  std::string type;               // What its values are in the end, domains followed, with the modifier.
  bool built_in = false;          // That type is PostgreSQL's own.
  uint32_t enum_type = 0;         // If it is an enum.
  std::vector<uint32_t> domains;  // On the way there.
  bool not_null = false;          // Its own, not that of a domain; not where it is NOT VALID.
  char generated = '\0';          // pg_attribute.attgenerated
  SourceExpression generation;    // Where it is.
  std::string length_function;    // "varchar", "bpchar": what a stored value is cut or refused by; empty for none.
  int32_t modifier = -1;
};

// What is NOT VALID or NOT ENFORCED does not hold back a row that is imported, and is left out.
struct SourceChecks {
  std::map<std::pair<uint32_t, int>, CheckedColumn> columns;  // By table and attnum.
  std::map<uint32_t, std::vector<SourceCheck>> of_tables;
  std::map<uint32_t, std::vector<SourceCheck>> of_domains;
};

// Of these tables. One round trip.
SourceChecks ReadSourceChecks(postgres::PgConnection& connection, const std::vector<uint32_t>& tables);

}  // namespace rotv::mask
