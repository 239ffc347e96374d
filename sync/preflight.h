// Whether a source is fit to be followed: what doctor shows, and what baseline insists on.

#pragma once

#include "sync/baseline.h"
#include "sync/catalog.h"
#include "sync/doctor.h"
#include "sync/source_session.h"

namespace rotv {

// The server's settings, the role's privileges, pg_dump, free slots, whether a replication connection is let in.
std::vector<Check> CheckServer(SourceSession& session, WalLimit wal_limit);

// How each table is followed, and what stands against it.
std::vector<TableReport> ReportTables(const Catalog& catalog, const SourceConfig& source);

// What is in the database that a baseline takes no notice of yet; warnings for people, a line each.
std::vector<std::string> Lacking(const Catalog& catalog, const SourceConfig& source);

// Privileges on tables and sequences, and names in `exclude` that are not there.
std::vector<Check> CheckCatalog(const Catalog& catalog, const SourceConfig& source);

// Throws the first problem as the error that it is.
void ThrowFirstProblem(const std::vector<Check>& checks, const std::vector<TableReport>& tables);

}  // namespace rotv
