// Plans how a database's schema becomes that of another state of the same history. Pure.

#pragma once

#include <set>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "storage/row_store.h"

namespace rotv::carry {

// The state that the database has, and the wanted one: two LSNs of one store, in any order, with their schemas, between
// which WhyNeverCarried() finds nothing.
struct CarryEnds {
  Lsn from;
  Lsn to;
  const proto::SchemaVersion& from_schema;
  const proto::SchemaVersion& to_schema;
};

// Statements are in the order in which they are to be run, without semicolons.
struct Migration {
  std::string why_not;  // Not empty: a clause for people that says why there is no plan.

  std::vector<std::string> before_rows;
  std::vector<std::string> after_rows;
  std::vector<std::string> whole;  // The whole schema of the wanted state.

  // Tables by their quoted names in the wanted state. All others have the columns that they had.
  std::set<std::string> reloaded;  // Their rows have to be written again: they are new, or do not fit.
  std::set<std::string> reshaped;  // Their rows are those of the first state, read with the columns of the wanted one.
};

// The plan is no more than that: whether the result has the wanted schema is to be compared.
Migration PlanMigration(const RowStore& store, const CarryEnds& ends);

}  // namespace rotv::carry
