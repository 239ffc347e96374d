// Where the sequences stand.

#pragma once

#include "proto/store.pb.h"
#include "sync/pg_connection.h"

namespace rotv {

// last_value and is_called of each sequence of `schema`, now.
proto::SequenceValues ReadSequences(PgConnection& connection, const proto::SchemaVersion& schema);

}  // namespace rotv
