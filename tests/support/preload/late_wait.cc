// A bash that is late, as under load: a library for LD_PRELOAD. Once the file ROTV_TEST_LATE_FROM exists, each time
// that the process keeps SIGCHLD from coming, as bash does around each step of a wait, it first spends 50 ms, and makes
// a file whose name is FROM and the number of that time, from 1.

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>

namespace {

// A sleep would end by the signal.
void BeLate(const std::string& from) {
  static int times = 0;
  close(open((from + std::to_string(++times)).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  while (std::chrono::steady_clock::now() < end) usleep(1000);
}

}  // namespace

extern "C" int sigprocmask(int how, const sigset_t* set, sigset_t* old) {
  using Function = int (*)(int, const sigset_t*, sigset_t*);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "sigprocmask"));
  const char* from = std::getenv("ROTV_TEST_LATE_FROM");
  if (how == SIG_BLOCK && set != nullptr && sigismember(set, SIGCHLD) == 1 && from != nullptr &&
      access(from, F_OK) == 0) {
    BeLate(from);
  }
  return real(how, set, old);
}
