// What runs commands at their times on this machine.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/schedule/job.h"
#include "os/environment.h"
#include "storage/interrupt.h"

namespace rotv::schedule {

// What a scheduler works with. All outlive it.
struct SchedulePlace {
  const std::filesystem::path& home;
  const os::Environment& environment;
  const Interrupt& interrupt;
  std::filesystem::path executable;  // rotv-sync, absolute.
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // As in ScheduleJob::by.
  virtual std::string name() const = 0;

  // Throws kUsage if it cannot follow this calendar.
  virtual void Check(const std::string& calendar) = 0;
  // From now on `job` runs at its times; what was installed for its source before is replaced. Gives what the person
  // should know about when it runs, a sentence a line. Throws kCannotStart, with nothing installed.
  virtual std::string Install(const ScheduleJob& job) = 0;
  // Nothing of it is left; also if nothing was there.
  virtual void Remove(const ScheduleJob& job) = 0;
  // Whether the order is still there, and not only our note of it.
  virtual bool IsInstalled(const ScheduleJob& job) = 0;
  // Unix time in microseconds; nothing if it is not known.
  virtual std::optional<int64_t> Next(const ScheduleJob& job) = 0;
};

}  // namespace rotv::schedule
