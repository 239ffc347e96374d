// Whether a source is fit to be followed: what doctor shows, and what baseline insists on.

#pragma once

#include "sync/capture/check.h"
#include "sync/postgres/catalog.h"
#include "sync/postgres/source_session.h"

namespace rotv::capture {

// The server's settings, the role's privileges, free slots, whether a replication connection is let in.
std::vector<Check> CheckServer(postgres::SourceSession& session, WalLimit wal_limit);

// Whether a pg_dump is there that the server's version allows. A command on the far end may take as long as all the
// questions together, so this is called in a thread of its own.
Check CheckDumpProgram(postgres::SourceSession& session);

// How each table is followed, and how it could be followed better.
std::vector<TableReport> ReportTables(const postgres::Catalog& catalog, const SourceConfig& source);

// Tables of our publication that the server no longer lets be changed, because they have lost their identity; and what
// would help against it. `publication` is the one that the catalogue was asked for, or empty.
std::vector<Check> CheckPublished(const postgres::Catalog& catalog, const SourceConfig& source,
                                  const std::string& publication);

// Privileges on tables and sequences, and names in `exclude` that are not there.
std::vector<Check> CheckCatalog(const postgres::Catalog& catalog, const SourceConfig& source);

// Throws the first problem as the error that it is.
void ThrowIfProblem(const Check& check);
void ThrowFirstProblem(const std::vector<Check>& checks);

}  // namespace rotv::capture
