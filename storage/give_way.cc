#include "storage/give_way.h"

#include <linux/magic.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "storage/atomic_file.h"
#include "storage/source_lock.h"

// Opening the lock is all that a command has to do to be let in: the kernel tells the holder of it. A signal would need
// the holder's number, which may be that of another process by then, or mean nothing in this container.

namespace rotv {
namespace {

// True on file systems that other machines may use as well: the kernel does not tell of what is opened there.
bool IsShared(const std::filesystem::path& lock) {
  constexpr unsigned long k9p = 0x01021997, kSmb2 = 0xFE534D42, kCifs = 0xFF534D42, kFuse = 0x65735546;
  struct statfs system {};
  if (statfs(lock.c_str(), &system) != 0) return true;
  const auto type = static_cast<unsigned long>(system.f_type) & 0xFFFFFFFF;
  return type == NFS_SUPER_MAGIC || type == k9p || type == kSmb2 || type == kCifs || type == kFuse;
}

}  // namespace

GiveWay::GiveWay(const std::filesystem::path& directory)
    : watch_(inotify_init1(IN_CLOEXEC)), stop_(eventfd(0, EFD_CLOEXEC)) {
  const std::filesystem::path lock = directory / kSourceLockName;
  if (IsShared(lock)) ThrowDiskError("watch", lock, ENOTSUP);
  // IN_ATTRIB: the lock was removed, and with it the source.
  if (!watch_ || !stop_ || inotify_add_watch(watch_.get(), lock.c_str(), IN_OPEN | IN_ATTRIB | IN_MOVE_SELF) < 0) {
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
