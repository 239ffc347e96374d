// `rotv run --fresh`: a command on a database of its own.
//
// Labels: slow

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/warm/warm_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class RunFreshTest : public WarmTest {};

TEST_F(RunFreshTest, ACommandHasADatabaseOfItsOwnWhichIsGoneAfterwards) {
  variables_["PRODUCTION_HOST"] = "production.example";
  // Nothing was made before: the first one makes the baseline and the warm cluster.
  EXPECT_EQ(MustRotv(Fresh(Psql("SELECT count(*) FROM places"))), "100\n");
  ExpectNothingLeft();
  ASSERT_EQ(Clusters().size(), 1U);
  const Result changed = Rotv(Fresh({"bash", "-c",
                                     "env; printf '%s|' \"$@\"; " + Psql("")[0] +
                                         " -XAtqc 'DELETE FROM places' -c 'SELECT count(*) FROM places'; exit 7",
                                     "bash", "--json", "a b", "--"}));
  EXPECT_EQ(changed.exit_status, 7) << changed.err;
  EXPECT_THAT(changed.out, HasSubstr("--json|a b|--|0\n"));
  EXPECT_THAT(changed.out, HasSubstr("\nDATABASE_URL=postgresql://rotv@localhost:1/rotv?host="));
  EXPECT_THAT(changed.out, HasSubstr("\nPGDATABASE=rotv\n"));
  EXPECT_THAT(changed.out, Not(HasSubstr("production.example")));
  EXPECT_EQ(MustRotv(Fresh(Psql("SELECT count(*) FROM places"))), "100\n");
  EXPECT_EQ(Clusters().size(), 1U) << "made again";

  const Result missing = Rotv(Fresh({"/nothing/here"}));
  EXPECT_EQ(missing.exit_status, kCannotStart);
  EXPECT_THAT(missing.err, HasSubstr("rotv: /nothing/here cannot be run: No such file or directory\nhint: "));
  EXPECT_EQ(Rotv({"run", "--fresh"}).exit_status, kUsage);
  EXPECT_EQ(Rotv({"run", "--snapshot", "head", "--", "true"}).exit_status, kUsage) << "without --fresh";
  const Result no_point = Rotv(Fresh({"true"}, "nowhere"));
  EXPECT_EQ(no_point.exit_status, kUsage);
  EXPECT_THAT(no_point.err, HasSubstr("nowhere"));
  ExpectNothingLeft();
}

TEST_F(RunFreshTest, ItIsBesideAStartedApplicationAndAtAnyPoint) {
  rotv_.MustSync({"baseline"});
  rotv_.MustSync({"snapshot", "create", "before"});
  rotv_.server().Exec("DELETE FROM places WHERE id > 60");
  rotv_.MustSync({"pull"});
  MustRotv({"start"});
  EXPECT_EQ(MustRotv(Fresh(Psql("UPDATE news SET title = 'x'; SELECT count(*) FROM places"))), "60\n");
  EXPECT_EQ(MustRotv(Fresh(Psql("SELECT count(*) FROM places"), "before")), "100\n");
  EXPECT_EQ(Get("/count/places"), "60");
  EXPECT_THAT(MustRotv({"psql", "-XAtc", "SELECT count(*) FROM news WHERE title = 'x'"}), HasSubstr("0\n"));
  EXPECT_THAT(MustRotv({"status"}), HasSubstr("Running: "));
}

TEST_F(RunFreshTest, EightInParallelShareOneWarmCluster) {
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 8; ++i) {
    // Each sees its own row alone.
    all.push_back(
        std::make_unique<Process>(RotvCommand(Fresh(Psql("INSERT INTO news SELECT 1000 + " + std::to_string(i) +
                                                         ", 'mine'; SELECT sum(id), count(*) FROM news "
                                                         "WHERE title = 'mine'")))));
  }
  for (int i = 0; i < 8; ++i) {
    const Result result = all[static_cast<size_t>(i)]->Wait();
    EXPECT_EQ(result.exit_status, 0) << result.err;
    EXPECT_EQ(result.out, std::to_string(1000 + i) + "|1\n");
  }
  EXPECT_EQ(Clusters().size(), 1U);
  ExpectNothingLeft();
}

TEST_F(RunFreshTest, SignalsReachTheCommandAndNothingIsLeft) {
  MustRotv({"warm"});
  for (const int number : {SIGTERM, SIGINT}) {
    Process run(
        RotvCommand(Fresh({"bash", "-c", "trap 'exit 9' TERM INT HUP; echo ready; while :; do sleep 0.05; done"})));
    ASSERT_TRUE(run.WaitForOutput("ready\n", kPatience)) << run.Err();
    run.Signal(number);
    const auto ended = run.WaitFor(kPatience);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->exit_status, 9) << number;
    ExpectNothingLeft();
  }
  // While it starts, the command that was not begun is not run.
  Process starting(RotvCommand(Fresh({"touch", rotv_.directory() / "was-run"})));
  ASSERT_TRUE(WaitUntil([&] { return Entries(tmpfs()) > 0; }));
  starting.Signal(SIGINT);
  const auto ended = starting.WaitFor(kPatience);
  ASSERT_TRUE(ended);
  if (ended->exit_status != 0) {  // Else the signal came too late.
    EXPECT_EQ(ended->exit_status, kInterrupted);
    EXPECT_FALSE(std::filesystem::exists(rotv_.directory() / "was-run"));
  }
  ExpectNothingLeft();
}

TEST_F(RunFreshTest, AKilledOneEndsByItselfAndTheNextCommandRemovesTheRest) {
  MustRotv({"warm"});
  Process run(RotvCommand(Fresh({"bash", "-c", "echo ready; exec sleep 1000"})));
  ASSERT_TRUE(run.WaitForOutput("ready\n", kPatience)) << run.Err();
  run.Signal(SIGKILL);
  run.Wait();
  EXPECT_TRUE(WaitUntil([&] { return Processes().empty(); })) << "the server or the command goes on";
  // Memory is given back at once; names stay.
  const std::vector<std::string> used = {"du", "--summarize", "--block-size=1", tmpfs()};
  EXPECT_TRUE(WaitUntil([&] { return std::stoll(RunCommand({.argv = used}).out) < 1 << 20; }));
  EXPECT_EQ(Entries(rotv_.home() / "fresh"), 1U);
  EXPECT_EQ(MustRotv(Fresh(Psql("SELECT count(*) FROM places"))), "100\n");
  ExpectNothingLeft();
}

TEST_F(RunFreshTest, WithADatabasePortEachHasOneOfItsOwn) {
  std::ofstream(rotv_.config(), std::ios::app) << "database_port = 1\n";
  MustRotv({"warm"});
  std::vector<std::unique_ptr<Process>> all;
  const std::string script = "echo $DATABASE_URL; psql -XAtc 'SELECT count(*) FROM places' \"$DATABASE_URL\"";
  for (int i = 0; i < 2; ++i) {
    Command command = RotvCommand(Fresh({"bash", "-c", script}));
    command.env["PATH"] = PostgresServer::BinDirectory().string() + ":" + std::getenv("PATH");
    all.push_back(std::make_unique<Process>(command));
  }
  std::vector<std::string> outputs;
  for (const auto& one : all) outputs.push_back(one->Wait().out);
  for (const std::string& output : outputs) {
    EXPECT_THAT(output, ::testing::ContainsRegex("postgresql://rotv:[0-9a-f]+@127.0.0.1:[0-9]+/rotv\n100\n"));
  }
  EXPECT_NE(outputs[0], outputs[1]);
  ExpectNothingLeft();
}

}  // namespace
}  // namespace rotv::testing
