// Whether what the rules make is taken by the source's own CHECK constraints and domains.

#pragma once

#include "sync/catalog.h"
#include "sync/context.h"
#include "sync/pg_connection.h"

namespace rotv {

// Masks a few values of each masked column that has a CHECK constraint of its own, or a domain, and has the source
// evaluate the constraint on what comes out; also whether constants are values of their column's type. Tables that
// `known` has with the same mask are passed over. `catalog` is ReadMaskedCatalog()'s; `connection` is in no
// transaction. Throws kUsage, naming the constraints. Those over several columns are not looked at.
void RequireFit(PgConnection& connection, const Context& context, const Catalog& catalog,
                const proto::SchemaVersion& known = {});

}  // namespace rotv
