// Whether a table that is not streamed has changed: a number for its rows, from where they lie and who wrote them. It
// reads the table once on the source (0.1 s a million rows), and moves and writes nothing.

#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

// They give a row for each table of `schema` that is copied again when it changed, and fail if one of them is gone.
std::vector<std::string> ContentStatements(const proto::SchemaVersion& schema);

// By table; nothing if a table had a new file by the time its rows were read.
std::optional<std::map<uint32_t, std::string>> ParseContent(std::span<const PgResult> results);

}  // namespace rotv::postgres
