// A source that is reached: the way to it, a connection for questions, and what of ours stands there.

#pragma once

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
  // With kAlsoReplication a replication connection is opened at the same time: on a slow link each takes several round
  // trips.
  enum class Connections { kOne, kAlsoReplication };
  // kSay: the link's warnings go to the progress; kKeep: the caller has them told.
  enum class Warnings { kSay, kKeep };
  // Opens the link and the connection. `run_directory` is private and ours, for sockets. The context outlives the
  // session.
  SourceSession(const Context& context, const std::filesystem::path& run_directory,
                Connections connections = Connections::kOne, Warnings warnings = Warnings::kSay);

  link::Link& link() { return *link_; }
  PgConnection& connection() { return *connection_; }
  // A replication connection for one stream: a server does not begin a second one on it. With kAlsoReplication the
  // first has been opened before; waits until it is, and throws what has prevented that.
  std::unique_ptr<PgConnection> TakeReplication();
  const Context& context() const { return context_; }

  // One more connection, with the password that served the first. May be called by several threads.
  std::unique_ptr<PgConnection> Connect(PgConnection::Kind kind, int lock_timeout_ms = kLockTimeoutMs);

  // One ordinary connection to another database of the same server. Throws as PgConnection::Connect().
  std::unique_ptr<PgConnection> ConnectTo(const std::string& database);

  // Begins to open ordinary connections, for as many calls of Connect(): what each takes of round trips and of a server
  // process's start is over when they are needed. What is not taken is closed with the session.
  void Prepare(size_t connections);

  // From now on the source ends the connections of this session when it hears nothing of us for Link::StallTimeout().
  // For whoever is about to hold something there. Returns at once; does nothing where the source has no connections to
  // spare for it.
  void EndSessionsWhenSilent();

  // All connections of this session carry it, so that they can be told from others' in pg_stat_activity.
  const std::string& application_name() const { return application_name_; }

 private:
  static constexpr int kLockTimeoutMs = 2000;

  std::unique_ptr<PgConnection> Open(PgConnection::Kind kind, int lock_timeout_ms);

  const Context& context_;
  std::string application_name_;
  std::unique_ptr<link::Link> link_;
  std::future<std::unique_ptr<DeadMansSwitch>> switch_;  // Before the connections that it ends.
  std::unique_ptr<PgConnection> connection_;             // After the link, which it needs.
  std::future<std::unique_ptr<PgConnection>> opening_replication_;
  std::mutex mutex_;
  std::deque<std::future<std::unique_ptr<PgConnection>>> prepared_;
};

// Which database the connection is to.
proto::SourceIdentity ReadIdentity(PgConnection& connection);
// The same as columns for a larger query: system identifier, timeline, database oid.
inline constexpr const char* kIdentityColumns =
    "(SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint()), "
    "(SELECT oid FROM pg_database WHERE datname = current_database())";

}  // namespace rotv::postgres
