// Tests calendars for cron, units for systemd, and the record of a scheduled pull.

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/schedule/calendar.h"
#include "cli/schedule/crontab.h"
#include "cli/schedule/job.h"
#include "cli/schedule/systemd_timer.h"
#include "storage/error.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;

constexpr int64_t kSecond = 1'000'000;

TEST(CalendarTest, TranslatesToCron) {
  for (const auto& [text, fields] : {std::pair{"*-*-* 02:00", "0 2 * * *"},
                                     {"02:00", "0 2 * * *"},
                                     {"*-*-* 02:00:00", "0 2 * * *"},
                                     {"Mon..Fri 07:30", "30 7 * * 1,2,3,4,5"},
                                     {"Monday,wed *-*-* 7:05", "5 7 * * 1,3"},
                                     {"Sat..Mon 1:00", "0 1 * * 0,1,6"},
                                     {"*:0/20", "0,20,40 * * * *"},
                                     {"8..18/5:30", "30 8,13,18 * * *"},
                                     {"*-*-01,15 12:00", "0 12 1,15 * *"},
                                     {"12-24 18:00", "0 18 24 12 *"},
                                     {"hourly", "0 * * * *"},
                                     {"daily", "0 0 * * *"},
                                     {"weekly", "0 0 * * 1"},
                                     {"monthly", "0 0 1 * *"},
                                     {"quarterly", "0 0 1 1,4,7,10 *"},
                                     {"*:*", "* * * * *"}}) {
    EXPECT_EQ(schedule::Calendar(text).CronFields(), fields) << text;
  }
}

TEST(CalendarTest, CalendarsThatCronCannotExpressAreRefused) {
  for (const char* text : {"",
                           " ",
                           "2026-*-* 02:00",
                           "*-*-* 02:00:30",
                           "*-*~01 02:00",
                           "Mon *-*-01 02:00",
                           "24:00",
                           "1:60",
                           "*-13-01",
                           "*-*-32",
                           "0-1",
                           "Funday",
                           "02:00 Europe/Berlin",
                           "0 2 * * *",
                           "5..3:00",
                           "*/0:00",
                           "1:2:3:4",
                           "-:00",
                           ":",
                           "1,,2:00",
                           "Mon..:00",
                           "99999999999:00"}) {
    try {
      schedule::Calendar calendar(text);
      ADD_FAILURE() << text << " is " << calendar.CronFields();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage) << text;
    }
  }
}

TEST(CalendarTest, TheNextRunFollowsTheLocalClock) {
  setenv("TZ", "Europe/Berlin", 1);
  tzset();
  auto next = [](const char* text, int64_t now) {
    return schedule::Calendar(text).Next(now * kSecond).value_or(0) / kSecond;
  };
  EXPECT_EQ(next("02:00", 1795824000), 1795827600) << "2026-11-28T00:00:00Z is 01:00";
  EXPECT_EQ(next("02:00", 1795827600), 1795827600 + 86400) << "the present moment does not count";
  EXPECT_EQ(next("Mon 02:00", 1795824000), 1796000400);
  EXPECT_EQ(next("02-29 00:00", 1795824000), 1835391600) << "2028";
  EXPECT_FALSE(schedule::Calendar("02-30 00:00").Next(0).has_value());
  // On 2027-03-28 there is no 02:30: the run is an hour later.
  EXPECT_EQ(next("*-*-28 02:30", 1806192000 - 3600), 1806197400);
  unsetenv("TZ");
  tzset();
}

TEST(CalendarTest, ACrontabsFieldsAreUnderstood) {
  for (const auto& [fields, same] : {std::pair{"0 2 * * *", "0 2 * * *"},
                                     {"30 7 * * 1-5", "30 7 * * 1,2,3,4,5"},
                                     {"30  7 * * mon-fri", "30 7 * * 1,2,3,4,5"},
                                     {"*/20 8-18/5 * * *", "0,20,40 8,13,18 * * *"},
                                     {"0 0 * * 7", "0 0 * * 0"},
                                     {"0 0 1,15 * *", "0 0 1,15 * *"}}) {
    const auto calendar = schedule::Calendar::FromCron(fields);
    ASSERT_TRUE(calendar.has_value()) << fields;
    EXPECT_EQ(calendar->CronFields(), same) << fields;
  }
  for (const char* fields : {"", "@daily", "0 2 * *", "60 2 * * *", "0 2 * * x", "a b c d e"}) {
    EXPECT_FALSE(schedule::Calendar::FromCron(fields).has_value()) << fields;
  }
  // With a date and a day of the week, either of them is enough: 2026-11-28 is a Saturday.
  const int64_t now = 1795824000 * kSecond;
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(schedule::Calendar::FromCron("0 0 5 * 1")->Next(now), (1795824000 + 2 * 86400) * kSecond);
  EXPECT_EQ(schedule::Calendar::FromCron("0 0 29 * 1")->Next(now), (1795824000 + 86400) * kSecond);
  unsetenv("TZ");
  tzset();
}

