// A disk on which every sync takes ROTV_TEST_SYNC_MS milliseconds: a library for LD_PRELOAD. If ROTV_TEST_SYNC_BEGUN is
// set, a file of that name exists from the first sync on.

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace {

using SyncFunction = int (*)(int);

int Slowly(const char* name, int fd) {
  const auto real = reinterpret_cast<SyncFunction>(dlsym(RTLD_NEXT, name));
  if (const char* begun = std::getenv("ROTV_TEST_SYNC_BEGUN")) close(open(begun, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  if (const char* ms = std::getenv("ROTV_TEST_SYNC_MS")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(ms)));
  }
  return real(fd);
}

}  // namespace

extern "C" int fsync(int fd) { return Slowly("fsync", fd); }
extern "C" int fdatasync(int fd) { return Slowly("fdatasync", fd); }
