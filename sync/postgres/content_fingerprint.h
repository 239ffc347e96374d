// Finds out whether a table that is not streamed has changed, by a fingerprint of the places (ctid) and xmins of its
// rows. The source reads the table once for it (0.1 s a million rows), and sends and writes nothing.

#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

// Statements that give one row for each table of `schema` that is resynced when changed. They fail if one of these
// tables no longer exists.
std::vector<std::string> ContentStatements(const proto::SchemaVersion& schema);

// The fingerprints by table; nullopt if a table had a new file by the time its rows were read.
std::optional<std::map<uint32_t, std::string>> ParseContent(std::span<const PgResult> results);

}  // namespace rotv::postgres
