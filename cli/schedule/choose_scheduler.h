// Chooses what runs commands at their times.

#pragma once

#include <memory>
#include <string>

#include "cli/schedule/scheduler.h"

namespace rotv::schedule {

// The person's systemd where there is one, else cron. Throws kCannotStart where there is neither.
std::unique_ptr<Scheduler> ChooseScheduler(const SchedulePlace& place);
// The one that `by` names.
std::unique_ptr<Scheduler> SchedulerOf(const std::string& by, const SchedulePlace& place);

}  // namespace rotv::schedule
