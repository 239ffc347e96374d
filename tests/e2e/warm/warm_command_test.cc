// `rotv warm`: clusters that are made beforehand, kept and removed; and the same after a scheduled pull.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/warm/warm_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class WarmCommandTest : public WarmTest {
 protected:
  WarmCommandTest() { rotv_.MustSync({"baseline"}); }
};

TEST_F(WarmCommandTest, MakesOneOnceAndSaysSo) {
  const Json made = Json::parse(MustRotv({"--json", "warm"}))["warm"];
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0]["point"], "head");
  EXPECT_EQ(made[0]["made_now"], true);
  EXPECT_GT(made[0]["bytes"], 1 << 20);
  ExpectNothingLeft();
  EXPECT_THAT(MustRotv({"warm"}), HasSubstr("There is one already: production at "));
  ASSERT_EQ(Clusters().size(), 1U);
  EXPECT_EQ(Clusters()[0]["id"], made[0]["id"]);
  EXPECT_THAT(Clusters()[0]["pinned"], ElementsAre("production/head"));

  // A start takes it, and imports nothing.
  MustRotv({"start"});
  EXPECT_THAT(ReadFile(rotv_.home() / "run/app.log"), Not(HasSubstr("phase: import")));
  EXPECT_EQ(Get("/count/places"), "100");
}

TEST_F(WarmCommandTest, SeveralPointsStayWarmAndTheHeadsMovesOn) {
  rotv_.MustSync({"snapshot", "create", "before"});
  MustRotv({"warm", "--snapshot", "before", "--snapshot", "head"});
  ASSERT_EQ(Clusters().size(), 1U) << "they are one state";
  EXPECT_THAT(Clusters()[0]["pinned"], ElementsAre("production/before", "production/head"));
  rotv_.server().Exec("DELETE FROM places WHERE id > 60");
  rotv_.MustSync({"pull"});
  MustRotv({"warm"});
  ASSERT_EQ(Clusters().size(), 2U);
  for (const Json& cluster : Clusters()) ASSERT_EQ(cluster["pinned"].size(), 1U) << cluster;
  EXPECT_EQ(MustRotv(Fresh(Psql("SELECT count(*) FROM places"), "before")), "100\n");
  EXPECT_EQ(MustRotv(Fresh(Psql("SELECT count(*) FROM places"))), "60\n");
  EXPECT_EQ(Clusters().size(), 2U);
  EXPECT_THAT(MustRotv({"warm", "--list"}), HasSubstr(", kept for production/before\n"));

  const std::string id = Clusters()[0]["id"];
  EXPECT_THAT(MustRotv({"warm", "--remove", id}), HasSubstr("Removed " + id));
  EXPECT_EQ(Clusters().size(), 1U);
  const Result gone = Rotv({"warm", "--remove", id});
  EXPECT_EQ(gone.exit_status, kUsage);
  EXPECT_THAT(gone.err, HasSubstr("there is no warm cluster " + id + "\nhint: rotv warm --list"));
  EXPECT_EQ(Rotv({"warm", "--remove", "../warm"}).exit_status, kUsage);
  MustRotv({"warm", "--remove", "all"});
  EXPECT_EQ(Clusters().size(), 0U);
  EXPECT_EQ(MustRotv({"warm", "--list"}), "There are no warm clusters yet: rotv warm makes one.\n");
}

TEST_F(WarmCommandTest, CleanFreesThemAndSaysHowMuch) {
  MustRotv({"warm"});
  const int64_t bytes = Clusters()[0]["bytes"];
  EXPECT_THAT(rotv_.MustSync({"clean"}), HasSubstr("--what clusters frees "));
  EXPECT_GE(Json::parse(rotv_.MustSync({"--json", "clean", "--what", "clusters"}))["bytes"], bytes);
  EXPECT_EQ(Clusters().size(), 0U);
}

// rotv-sync calls the rotv beside it: here one that does not give way, since other tests keep this machine busy.
class ScheduledWarmTest : public WarmCommandTest {
 protected:
  ScheduledWarmTest() {
    std::filesystem::copy(ROTV_SYNC_BINARY, programs_ / "rotv-sync");
    WriteFile(programs_ / "rotv",
              "#!/bin/bash\necho \"$@\" >" + called_ + "\nwords=(\"$@\")\n[[ ${words[-1]} == --idle ]] || exit 1\n" +
                  "unset 'words[-1]'\nexec '" + ROTV_BINARY + "' --runtime local \"${words[@]}\"\n",
              0755);
  }
  Command ScheduleRun() const {
    Command run = rotv_.ProgramCommand(programs_ / "rotv-sync", {"schedule", "run"});
    run.env["ROTV_TMPFS_DIR"] = tmpfs();
    return run;
  }

  const TempDir programs_;
  const std::string called_ = programs_ / "called";
};

TEST_F(ScheduledWarmTest, AScheduledPullEndsWithOneAtTheNewHead) {
  MustRun(ScheduleRun());
  EXPECT_FALSE(std::filesystem::exists(called_)) << "it was not asked for";
  std::ofstream(rotv_.config(), std::ios::app) << "warm = true\n";
  rotv_.server().Exec("DELETE FROM places WHERE id > 60");
  EXPECT_THAT(MustRun(ScheduleRun()).err, HasSubstr("rotv-sync: Warm: production at "));
  EXPECT_EQ(ReadFile(called_), "--home " + rotv_.home().native() + " --config " + rotv_.config().native() +
                                   " --source production warm --idle\n");
  ASSERT_EQ(Clusters().size(), 1U);
  EXPECT_THAT(Clusters()[0]["pinned"], ElementsAre("production/head"));
  EXPECT_EQ(MustRotv(Fresh(Psql("SELECT count(*) FROM places"))), "60\n");
  EXPECT_EQ(Clusters().size(), 1U);

  // The pull's result stays, whatever becomes of that.
  MakeSeedThatCannotBeImported();
  const Result failed = RunCommand(ScheduleRun());
  EXPECT_EQ(failed.exit_status, 0);
  EXPECT_THAT(failed.err, HasSubstr("the pull is done, but no warm cluster was made: the seed cannot be imported: "));
  const Json schedule = Json::parse(rotv_.MustSync({"--json", "schedule", "show"}));
  EXPECT_EQ(schedule["last"]["exit_code"], 0) << schedule;
  ExpectNothingLeft();
}

}  // namespace
}  // namespace rotv::testing
