// Keeps our publication at exactly the tables that are streamed.

#pragma once

#include <string>

#include "proto/store.pb.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::capture {

// Commits a publication of the streamed tables of `schema`. Must be called before the slot is created: pgoutput looks
// the publication up in the catalogue of the past, where a newer one does not exist. Returns false if a table has been
// dropped or renamed since the schema was read: there is no publication then.
bool CreatePublication(postgres::PgConnection& connection, const std::string& name, const proto::SchemaVersion& schema);

// Adds and drops tables until the publication has exactly the streamed tables of `schema`, and commits that. Tables
// that it has already are left alone. Throws kSlotLost if it does not exist any more; kUnreachable if a lock could not
// be acquired in time. Returns false if a table has been dropped or renamed since the schema was read.
bool AdjustPublication(postgres::PgConnection& connection, const std::string& name, const proto::SchemaVersion& schema);

// Returns the statement with which an administrator drops one table from it.
std::string DropFromPublicationSql(const std::string& publication, const std::string& quoted_table);

}  // namespace rotv::capture
