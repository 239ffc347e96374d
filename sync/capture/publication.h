// Our publication: exactly the tables that are streamed.

#pragma once

#include <string>

#include "proto/store.pb.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::capture {

// Commits a publication of the streamed tables of `schema`. Must be done before the slot is made: pgoutput reads the
// catalogue of the past, where a younger publication does not exist.
void CreatePublication(postgres::PgConnection& connection, const std::string& name, const proto::SchemaVersion& schema);

// Adds and drops tables until the publication has the streamed tables of `schema` and no other, and commits that. What
// it has already stays as it is. Throws kSlotLost if it is gone; kUnreachable if a lock was not to be had in time.
void AdjustPublication(postgres::PgConnection& connection, const std::string& name, const proto::SchemaVersion& schema);

// The statement with which an administrator takes one table out of it.
std::string DropFromPublicationSql(const std::string& publication, const std::string& quoted_table);

}  // namespace rotv::capture
