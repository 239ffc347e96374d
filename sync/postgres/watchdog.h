// Watchdog keeps our locks from harming other sessions on the source: if one waits long for a lock that we hold, or
// would deadlock with us, our own statement is cancelled.

#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "sync/postgres/source_session.h"

namespace rotv::postgres {

class Watchdog {
 public:
  // Watches until destroyed, in a thread and on a connection of its own. Cancels (SQLSTATE 57014) a statement of
  // `session` if another session has waited for its locks for longer than a second, or waits for them at all while the
  // statement waits for a lock itself.
  explicit Watchdog(SourceSession& session);
  ~Watchdog();

 private:
  void Run();

  std::unique_ptr<PgConnection> connection_;
  std::string sql_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace rotv::postgres
