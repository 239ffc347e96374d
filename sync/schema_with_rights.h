// Gets a stored schema's text with owners or privileges, which no store has.

#pragma once

#include "sync/context/context.h"
#include "sync/history/point.h"
#include "sync/postgres/schema_dump.h"

namespace rotv {

// Returns the schema at the point, with texts of the source's pg_dump as it is now. Throws kUsage unless that is what
// it was at the point: the point is the head, the schema's fingerprint is the stored one, and no privilege or owner was
// changed by a transaction that the head does not have. Throws what a connection to the source and DumpSchema() do.
proto::SchemaVersion ReadSchemaWithRights(const Context& context, const history::PointInStore& found,
                                          postgres::DumpRights rights);

}  // namespace rotv
