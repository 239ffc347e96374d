// The interface to the program that runs scheduled commands on this machine.

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

// The objects that a scheduler works with. All references outlive it.
struct SchedulePlace {
  const std::filesystem::path& home;
  const os::Environment& environment;
  const Interrupt& interrupt;
  std::filesystem::path executable;  // rotv-sync, absolute.
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // The name in ScheduleJob::by.
  virtual std::string name() const = 0;

  // Throws kUsage if it cannot follow this calendar.
  virtual void Check(const std::string& calendar) = 0;
  // On return `job` is installed, and replaces an earlier one for its source. Returns what the user should know about
  // when it runs, one sentence per line. Throws kCannotStart; then nothing is installed.
  virtual std::string Install(const ScheduleJob& job) = 0;
  // Removes the job; does nothing if it is not installed.
  virtual void Remove(const ScheduleJob& job) = 0;
  // True if the scheduler still has the job; our own record of it does not count.
  virtual bool IsInstalled(const ScheduleJob& job) = 0;
  // The times as the scheduler itself has them, which somebody may have changed since: ScheduleJob::calendar if they
  // still mean that, else in the scheduler's own words.
  virtual std::string Times(const ScheduleJob& job) = 0;
  // The next run by the scheduler's own times and time zone, Unix time in microseconds; nothing if it is unknown.
  virtual std::optional<int64_t> Next(const ScheduleJob& job) = 0;
  // Why nothing is run here at present, though the job is installed, and what to do; empty if nothing prevents it.
  virtual std::string Obstacle() = 0;
};

}  // namespace rotv::schedule
