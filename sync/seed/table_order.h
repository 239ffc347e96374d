// Decides the order in which a seed has its tables' rows. Pure.

#pragma once

#include <vector>

#include "proto/store.pb.h"

namespace rotv::seed {

// Returns the tables of `schema` whose rows are in a COPY block, in pg_dump's order: by name, but each table after
// those in its rows_after. Of tables that wait for each other in a circle, the last one by name comes last, as if the
// others did not wait for it. They live as long as `schema`.
std::vector<const proto::Table*> TablesInOrder(const proto::SchemaVersion& schema);

}  // namespace rotv::seed
