#include "os/foreground_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "os/c_strings.h"
#include "os/pipe.h"
#include "storage/error.h"
#include "storage/handle.h"

namespace rotv::os {
namespace {

constexpr std::array kPassedOn = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

std::atomic<pid_t> g_program{0};  // The one that runs; signal handlers reach it.

// Any thread may get a signal of the process, also one that a library made, so that this is a handler and no mask.
extern "C" void PassOn(int number, siginfo_t* info, void* /*context*/) {
  const int saved_errno = errno;
  // The kernel sends those of a terminal to the whole group, which the program is in.
  const pid_t program = g_program.load();
  if (info->si_code != SI_KERNEL && program > 0) kill(program, number);
  errno = saved_errno;
}

// While it exists, signals are passed on. One that was ignored before still is, here and in the program.
class PassingOn {
 public:
  PassingOn() {
    struct sigaction action {};
    action.sa_sigaction = PassOn;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < kPassedOn.size(); ++i) {
      sigaction(kPassedOn[i], nullptr, &before_[i]);
      if (before_[i].sa_handler != SIG_IGN) sigaction(kPassedOn[i], &action, nullptr);
    }
  }
  ~PassingOn() {
    for (size_t i = 0; i < kPassedOn.size(); ++i) sigaction(kPassedOn[i], &before_[i], nullptr);
  }
  PassingOn(const PassingOn&) = delete;
  PassingOn& operator=(const PassingOn&) = delete;

 private:
  std::array<struct sigaction, kPassedOn.size()> before_{};
};

// Runs in the child between fork and exec: async-signal-safe calls only. Writes errno to `report` if exec fails.
[[noreturn]] void BecomeIt(char* const* argv, char* const* envp, pid_t parent, const sigset_t& mask, int report) {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number : kPassedOn) {
    struct sigaction now {};
    sigaction(number, nullptr, &now);
    if (now.sa_handler != SIG_IGN) sigaction(number, &standard, nullptr);
  }
  sigaction(SIGPIPE, &standard, nullptr);
  sigaction(SIGXFSZ, &standard, nullptr);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent) execvpe(argv[0], argv, envp);
  const int problem = errno;
  (void)!write(report, &problem, sizeof problem);
  _exit(127);
}

int WaitForEnd(pid_t program) {
  int status = 0;
  while (waitpid(program, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

int RunInForeground(const std::vector<std::string>& words, const Environment& environment) {
  std::vector<std::string> copies = words;
  std::vector<std::string> assignments = Assignments(environment);
  const std::vector<char*> argv = Pointers(copies);
  const std::vector<char*> envp = Pointers(assignments);
  Pipe report = MakePipe();
  // A signal between the fork and the note of the child's number waits for that.
  sigset_t ours, before;
  sigemptyset(&ours);
  for (int number : kPassedOn) sigaddset(&ours, number);
  const PassingOn passing;
  pthread_sigmask(SIG_BLOCK, &ours, &before);
  const pid_t parent = getpid();
  const pid_t program = fork();
  if (program == 0) BecomeIt(argv.data(), envp.data(), parent, before, report.write_end.get());
  g_program = program;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (program < 0)
    throw Error(ErrorCode::kCannotStart, fmt::format("cannot start a process: {}", std::strerror(errno)));
  report.write_end = FileDescriptor();
  int problem = 0;
  const bool failed = read(report.read_end.get(), &problem, sizeof problem) == sizeof problem;
  const int status = WaitForEnd(program);
  g_program = 0;
  if (!failed) return status;
  throw Error(ErrorCode::kCannotStart, fmt::format("{} cannot be run: {}", words.front(), std::strerror(problem)),
              fmt::format("is {} installed, and in PATH?", words.front()));
}

}  // namespace rotv::os
