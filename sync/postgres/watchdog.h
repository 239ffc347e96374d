// Sees to it that nobody on the source waits long for a lock that we hold, or fails in a deadlock with us: whoever is
// in the way is cancelled, and that is us.

#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "sync/postgres/source_session.h"

namespace rotv::postgres {

class Watchdog {
 public:
  // Watches until destroyed, in a thread and on a connection of its own. Statements of `session` that somebody has
  // waited for longer than a second, or waits for while they wait for a lock themselves, are cancelled (SQLSTATE
  // 57014).
  explicit Watchdog(SourceSession& session);
  ~Watchdog();

 private:
  void Run();

  std::unique_ptr<PgConnection> connection_;
  std::string sql_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace rotv::postgres
