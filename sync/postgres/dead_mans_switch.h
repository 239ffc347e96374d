// DeadMansSwitch lets the source end our sessions when it no longer hears from us. A server notices by itself that its
// client is gone only if the network reports it. An sshd or a proxy in between can keep a connection open for hours,
// and with it an exported snapshot that VACUUM must respect, or a table's lock.

#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

class DeadMansSwitch {
 public:
  // Opens two connections: on one a thread sends keepalives, several within each Link::StallTimeout(); on the other a
  // statement in the server watches for them. Without a keepalive for that long, or once the first connection is
  // closed, the statement ends all sessions with the application name of `options`. Must be destroyed after all of
  // those. The link and the interrupt outlive it.
  DeadMansSwitch(link::Link& link, const PgConnection::Options& options, const Interrupt& interrupt);
  ~DeadMansSwitch();
  DeadMansSwitch(const DeadMansSwitch&) = delete;
  DeadMansSwitch& operator=(const DeadMansSwitch&) = delete;

 private:
  void SendHeartbeats(std::chrono::milliseconds period);

  std::unique_ptr<PgConnection> heartbeat_;
  std::unique_ptr<PgConnection> watcher_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;  // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace rotv::postgres
