// Where the sequences stand.

#pragma once

#include "proto/store.pb.h"
#include "sync/pg_connection.h"

namespace rotv {

// Statements that ask for last_value and is_called of each sequence of `schema`, each ended by a semicolon; none where
// there is no sequence.
std::string SequencesSql(const proto::SchemaVersion& schema);

// Reads their answers, beginning with that at `results[from]`.
proto::SequenceValues ParseSequences(const std::vector<PgResult>& results, size_t from);

// Both at once.
proto::SequenceValues ReadSequences(PgConnection& connection, const proto::SchemaVersion& schema);

}  // namespace rotv
