#include "sync/postgres/watchdog.h"

#include <fmt/format.h>

#include <chrono>

#include "storage/error.h"

namespace rotv::postgres {
namespace {

constexpr auto kPeriod = std::chrono::milliseconds(250);

}  // namespace

Watchdog::Watchdog(SourceSession& session) : connection_(session.Connect(PgConnection::Kind::kOrdinary)) {
  std::string ours = connection_->QuoteLiteral(session.application_name());
  // pg_blocking_pids() examines all locks, so it is called only for sessions that wait. A session that waits for us
  // while we wait ourselves may be in a deadlock with us. The server resolves that after a second (deadlock_timeout),
  // and not always by ending our statement.
  sql_ = fmt::format(
      "SELECT pg_cancel_backend(ours.pid) FROM pg_locks waiting "
      "CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) blocking(pid) "
      "JOIN pg_stat_activity ours ON ours.pid = blocking.pid AND ours.application_name = {0} "
      "WHERE NOT waiting.granted AND (waiting.waitstart < clock_timestamp() - interval '1 second' "
      "OR EXISTS (SELECT FROM pg_locks own WHERE own.pid = ours.pid AND NOT own.granted)) "
      "AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = waiting.pid AND a.application_name = {0})",
      ours);
  thread_ = std::thread([this] { Run(); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
  thread_.join();
}

void Watchdog::Run() {
  try {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      lock.unlock();
      connection_->Query(sql_);
      lock.lock();
      stopping_.wait_for(lock, kPeriod, [this] { return stop_; });
    }
  } catch (const Error&) {
    // The link dropped or the user interrupted: the watched work ends for the same reason, and reports it.
  }
}

}  // namespace rotv::postgres
