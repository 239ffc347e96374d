// A disk on which every sync takes ROTV_TEST_SYNC_MS milliseconds: a library for LD_PRELOAD.

#include <dlfcn.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace {

using SyncFunction = int (*)(int);

int Slowly(const char* name, int fd) {
  const auto real = reinterpret_cast<SyncFunction>(dlsym(RTLD_NEXT, name));
  if (const char* ms = std::getenv("ROTV_TEST_SYNC_MS")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(ms)));
  }
  return real(fd);
}

}  // namespace

extern "C" int fsync(int fd) { return Slowly("fsync", fd); }
extern "C" int fdatasync(int fd) { return Slowly("fdatasync", fd); }
