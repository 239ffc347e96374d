// Makes what the baseline stands on: the publication, the slot, and the snapshot that the slot's creation exports.

#pragma once

#include <memory>
#include <string>

#include "proto/store.pb.h"
#include "storage/lsn.h"
#include "sync/source_session.h"

namespace rotv {

// Commits a publication of exactly the followed tables of `schema`. Must be done before the slot is made: pgoutput
// reads the catalogue of the past, where a younger publication does not exist.
void CreatePublication(PgConnection& connection, const std::string& name, const proto::SchemaVersion& schema);

// A new logical slot and its snapshot, which others can import as long as this lives and no statement is sent on its
// connection. The slot stays.
class SnapshotSlot {
 public:
  // Waits for transactions that are open on the source, up to half a minute each, showing whom it waits for; then
  // throws kUnreachable naming them. Throws kRefused if no slot is free or the plugin is forbidden.
  SnapshotSlot(SourceSession& session, const std::string& name);

  Lsn lsn() const { return lsn_; }  // The consistent point: the snapshot is the state at it.
  const std::string& snapshot() const { return snapshot_; }

  // A connection in a read-only transaction on the snapshot, safe to read through.
  std::unique_ptr<PgConnection> Import();

 private:
  SourceSession& session_;
  std::unique_ptr<PgConnection> connection_;
  Lsn lsn_;
  std::string snapshot_;
};

// The statements that put a connection's transaction on an exported snapshot.
std::string ImportSnapshotSql(const std::string& snapshot);

}  // namespace rotv
