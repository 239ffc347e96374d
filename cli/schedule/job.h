// Stores the records of a scheduled pull in HOME/schedule/SOURCE/: the job (job.json), how the last run ended
// (last.json), and, where there is no journal, the output of the runs (log).

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cli/output/output.h"
#include "os/environment.h"

namespace rotv::schedule {

struct ScheduleJob {
  std::string source;
  std::string by;        // "systemd" or "cron".
  std::string calendar;  // In systemd's format.
  bool rebaseline = false;
  bool check = false;        // After each pull the seed is written, and imported into a scratch server.
  bool materialize = false;  // After each pull the seed is written.
  bool publish = false;      // Each pull publishes to every remote of the source, not only to those that ask for it.
  bool warm = false;         // Each pull makes a warm cluster, also if [app] does not ask for it.
  // The directory and variables of the user, which a scheduler does not provide:
  std::string config;               // Absolute; empty: variables are used, from `directory`.
  std::filesystem::path directory;  // The working directory.
  os::Environment environment;      // No passwords.
};

struct ScheduledRun {
  int64_t started_us = 0;  // Unix time, microseconds.
  int64_t ended_us = 0;    // 0: it still runs, or was killed.
  int process = 0;
  int exit_code = 0;
  std::string message;  // The error's message and hint, as they were printed.
  std::string hint;
};

std::filesystem::path ScheduleDirectory(const std::filesystem::path& home, const std::string& source);

// Both return nothing if there is no record, or if it cannot be parsed.
std::optional<ScheduleJob> ReadJob(const std::filesystem::path& home, const std::string& source);
std::optional<ScheduledRun> ReadLastRun(const std::filesystem::path& home, const std::string& source);
// Both are atomic, and durable on return. They throw kDisk.
void WriteJob(const std::filesystem::path& home, const ScheduleJob& job);
void WriteLastRun(const std::filesystem::path& home, const std::string& source, const ScheduledRun& run);
// Removes the job and everything next to it.
void RemoveJob(const std::filesystem::path& home, const std::string& source);

enum class ScheduleState { kRunning, kDone, kFailed, kInterrupted, kKilled };
ScheduleState StateOf(const ScheduledRun& run);

// "failed 3 hours ago: MESSAGE", in one line.
std::string RunText(const ScheduledRun& run, int64_t now_us);

output::Json RunJson(const ScheduledRun& run);

// Returns a warning if the last run failed and the head (by its time) is not newer than that run; else empty.
std::string ScheduleWarning(const std::filesystem::path& home, const std::string& source, int64_t head_time_us,
                            int64_t now_us);

}  // namespace rotv::schedule
