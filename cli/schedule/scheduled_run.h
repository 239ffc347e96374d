// A command that a schedule runs.

#pragma once

#include "cli/program/program.h"
#include "cli/schedule/job.h"

namespace rotv::schedule {

struct ScheduledRunOptions {
  bool log = false;         // To a file in the schedule's directory instead of stdout and stderr.
  int spread_seconds = 0;   // It begins up to so much later, by chance.
  int retries = 3;          // Where the source cannot be reached, as right after this machine woke up, or another
  int retry_seconds = 300;  // run holds what this one needs; each so much later.
};

// Runs `command` as `job` orders it, with what it says of config, directory and variables, and notes how it ended, also
// where the command line's other half (config, source) was wrong. Gives the command's exit code, throws its Error.
int RunAsScheduled(const program::Invocation& call, const ScheduleJob& job, const ScheduledRunOptions& options,
                   const program::Command& command);

}  // namespace rotv::schedule
