#include "os/process_list.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <optional>
#include <sstream>

namespace rotv::os {
namespace {

// Reads a file of /proc; empty if the process has ended. It may also end between open and read, on which a stream would
// throw.
std::string ReadProcFile(const std::string& path) {
  std::string text;
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  std::array<char, 4096> piece;
  for (ssize_t got; (got = read(fd, piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<size_t>(got));
  close(fd);
  return text;
}

std::vector<std::string> SplitAtZeros(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, '\0');) words.push_back(word);
  return words;
}

std::vector<pid_t> AllProcesses() {
  std::vector<pid_t> processes;
  DIR* folder = opendir("/proc");
  if (folder == nullptr) return processes;
  while (const dirent* entry = readdir(folder)) {
    std::string_view name = entry->d_name;
    pid_t process = 0;
    auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), process);
    if (problem == std::errc() && end == name.data() + name.size()) processes.push_back(process);
  }
  closedir(folder);
  return processes;
}

// The inode of the socket that listens on `port`, from a table of /proc/net.
std::optional<std::string> ListeningInode(const char* table, int port) {
  constexpr const char* kListening = "0A";
  std::istringstream lines(ReadProcFile(table));
  std::string line;
  std::getline(lines, line);  // The header line.
  while (std::getline(lines, line)) {
    std::istringstream stream(line);
    std::vector<std::string> fields{std::istream_iterator<std::string>(stream), {}};
    if (fields.size() < 10 || fields[3] != kListening) continue;
    size_t colon = fields[1].rfind(':');
    if (fields[1].substr(colon + 1) == fmt::format("{:04X}", port)) return fields[9];
  }
  return std::nullopt;
}

bool HoldsSocket(pid_t process, const std::string& inode) {
  std::error_code problem;
  std::string wanted = fmt::format("socket:[{}]", inode);
  // The process may end during the loop.
  for (std::filesystem::directory_iterator i(fmt::format("/proc/{}/fd", process), problem), end; !problem && i != end;
       i.increment(problem)) {
    std::error_code gone;
    if (std::filesystem::read_symlink(i->path(), gone).native() == wanted) return true;
  }
  return false;
}

}  // namespace

std::vector<pid_t> ProcessesWithVariable(const std::string& variable) {
  std::vector<pid_t> found;
  for (pid_t process : AllProcesses()) {
    if (process == getpid()) continue;
    std::vector<std::string> variables = SplitAtZeros(ReadProcFile(fmt::format("/proc/{}/environ", process)));
    if (std::find(variables.begin(), variables.end(), variable) != variables.end()) found.push_back(process);
  }
  return found;
}

std::vector<std::string> CommandLineOf(pid_t process) {
  return SplitAtZeros(ReadProcFile(fmt::format("/proc/{}/cmdline", process)));
}

std::optional<uid_t> UserOf(pid_t process) {
  struct stat status {};
  if (stat(fmt::format("/proc/{}", process).c_str(), &status) != 0) return std::nullopt;
  return status.st_uid;
}

namespace {

// The fields of /proc/PID/stat from the state on; empty if there is no such process.
std::vector<std::string> StatusFields(pid_t process) {
  const std::string status = ReadProcFile(fmt::format("/proc/{}/stat", process));
  const size_t name_end = status.rfind(") ");  // The name before it may contain anything.
  if (name_end == std::string::npos) return {};
  std::istringstream stream(status.substr(name_end + 2));
  return {std::istream_iterator<std::string>(stream), {}};
}

}  // namespace

bool IsAlive(pid_t process) {
  const std::vector<std::string> fields = StatusFields(process);
  return !fields.empty() && fields[0] != "Z" && fields[0] != "X";
}

std::optional<bool> AnyRuns(const std::vector<std::string>& programs) {
  for (pid_t process : AllProcesses()) {
    std::string name = ReadProcFile(fmt::format("/proc/{}/comm", process));
    if (!name.empty() && name.back() == '\n') name.pop_back();
    if (std::find(programs.begin(), programs.end(), name) != programs.end() && IsAlive(process)) return true;
  }
  // The first process is always there, and another user's unless we are root.
  if (access("/proc/1/comm", R_OK) != 0) return std::nullopt;
  return false;
}

std::optional<uint64_t> StartTimeOf(pid_t process) {
  constexpr size_t kStartTime = 22 - 3;  // Field 22 of proc(5); the state is field 3.
  const std::vector<std::string> fields = StatusFields(process);
  if (fields.size() <= kStartTime) return std::nullopt;
  return std::stoull(fields[kStartTime]);
}

std::string WhoListensOn(int port) {
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::optional<std::string> inode = ListeningInode(table, port);
    if (!inode) continue;
    for (pid_t process : AllProcesses()) {
      if (!HoldsSocket(process, *inode)) continue;
      std::string name = ReadProcFile(fmt::format("/proc/{}/comm", process));
      if (!name.empty() && name.back() == '\n') name.pop_back();
      return fmt::format("{} (process {})", name, process);
    }
    return "another user's process";
  }
  return "";
}

}  // namespace rotv::os
