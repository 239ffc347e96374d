#include "sync/postgres/dead_mans_switch.h"

#include <exception>

#include "fmt/format.h"
#include "storage/error.h"

// The server has settings that look like this and are not enough: TCP keepalives and client_connection_check_interval
// only see the next hop, which an sshd or a proxy keeps alive, and idle_in_transaction_session_timeout would also end a
// session that rightly waits. So a statement in the server itself (a DO block) watches for our keepalives in
// pg_stat_activity. It costs two connections and a wake-up each tenth of a second, and needs no privilege beyond ending
// sessions of the own role.
//
// Invariant: whatever holds something on the source is a session with the watched application name, and is closed
// before the switch.

namespace rotv::postgres {
namespace {

constexpr int kHeartbeatsPerTimeout = 4;
// A session whose client does not read waits while it tells it that it ends: only a second request ends it.
constexpr int kTerminations = 3;

// The statement that watches in the server. It commits in each round, so that it holds no snapshot for longer than a
// tenth of a second, and sees new values. When the first connection changes its application name, that means the
// regular end: the statement returns and ends no session. Whoever ends waits for that, so the first rounds are short,
// and a round is never longer than a tenth of the time before it.
std::string WatchSql(PgConnection& connection, const std::string& application_name, int heartbeat_pid,
                     std::chrono::milliseconds limit) {
  const std::string body = fmt::format(
      "DECLARE last_sign timestamptz; name text; start timestamptz := clock_timestamp(); BEGIN LOOP "
      "PERFORM pg_sleep(greatest(0.005, least(0.1, extract(epoch FROM clock_timestamp() - start) / 10))); COMMIT; "
      "SELECT state_change, application_name INTO last_sign, name FROM pg_stat_activity WHERE pid = {0}; "
      "IF name <> {1} THEN RETURN; END IF; "
      "EXIT WHEN last_sign IS NULL OR last_sign < clock_timestamp() - interval '{2} milliseconds'; END LOOP; "
      "FOR i IN 1..{3} LOOP PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = {1} AND "
      "pid <> pg_backend_pid(); PERFORM pg_sleep(0.1); COMMIT; END LOOP; "
      "PERFORM pg_terminate_backend(pg_backend_pid()); END",
      heartbeat_pid, connection.QuoteLiteral(application_name), limit.count(), kTerminations);
  return fmt::format("DO {}", connection.QuoteLiteral(body));
}

}  // namespace

DeadMansSwitch::DeadMansSwitch(link::Link& link, const PgConnection::Options& options, const Interrupt& interrupt)
    : heartbeat_(PgConnection::Connect(link, options, interrupt)),
      watcher_(PgConnection::Connect(link, options, interrupt)) {
  watcher_->Send(WatchSql(*watcher_, options.application_name, heartbeat_->backend_pid(), link.StallTimeout()));
  thread_ = std::thread([this, period = link.StallTimeout() / kHeartbeatsPerTimeout] { SendHeartbeats(period); });
}

DeadMansSwitch::~DeadMansSwitch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
  thread_.join();
  // After an error the link may be dead, so the regular end is not announced: closing the connections does that.
  if (std::uncaught_exceptions() > 0) return;
  try {
    heartbeat_->Query("SET application_name = ''");
    watcher_->FinishCopy();  // Takes the result of the watching statement, which ends now.
  } catch (const Error&) {
    // The connections are gone, and nothing is left to end.
  }
}

void DeadMansSwitch::SendHeartbeats(std::chrono::milliseconds period) {
  try {
    std::unique_lock lock(mutex_);
    while (!stopping_.wait_for(lock, period, [this] { return stop_; })) {
      lock.unlock();
      heartbeat_->Query("SELECT");
      lock.lock();
    }
  } catch (const Error&) {
    // The link dropped or the user interrupted: the watched work ends for the same reason, and reports it.
  }
}

}  // namespace rotv::postgres
