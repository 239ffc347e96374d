// Checks whether a source can be followed: doctor shows the result, and baseline requires it.

#pragma once

#include <string>
#include <vector>

#include "sync/capture/check.h"
#include "sync/postgres/catalog.h"
#include "sync/postgres/source_session.h"

namespace rotv::capture {

// The name of CheckServer()'s check of free slots.
inline constexpr const char* kSlotsCheck = "replication slots";

// Checks the server's settings, the role's privileges, free slots, and whether a replication connection is accepted.
std::vector<Check> CheckServer(postgres::SourceSession& session, WalLimit wal_limit);

// Checks whether there is a pg_dump that suits the server's version. A command on the remote host may take as long as
// all the other questions together, so this is called in a thread of its own.
Check CheckDumpProgram(postgres::SourceSession& session);

// Reports how each table is followed, and how it could be followed better.
std::vector<TableReport> ReportTables(const postgres::Catalog& catalog, const SourceConfig& source);

// Checks for tables of our publication on which the server refuses UPDATE and DELETE because they have lost their
// identity, and says what would help. `publication` is the one that the catalogue was read for, or empty.
std::vector<Check> CheckPublished(const postgres::Catalog& catalog, const SourceConfig& source,
                                  const std::string& publication);

// Checks privileges on tables and sequences, and names in `exclude` that do not exist.
std::vector<Check> CheckCatalog(const postgres::Catalog& catalog, const SourceConfig& source);

// The check `name` that could not be made because of `error`: a problem. Called while `error` is handled; an interrupt
// goes on.
Check FailedCheck(const std::string& name, const Error& error);

// Throw a problem, or the first one, as the error that it is.
void ThrowIfProblem(const Check& check);
void ThrowFirstProblem(const std::vector<Check>& checks);

}  // namespace rotv::capture
