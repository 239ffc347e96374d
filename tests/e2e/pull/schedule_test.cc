// Scheduled pulls: what cron is configured to do and does, how the last run ended, and which process waits for which.

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/support/servers/user_manager.h"

namespace rotv::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

RotvHomeOptions Options() {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  options.home_name = TempDirName::kWithSpace;
  return options;
}

class ScheduleTest : public FollowTest {
 protected:
  ScheduleTest() : FollowTest(Options()), daemon_(CronDaemon()) {
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'row ' || n FROM generate_series(1, 99) "
        "n");
  }

  // The command of a user without systemd.
  Command Schedule(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "schedule");
    return WithCron(rotv.SyncCommand(arguments), Tables());
  }
  // The same where no cron runs, whatever this machine has.
  Command ScheduleWithoutCron(const std::vector<std::string>& arguments) const {
    Command command = Schedule(arguments);
    std::vector<std::string> alone = {"unshare"};
    if (!IsRoot()) alone.insert(alone.end(), {"--user", "--map-root-user"});
    alone.insert(alone.end(), {"--pid", "--fork", "--mount-proc"});
    command.argv.insert(command.argv.begin(), alone.begin(), alone.end());
    return command;
  }
  nlohmann::json Shown() const { return nlohmann::json::parse(MustRun(Schedule({"show", "--json"})).out); }
  nlohmann::json Status() const { return nlohmann::json::parse(rotv.MustSync({"--json", "status", "--offline"})); }

  std::filesystem::path Tables() const { return rotv.directory() / "crontabs"; }
  std::string Table() const {
    Command list;
    list.argv = {"crontab", "-l"};
    return RunCommand(WithCron(list, Tables())).out;
  }
  void SetTable(const std::string& text) const {
    Command set;
    set.argv = {"crontab", "-"};
    set.stdin_text = text;
    MustRun(WithCron(set, Tables()));
  }
  // The line that cron gives to a shell; the pull begins within `spread` seconds.
  std::string OurLine(int spread) const {
    std::istringstream lines(Table());
    for (std::string line; std::getline(lines, line);) {
      std::smatch found;
      if (!std::regex_match(line, found, std::regex(R"(((?:[0-9*,]+ ){5})('.*))"))) continue;
      std::string command = std::regex_replace(found[2].str(), std::regex(R"(\\%)"), "%");
      return std::regex_replace(command, std::regex("--spread 900"), "--spread " + std::to_string(spread));
    }
    return "";
  }
  // Runs it like cron: in the user's home directory, with hardly any environment.
  Result RunAsCron(const std::string& line) const {
    Command command = rotv.SyncCommand({});
    const std::string user_home = command.env.at("HOME");
    std::filesystem::create_directories(user_home);
    command.argv = {"env", "-i", "HOME=" + user_home, "PATH=/usr/bin:/bin", "SHELL=/bin/sh", "/bin/sh", "-c", line};
    command.directory = user_home;
    return RunCommand(command);
  }
  // Runs a scheduled pull by hand.
  Result Run(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"schedule", "run", "--retries", "0"});
    return rotv.Sync(more);
  }
  std::filesystem::path Kept(const std::string& name) const { return rotv.home() / "schedule" / "production" / name; }

 private:
  // What makes a machine one where cron runs: a process of that name.
  Command CronDaemon() const {
    std::filesystem::copy_file("/bin/sleep", rotv.directory() / "cron");
    return {.argv = {rotv.directory() / "cron", "600"}};
  }

  Process daemon_;
};

