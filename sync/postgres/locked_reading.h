// How a table's rows are read on the source: at an exported snapshot, in a short transaction of their own, so that no
// migration there waits for more than one such reading.

#pragma once

#include <string>

#include "proto/store.pb.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

// Begins the transaction and locks the table against changes of its form; the statement that reads, and COMMIT, follow
// in the same string. Its last result is one boolean: whether the table's file is still the one that the snapshot sees.
// Where it is not, the snapshot would read nothing, silently.
std::string BeginReadingSql(const PgConnection& connection, const proto::Table& table, const std::string& snapshot);

}  // namespace rotv::postgres
