#include "sync/postgres/wal_flush.h"

namespace rotv::postgres {

WalFlush AskWalFlush(PgConnection& connection) {
  PgResult row =
      connection.Query("SELECT pg_current_wal_flush_lsn(), setting FROM pg_settings WHERE name = 'wal_writer_delay'");
  return {Lsn::Parse(row.Text(0, 0)).value(), std::chrono::milliseconds(row.Int(0, 1))};
}

bool FlushWal(PgConnection& connection) {
  // A transaction with an id gets a commit record even if it has done nothing. It does not wait until that is flushed,
  // but makes the WAL writer do it at once.
  return !connection.TryQuery("SELECT pg_current_xact_id()").failure;
}

}  // namespace rotv::postgres
