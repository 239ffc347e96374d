// Ends calls of libssh that know neither a time limit nor an interrupt.

#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "storage/interrupt.h"

namespace rotv::link {

// A thread that shuts the connection `fd` down when a call takes longer than `limit`, or once the program is to stop;
// libssh then returns an error. Throws std::system_error if the thread cannot start.
class CallGuard {
 public:
  CallGuard(int fd, std::chrono::milliseconds limit, const Interrupt& interrupt)
      : fd_(fd), limit_(limit), interrupt_(interrupt), thread_([this] { Watch(); }) {}
  ~CallGuard();
  CallGuard(const CallGuard&) = delete;
  CallGuard& operator=(const CallGuard&) = delete;

  // Makes a call, and returns its result. One thread at a time.
  template <typename Function>
  auto Run(const Function& call) {
    Begin();
    auto result = call();
    End();
    return result;
  }

  // Whether a call has taken too long.
  bool timed_out() const;

 private:
  void Begin();
  void End();
  void Watch();

  const int fd_;
  const std::chrono::milliseconds limit_;
  const Interrupt& interrupt_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;  // Of the call that runs.
  bool timed_out_ = false;
  bool ends_ = false;
  std::thread thread_;  // The last: it uses the others.
};

}  // namespace rotv::link
