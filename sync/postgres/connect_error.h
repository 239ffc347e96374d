// Explains why a connection to PostgreSQL failed, and what to do about it. Pure.

#pragma once

#include <string>

#include "storage/error.h"

namespace rotv::postgres {

// Classifies a failure by the server's text, since libpq gives no SQLSTATE before a connection exists. `message` is
// libpq's, on one line; `link_reason` says why the link itself failed (empty: it did not); `where` describes the
// server. The code is kRefused if trying again cannot help, else kUnreachable.
Error ConnectError(const std::string& message, const std::string& link_reason, const std::string& where);

// The error for a replication connection that was refused with `error`, while ordinary connections come through a
// program in between (PgConnection::through_pooler()).
Error PoolerError(const Error& error);

// What to do where a connection pooler is between us and the server.
inline constexpr const char* kPoolerHint =
    "name the server itself in rotv.toml, not the pooler: replication and exported snapshots need a connection of "
    "their "
    "own. PgBouncer and Odyssey have the server's host and port in their configuration; of RDS Proxy it is the "
    "instance's endpoint; of a hosted pooler the \"direct\" connection, mostly at port 5432";

}  // namespace rotv::postgres
