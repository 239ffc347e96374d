#include <fcntl.h>
#include <fnmatch.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "tests/support/preload/disk_calls.h"

// What happens to which call is said by the environment:
//   ROTV_TEST_DISK_BELOW      only files below this directory are looked at
//   ROTV_TEST_DISK_CALLS      a file that gets a line for each call: its name and its path
//   ROTV_TEST_DISK_FAIL_AT    the number of the call that fails, from 1
//   ROTV_TEST_DISK_ERROR      its errno; 0: it is a write that writes only a half
//   ROTV_TEST_DISK_FULL       from that call on everything fails that needs space, and nothing else does
//   ROTV_TEST_DISK_KILL_AT    before this call the process is killed
//   ROTV_TEST_DISK_FAIL_LINE  every call fails whose line is like this: "fsync*/sources/production"
//   ROTV_TEST_DISK_AFTER      but only after a call like this

namespace odd_disk {
namespace {

// Only the program that was started is looked at, none of those that it starts.
__attribute__((constructor)) void StayHere() { unsetenv("LD_PRELOAD"); }

std::string TextOf(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}
long NumberOf(const char* name) { return std::atol(TextOf(name).c_str()); }

const std::string& Below() {
  static const std::string below = TextOf("ROTV_TEST_DISK_BELOW");
  return below;
}

std::string LineOf(const Call& call) { return std::string(call.name) + " " + call.path; }

// `pattern` is one of fnmatch(); its stars stand for any characters, also for slashes.
bool Matches(const Call& call, const std::string& pattern) {
  return fnmatch(pattern.c_str(), LineOf(call).c_str(), 0) == 0;
}

// True if a call like that which the test waits for has come before.
bool IsArmed(const Call& call) {
  static const std::string after = TextOf("ROTV_TEST_DISK_AFTER");
  static std::atomic<bool> armed{after.empty()};
  const bool before = armed;
  if (!before && Matches(call, after)) armed = true;
  return before;
}

// Returns the number of this call, from 1.
long Count(const Call& call) {
  static std::atomic<long> count{0};
  static const int calls = [] {
    const std::string path = TextOf("ROTV_TEST_DISK_CALLS");
    return path.empty() ? -1 : open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }();
  const long number = ++count;
  const std::string line = LineOf(call) + "\n";
  if (calls >= 0 && write(calls, line.data(), line.size()) < 0) abort();
  return number;
}

bool NeedsSpace(Kind kind) { return kind != Kind::kOpen && kind != Kind::kSync && kind != Kind::kRemove; }

}  // namespace

bool IsWatched(const std::string& path) {
  const std::string& below = Below();
  return !below.empty() && path.starts_with(below) && (path.size() == below.size() || path[below.size()] == '/');
}

Verdict Decide(const Call& call) {
  static const long fail_at = NumberOf("ROTV_TEST_DISK_FAIL_AT");
  static const long kill_at = NumberOf("ROTV_TEST_DISK_KILL_AT");
  static const int error = static_cast<int>(NumberOf("ROTV_TEST_DISK_ERROR"));
  static const bool full = !TextOf("ROTV_TEST_DISK_FULL").empty();
  static const std::string line = TextOf("ROTV_TEST_DISK_FAIL_LINE");
  const long number = Count(call);
  if (number == kill_at) {
    kill(getpid(), SIGKILL);
    pause();
  }
  if (IsArmed(call) && !line.empty() && Matches(call, line)) return {.error = error};
  if (fail_at == 0 || number < fail_at) return {};
  if (full) return {.error = NeedsSpace(call.kind) ? error : 0};
  if (number > fail_at) return {};
  return {.error = error, .is_short = error == 0 && call.kind == Kind::kWrite};
}

}  // namespace odd_disk
