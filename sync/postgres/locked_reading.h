// Reads a table's rows on the source: at an exported snapshot, each table in a short transaction of its own, so that a
// migration never waits for more than one such reading.

#pragma once

#include <string>

#include "proto/store.pb.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

// Begins the transaction and locks the table against schema changes; the reading statement and COMMIT follow in the
// same string. The last result of this part is a boolean: true if the table's file is still the one that the exported
// snapshot sees. If it is not, a read at that snapshot would silently give no rows.
std::string BeginReadingSql(const PgConnection& connection, const proto::Table& table, const std::string& snapshot);

}  // namespace rotv::postgres
