// Two sources in one config: separate stores and locks.

#include <gmock/gmock.h>

#include <fstream>

#include "fmt/format.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/history/history_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TwoSourcesTest : public HistoryTest {
 protected:
  TwoSourcesTest() {
    rotv.server().CreateDatabase("staging");
    std::ofstream(rotv.config(), std::ios::app)
        << "\n[sources.staging]\nurl = \"postgresql://rotv@127.0.0.1:" << rotv.server().port() << "/staging\"\n";
    Staging(
        "CREATE TABLE s (id int PRIMARY KEY, v text); INSERT INTO s SELECT n, 'row' FROM generate_series(1, 300) n");
  }
  void Staging(const std::string& statements) { rotv.server().Exec(statements, {"staging", "rotv"}); }
  void ExpectBothAreTheirDumps() {
    EXPECT_TRUE(
        SeedEqualsDump(rotv.server(), rotv.Seed("p.sql", {"--source", "production"}), {.import = Import::kNone}));
    EXPECT_TRUE(SeedEqualsDump(rotv.server(), rotv.Seed("s.sql", {"--source", "staging"}),
                               {.database = "staging", .import = Import::kNone}));
  }
};

TEST_F(TwoSourcesTest, SourcesAreFollowedInParallelAndShownTogether) {
  rotv.MustSync({"baseline"});
  EXPECT_THAT(rotv.MustSync({"status"}), HasSubstr("staging"));
  rotv.MustSync({"--source", "staging", "baseline"});
  for (int round = 0; round < 3; ++round) {
    Exec("UPDATE t SET v = 'round " + std::to_string(round) + "'");
    Staging("UPDATE s SET v = 'round " + std::to_string(round) + "'");
    // One source is being followed while the other is pulled.
    Process follow(rotv.SyncCommand({"--source", "staging", "log", "--follow"}));
    ASSERT_TRUE(follow.WaitForOutput("public.s ~300", std::chrono::seconds(60))) << follow.Err();
    rotv.MustSync({"pull"});
    EXPECT_THAT(rotv.MustSync({"status"}), AllOf(HasSubstr("production"), HasSubstr("staging")));
    EXPECT_THAT(rotv.MustSync({"--source", "staging", "status"}), HasSubstr("head"));
    EXPECT_EQ(rotv.Sync({"--source", "staging", "pull"}).exit_status, kInUse);
    follow.Signal(SIGINT);
    follow.Wait();
  }
  ExpectBothAreTheirDumps();
  const nlohmann::json status = Json({"status"});
  EXPECT_EQ(status.at("source"), "production");
  ASSERT_EQ(status.at("sources").size(), 2U);
  EXPECT_EQ(status.at("sources")[1].at("source"), "staging");
  EXPECT_NE(status.at("sources")[0].at("head").at("lsn"), nullptr);
  EXPECT_THAT(rotv.MustSync({"--source", "staging", "status"}), Not(HasSubstr("production")));

  // Both run at the same moment.
  Exec("DELETE FROM t WHERE id < 100");
  Staging("DELETE FROM s WHERE id < 100");
  Process one(rotv.SyncCommand({"pull"}));
  Process other(rotv.SyncCommand({"--source", "staging", "pull"}));
  EXPECT_EQ(one.Wait().exit_status, 0);
  EXPECT_EQ(other.Wait().exit_status, 0);
  ExpectBothAreTheirDumps();
}

TEST_F(TwoSourcesTest, SeedsAreWrittenSideBySide) {
  auto rotv_command = [&](const std::vector<std::string>& arguments) {
    return rotv.ProgramCommand(ROTV_BINARY, arguments);
  };
  MustRun(rotv_command({"seed"}));
  MustRun(rotv_command({"seed", "staging"}));
  EXPECT_THAT(ReadFile(rotv.home() / "seed-data.sql"), HasSubstr("COPY public.t "));
  EXPECT_THAT(ReadFile(rotv.home() / "seed-data@staging.sql"), HasSubstr("COPY public.s "));
  const Result kept = MustRun(rotv_command({"--source", "staging", "seed", "first"}));
  EXPECT_THAT(kept.err,
              HasSubstr("there is no source first: this state of staging is kept as a snapshot of that name"));
  EXPECT_THAT(rotv.MustSync({"--source", "staging", "snapshot", "list"}), HasSubstr("first"));
  EXPECT_THAT(rotv.MustSync({"snapshot", "list"}), HasSubstr("no snapshots"));
  EXPECT_THAT(MustRun(rotv_command({"seed", "--as", "second"})).err, Not(HasSubstr("there is no source")));
  EXPECT_EQ(RunCommand(rotv_command({"seed", "stagign", "--as", "third"})).exit_status, kUsage);
  EXPECT_EQ(RunCommand(rotv_command({"seed", "--as", "2026-01-31"})).exit_status, kUsage);
  EXPECT_THAT(rotv.MustSync({"snapshot", "list"}), AllOf(HasSubstr("second"), Not(HasSubstr("third"))));
}

// Another project has a source of the same name, in the same home.
TEST_F(TwoSourcesTest, TwoProjectsDoNotShareAStore) {
  rotv.MustSync({"baseline"});
  const std::filesystem::path other = rotv.directory() / "other project";
  std::filesystem::create_directory(other);
  const auto write_other = [&](const std::string& url) {
    WriteFile(other / "rotv.toml", "[sources.production]\nurl = \"" + url + "\"\n");
  };
  write_other(fmt::format("postgresql://rotv@127.0.0.1:{}/staging", rotv.server().port()));
  const auto sync_other = [&](const std::vector<std::string>& arguments) {
    Command command = rotv.SyncCommand(arguments);
    *(std::find(command.argv.begin(), command.argv.end(), "--config") + 1) = (other / "rotv.toml").string();
    return RunCommand(command);
  };
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"pull"},
                                             {"baseline", "--force"},
                                             {"materialize", "--output", "/dev/null"},
                                             {"log"},
                                             {"snapshot", "list"},
                                             {"gc"},
                                             {"verify"},
                                             {"detach"}}) {
    const Result refused = sync_other(arguments);
    EXPECT_EQ(refused.exit_status, 2) << arguments[0] << refused.err;
    EXPECT_THAT(refused.err, HasSubstr(rotv.config().string())) << arguments[0];
    EXPECT_THAT(refused.err, HasSubstr((other / "rotv.toml").string())) << arguments[0];
    EXPECT_THAT(refused.err, HasSubstr("--home")) << arguments[0];
  }
  // As most people run it: in the project's directory, without naming the file.
  Command inside = rotv.SyncCommand({"pull"});
  const auto config = std::find(inside.argv.begin(), inside.argv.end(), "--config");
  inside.argv.erase(config, config + 2);
  inside.directory = other;
  const Result refused = RunCommand(inside);
  EXPECT_EQ(refused.exit_status, 2) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr((other / "rotv.toml").string()));

  Exec("INSERT INTO t VALUES (100000, 'still followed')");
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();

  // The same database under two projects is one store; and a project that was moved keeps its own.
  WriteFile(other / "rotv.toml", ReadFile(rotv.config()));
  EXPECT_EQ(sync_other({"pull"}).exit_status, 0);
  write_other(fmt::format("postgresql://rotv@127.0.0.1:{}/staging", rotv.server().port()));
  std::filesystem::rename(rotv.config(), rotv.directory() / "moved.toml");
  EXPECT_EQ(sync_other({"pull"}).exit_status, kNewBaselineNeeded);
}

}  // namespace
}  // namespace rotv::testing
