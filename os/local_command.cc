#include "os/local_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "os/c_strings.h"
#include "os/file_in_memory.h"
#include "os/pipe.h"
#include "os/tail_buffer.h"
#include "storage/error.h"
#include "storage/handle.h"

namespace rotv::os {
namespace {

// Makes a pgpass file that is in no directory: a killed run leaves nothing behind, and the program's environment and
// arguments stay free of the password. libpq ignores the file unless only its owner can read it.
FileDescriptor PasswordInMemory(const std::string& password) {
  if (password.find_first_of("\r\n") != std::string::npos) {
    throw Error(ErrorCode::kUsage, "a password that contains a line break cannot be handed over");
  }
  std::string line = "*:*:*:*:";
  for (const char c : password) {
    if (c == ':' || c == '\\') line += '\\';
    line += c;
  }
  line += '\n';
  return FileInMemory("rotv-pgpass", line);
}

// Launch holds what the child needs, made before the fork: after it the child may not allocate, since another thread
// may have held the allocator's lock, which is then never released.
struct Launch {
  Launch(const ProgramCall& command, std::map<std::string, std::string> environment)
      : standard_input(command.standard_input) {
    for (const auto& [name, value] : command.env) environment[name] = value;
    if (!command.password.empty()) {
      password_file = PasswordInMemory(command.password);
      environment["PGPASSFILE"] = fmt::format("/proc/self/fd/{}", password_file.get());
    }
    is_whole = command.is_whole;
    is_group = command.is_group;
    words = command.argv;
    env_words = Assignments(environment);
    argv = Pointers(words);
    envp = Pointers(env_words);
  }

  const pid_t parent = getpid();
  bool is_whole = false;
  bool is_group = false;
  const int standard_input;
  std::vector<std::string> words;
  std::vector<std::string> env_words;
  std::vector<char*> argv;
  std::vector<char*> envp;
  FileDescriptor password_file;
};

// Runs in the child between fork and exec: async-signal-safe calls only.
[[noreturn]] void BecomeProgram(const Launch& launch, int out_fd, int err_fd) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  // The kernel ends the program when we die, whatever the cause. The second check covers our death before the prctl().
  // In a session of its own a program has no terminal: one that asks there is not stopped by it, but told so.
  if (launch.is_whole || launch.is_group) setsid();
  if (!launch.is_whole && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != launch.parent)) {
    _exit(126);
  }
  const int in_fd = launch.standard_input >= 0 ? launch.standard_input : open("/dev/null", O_RDONLY);
  if (in_fd < 0 || dup2(in_fd, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 ||
      dup2(err_fd, STDERR_FILENO) < 0) {
    _exit(126);
  }
  if (launch.password_file) fcntl(launch.password_file.get(), F_SETFD, 0);  // Only this program inherits it.
  execvpe(launch.argv[0], launch.argv.data(), launch.envp.data());
  const int reason = errno;
  const char* text = reason == ENOENT ? ": command not found\n" : ": cannot be started\n";
  if (write(STDERR_FILENO, launch.argv[0], strlen(launch.argv[0])) > 0 &&
      write(STDERR_FILENO, text, strlen(text)) > 0) {
    _exit(reason == ENOENT ? 127 : 126);
  }
  _exit(reason == ENOENT ? 127 : 126);
}

// A child process that does not outlive this object.
class Child {
 public:
  explicit Child(const Launch& launch) : patience_(launch.is_whole ? 10 : 0), is_group_(launch.is_group) {
    Pipe out = MakePipe();
    Pipe err = MakePipe();
    pid_ = fork();
    if (pid_ < 0) throw Error(ErrorCode::kCannotStart, fmt::format("cannot start a process: {}", std::strerror(errno)));
    if (pid_ == 0) BecomeProgram(launch, out.write_end.get(), err.write_end.get());
    out_ = std::move(out.read_end);
    err_ = std::move(err.read_end);
  }
  ~Child() {
    if (pid_ > 0) End();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int out() const { return out_.get(); }
  int err() const { return err_.get(); }

  // Waits for the end of the child and returns its exit status; called once both outputs have ended.
  int Wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  // Leaves the child to Wait().
  bool EndsWithin(std::chrono::milliseconds time) const {
    const auto deadline = std::chrono::steady_clock::now() + time;
    for (;;) {
      siginfo_t ended{};
      if (waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid != 0) {
        return true;
      }
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

 private:
  void End() {
    if (patience_.count() == 0 || !EndsWithin(patience_)) {
      Signal(SIGTERM);
      while (!EndsWithin(std::chrono::seconds(1))) Signal(SIGKILL);
    }
    // What the program has started may have outlived it. Until we have waited for the program, no other group can have
    // this number.
    if (is_group_) Signal(SIGKILL);
    Wait();
  }
  // The group begins once the child has made it.
  void Signal(int signal) const {
    if (!is_group_ || kill(-pid_, signal) != 0) kill(pid_, signal);
  }

  const std::chrono::seconds patience_;
  const bool is_group_;
  pid_t pid_ = -1;
  FileDescriptor out_;
  FileDescriptor err_;
};

}  // namespace

CommandResult RunLocalCommand(const ProgramCall& command, const std::function<void(std::string_view)>& on_stdout,
                              const Interrupt& interrupt, std::map<std::string, std::string> environment) {
  constexpr int kTimedOut = 124;
  const Launch launch(command, std::move(environment));
  const auto started = std::chrono::steady_clock::now();
  const auto is_over = [&] {
    return command.time_limit.count() > 0 && std::chrono::steady_clock::now() - started > command.time_limit;
  };
  Child child(launch);
  TailBuffer errors;
  std::vector<char> buffer(128 * 1024);
  std::array<pollfd, 2> polled{pollfd{child.out(), POLLIN, 0}, pollfd{child.err(), POLLIN, 0}};
  while (polled[0].fd >= 0 || polled[1].fd >= 0) {
    interrupt.Check();
    if (is_over()) return {kTimedOut, errors.text(), true};
    if (poll(polled.data(), polled.size(), Interrupt::kPollMs) <= 0) {
      if (command.while_quiet) command.while_quiet();
      continue;
    }
    for (pollfd& source : polled) {
      if (source.fd < 0 || source.revents == 0) continue;
      const ssize_t got = read(source.fd, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        source.fd = -1;
      } else if (&source == polled.data()) {
        on_stdout(std::string_view(buffer.data(), static_cast<size_t>(got)));
      } else {
        errors.Append(std::string_view(buffer.data(), static_cast<size_t>(got)));
      }
    }
  }
  // A program may close both and go on.
  while (!child.EndsWithin(std::chrono::milliseconds(Interrupt::kPollMs))) {
    interrupt.Check();
    if (is_over()) return {kTimedOut, errors.text(), true};
    if (command.while_quiet) command.while_quiet();
  }
  return {child.Wait(), errors.text(), false};
}

}  // namespace rotv::os
