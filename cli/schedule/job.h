// What is kept of a scheduled pull, in HOME/schedule/SOURCE/: the order (job.json), how the last run ended (last.json),
// and, where there is no journal, what the runs wrote (log).

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
  std::string calendar;  // As systemd writes it.
  bool rebaseline = false;
  // What the run would not have by itself: a scheduler has neither the person's directory nor their variables.
  std::string config;               // Absolute; empty: variables serve, from `directory`.
  std::filesystem::path directory;  // The working directory.
  os::Environment environment;      // No passwords.
};

struct ScheduledRun {
  int64_t started_us = 0;  // Unix time.
  int64_t ended_us = 0;    // 0: it has not ended, or was killed.
  int process = 0;
  int exit_code = 0;
  std::string message;  // Of an error, as it was told, with its hint.
  std::string hint;
};

std::filesystem::path ScheduleDirectory(const std::filesystem::path& home, const std::string& source);

// Nothing where there is none, or it cannot be understood.
std::optional<ScheduleJob> ReadJob(const std::filesystem::path& home, const std::string& source);
std::optional<ScheduledRun> ReadLastRun(const std::filesystem::path& home, const std::string& source);
// Durable on return, and whole at any moment. Throw kDisk.
void WriteJob(const std::filesystem::path& home, const ScheduleJob& job);
void WriteLastRun(const std::filesystem::path& home, const std::string& source, const ScheduledRun& run);
// The order and everything kept beside it.
void RemoveJob(const std::filesystem::path& home, const std::string& source);

enum class ScheduleState { kRunning, kDone, kFailed, kInterrupted, kKilled };
ScheduleState StateOf(const ScheduledRun& run);

// "failed 3 hours ago: MESSAGE", in one line.
std::string RunText(const ScheduledRun& run, int64_t now_us);

output::Json RunJson(const ScheduledRun& run);

// What a person must know: the last run failed, and the head (by its time) is not younger. Empty: nothing.
std::string ScheduleWarning(const std::filesystem::path& home, const std::string& source, int64_t head_time_us,
                            int64_t now_us);

}  // namespace rotv::schedule
