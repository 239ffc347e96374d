// SourceSession is an open link to a source, a connection for queries, and the means to open more of them.

#pragma once

#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>

#include "proto/store.pb.h"
#include "storage/workspace.h"
#include "sync/context/context.h"
#include "sync/link/link.h"
#include "sync/postgres/dead_mans_switch.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

class SourceSession {
 public:
  // kAlsoReplication opens a replication connection at the same time, since on a slow link each takes several round
  // trips.
  enum class Connections { kOne, kAlsoReplication };
  // kSay: the link's warnings go to the progress; kKeep: the caller reports them.
  enum class Warnings { kSay, kKeep };
  // Opens the link and the connection. `run_directory` is private and ours, for sockets. The context outlives the
  // session. A link or connection that cannot be made throws a LinkError where trying again may help, also later.
  SourceSession(const Context& context, const std::filesystem::path& run_directory,
                Connections connections = Connections::kOne, Warnings warnings = Warnings::kSay);

  link::Link& link() { return *link_; }
  PgConnection& connection() { return *connection_; }
  // A replication connection for one stream: a server does not start a second stream on it. With kAlsoReplication the
  // first one is being opened already: waits for it, and throws the error if that failed.
  std::unique_ptr<PgConnection> TakeReplication();
  const Context& context() const { return context_; }

  // Opens one more connection, with the password of the first. May be called by several threads.
  std::unique_ptr<PgConnection> Connect(PgConnection::Kind kind, int lock_timeout_ms = kLockTimeoutMs);

  // Opens an ordinary connection to another database of the same server. Throws like PgConnection::Connect().
  std::unique_ptr<PgConnection> ConnectTo(const std::string& database);

  // Begins to open ordinary connections for that many later calls of Connect(): their round trips and the start of
  // their server processes are over when they are needed. The session's destructor closes those that are not taken.
  void Prepare(size_t connections);

  // Starts a DeadMansSwitch: from now on the source ends the connections of this session if it does not hear from us
  // for Link::StallTimeout(). Called before anything is held on the source (an exported snapshot, a lock). Returns at
  // once; has no effect if the source has no connections left for it.
  void EndSessionsWhenSilent();

  // Ends what the source still has of an earlier session of this process whose link broke, by that session's
  // application name: it may hold the slot, and the source notices the break late or never. Throws only for a lost
  // connection.
  void EndFormer(const std::string& application_name);

  // All connections of this session have it, and no others, so that they can be told apart in pg_stat_activity.
  const std::string& application_name() const { return application_name_; }

 private:
  static constexpr int kLockTimeoutMs = 2000;

  std::unique_ptr<PgConnection> Open(PgConnection::Kind kind, int lock_timeout_ms);
  std::unique_ptr<PgConnection> Open(const PgConnection::Options& options);

  const Context& context_;
  std::string application_name_;
  std::unique_ptr<link::Link> link_;
  std::future<std::unique_ptr<DeadMansSwitch>> switch_;  // Declared before the connections that it ends.
  std::unique_ptr<PgConnection> connection_;             // Declared after the link, which it needs.
  std::atomic<bool> opened_{false};                      // connection_ is set, and stays as it is.
  std::future<std::unique_ptr<PgConnection>> opening_replication_;
  std::mutex mutex_;
  std::deque<std::future<std::unique_ptr<PgConnection>>> prepared_;
};

// Identifies the database of the connection.
proto::SourceIdentity ReadIdentity(PgConnection& connection);
// The same as columns of a larger query: system identifier, timeline, database oid. The timeline is the one that WAL is
// written on: the control file names the one before until the first checkpoint after a promotion has ended. A standby
// writes none.
inline constexpr const char* kIdentityColumns =
    "(SELECT system_identifier FROM pg_control_system()), "
    "CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint()) "
    "ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END, "
    "(SELECT oid FROM pg_database WHERE datname = current_database())";

}  // namespace rotv::postgres
