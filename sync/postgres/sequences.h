// Where the sequences stand.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

// They ask for last_value and is_called of each sequence of `schema`; none where there is no sequence. They fail if one
// of the sequences is gone.
std::vector<std::string> SequenceStatements(const proto::SchemaVersion& schema);

proto::SequenceValues ParseSequences(std::span<const PgResult> results);

}  // namespace rotv::postgres
