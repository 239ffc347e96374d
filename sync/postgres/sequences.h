// Reads the values of sequences.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

// Statements that read last_value and is_called of each sequence of `schema`; none if there is no sequence. They fail
// if one of the sequences no longer exists.
std::vector<std::string> SequenceStatements(const proto::SchemaVersion& schema);

proto::SequenceValues ParseSequences(std::span<const PgResult> results);

}  // namespace rotv::postgres
