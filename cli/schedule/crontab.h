// Keeps a schedule as a line between markers in the user's crontab.

#pragma once

#include "cli/schedule/scheduler.h"

namespace rotv::schedule {

class Crontab : public Scheduler {
 public:
  explicit Crontab(const SchedulePlace& place) : place_(place) {}

  std::string name() const override { return "cron"; }
  void Check(const std::string& calendar) override;
  std::string Install(const ScheduleJob& job) override;
  void Remove(const ScheduleJob& job) override;
  bool IsInstalled(const ScheduleJob& job) override;
  std::string Times(const ScheduleJob& job) override;
  std::optional<int64_t> Next(const ScheduleJob& job) override;
  std::string Obstacle() override;

 private:
  struct Markers {
    std::string begin;
    std::string end;
  };
  Markers MarkersOf(const ScheduleJob& job) const;
  std::string FieldsOf(const ScheduleJob& job) const;
  std::string Read() const;
  void Write(const std::string& table) const;

  const SchedulePlace place_;
};

// Returns the five fields of the line between the two markers, or its shorthand ("@daily"); empty if there is none.
std::string CronFieldsOf(const std::string& table, const std::string& begin, const std::string& end);

// Returns `table` without the lines from `begin` to `end`, both included. Throws kUsage if one of the two is missing.
std::string WithoutBlock(const std::string& table, const std::string& begin, const std::string& end);

}  // namespace rotv::schedule
