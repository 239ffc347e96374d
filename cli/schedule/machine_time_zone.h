// The time zone of the machine, by which schedulers go: TZ in a user's shell is not theirs.

#pragma once

#include <cstdint>
#include <string>

namespace rotv::schedule {

// While it lives, this process's local time is the machine's. Changes the environment: no other thread may read it
// then.
class MachineTimeZone {
 public:
  MachineTimeZone();
  ~MachineTimeZone();
  MachineTimeZone(const MachineTimeZone&) = delete;
  MachineTimeZone& operator=(const MachineTimeZone&) = delete;

 private:
  bool was_set_ = false;
  std::string before_;
};

// "02:00 CET" for Unix time in microseconds; empty where the machine's time is UTC.
std::string MachineTimeText(int64_t time_us);

}  // namespace rotv::schedule
