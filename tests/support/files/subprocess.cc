#include "tests/support/files/subprocess.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <random>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "os/c_strings.h"
#include "storage/write_all.h"

extern char** environ;

namespace rotv::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

[[noreturn]] void ThrowErrno(const std::string& what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::generic_category().message(errno)));
}

int MemoryFile(const char* name) {
  const int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) ThrowErrno("memfd_create");
  return fd;
}

std::string ReadAll(int fd) {
  std::string text;
  if (fd < 0) return text;
  char buffer[65536];
  off_t offset = 0;
  while (true) {
    // pread is used because the program shares the file's position.
    const ssize_t n = pread(fd, buffer, sizeof buffer, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer, static_cast<size_t>(n));
    offset += n;
  }
}

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::string home;
};

Account FindAccount(const std::string& user) {
  const passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr) throw std::runtime_error("no such user: " + user);
  Account account{entry->pw_uid, entry->pw_gid, std::vector<gid_t>(64), entry->pw_dir};
  int count = static_cast<int>(account.groups.size());
  if (getgrouplist(user.c_str(), entry->pw_gid, account.groups.data(), &count) < 0) count = 1;
  account.groups.resize(static_cast<size_t>(count));
  return account;
}

bool Matches(const std::string& pattern, const std::string& name) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

std::vector<std::string> Environment(const Command& command, const std::optional<Account>& account) {
  std::map<std::string, std::string> values;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) values[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const std::string& pattern : command.unset_env) {
    std::erase_if(values, [&](const auto& item) { return Matches(pattern, item.first); });
  }
  if (account) {
    values["HOME"] = account->home;
    values["USER"] = values["LOGNAME"] = command.user;
  }
  for (const auto& [name, value] : command.env) values[name] = value;
  return os::Assignments(values);
}

}  // namespace

Process::Process(const Command& command) {
  if (command.argv.empty()) throw std::runtime_error("a command without a program");
  std::optional<Account> account;
  if (!command.user.empty()) account = FindAccount(command.user);
  std::vector<std::string> argv = command.argv;
  std::vector<std::string> env = Environment(command, account);
  const std::vector<char*> argv_pointers = os::Pointers(argv);
  const std::vector<char*> env_pointers = os::Pointers(env);
  const std::string directory = command.directory;
  const pid_t parent = getpid();

  // Files in memory are used instead of pipes: the program goes on although they are not read.
  const int in_fd = MemoryFile("stdin");
  if (WriteAll(in_fd, command.stdin_text) != 0) ThrowErrno("write");
  lseek(in_fd, 0, SEEK_SET);
  if (command.stdout_path.empty()) {
    out_fd_ = MemoryFile("stdout");
  } else {
    out_fd_ = open(command.stdout_path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out_fd_ < 0) ThrowErrno(command.stdout_path);
  }
  err_fd_ = MemoryFile("stderr");

  malloc_trim(0);  // What this process has is counted in the program's peak from the fork on.
  started_ = steady_clock::now();
  pid_ = fork();
  if (pid_ < 0) ThrowErrno("fork");
  if (pid_ == 0) {
    // Only calls that are safe between fork and exec in a process with threads.
    setpgid(0, 0);
    if (dup2(in_fd, 0) < 0 || dup2(out_fd_, 1) < 0 || dup2(err_fd_, 2) < 0) _exit(126);
    if (account) {
      if (setgroups(account->groups.size(), account->groups.data()) != 0 || setgid(account->gid) != 0 ||
          setuid(account->uid) != 0) {
        _exit(126);
      }
    }
    prctl(PR_SET_PDEATHSIG, command.death_signal);  // After setuid, which clears it.
    if (getppid() != parent) _exit(126);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGPIPE, SIG_DFL);
    if (!directory.empty() && chdir(directory.c_str()) != 0) _exit(126);
    execvpe(argv_pointers[0], argv_pointers.data(), env_pointers.data());
    _exit(127);
  }
  setpgid(pid_, pid_);  // Here too, so that the group exists whichever process comes first.
  close(in_fd);
}

Process::~Process() {
  if (!ended_) {
    SignalGroup(SIGKILL);
    Reap(/*block_until_end=*/true, milliseconds(0));
  }
  if (out_fd_ >= 0) close(out_fd_);
  if (err_fd_ >= 0) close(err_fd_);
}

bool Process::Running() { return !Reap(/*block_until_end=*/false, milliseconds(0)); }

void Process::Signal(int signal_number) {
  if (!ended_) kill(pid_, signal_number);
}

void Process::SignalGroup(int signal_number) {
  if (!ended_) killpg(pid_, signal_number);
}

std::string Process::Out() const { return ReadAll(out_fd_); }
std::string Process::Err() const { return ReadAll(err_fd_); }

