#include "os/stop_signals.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>

#include "storage/error.h"

namespace rotv::os {
namespace {

// The state that signal handlers can reach. It is created before the first signal can come, and never freed.
struct Stop {
  Interrupt* interrupt = nullptr;
  LastWords words;
  std::atomic<bool> has_words = true;  // Whoever takes it away says how the command has ended.
  std::atomic<bool> forgotten = false;
  timer_t deadline = nullptr;
  bool has_deadline = false;
};
Stop* g_stop;

// Ends the process; async-signal-safe. No destructor runs, since the code that does not return may hold locks they
// need. Programs that we started end with us, since they asked the kernel for that (local_command.cc).
[[noreturn]] void EndNow() {
  pollfd out{g_stop->words.descriptor, POLLOUT, 0};
  // A write to a full pipe that no process reads would block.
  if (g_stop->has_words.exchange(false) && poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0) {
    const ssize_t written = write(g_stop->words.descriptor, g_stop->words.text.data(), g_stop->words.text.size());
    static_cast<void>(written);
  }
  _exit(static_cast<int>(ErrorCode::kInterrupted));
}

extern "C" void OnDeadline(int /*number*/) { EndNow(); }

extern "C" void OnSignal(int number) {
  if (g_stop->interrupt->requested()) EndNow();
  const int saved_errno = errno;
  g_stop->interrupt->Request();
  const int ms = number == SIGINT ? kStopByHandMs : kStopMs;
  const itimerspec after{{}, {ms / 1000, ms % 1000 * 1'000'000}};
  if (g_stop->has_deadline) timer_settime(g_stop->deadline, 0, &after, nullptr);
  errno = saved_errno;
}

void Handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // Waiting loops check the Interrupt; other code need not handle EINTR.
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

}  // namespace

void StopOnSignals(Interrupt* interrupt, LastWords words) {
  g_stop = new Stop;
  g_stop->interrupt = interrupt;
  g_stop->words = std::move(words);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  g_stop->has_deadline = timer_create(CLOCK_MONOTONIC, &event, &g_stop->deadline) == 0;
  Handle(SIGALRM, OnDeadline);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction inherited {};
    sigaction(number, nullptr, &inherited);
    if (inherited.sa_handler == SIG_IGN && number == SIGHUP) continue;  // nohup set it on purpose.
    Handle(number, OnSignal);
  }
}

void ForgetLastWords() {
  if (g_stop == nullptr || g_stop->forgotten.exchange(true)) return;
  if (g_stop->has_words.exchange(false)) return;
  for (;;) pause();  // The handler is ending the process.
}

}  // namespace rotv::os