TEST_F(ScheduleTest, ACrontabLineIsInsertedBetweenMarkersAndRemovedCompletely) {
  const std::string theirs = "# mine\nMAILTO=\"\"\n5 4 * * * echo 100\\% 'of it'\n";
  SetTable(theirs);
  const std::string shown = MustRun(Schedule({"install", "--calendar", "Mon..Fri 07:30"})).out;
  EXPECT_THAT(shown, HasSubstr("production is pulled by cron: Mon..Fri 07:30\n"));
  EXPECT_THAT(shown, HasSubstr("last run   none yet"));
  EXPECT_THAT(Table(), HasSubstr(theirs + "# BEGIN rotv-sync production in "));
  EXPECT_THAT(Table(), HasSubstr("\n30 7 * * 1,2,3,4,5 '"));

  const auto document = Shown();
  EXPECT_EQ(document.at("by"), "cron");
  EXPECT_EQ(document.at("installed"), true);
  EXPECT_THAT(document.at("next").get<std::string>(), HasSubstr(":30:00"));
  EXPECT_TRUE(document.at("last").is_null());

  // A second install replaces the line.
  MustRun(Schedule({"install"}));
  EXPECT_THAT(Table(), HasSubstr("\n0 2 * * * '"));
  EXPECT_THAT(Table(), Not(HasSubstr("30 7")));
  EXPECT_EQ(Shown().at("calendar"), "*-*-* 02:00");

  MustRun(Schedule({"remove"}));
  EXPECT_EQ(Table(), theirs);
  EXPECT_FALSE(std::filesystem::exists(Kept("")));
  EXPECT_EQ(Shown().at("installed"), false);
  EXPECT_THAT(MustRun(Schedule({"remove"})).out, HasSubstr("had no schedule"));
}

TEST_F(ScheduleTest, WhereNoCronRunsThatIsSaid) {
  const Result installed = MustRun(ScheduleWithoutCron({"install"}));
  const std::string told = "cron is installed here, but does not run. Start it: sudo systemctl enable --now cron";
  EXPECT_THAT(installed.err, HasSubstr("warning: " + told));
  EXPECT_THAT(installed.out, HasSubstr("next run   none: " + told));
  const auto shown = nlohmann::json::parse(MustRun(ScheduleWithoutCron({"show", "--json"})).out);
  EXPECT_EQ(shown.at("installed"), true);
  EXPECT_TRUE(shown.at("next").is_null());
  EXPECT_THAT(shown.at("obstacle").get<std::string>(), HasSubstr(told));
  EXPECT_TRUE(Shown().at("obstacle").is_null());
}

// What somebody has made of our line counts, in the zone that cron goes by.
TEST_F(ScheduleTest, TimesAreThoseOfTheCrontab) {
  MustRun(Schedule({"install"}));
  Command show = Schedule({"show", "--json"});
  show.env["TZ"] = "Asia/Kathmandu";
  const auto elsewhere = nlohmann::json::parse(MustRun(show).out);
  EXPECT_EQ(elsewhere.at("next"), Shown().at("next")) << "TZ of a shell is not cron's";
  EXPECT_EQ(elsewhere.at("times"), "*-*-* 02:00");
  SetTable(std::regex_replace(Table(), std::regex("0 2 \\* \\* \\*"), "15,45 */6 * * *"));
  const auto edited = Shown();
  EXPECT_EQ(edited.at("times"), "15,45 */6 * * *");
  EXPECT_EQ(edited.at("calendar"), "*-*-* 02:00");
  EXPECT_THAT(edited.at("next").get<std::string>(), ::testing::ContainsRegex(":(15|45):00"));
  EXPECT_THAT(MustRun(Schedule({"show"})).out, HasSubstr("by cron: 15,45 */6 * * *, changed since it was installed\n"));
  SetTable(std::regex_replace(Table(), std::regex("15,45 .* \\* \\* \\*"), "@weekly"));
  EXPECT_EQ(Shown().at("times"), "@weekly");
  EXPECT_TRUE(Shown().at("next").is_null());
}

