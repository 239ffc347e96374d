// Runs programs for tests: with an environment, a directory, standard input and a user, in the foreground with a
// time-out or in the background. Each program leads a process group of its own and is killed with this process, so that
// a test that is itself killed leaves no server running.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/files/programs_under_test.h"  // Whoever runs them has them.

namespace rotv::testing {

struct Command {
  std::vector<std::string> argv = {};           // argv[0] is searched in PATH unless it contains a '/'.
  std::map<std::string, std::string> env = {};  // Set in addition to this process's environment.
  std::vector<std::string> unset_env = {};      // Removed from it; a name that ends in '*' means all names with that
                                                // prefix.
  std::filesystem::path directory = {};         // Empty: this process's.
  std::string stdin_text = {};
  std::filesystem::path stdout_path = {};  // Standard output goes to this file instead of Result::out.
  std::string user = {};  // The user that runs it, with that user's groups and HOME. Needs root. Empty: our own.
  std::chrono::milliseconds timeout{120'000};  // RunCommand() kills the group after this time. Background processes
                                               // have no time-out.
  int death_signal = 9;                        // The signal that the program gets when the thread that started it ends.
};

struct Result {
  int exit_status = 0;  // The same as a shell's: 127 not found, 128+n killed by signal n.
  bool timed_out = false;
  std::string out;
  std::string err;
  double seconds = 0;
  // The peak of the program and of those of its children that it waited for.
  int64_t peak_rss_kib = 0;
  double processor_seconds = 0;

  bool ok() const { return exit_status == 0 && !timed_out; }
};

// A program in the background. One thread at a time may use it.
class Process {
 public:
  // Throws std::runtime_error if it cannot be started; a missing program ends with status 127.
  explicit Process(const Command& command);
  ~Process();  // Kills the group with SIGKILL and waits.
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool Running();

  void Signal(int signal_number);       // Goes to the program alone. Nothing happens if it has ended.
  void SignalGroup(int signal_number);  // Goes to all processes that it started and that stayed in its group.

  // Its output so far.
  std::string Out() const;
  std::string Err() const;
  // Waits until standard output or standard error holds `text`; false if it ends or `timeout` passes first.
  bool WaitForOutput(std::string_view text, std::chrono::milliseconds timeout);

  // Waits for the end; nothing if it has not ended within `timeout`. May be called again after the end.
  std::optional<Result> WaitFor(std::chrono::milliseconds timeout);
  Result Wait();

 private:
  bool Reap(bool block_until_end, std::chrono::milliseconds timeout);

  pid_t pid_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  bool ended_ = false;
  Result result_;
  std::chrono::steady_clock::time_point started_;
};

Result RunCommand(const Command& command);

// Like RunCommand(), but throws std::runtime_error with the command and all its output unless it ends with 0.
Result MustRun(const Command& command);

// The command, its status and its output, for a failure's message.
std::string Describe(const Command& command, const Result& result);

// Polls `condition` until it holds; false if `timeout` passes first. The longer it has waited, the longer the naps are,
// up to a twentieth of a second: a condition may be a session on a server, which takes as long as a short nap.
template <typename Condition>
bool WaitUntil(Condition condition, std::chrono::milliseconds timeout = std::chrono::seconds(30));

void NapBetweenPolls(std::chrono::milliseconds waited = {});

template <typename Condition>
bool WaitUntil(Condition condition, std::chrono::milliseconds timeout) {
  const auto start = std::chrono::steady_clock::now();
  while (!condition()) {
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    if (waited >= timeout) return false;
    NapBetweenPolls(waited);
  }
  return true;
}

// The whole file; throws std::runtime_error if it cannot be read.
std::string ReadFile(const std::filesystem::path& path);
// Creates or replaces the file with these permissions; throws std::runtime_error.
void WriteFile(const std::filesystem::path& path, std::string_view text, mode_t mode = 0644);

bool IsRoot();
std::string CurrentUser();
// A TCP port of 127.0.0.1 without a listener at this moment, outside of the range that outgoing connections use.
// Another process can still take it first: callers try again with another port then.
int FreePort();

}  // namespace rotv::testing
