// Runs a command for a schedule.

#pragma once

#include <functional>

#include "cli/program/program.h"
#include "cli/schedule/job.h"

namespace rotv::schedule {

struct ScheduledRunOptions {
  bool log = false;         // Write to a file in the schedule's directory instead of stdout and stderr.
  int spread_seconds = 0;   // Wait a random time of at most this long first.
  int retries = 3;          // If the source cannot be reached, for example right after wake-up, or is in use;
  int retry_seconds = 300;  // the wait before each.
  // Calls its argument, which is the run with all of its retries, once, and returns or throws what it does. The call is
  // the one that has the job's config and variables. Null: nothing is done around it.
  std::function<int(const program::Invocation& call, const std::function<int()>& run)> around = nullptr;
};

// Runs `command` with the config, directory and variables of `job`, and records how it ended, also if the config or the
// source was wrong. Returns the command's exit code; throws its Error.
int RunAsScheduled(const program::Invocation& call, const ScheduleJob& job, const ScheduledRunOptions& options,
                   const program::Command& command);

}  // namespace rotv::schedule
