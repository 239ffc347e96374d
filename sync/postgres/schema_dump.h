// Gets the schema's text from pg_dump, which runs beside the server.

#pragma once

#include <optional>
#include <string>

#include "sync/formats/dump_sections.h"
#include "sync/postgres/source_session.h"

namespace rotv::postgres {

// What a dump has beside the objects themselves.
struct DumpRights {
  bool owners = false;
  bool privileges = false;
};

// Dumps the schema as it is now, with owners or privileges, under the same contract as DumpSchema(): the caller looks
// whether it changes meanwhile.
std::optional<formats::DumpSections> DumpSchemaWithRights(SourceSession& session, DumpRights rights);

// Dumps the schema at the exported snapshot; nullopt if the watchdog has cancelled pg_dump, because another session
// waited for its locks. Throws kRefused if there is no pg_dump, if it is older than the server, or if it may not read
// something; kUnreachable if a lock was not available in time.
std::optional<formats::DumpSections> DumpSchema(SourceSession& session, const std::string& snapshot);

// Runs pg_dump like DumpSchema(), with what does not belong to a schema, which is next to nothing and locks no table.
// Returns if that works; throws like DumpSchema() does, and kProtocol if the output is no dump.
void TryDump(SourceSession& session);

// Dumps what FindDrops() needs, under the same contract.
std::optional<std::string> DumpDrops(SourceSession& session, const std::string& snapshot);

// The version of the pg_dump that would be used: 150020. If there is none, throws kRefused with a hint what to install.
int DumpProgramVersion(SourceSession& session);

}  // namespace rotv::postgres
