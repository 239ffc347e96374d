#include "storage/give_way.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>

#include "storage/atomic_file.h"
#include "storage/source_lock.h"

// Opening the lock is all that a command has to do to be let in: the kernel tells the holder of it. A signal would need
// the holder's number, which may be that of another process by then, or mean nothing in this container.

namespace rotv {

GiveWay::GiveWay(const std::filesystem::path& directory)
    : watch_(inotify_init1(IN_CLOEXEC)), stop_(eventfd(0, EFD_CLOEXEC)) {
  const std::filesystem::path lock = directory / kSourceLockName;
  if (!watch_ || !stop_ || inotify_add_watch(watch_.get(), lock.c_str(), IN_OPEN) < 0) {
    ThrowDiskError("watch", lock, errno);
  }
  thread_ = std::thread([this] {
    pollfd waits[] = {{.fd = watch_.get(), .events = POLLIN, .revents = 0},
                      {.fd = stop_.get(), .events = POLLIN, .revents = 0}};
    while (poll(waits, 2, -1) < 0) {
    }
    if (waits[1].revents == 0) _exit(0);
  });
}

GiveWay::~GiveWay() {
  (void)eventfd_write(stop_.get(), 1);
  thread_.join();
}

}  // namespace rotv
