// Asks how far the source's WAL is flushed, and has it flushed. The source sends flushed WAL only, and while it is idle
// its last records may stay unflushed for long.

#pragma once

#include <chrono>

#include "storage/lsn.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

struct WalFlush {
  Lsn lsn;
  std::chrono::milliseconds writer_delay{0};  // wal_writer_delay
};

// Asks in one round trip.
WalFlush AskWalFlush(PgConnection& connection);

// Has the server's WAL writer flush all WAL that is written by now, which it does within its delay. This uses up one
// transaction id and writes the commit record of an empty transaction, which needs no privilege, changes nothing, waits
// for no standby and is sent to no consumer. False if the server refuses.
bool FlushWal(PgConnection& connection);

}  // namespace rotv::postgres
