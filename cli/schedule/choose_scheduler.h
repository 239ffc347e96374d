// Chooses the scheduler of this machine.

#pragma once

#include <memory>
#include <string>

#include "cli/schedule/scheduler.h"

namespace rotv::schedule {

// The user's systemd instance if there is one, else cron. Throws kCannotStart if there is neither.
std::unique_ptr<Scheduler> ChooseScheduler(const SchedulePlace& place);
// The scheduler that `by` names, as in ScheduleJob::by.
std::unique_ptr<Scheduler> SchedulerOf(const std::string& by, const SchedulePlace& place);

}  // namespace rotv::schedule
