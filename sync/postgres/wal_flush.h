// How far the source's log is safe, which is how far it sends: records that nobody has flushed stay where they are
// while the server idles.

#pragma once

#include <chrono>

#include "storage/lsn.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

struct WalFlush {
  Lsn lsn;
  std::chrono::milliseconds writer_delay{0};  // wal_writer_delay
};

// One round trip.
WalFlush AskWalFlush(PgConnection& connection);

// Has the server's log writer flush everything that is in the log by now, which it does within its delay. This takes a
// transaction's number and writes the commit record of an empty transaction, which needs no privilege, changes
// nothing, waits for nobody and is sent to nobody. False if the server refuses.
bool FlushWal(PgConnection& connection);

}  // namespace rotv::postgres
