// A new slot, and the snapshot that its creation exports.

#pragma once

#include <memory>
#include <string>

#include "storage/lsn.h"
#include "sync/postgres/source_session.h"

namespace rotv::postgres {

// A new logical slot and its snapshot, which others can import as long as this lives and no statement is sent on its
// connection. A permanent slot stays; a temporary one goes with this.
class ExportedSnapshotSlot {
 public:
  enum class Lifetime { kPermanent, kTemporary };
  // Waits for transactions that are open on the source, up to half a minute each (ten seconds for a temporary slot),
  // showing whom it waits for; then throws kUnreachable naming them. Throws kRefused if no slot is free or the plugin
  // is forbidden.
  ExportedSnapshotSlot(SourceSession& session, const std::string& name, Lifetime lifetime = Lifetime::kPermanent);

  Lsn lsn() const { return lsn_; }  // The consistent point: the snapshot is the state at it.
  const std::string& snapshot() const { return snapshot_; }

  // Ends the snapshot, and the slot too if it is temporary.
  void Close() { connection_.reset(); }

  // A connection in a read-only transaction on the snapshot, safe to read through.
  std::unique_ptr<PgConnection> Import();

 private:
  SourceSession& session_;
  std::unique_ptr<PgConnection> connection_;
  Lsn lsn_;
  std::string snapshot_;
};

// A snapshot that is kept for as long as this lives, without the slot that it came from: nothing but the source's
// vacuum waits for it.
struct HeldExportedSnapshot {
  std::unique_ptr<PgConnection> holder;
  std::string name;  // Exported, and safe to read through.
  Lsn lsn;           // The state that it is.
};
HeldExportedSnapshot HoldExportedSnapshot(ExportedSnapshotSlot& slot);

// The statements that put a connection's transaction on an exported snapshot.
std::string SetTransactionSnapshotSql(const std::string& snapshot);

}  // namespace rotv::postgres