TEST(CrontabTest, OurFieldsAreFound) {
  constexpr const char* kTable = "1 1 * * * theirs\n# B\n# a remark\n5 4 * * 1 'ours' x\n# E\n2 2 * * * theirs\n";
  EXPECT_EQ(schedule::CronFieldsOf(kTable, "# B", "# E"), "5 4 * * 1");
  EXPECT_EQ(schedule::CronFieldsOf("# B\n@daily 'ours'\n# E\n", "# B", "# E"), "@daily");
  EXPECT_EQ(schedule::CronFieldsOf("# B\n# E\n1 1 * * * x\n", "# B", "# E"), "");
  EXPECT_EQ(schedule::CronFieldsOf("", "# B", "# E"), "");
}

TEST(SystemdTimerTest, ATimersOwnCalendarsAreRead) {
  EXPECT_EQ(schedule::CalendarsOf("{ OnCalendar=*-*-* 02:00:00 ; next_elapse=Tue 2026-12-01 02:00:00 UTC }\n"),
            "*-*-* 02:00:00");
  EXPECT_EQ(schedule::CalendarsOf(
                "{ OnCalendar=Sat *-*-* 09:00:00 ; next_elapse=n/a }\n{ OnCalendar=*:0 ; next_elapse=n/a }"),
            "Sat *-*-* 09:00:00, *:0");
  EXPECT_EQ(schedule::CalendarsOf(""), "");
}

TEST(CrontabTest, OnlyOurBlockIsRemoved) {
  EXPECT_EQ(schedule::WithoutBlock("a\n# B\nx\n# E\nb\n", "# B", "# E"), "a\nb\n");
  EXPECT_EQ(schedule::WithoutBlock("", "# B", "# E"), "");
  EXPECT_EQ(schedule::WithoutBlock("a\n", "# B", "# E"), "a\n");
  for (const char* broken : {"# B\nx\n", "x\n# E\n", "# B\n# B\n# E\n", "# E\n# B\n"}) {
    EXPECT_THROW(schedule::WithoutBlock(broken, "# B", "# E"), Error) << broken;
  }
}

TEST(SystemdTimerTest, SystemdAcceptsTheUnits) {
  const TempDir directory;
  const std::filesystem::path home = directory / "a $HOME of 100% \"it\" \\ here";
  const std::filesystem::path executable = directory / "rotv $sync 100%";
  std::filesystem::create_directories(home);
  std::filesystem::copy_file("/bin/true", executable);
  const os::Environment environment;
  const Interrupt interrupt;
  const schedule::SchedulePlace place{home, environment, interrupt, executable};
  const schedule::ScheduleJob job{
      .source = "staging-2", .by = "systemd", .calendar = "Mon..Fri 07:30", .config = {}, .environment = {}};
  for (schedule::Sandbox sandbox : {schedule::Sandbox::kFull, schedule::Sandbox::kWithoutMounts}) {
    const std::filesystem::path service = directory / "rotv-sync-test.service",
                                timer = directory / "rotv-sync-test.timer";
    testing::WriteFile(service, schedule::ServiceUnit(job, place, sandbox));
    testing::WriteFile(timer, schedule::TimerUnit(job));
    testing::Command verify;
    verify.argv = {"systemd-analyze", "verify", "--user", "--recursive-errors=yes", service, timer};
    verify.env["XDG_RUNTIME_DIR"] = directory.path();
    const testing::Result result = testing::RunCommand(verify);
    EXPECT_TRUE(result.ok()) << testing::Describe(verify, result);
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(schedule::ServiceUnit(job, place, sandbox).find("ProtectSystem=strict") != std::string::npos,
              sandbox == schedule::Sandbox::kFull);
  }
  // This shows that systemd-analyze finds faults.
  testing::WriteFile(directory / "bad.service", "[Service]\nType=oneshot\nExecStart=/nowhere/at/all\nNonsense=1\n");
  testing::Command verify;
  verify.argv = {"systemd-analyze", "verify", "--user", "--recursive-errors=yes", directory / "bad.service"};
  verify.env["XDG_RUNTIME_DIR"] = directory.path();
  EXPECT_FALSE(testing::RunCommand(verify).ok());
}

