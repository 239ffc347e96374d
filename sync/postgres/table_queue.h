// Reads many tables at once: a queue of jobs, and workers in threads of their own, each with a connection of its own,
// that take from it. A job whose table is busy is tried again after the others, so that no migration on the source
// waits for us.

#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "proto/store.pb.h"
#include "storage/error.h"
#include "sync/postgres/source_session.h"

namespace rotv::postgres {

// One command reads tables over as many connections.
inline constexpr size_t kMostTableReaders = 3;

template <typename Job>
class TableQueue {
 public:
  // Workers take the jobs in this order.
  TableQueue(SourceSession& session, std::deque<Job> jobs)
      : session_(session), waiting_(std::move(jobs)), left_(waiting_.size()) {}

  // Starts `workers` of them, kMostTableReaders at most, and waits for all; each calls `work(connection)` once, which
  // takes jobs until there is none. Then ends the progress's piece of work, and rethrows the first exception, after
  // which no job was taken any more.
  template <typename WorkOfOne>
  void Run(size_t workers, const WorkOfOne& work) {
    Run(workers, work, [] {});
  }

  // The same; meanwhile calls `look()` in this thread every tenth of a second, or less often if it takes long, until
  // the work has ended in whichever way. It may throw like a worker.
  template <typename WorkOfOne, typename Look>
  void Run(size_t workers, const WorkOfOne& work, const Look& look) {
    std::vector<std::thread> threads;
    working_ = std::min(workers, kMostTableReaders);
    for (size_t i = std::min(workers, kMostTableReaders); i > 0; --i) {
      threads.emplace_back([&] {
        try {
          work(*session_.Connect(PgConnection::Kind::kOrdinary));
        } catch (...) {
          EndWith(std::current_exception());
        }
        std::lock_guard lock(mutex_);
        --working_;
        changed_.notify_all();
      });
    }
    try {
      LookWhileWorking(look);
    } catch (...) {
      EndWith(std::current_exception());
    }
    for (std::thread& thread : threads) thread.join();
    session_.context().progress.End();
    if (error_) std::rethrow_exception(error_);
  }

  // True if Take() would wait for a job, or return nothing.
  bool NothingWaits() {
    std::lock_guard lock(mutex_);
    return ended_ || waiting_.empty();
  }

  // Returns the next job; nothing when all are finished or the work has ended early.
  std::optional<Job> Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || left_ == 0 || !waiting_.empty(); });
    if (ended_ || left_ == 0) return std::nullopt;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    return job;
  }

  // Finishes a job. `record` writes down what came out, while no other worker does; `more` are jobs that came of it,
  // which are taken before all others.
  template <typename Record>
  void Finish(const Record& record, const std::vector<Job>& more = {}) {
    std::lock_guard lock(mutex_);
    record();
    waiting_.insert(waiting_.begin(), more.begin(), more.end());
    left_ += more.size();
    --left_;
    last_progress_ = Clock::now();
    changed_.notify_all();
  }

  // Puts the job after all others, since its table was busy. Returns after a pause. Throws kUnreachable if no job was
  // finished for ten minutes.
  void TryLater(const Job& job, const proto::Table& table, const PgFailure& busy) {
    constexpr auto kPatience = std::chrono::minutes(10);
    constexpr auto kRetryPause = std::chrono::milliseconds(500);
    session_.context().progress.Note(fmt::format("will try {} again later: {}", table.quoted_name(), busy.message));
    std::unique_lock lock(mutex_);
    if (Clock::now() - last_progress_ > kPatience) {
      throw Error(ErrorCode::kUnreachable,
                  fmt::format("{} could not be read for ten minutes: {}", table.quoted_name(), busy.message),
                  "find the session that holds a lock on it (SELECT * FROM pg_locks), then try again");
    }
    waiting_.push_back(job);
    changed_.notify_all();
    changed_.wait_for(lock, kRetryPause, [this] { return ended_; });
  }

  // Ends the work early: no job is taken from now on.
  void End() {
    std::lock_guard lock(mutex_);
    EndLocked();
  }
  bool ended() {
    std::lock_guard lock(mutex_);
    return ended_;
  }

 protected:
  std::mutex mutex_;  // Held while Finish() records.

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kLookPause{100}, kLongestLookPause{2000};

  template <typename Look>
  void LookWhileWorking(const Look& look) {
    Clock::duration pause = kLookPause;
    std::unique_lock lock(mutex_);
    const auto over = [this] { return working_ == 0 || ended_; };
    while (!changed_.wait_for(lock, pause, over)) {
      lock.unlock();
      const Clock::time_point start = Clock::now();
      look();
      pause = std::clamp<Clock::duration>(9 * (Clock::now() - start), kLookPause, kLongestLookPause);
      lock.lock();
    }
  }

  void EndWith(const std::exception_ptr& error) {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    EndLocked();
  }

  void EndLocked() {
    ended_ = true;
    changed_.notify_all();
  }

  SourceSession& session_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  size_t working_ = 0;  // Workers that have not ended.
  size_t left_;         // Jobs that are not finished: the waiting ones and those that workers have.
  Clock::time_point last_progress_ = Clock::now();
  bool ended_ = false;
  std::exception_ptr error_;
};

}  // namespace rotv::postgres
