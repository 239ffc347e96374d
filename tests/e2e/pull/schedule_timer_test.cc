// Scheduled pulls by a real systemd, in the sandbox of their unit.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/follow_fixture.h"
#include "tests/support/servers/user_manager.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

class ScheduleTimerTest : public FollowTest {
 protected:
  ScheduleTimerTest() : user_home_(rotv.SyncCommand({}).env.at("HOME")), manager_(MakeHome()) {
    Exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 99)");
  }

  Command Schedule(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "schedule");
    return manager_.Within(rotv.SyncCommand(arguments));
  }
  nlohmann::json Shown() const { return nlohmann::json::parse(MustRun(Schedule({"show", "--json"})).out); }
  Result Systemctl(std::vector<std::string> arguments) const {
    Command command = rotv.SyncCommand({});
    command.argv = {"systemctl", "--user"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    return RunCommand(manager_.Within(command));
  }
  std::vector<std::filesystem::path> Units() const {
    std::vector<std::filesystem::path> units;
    for (const auto& entry : std::filesystem::directory_iterator(user_home_ / ".config/systemd/user")) {
      if (entry.is_regular_file()) units.push_back(entry.path());
    }
    std::sort(units.begin(), units.end());
    return units;
  }
  // Adds a drop-in to the unit.
  void Add(const std::filesystem::path& unit, const std::string& text) const {
    std::filesystem::create_directories(unit.string() + ".d");
    WriteFile(unit.string() + ".d/test.conf", text);
    ASSERT_TRUE(Systemctl({"daemon-reload"}).ok());
  }

 private:
  std::filesystem::path MakeHome() const {
    std::filesystem::create_directories(user_home_);
    return user_home_;
  }

 protected:
  std::filesystem::path user_home_;
  UserManager manager_;
};

TEST_F(ScheduleTimerTest, ATimerPullsInASandboxAndIsRemoved) {
  const std::string shown = MustRun(Schedule({"install", "--calendar", "Mon..Fri 07:30"})).out;
  EXPECT_THAT(shown, HasSubstr("production is pulled by systemd: Mon..Fri 07:30\n"));
  EXPECT_THAT(shown, HasSubstr("enable-linger"));
  const std::vector<std::filesystem::path> units = Units();
  ASSERT_EQ(units.size(), 2u);
  const std::string service = units[0].filename(), timer = units[1].filename();
  EXPECT_EQ(Systemctl({"is-active", timer}).out, "active\n");
  const auto document = Shown();
  EXPECT_EQ(document.at("installed"), true);
  EXPECT_FALSE(document.at("next").is_null());
  EXPECT_TRUE(document.at("obstacle").is_null());
  EXPECT_EQ(document.at("times"), "Mon..Fri 07:30");
  // What somebody has added counts, too.
  Add(units[1], "[Timer]\nOnCalendar=Sat 09:00\n");
  EXPECT_EQ(Shown().at("times"), "Sat *-*-* 09:00:00, Mon..Fri *-*-* 07:30:00");

  // The unit can write its home, and nothing else.
  const TempDir outside(TempDirName::kPlain, "/var/tmp");
  Add(units[0], "[Service]\nExecStartPre=touch \"" + (rotv.home() / "touched").string() +
                    "\"\nExecStartPre=sh -c '! touch \"" + (outside / "touched").string() + "\"'\n");
  ASSERT_TRUE(Systemctl({"start", service}).ok()) << Systemctl({"status", service}).out;
  EXPECT_TRUE(std::filesystem::exists(rotv.home() / "touched"));
  EXPECT_EQ(Shown().at("last").at("state"), "done");
  rotv.ExpectSeedIsDump();
  Exec("DELETE FROM t WHERE id < 10");
  ASSERT_TRUE(Systemctl({"start", service}).ok());
  rotv.ExpectSeedIsDump();

  rotv.server().Stop();
  Add(units[0], "[Service]\nExecStart=\nExecStart=\"" + std::string(ROTV_SYNC_BINARY) + "\" --home \"" +
                    rotv.home().string() + "\" --source production schedule run --retries 0\n");
  EXPECT_FALSE(Systemctl({"start", service}).ok());
  EXPECT_EQ(Shown().at("last").at("exit_code"), 4);

  MustRun(Schedule({"remove"}));
  EXPECT_TRUE(Units().empty());
  EXPECT_NE(Systemctl({"is-active", timer}).out, "active\n");
  EXPECT_EQ(Shown().at("installed"), false);
  MustRun(Schedule({"remove"}));
}

TEST_F(ScheduleTimerTest, ItsTimeComes) {
  MustRun(Schedule({"install", "--calendar", "*:*:*"}));
  const std::filesystem::path timer = Units()[1];
  Add(timer, "[Timer]\nRandomizedDelaySec=0\nAccuracySec=1ms\n");
  ASSERT_TRUE(Systemctl({"restart", timer.filename()}).ok());
  EXPECT_TRUE(WaitUntil([&] {
    const auto last = Shown().at("last");
    return !last.is_null() && last.at("state") == "done";
  }));
  // Another calendar replaces it, and an invalid one replaces nothing.
  MustRun(Schedule({"install", "--calendar", "daily"}));
  EXPECT_EQ(Shown().at("calendar"), "daily");
  const Result refused = RunCommand(Schedule({"install", "--calendar", "25:00"}));
  EXPECT_EQ(refused.exit_status, 2);
  EXPECT_THAT(refused.err, HasSubstr("is not a calendar expression of systemd"));
  EXPECT_EQ(Shown().at("calendar"), "daily");
  EXPECT_EQ(Shown().at("installed"), true);
  MustRun(Schedule({"remove"}));
}

}  // namespace
}  // namespace rotv::testing
