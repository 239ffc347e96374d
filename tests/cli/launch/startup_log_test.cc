#include "cli/launch/startup_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace rotv {
namespace {

TEST(StartupLogTest, FollowsTheEntrypointsLines) {
  launch::StartupLog log;
  log.Feed("rotv: phase: cluster\nThe files belong to postgres.\nrotv: phase: import\nrotv: import: 12 of 360\n");
  EXPECT_EQ(log.state().phase, "import");
  EXPECT_EQ(log.state().import_done, 12U);
  EXPECT_EQ(log.state().import_total, 360U);
  EXPECT_FALSE(log.state().database_ready);
  EXPECT_EQ(log.other_lines(), "The files belong to postgres.\n");
  log.Feed("rotv: database ready\r\nrotv: phase: application\n");
  EXPECT_TRUE(log.state().database_ready);
  EXPECT_EQ(log.state().phase, "application");
}

TEST(StartupLogTest, IndexesAreAPhaseOfTheirOwn) {
  launch::StartupLog log;
  log.Feed("rotv: phase: import\nrotv: connections: 2\nrotv: import: 360 of 360\n");
  EXPECT_EQ(log.state().indexes_total, 0U);
  log.Feed("rotv: indexes: 3 of 12\n");
  EXPECT_EQ(log.state().indexes_done, 3U);
  EXPECT_EQ(log.state().indexes_total, 12U);
  EXPECT_EQ(log.other_lines(), "");
}

TEST(StartupLogTest, WarmClustersAreReportedBeforeTheApplicationsOutput) {
  launch::StartupLog log;
  log.Feed("rotv: warning: left out\nrotv: warm: sends empty 1, PostgreSQL 17, UTC\nrotv: warm: sends cut\n");
  log.Feed("rotv: warm: clone copy\nrotv: warm: carried 0.125\n");
  log.Feed("rotv: database ready\nrotv: warning: by the application\n");
  log.Feed("rotv: warm: sends state by the application\nrotv: warm: unusable says the application\n");
  EXPECT_EQ(log.state().warnings, std::vector<std::string>{"left out"});
  EXPECT_EQ(log.state().sends, (std::map<std::string, std::string>{{"empty", "1, PostgreSQL 17, UTC"}}));
  EXPECT_EQ(log.state().unusable, "");
  EXPECT_EQ(log.state().clone, "copy");
  EXPECT_EQ(log.state().carry_seconds, 0.125);
}

TEST(StartupLogTest, ALineMayComeInPieces) {
  std::string text =
      "rotv: phase: import\nrotv: import: 345 of 360\nrotv: error: the seed is damaged\nrotv: hint: pull\n";
  launch::StartupLog log;
  for (char c : text) log.Feed(std::string_view(&c, 1));
  EXPECT_EQ(log.state().import_done, 345U);
  EXPECT_EQ(log.state().error, "the seed is damaged");
  EXPECT_EQ(log.state().hint, "pull");
}

TEST(StartupLogTest, AnImportThatDoesNotMoveIsToldAfterAMinute) {
  using std::chrono::seconds;
  launch::ImportPace pace;
  launch::StartupState state;
  const launch::ImportPace::TimePoint start{};
  EXPECT_EQ(pace.Look(state, start), "");
  EXPECT_EQ(pace.Look(state, start + seconds(59)), "");
  EXPECT_THAT(pace.Look(state, start + seconds(60)), ::testing::StartsWith("no progress for 1 min"));
  EXPECT_THAT(pace.Look(state, start + seconds(200)), ::testing::StartsWith("no progress for 3 min"));
  state.import_done = 5;
  EXPECT_EQ(pace.Look(state, start + seconds(201)), "");
  EXPECT_THAT(pace.Look(state, start + seconds(261)), ::testing::StartsWith("no progress for 1 min"));
  state.indexes_done = 1;
  EXPECT_EQ(pace.Look(state, start + seconds(262)), "");
}

TEST(StartupLogTest, TheFirstErrorIsTheCause) {
  launch::StartupLog log;
  log.Feed("rotv: error: first\nrotv: error: second\n");
  EXPECT_EQ(log.state().error, "first");
}

TEST(StartupLogTest, AnApplicationsOutputDoesNotGrowMemory) {
  launch::StartupLog log;
  log.Feed(std::string(1 << 20, 'x'));
  for (int i = 0; i < 10000; ++i) log.Feed("another line\n");
  EXPECT_LE(log.other_lines().size(), 4096U + 64 * 1024);
  log.Feed("rotv: database ready\n");
  EXPECT_TRUE(log.state().database_ready);
}

}  // namespace
}  // namespace rotv
