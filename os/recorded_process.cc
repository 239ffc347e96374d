#include "os/recorded_process.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <string>

#include "os/process_list.h"
#include "os/text_file.h"
#include "storage/atomic_file.h"
#include "storage/handle.h"

namespace rotv::os {

RecordedProcess RecordedProcess::Write(const std::filesystem::path& file, pid_t process) {
  const RecordedProcess recorded(process, StartTimeOf(process).value_or(0));
  WriteFileAtomically(file, fmt::format("{} {}\n", recorded.number_, recorded.start_time_));
  return recorded;
}

std::optional<RecordedProcess> RecordedProcess::Read(const std::filesystem::path& file) {
  const std::optional<std::string> text = ReadTextFile(file);
  if (!text) return std::nullopt;
  std::istringstream fields(*text);
  pid_t number = 0;
  uint64_t start_time = 0;
  if (!(fields >> number >> start_time) || number <= 0) return std::nullopt;
  return RecordedProcess(number, start_time);
}

bool RecordedProcess::IsAlive() const {
  if (StartTimeOf(number_) != start_time_) return false;
  if (waitpid(number_, nullptr, WNOHANG) == number_) return false;  // Fails for all but our own children.
  return os::IsAlive(number_);
}

void RecordedProcess::Signal(int signal_number) const {
  // Once the descriptor is open the number is not given to another process. By system calls: the header of glibc 2.36
  // cannot be used from C++.
  const FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, number_, 0)));
  if (!process && errno != ENOSYS) return;
  if (!IsAlive()) return;
  if (process) {
    syscall(SYS_pidfd_send_signal, process.get(), signal_number, nullptr, 0);
  } else {
    kill(number_, signal_number);
  }
}

}  // namespace rotv::os
