// Creates a replication slot, and gives the snapshot that its creation exports.

#pragma once

#include <memory>
#include <string>

#include "storage/lsn.h"
#include "sync/postgres/source_session.h"

namespace rotv::postgres {

// ExportedSnapshotSlot is a new logical slot with its exported snapshot. Other connections can import the snapshot as
// long as this object exists and no statement is sent on its connection. A permanent slot stays; a temporary one is
// dropped with this object.
class ExportedSnapshotSlot {
 public:
  enum class Lifetime { kPermanent, kTemporary };
  // Creates the slot. The server waits for transactions that are open on it; the progress shows them. After half a
  // minute for one of them (ten seconds for a temporary slot) throws kUnreachable and names them. Throws kRefused if no
  // slot is free or the plugin is forbidden.
  ExportedSnapshotSlot(SourceSession& session, const std::string& name, Lifetime lifetime = Lifetime::kPermanent);

  Lsn lsn() const { return lsn_; }  // The slot's consistent point: the snapshot is the state at this LSN.
  const std::string& snapshot() const { return snapshot_; }

  // Ends the exported snapshot, and drops the slot if it is temporary.
  void Close() { connection_.reset(); }

  // Begins a read-only transaction on the exported snapshot, through which reading is safe. The connection is in no
  // transaction before.
  void BeginReading(PgConnection& connection);

  // Opens a connection in a read-only transaction on the exported snapshot, through which reading is safe.
  std::unique_ptr<PgConnection> Import();

 private:
  SourceSession& session_;
  std::unique_ptr<PgConnection> connection_;
  Lsn lsn_;
  std::string snapshot_;
};

// An exported snapshot without the slot that it came from, kept as long as this object exists. On the source it holds
// back only VACUUM, and no WAL.
struct HeldExportedSnapshot {
  std::unique_ptr<PgConnection> holder;
  std::string name;  // The exported snapshot, through which reading is safe.
  Lsn lsn;           // The snapshot is the state at this LSN.
};
HeldExportedSnapshot HoldExportedSnapshot(ExportedSnapshotSlot& slot);

// The statements that begin a transaction on an exported snapshot.
std::string SetTransactionSnapshotSql(const std::string& snapshot);

}  // namespace rotv::postgres
