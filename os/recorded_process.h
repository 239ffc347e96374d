// A process that outlives the program that started it. It is known by its number and the time of its start, since a
// number alone may belong to another process later.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>

namespace rotv::os {

class RecordedProcess {
 public:
  // Records a process of this machine in `file`, which others must not be able to write. Throws kDisk.
  static RecordedProcess Write(const std::filesystem::path& file, pid_t process);
  // The process that was recorded, whether it is alive or not; nullopt if there is no record.
  static std::optional<RecordedProcess> Read(const std::filesystem::path& file);

  pid_t number() const { return number_; }

  // False once it has ended, also while nobody has waited for it. Collects it if it is a child of ours.
  bool IsAlive() const;

  // Sends a signal to this process and to no other that has its number by then. Does nothing once it has ended.
  void Signal(int signal_number) const;

 private:
  RecordedProcess(pid_t number, uint64_t start_time) : number_(number), start_time_(start_time) {}

  pid_t number_;
  uint64_t start_time_;  // In clock ticks since the machine's start, as /proc has it.
};

}  // namespace rotv::os
