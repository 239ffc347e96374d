#include "cli/schedule/choose_scheduler.h"

#include <fmt/format.h>

#include "cli/schedule/crontab.h"
#include "cli/schedule/systemd_timer.h"
#include "os/run_program.h"
#include "storage/error.h"

namespace rotv::schedule {

std::unique_ptr<Scheduler> ChooseScheduler(const SchedulePlace& place) {
  if (SystemdTimer::IsHere(place)) return std::make_unique<SystemdTimer>(place);
  if (os::ProgramIsHere("crontab", place.environment)) return std::make_unique<Crontab>(place);
  throw Error(ErrorCode::kCannotStart,
              "nothing on this machine runs scheduled commands: there is neither a systemd user instance nor cron",
              fmt::format("install cron and start it (sudo apt-get install cron && sudo service cron start), or let "
                          "something else run '{}' schedule run",
                          place.executable.native()));
}

std::unique_ptr<Scheduler> SchedulerOf(const std::string& by, const SchedulePlace& place) {
  if (by == "cron") return std::make_unique<Crontab>(place);
  return std::make_unique<SystemdTimer>(place);
}

}  // namespace rotv::schedule
