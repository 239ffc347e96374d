// Installs a service and a timer of the user's systemd. Formats: systemd.service(5), systemd.timer(5), systemd.exec(5).

#pragma once

#include "cli/schedule/scheduler.h"

namespace rotv::schedule {

class SystemdTimer : public Scheduler {
 public:
  explicit SystemdTimer(const SchedulePlace& place);

  // True if this user has a systemd instance that answers.
  static bool IsHere(const SchedulePlace& place);

  std::string name() const override { return "systemd"; }
  void Check(const std::string& calendar) override;
  std::string Install(const ScheduleJob& job) override;
  void Remove(const ScheduleJob& job) override;
  bool IsInstalled(const ScheduleJob& job) override;
  std::string Times(const ScheduleJob& job) override;
  std::optional<int64_t> Next(const ScheduleJob& job) override;
  std::string Obstacle() override;

 private:
  std::string UnitName(const ScheduleJob& job) const;
  std::filesystem::path UnitPath(const ScheduleJob& job, const char* ending) const;
  void Reload() const;

  const SchedulePlace place_;
  const std::filesystem::path units_;  // The directory of this user's units.
};

// kWithoutMounts is for systems that do not allow a mount namespace for a user's service.
enum class Sandbox { kFull, kWithoutMounts };

std::string ServiceUnit(const ScheduleJob& job, const SchedulePlace& place, Sandbox sandbox);
std::string TimerUnit(const ScheduleJob& job);

// Returns the calendars in TimersCalendar, a property of a timer: "{ OnCalendar=*-*-* 02:00:00 ; next_elapse=... }",
// one a line; several are joined by commas.
std::string CalendarsOf(const std::string& property);

}  // namespace rotv::schedule
