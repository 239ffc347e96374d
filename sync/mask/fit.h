// Checks that masked values satisfy the source's own CHECK constraints, domains and generated columns.

#pragma once

#include <string>
#include <vector>

#include "sync/context/context.h"
#include "sync/postgres/catalog.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::mask {

// Masks some rows of each table and has the source evaluate, on the masked rows, the CHECK constraints and domains
// that apply to masked columns and the columns that are generated from them, and the expressions of indexes; constants
// must be values of their column's type. Only PostgreSQL's own functions, operators and types are evaluated, in a
// read-only transaction: anything else that an owner of tables has put there would run with our rights. Returns, in
// order, the names of what is left unchecked for that reason. Of tables that `known` has with the same mask none is
// named: they were before. `catalog` is ReadMaskedCatalog()'s; `connection` is in no transaction. Throws kUsage, naming
// the constraints that are not met. Some rows do not prove that none fails.
std::vector<std::string> RequireFit(postgres::PgConnection& connection, const Context& context,
                                    const postgres::Catalog& catalog, const proto::SchemaVersion& known = {});

// Returns a text such as "3 constraints on masked values are not checked: …", with at most five names; empty for none.
std::string UncheckedText(const std::vector<std::string>& unchecked);

}  // namespace rotv::mask