TEST(ScheduledRunTest, AFailureIsAWarningUntilTheHeadIsNewer) {
  const TempDir home;
  const schedule::ScheduledRun failed{
      .started_us = 90 * kSecond, .ended_us = 100 * kSecond, .exit_code = 4, .message = "gone\nnow", .hint = "look"};
  schedule::WriteLastRun(home.path(), "production", failed);
  const std::string warning = schedule::ScheduleWarning(home.path(), "production", 50 * kSecond, 3700 * kSecond);
  EXPECT_THAT(warning, HasSubstr("the scheduled pull of production failed 1 hour ago"));
  EXPECT_THAT(warning, HasSubstr("(look)"));
  EXPECT_EQ(warning.find('\n'), std::string::npos);
  EXPECT_EQ(schedule::ScheduleWarning(home.path(), "production", 101 * kSecond, 200 * kSecond), "");
  EXPECT_EQ(schedule::ScheduleWarning(home.path(), "staging", 0, 200 * kSecond), "");
  schedule::ScheduledRun done = failed;
  done.exit_code = 0;
  schedule::WriteLastRun(home.path(), "production", done);
  EXPECT_EQ(schedule::ScheduleWarning(home.path(), "production", 50 * kSecond, 200 * kSecond), "");
}

// As an earlier program wrote it, field by field.
TEST(ScheduledRunTest, WhatIsWrittenIsReadAgain) {
  const TempDir home;
  const std::filesystem::path place = schedule::ScheduleDirectory(home.path(), "production");
  std::filesystem::create_directories(place);
  testing::WriteFile(place / "job.json", R"({"source": "production", "by": "cron", "calendar": "daily",
      "rebaseline": true, "config": "/etc/rotv.toml", "directory": "/srv/a b", "environment": {"PATH": "/bin"}})");
  std::optional<schedule::ScheduleJob> job = schedule::ReadJob(home.path(), "production");
  ASSERT_TRUE(job.has_value());
  EXPECT_FALSE(job->check || job->materialize || job->publish || job->warm);  // An older version wrote none of them.
  EXPECT_EQ(job->directory, "/srv/a b");
  EXPECT_EQ(job->environment.at("PATH"), "/bin");
  EXPECT_TRUE(job->rebaseline);
  job->check = true;
  schedule::WriteJob(home.path(), *job);
  EXPECT_TRUE(schedule::ReadJob(home.path(), "production")->check);
  EXPECT_FALSE(schedule::ReadJob(home.path(), "production")->warm);
  job->warm = job->publish = job->materialize = true;
  schedule::WriteJob(home.path(), *job);
  job = schedule::ReadJob(home.path(), "production");
  EXPECT_TRUE(job->warm && job->publish && job->materialize);
  const auto written = nlohmann::json::parse(testing::ReadFile(place / "job.json"));
  EXPECT_EQ(written.at("directory"), "/srv/a b");
  EXPECT_EQ(written.at("config"), "/etc/rotv.toml");
  EXPECT_EQ(written.size(), 11U);
}

TEST(ScheduledRunTest, AnUnreadableRecordCountsAsMissing) {
  const TempDir home;
  std::filesystem::create_directories(schedule::ScheduleDirectory(home.path(), "production"));
  for (const char* text : {"", "[]", "{}", "{\"source\": 1", R"({"source": 1, "by": 2})"}) {
    testing::WriteFile(schedule::ScheduleDirectory(home.path(), "production") / "job.json", text);
    testing::WriteFile(schedule::ScheduleDirectory(home.path(), "production") / "last.json", text);
    EXPECT_FALSE(schedule::ReadJob(home.path(), "production").has_value()) << text;
    EXPECT_FALSE(schedule::ReadLastRun(home.path(), "production").has_value()) << text;
  }
}

}  // namespace
}  // namespace rotv
