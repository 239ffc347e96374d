// Ends our sessions on the source when nothing is heard of us. A server that cannot reach its client notices by itself
// only if the network says so; an sshd or a proxy in between can keep a connection, and with it a snapshot that VACUUM
// must respect or a table's lock, for hours.

#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

class DeadMansSwitch {
 public:
  // Takes two connections: one on which a statement watches, in the server, the other, on which a thread gives a sign
  // of life several times within Link::StallTimeout(). Without one for so long, or once the other is gone, the
  // statement ends every session that has the application name of `options`. To be destroyed after all of those. The
  // link and the interrupt outlive it.
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
