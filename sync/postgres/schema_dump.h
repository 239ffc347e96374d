// The schema's text, from pg_dump beside the server.

#pragma once

#include <optional>
#include <string>

#include "sync/formats/dump_sections.h"
#include "sync/postgres/source_session.h"

namespace rotv::postgres {

// As the exported snapshot sees it; nothing if the watchdog has made it give way to somebody on the source. Throws
// kRefused if pg_dump is not there, is older than the server, or may not read something; kUnreachable if a lock was not
// to be had in time.
std::optional<formats::DumpSections> DumpSchema(SourceSession& session, const std::string& snapshot);

// Likewise, what FindDrops() needs.
std::optional<std::string> DumpDrops(SourceSession& session, const std::string& snapshot);

// The version of the pg_dump that would be used: 150020. Throws kRefused with what to install if there is none.
int DumpProgramVersion(SourceSession& session);

}  // namespace rotv::postgres
