// Whether what the rules make is taken by the source's own CHECK constraints and domains.

#pragma once

#include "sync/catalog.h"
#include "sync/context.h"
#include "sync/pg_connection.h"

namespace rotv {

// Masks a few rows of each table with CHECK constraints or domains on masked columns, and has the source evaluate
// these on what comes out; also whether constants are values of their column's type. Tables that
// `known` has with the same mask are passed over. `catalog` is ReadMaskedCatalog()'s; `connection` is in no
// transaction. Throws kUsage, naming the constraints. A few rows do not
// prove that none fails; expressions that only the table itself can have evaluated are passed over.
void RequireFit(PgConnection& connection, const Context& context, const Catalog& catalog,
                const proto::SchemaVersion& known = {});

}  // namespace rotv
