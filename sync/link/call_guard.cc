#include "sync/link/call_guard.h"

#include <sys/socket.h>

namespace rotv::link {

using Clock = std::chrono::steady_clock;

CallGuard::~CallGuard() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void CallGuard::Begin() {
  const std::lock_guard lock(mutex_);
  deadline_ = Clock::now() + limit_;
  changed_.notify_all();
}

void CallGuard::End() {
  const std::lock_guard lock(mutex_);
  deadline_.reset();
}

bool CallGuard::timed_out() const {
  const std::lock_guard lock(mutex_);
  return timed_out_;
}

void CallGuard::Watch() {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    if (!deadline_) {
      changed_.wait(lock);
      continue;
    }
    timed_out_ = Clock::now() > *deadline_;
    if (timed_out_ || interrupt_.requested()) {
      shutdown(fd_, SHUT_RDWR);
      return;
    }
    changed_.wait_for(lock, std::chrono::milliseconds(Interrupt::kPollMs));
  }
}

}  // namespace rotv::link