TEST_F(ScheduleTest, TheCrontabLinePullsAndReports) {
  MustRun(Schedule({"install"}));
  const std::string line = OurLine(1);
  ASSERT_NE(line, "");
  const Result first = RunAsCron(line);
  EXPECT_EQ(first.exit_status, 0) << ReadFile(Kept("log"));
  EXPECT_EQ(first.out + first.err, "");  // Otherwise cron would mail it.
  EXPECT_THAT(ReadFile(Kept("log")), HasSubstr("Baseline of production"));
  Exec("UPDATE t SET v = 'changed' WHERE id < 10; DELETE FROM t WHERE id > 90");
  EXPECT_EQ(RunAsCron(line).exit_status, 0);
  EXPECT_THAT(ReadFile(Kept("log")), HasSubstr("Pulled production from"));
  rotv.ExpectSeedIsDump();

  struct stat status;
  ASSERT_EQ(stat(Kept("log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(Shown().at("last").at("state"), "done");
  EXPECT_EQ(Status().at("last_scheduled").at("exit_code"), 0);
  EXPECT_EQ(Status().at("schedule").at("by"), "cron");
  EXPECT_THAT(rotv.MustSync({"status", "--offline"}), HasSubstr("schedule   *-*-* 02:00, by cron; last run done"));
}

TEST_F(ScheduleTest, AFullLogIsRotated) {
  MustRun(Schedule({"install"}));
  const std::string line = OurLine(0);
  for (const char* mark : {"1", "2", "3", "4", "5"}) {
    std::filesystem::create_directories(Kept(""));
    WriteFile(Kept("log"), mark + std::string(1 << 20, 'x'), 0600);
    ASSERT_EQ(RunAsCron(line).exit_status, 0);
    EXPECT_THAT(ReadFile(Kept("log")), HasSubstr("production")) << mark;
  }
  EXPECT_EQ(ReadFile(Kept("log.1")).front(), '5');
  EXPECT_EQ(ReadFile(Kept("log.3")).front(), '3');
  EXPECT_FALSE(std::filesystem::exists(Kept("log.4")));
}

TEST_F(ScheduleTest, VariablesFromTheInstallationAreUsed) {
  const std::filesystem::path place = rotv.directory() / "100% of 'it'";
  std::filesystem::create_directories(place);
  Command install = rotv.SyncCommand({});
  install.argv = {ROTV_SYNC_BINARY, "schedule", "install"};
  install.directory = place;
  install.env["ROTV_HOME"] = place / "home";
  WriteFile(place / "rotv.toml", ReadFile(rotv.config()));
  install.env["PGPASSWORD"] = "secret";
  install.env["AWS_SECRET_ACCESS_KEY"] = "secret";
  install.env["AWS_PROFILE"] = "the team's";
  const Result installed = MustRun(WithCron(install, Tables()));
  EXPECT_THAT(installed.err, HasSubstr("PGPASSWORD is set here"));
  EXPECT_THAT(installed.err, HasSubstr("AWS_SECRET_ACCESS_KEY is set here"));
  EXPECT_THAT(ReadFile(place / "home/schedule/production/job.json"), Not(HasSubstr("secret")));
  EXPECT_THAT(ReadFile(place / "home/schedule/production/job.json"), HasSubstr("the team's"));
  const Result ran = RunAsCron(OurLine(0));
  EXPECT_EQ(ran.exit_status, 0) << ran.err << ReadFile(place / "home/schedule/production/log");
  EXPECT_TRUE(std::filesystem::exists(place / "home/sources/production/current"));
}

TEST_F(ScheduleTest, TheLastErrorIsShownUntilAPullSucceeds) {
  rotv.MustSync({"pull"});
  rotv.server().Stop();
  const Result failed = Run();
  EXPECT_EQ(failed.exit_status, 4) << failed.err;
  const auto last = Status().at("last_scheduled");
  EXPECT_EQ(last.at("state"), "failed");
  EXPECT_EQ(last.at("exit_code"), 4);
  EXPECT_NE(last.at("message"), "");
  EXPECT_NE(last.at("hint"), "");
  EXPECT_THAT(rotv.MustSync({"status", "--offline"}), HasSubstr("schedule   none; last run failed "));
  EXPECT_EQ(Shown().at("last"), last);

  rotv.server().Start();
  EXPECT_EQ(Run().exit_status, 0);
  EXPECT_EQ(Status().at("last_scheduled").at("state"), "done");
}

TEST_F(ScheduleTest, AnUnreachableSourceIsTriedAgain) {
  rotv.MustSync({"pull"});
  rotv.server().Stop();
  Process run(rotv.SyncCommand({"schedule", "run", "--retries", "1000", "--retry-after", "0"}));
  ASSERT_TRUE(run.WaitForOutput("trying again", seconds(30)));
  rotv.server().Start();
  EXPECT_EQ(run.Wait().exit_status, 0) << run.Err();
}

TEST_F(ScheduleTest, AScheduledRunWaitsForAManualRun) {
  rotv.MustSync({"baseline"});
  Process person(rotv.SyncCommand({"log", "--follow"}));
  Exec("INSERT INTO t VALUES (1000, 'seen')");
  ASSERT_TRUE(person.WaitForOutput("public.t", seconds(30))) << person.Err();
  Process scheduled(rotv.SyncCommand({"schedule", "run"}));
  ASSERT_TRUE(scheduled.WaitForOutput("in use by another run: rotv-sync log --follow", seconds(30))) << scheduled.Err();
  person.Signal(SIGINT);
  person.Wait();
  EXPECT_EQ(scheduled.Wait().exit_status, 0) << scheduled.Err();
}

// Between its baseline and its pull, a scheduled run takes the lock again, and writes only afterwards which process it
// is.
TEST_F(ScheduleTest, AnUnnamedLockHolderIsWaitedForBriefly) {
  rotv.MustSync({"baseline"});
  const std::string lock = rotv.home() / "sources/production/lock";
  WriteFile(lock, "");
  Process holder({.argv = {"flock", lock, "sh", "-c", "echo held; sleep 0.5"}});
  ASSERT_TRUE(holder.WaitForOutput("held", std::chrono::seconds(30)));
  EXPECT_EQ(rotv.Sync({"gc"}).exit_status, 0);
  WriteFile(lock, "");
  Process silent({.argv = {"flock", lock, "sh", "-c", "echo held; sleep 600"}});
  ASSERT_TRUE(silent.WaitForOutput("held", std::chrono::seconds(30)));
  const Result refused = rotv.Sync({"gc"});
  EXPECT_EQ(refused.exit_status, kInUse);
  EXPECT_THAT(refused.err, HasSubstr("source production is in use by another run"));
  silent.SignalGroup(SIGKILL);
}

TEST_F(ScheduleTest, AManualRunWaitsForAScheduledRun) {
  Exec("BEGIN; SELECT txid_current()");  // A new slot waits for its end.
  Process scheduled(rotv.SyncCommand({"schedule", "run"}));
  const std::filesystem::path lock = rotv.home() / "sources/production/lock";
  ASSERT_TRUE(WaitUntil(
      [&] { return std::filesystem::exists(lock) && ReadFile(lock).find("scheduled baseline") != std::string::npos; }));
  Process person(rotv.SyncCommand({"pull"}));
  ASSERT_TRUE(person.WaitForOutput("in use by another run: rotv-sync scheduled baseline", seconds(30))) << person.Err();
  Exec("COMMIT");
  EXPECT_EQ(scheduled.Wait().exit_status, 0) << scheduled.Err();
  EXPECT_EQ(person.Wait().exit_status, 0) << person.Err();
}

TEST_F(ScheduleTest, TheEndOfAnUnfinishedRunIsReported) {
  rotv.MustSync({"pull"});
  Process person(rotv.SyncCommand({"log", "--follow"}));
  Exec("INSERT INTO t VALUES (1000, 'seen')");
  ASSERT_TRUE(person.WaitForOutput("public.t", seconds(30)));
  for (const auto& [signal, state] : {std::pair{SIGTERM, "interrupted"}, {SIGKILL, "killed"}}) {
    Process scheduled(rotv.SyncCommand({"schedule", "run"}));
    ASSERT_TRUE(scheduled.WaitForOutput("waiting for the other run", seconds(30)));
    EXPECT_EQ(Shown().at("last").at("state"), "running");
    scheduled.Signal(signal);
    EXPECT_NE(scheduled.Wait().exit_status, 0);
    EXPECT_EQ(Shown().at("last").at("state"), state);
  }
}

TEST_F(ScheduleTest, SchedulesThatCronCannotRunAreRefused) {
  struct Case {
    std::vector<std::string> arguments;
    std::string expected;
  };
  for (const Case& bad : {Case{{"install", "--calendar", "25:00"}, "25 is not from 0 to 23"},
                          {{"install", "--calendar", "2026-*-* 02:00"}, "cron has no years"},
                          {{"install", "--calendar", "Mon *-*-01 02:00"}, "cannot require both"},
                          {{"install", "--calendar", "0 2 * * *"}, "is not a date"},
                          {{"install", "--source", "nowhere"}, "there is no source"}}) {
    const Result refused = RunCommand(Schedule(bad.arguments));
    EXPECT_EQ(refused.exit_status, 2) << bad.expected;
    EXPECT_THAT(refused.err, HasSubstr(bad.expected));
    EXPECT_THAT(refused.err, HasSubstr("hint: "));
  }
  EXPECT_EQ(Table(), "");

  // The user has edited the table.
  MustRun(Schedule({"install"}));
  const std::string broken = std::regex_replace(Table(), std::regex("# END.*\n"), "");
  SetTable(broken);
  for (const char* what : {"install", "remove"}) {
    const Result refused = RunCommand(Schedule({what}));
    EXPECT_EQ(refused.exit_status, 2);
    EXPECT_THAT(refused.err, HasSubstr("lost one of their two markers"));
    EXPECT_EQ(Table(), broken);
  }
  SetTable("");
  EXPECT_THAT(MustRun(Schedule({"show"})).out, HasSubstr("cron no longer has the job"));

  // The machine has neither systemd nor cron.
  Command nowhere = rotv.SyncCommand({"schedule", "install"});
  nowhere.env["PATH"] = "/nowhere";
  const Result refused = RunCommand(nowhere);
  EXPECT_EQ(refused.exit_status, kCannotStart);
  EXPECT_THAT(refused.err, HasSubstr("neither a systemd user instance nor cron"));
}

TEST_F(ScheduleTest, AnUnreadableCrontabIsNotReplaced) {
  // A crontab that fails on demand.
  const std::filesystem::path bin = rotv.directory() / "bin";
  std::filesystem::create_directories(bin);
  WriteFile(bin / "crontab",
            "#!/bin/sh\n[ \"$1\" != -l ] || { echo 'crontab: cannot chdir' >&2; exit 1; }\ntouch '" +
                (bin / "written").string() + "'\n",
            0755);
  WriteFile(bin / "systemctl", "#!/bin/sh\nexit 1\n", 0755);
  Command install = rotv.SyncCommand({"schedule", "install"});
  install.env["PATH"] = bin.string() + ":" + install.env["PATH"];
  const Result refused = RunCommand(install);
  EXPECT_EQ(refused.exit_status, kCannotStart);
  EXPECT_THAT(refused.err, HasSubstr("the crontab cannot be read: crontab: cannot chdir"));
  EXPECT_FALSE(std::filesystem::exists(bin / "written"));
  EXPECT_FALSE(std::filesystem::exists(Kept("job.json")));
}

TEST_F(ScheduleTest, AMissingConfigIsTheLastError) {
  MustRun(Schedule({"install"}));
  const std::string line = OurLine(0);
  std::filesystem::remove(rotv.config());
  EXPECT_EQ(RunAsCron(line).exit_status, 2);
  Command show = rotv.SyncCommand({});
  show.argv = {ROTV_SYNC_BINARY, "--home", rotv.home(), "--source", "production", "schedule", "show", "--json"};
  const auto last = nlohmann::json::parse(MustRun(WithCron(show, Tables())).out).at("last");
  EXPECT_EQ(last.at("exit_code"), 2);
  EXPECT_THAT(last.at("message").get<std::string>(), HasSubstr("there is no config file"));
  // The schedule can still be removed.
  show.argv = {ROTV_SYNC_BINARY, "--home", rotv.home(), "--source", "production", "schedule", "remove"};
  MustRun(WithCron(show, Tables()));
  EXPECT_EQ(Table(), "");
}

TEST_F(ScheduleTest, DetachWarnsOfTheSchedule) {
  rotv.MustSync({"pull"});
  EXPECT_EQ(rotv.Sync({"detach"}).err, "");
  MustRun(Schedule({"install"}));
  EXPECT_THAT(rotv.Sync({"detach"}).err, HasSubstr("rotv-sync schedule remove"));
}

}  // namespace
}  // namespace rotv::testing