bool Process::WaitForOutput(std::string_view text, milliseconds timeout) {
  const auto holds = [&] { return Out().find(text) != std::string::npos || Err().find(text) != std::string::npos; };
  WaitUntil([&] { return holds() || !Running(); }, timeout);
  return holds();
}

bool Process::Reap(bool block_until_end, milliseconds timeout) {
  if (ended_) return true;
  const int pid_fd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  const auto end = steady_clock::now() + timeout;
  int status = 0;
  rusage usage{};
  while (true) {
    const pid_t waited = wait4(pid_, &status, block_until_end ? 0 : WNOHANG, &usage);
    if (waited == pid_) break;
    if (waited < 0 && errno != EINTR) break;  // Another part of the program reaped it: it counts as ended.
    const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
    if (!block_until_end && left.count() <= 0) {
      if (pid_fd >= 0) close(pid_fd);
      return false;
    }
    if (pid_fd >= 0) {
      pollfd waiting{pid_fd, POLLIN, 0};
      poll(&waiting, 1, static_cast<int>(left.count()));
    } else {
      NapBetweenPolls();
    }
  }
  if (pid_fd >= 0) close(pid_fd);
  ended_ = true;
  result_.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result_.seconds = std::chrono::duration<double>(steady_clock::now() - started_).count();
  result_.peak_rss_kib = usage.ru_maxrss;
  for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
    result_.processor_seconds += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  }
  return true;
}

std::optional<Result> Process::WaitFor(milliseconds timeout) {
  if (!Reap(/*block_until_end=*/false, timeout)) return std::nullopt;
  Result result = result_;
  result.out = Out();
  result.err = Err();
  return result;
}

Result Process::Wait() {
  Reap(/*block_until_end=*/true, milliseconds(0));
  return *WaitFor(milliseconds(0));
}

Result RunCommand(const Command& command) {
  Process process(command);
  std::optional<Result> result = process.WaitFor(command.timeout);
  if (result) {
    if (!command.stdout_path.empty()) result->out.clear();
    return *result;
  }
  process.SignalGroup(SIGKILL);
  result = process.Wait();
  result->timed_out = true;
  return *result;
}

Result MustRun(const Command& command) {
  Result result = RunCommand(command);
  if (!result.ok()) throw std::runtime_error(Describe(command, result));
  return result;
}

std::string Describe(const Command& command, const Result& result) {
  return fmt::format("{}\n  {} {} after {:.1f} s\n--- standard output\n{}\n--- standard error\n{}\n---",
                     fmt::join(command.argv, " "), result.timed_out ? "timed out, ended with" : "ended with",
                     result.exit_status, result.seconds, result.out, result.err);
}

void NapBetweenPolls(milliseconds waited) {
  std::this_thread::sleep_for(std::clamp(waited / 20, milliseconds(5), milliseconds(50)));
}

std::string ReadFile(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) ThrowErrno(path);
  std::string text = ReadAll(fd);
  close(fd);
  return text;
}

void WriteFile(const std::filesystem::path& path, std::string_view text, mode_t mode) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) ThrowErrno(path);
  fchmod(fd, mode);
  const int problem = WriteAll(fd, text);
  close(fd);
  if (problem != 0) throw std::runtime_error(fmt::format("{}: {}", path.string(), strerror(problem)));
}

bool IsRoot() { return geteuid() == 0; }

std::string CurrentUser() {
  const passwd* entry = getpwuid(geteuid());
  if (entry == nullptr) throw std::runtime_error(fmt::format("user {} has no name", geteuid()));
  return entry->pw_name;
}

namespace {

sockaddr_in OnThisMachine(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A port that can be bound may still be led elsewhere: a container that was killed leaves the rule of the firewall that
// led its port to it, and then nobody answers there.
bool RefusesConnections(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) ThrowErrno("socket");
  const sockaddr_in address = OnThisMachine(port);
  int error = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    constexpr int kAnswerMs = 500;  // Of this machine itself, which may be busy.
    pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
    socklen_t size = sizeof error;
    if (poll(&waiting, 1, kAnswerMs) == 1) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  close(fd);
  return error == ECONNREFUSED;
}

bool CanBeBound(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) ThrowErrno("socket");
  const sockaddr_in address = OnThisMachine(port);
  const bool is_bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return is_bound;
}

}  // namespace

int FreePort() {
  static std::mt19937 random{std::random_device{}()};
  for (int attempt = 0; attempt < 200; ++attempt) {
    const int port = std::uniform_int_distribution<int>(20000, 32000)(random);
    if (CanBeBound(port) && RefusesConnections(port)) return port;
  }
  throw std::runtime_error("no free TCP port on 127.0.0.1");
}

}  // namespace rotv::testing
