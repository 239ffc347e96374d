// A source that is a standby: it has no WAL of its own that could be followed, and nothing can be made there.

#pragma once

#include "sync/postgres/pg_connection.h"
#include "sync/postgres/source_session.h"

namespace rotv::postgres {

inline constexpr const char* kStandbyHint =
    "name the primary in rotv.toml, then run the same command again (after a failover the new primary has no slot of "
    "ours: rotv-sync pull --rebaseline)";

// True if the server was a standby when it last answered. Asks nothing: a server reports it by itself (since 14).
bool IsStandby(const PgConnection& connection);

// Throws kRefused if the source is a standby. For every command that follows the source, before it does anything there.
void RequirePrimary(SourceSession& session);

}  // namespace rotv::postgres
