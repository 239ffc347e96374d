// Formats the status of a source as text and as JSON.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/output/output.h"
#include "cli/output/terminal.h"
#include "cli/schedule/job.h"
#include "sync/status.h"

namespace rotv::report {

struct StatusView {
  std::string source_name;
  int64_t now_us = 0;  // Unix time, microseconds; ages are relative to it.
  std::optional<schedule::ScheduleJob> schedule = {};
  std::optional<schedule::ScheduledRun> last_scheduled = {};
};

// A head older than this is worth a warning: the slot holds back a week of WAL.
inline constexpr int64_t kOldHeadDays = 7;
bool HeadIsOld(const StatusReport& report, const StatusView& view);

std::string StatusText(const StatusReport& report, const StatusView& view, const output::TextStyle& style);
output::Json StatusJson(const StatusReport& report, const StatusView& view);

}  // namespace rotv::report
