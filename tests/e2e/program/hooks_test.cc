// What runs after a pull: [hooks] of rotv.toml, pings, and pull --all, with a real source and a small web server.

#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "os/process_list.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/support/servers/http_relay.h"
#include "tests/support/servers/user_manager.h"

namespace rotv::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Keeps what it was given, by the hook's name; what it does besides is in FILE.NAME.
constexpr const char* kHook = R"(#!/bin/sh
cat > "$0.$ROTV_HOOK.input"
env > "$0.$ROTV_HOOK.environment"
printf '%s\n' "$@" > "$0.$ROTV_HOOK.words"
echo "run $ROTV_HOOK $ROTV_SOURCE" >> "$0.runs"
if [ -e "$0.$ROTV_HOOK" ]; then . "$0.$ROTV_HOOK"; fi
)";

class HooksTest : public FollowTest {
 protected:
  HooksTest() : server_(0, [](const SeenRequest&) { return Reaction{.kind = Reaction::Kind::kAnswer}; }) {
    Exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 50)");
    WriteFile(hook_, kHook);
    std::filesystem::permissions(hook_, std::filesystem::perms(0700));
    config_ = ReadFile(rotv.config());
  }

  // Adds to rotv.toml as it was: all hooks, and a ping.
  void Configure(const std::string& more = "", const std::string& ping = "/ping/uuid?rid=1") {
    std::string hooks = "\n[remotes.team]\nurl = \"the remote\"\n[hooks]\nping = \"" + server_.url() + ping + "\"\n";
    for (const char* name : {"after_pull", "on_failure", "after_publish"}) {
      hooks += std::string(name) + " = [\"./my hook\", \"a b\", \"$HOME;'\"]\n";
    }
    WriteFile(rotv.config(), config_ + hooks + more);
  }
  void AddUnreachable(const std::string& name) {
    config_ += "\n[sources." + name + "]\nretries = 0\nurl = \"postgresql://rotv@127.0.0.1:1/rotv\"\n";
  }
  void Does(const std::string& hook, const std::string& script) { WriteFile(hook_.native() + "." + hook, script); }
  std::string Kept(const std::string& what) const { return ReadFile(hook_.native() + "." + what); }
  std::string TakeRuns() const {
    const std::filesystem::path runs = hook_.native() + ".runs";
    if (!std::filesystem::exists(runs)) return "";
    const std::string text = ReadFile(runs);
    std::filesystem::remove(runs);
    return text;
  }
  std::vector<std::string> TakePings() {
    std::vector<std::string> targets;
    for (const SeenRequest& request : server_.TakeSeen()) targets.push_back(request.method + " " + request.target);
    return targets;
  }

  HttpRelay server_;
  const std::filesystem::path hook_ = rotv.directory() / "my hook";
  std::string config_;
};

TEST_F(HooksTest, AHookHasTheResultAsItsInputAndNoPassword) {
  Configure();
  Command command = rotv.SyncCommand({"--json", "pull"});
  command.env["PGPASSWORD"] = "s3cret";
  command.env["SOME_TOKEN"] = "t0ken";
  command.env["https_proxy"] = "http://ada:t0ken@127.0.0.1:1";
  command.env["no_proxy"] = "*";
  const Result pulled = MustRun(command);
  EXPECT_EQ(json::parse(Kept("after_pull.input")), json::parse(pulled.out));
  EXPECT_EQ(Kept("after_pull.words"), "a b\n$HOME;'\n");
  const std::string environment = Kept("after_pull.environment");
  EXPECT_THAT(environment, HasSubstr("ROTV_SOURCE=production\n"));
  EXPECT_THAT(environment, HasSubstr("ROTV_HOME=" + rotv.home().native() + "\n"));
  EXPECT_THAT(environment, HasSubstr("ROTV_CONFIG=" + rotv.config().native() + "\n"));
  EXPECT_THAT(environment, Not(HasSubstr("s3cret")));
  EXPECT_THAT(environment, Not(HasSubstr("t0ken")));
  EXPECT_THAT(TakePings(), ElementsAre("GET /ping/uuid?rid=1"));

  // What a hook runs of ours has none; what it writes is shown.
  Does("after_pull", "echo hello; \"" + std::string(ROTV_SYNC_BINARY) + "\" pull >&2");
  EXPECT_EQ(TakeRuns(), "run after_pull production\n");
  Command beside = rotv.SyncCommand({"pull"});
  beside.argv[4] = "rotv.toml";
  beside.directory = rotv.directory();
  const Result again = MustRun(beside);
  EXPECT_EQ(TakeRuns(), "run after_pull production\n");
  EXPECT_THAT(again.err, HasSubstr("rotv-sync: hello\n"));
  EXPECT_THAT(again.err, HasSubstr("rotv-sync: production is up to date"));

  const std::string published = rotv.MustSync({"--json", "publish"});
  EXPECT_EQ(json::parse(Kept("after_publish.input")), json::parse(published));
  EXPECT_EQ(json::parse(published).at("remote"), "team");
}

TEST_F(HooksTest, AFailedHookChangesNoExitCodeAndFailsThePing) {
  rotv.MustSync({"pull"});
  Configure();
  Does("after_pull", "echo 'no such room' >&2; exit 3");
  Result pulled = MustRun(rotv.SyncCommand({"pull"}));
  EXPECT_THAT(pulled.err, HasSubstr("warning: the hook after_pull of production ended with 3 (no such room)\n"));
  EXPECT_THAT(TakePings(), ElementsAre("GET /ping/uuid/fail?rid=1"));
  Configure("time_limit = 1\n");
  Does("after_pull", "exec sleep 60");
  pulled = MustRun(rotv.SyncCommand({"pull"}));
  EXPECT_THAT(pulled.err, HasSubstr("warning: the hook after_pull of production was ended after 1.0 s"));
  Configure();
  std::filesystem::remove(hook_);
  pulled = MustRun(rotv.SyncCommand({"pull"}));
  EXPECT_THAT(pulled.err, HasSubstr("the hook after_pull of production ended with 127"));
  // Nor does a ping that does not arrive, and its URL stays secret.
  server_.SetReaction([](const SeenRequest&) { return Reaction{.kind = Reaction::Kind::kAnswer, .status = 404}; });
  pulled = MustRun(rotv.SyncCommand({"pull"}));
  EXPECT_THAT(pulled.err, HasSubstr("warning: the ping of production did not arrive: 127.0.0.1:"));
  EXPECT_THAT(pulled.err, Not(HasSubstr("uuid")));
}

TEST_F(HooksTest, AFailureIsGivenToItsHookAsJsonPrintsIt) {
  config_.clear();
  AddUnreachable("production");
  Configure();
  const Result pulled = rotv.Sync({"--json", "pull", "--no-retry"});
  EXPECT_EQ(pulled.exit_status, kUnreachable);
  EXPECT_EQ(json::parse(Kept("on_failure.input")), json::parse(pulled.out));
  EXPECT_EQ(TakeRuns(), "run on_failure production\n");
  EXPECT_THAT(TakePings(), ElementsAre("GET /ping/uuid/fail?rid=1"));
  // A schedule tries several times, and tells once.
  EXPECT_EQ(rotv.Sync({"schedule", "run", "--retries", "2", "--retry-after", "0"}).exit_status, kUnreachable);
  EXPECT_EQ(TakeRuns(), "run on_failure production\n");
  EXPECT_THAT(TakePings(), ElementsAre("GET /ping/uuid/fail?rid=1"));
}

TEST_F(HooksTest, AnInterruptEndsTheHookAndIsNoFailure) {
  rotv.MustSync({"pull"});
  Configure();
  Does("after_pull", "sleep 60 & echo process $!; wait");
  Command command = rotv.SyncCommand({"pull"});
  command.argv.insert(command.argv.begin(), {"sh", "-c", "exec \"$@\" 2>&1", "sh"});
  Process pull(command);
  ASSERT_TRUE(pull.WaitForOutput("process ", std::chrono::seconds(60))) << pull.Out();
  const std::string out = pull.Out();
  pull.Signal(SIGINT);
  EXPECT_EQ(pull.Wait().exit_status, kInterrupted);
  const int child = std::stoi(out.substr(out.find("process ") + 8));
  for (int i = 0; i < 1000 && os::IsAlive(child); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(os::IsAlive(child)) << out;
  EXPECT_EQ(TakeRuns(), "run after_pull production\n");
  EXPECT_THAT(TakePings(), IsEmpty());
}

TEST_F(HooksTest, EverySourceIsPulledWhateverBecomesOfTheOthers) {
  AddUnreachable("a-first");
  AddUnreachable("z-last");
  Configure();
  const Result pulled = rotv.Sync({"--json", "pull", "--all"});
  EXPECT_EQ(pulled.exit_status, kUnreachable);
  const json sources = json::parse(pulled.out).at("sources");
  ASSERT_EQ(sources.size(), 3U);
  EXPECT_EQ(sources[0].at("source"), "a-first");
  EXPECT_EQ(sources[0].at("error").at("code"), kUnreachable);
  EXPECT_EQ(sources[1].at("source"), "production");
  EXPECT_EQ(sources[1].at("result").at("baseline").at("rows"), 50);
  EXPECT_EQ(sources[2].at("error").at("code"), kUnreachable);
  EXPECT_EQ(TakeRuns(), "run on_failure a-first\nrun after_pull production\nrun on_failure z-last\n");
  EXPECT_THAT(TakePings(), ElementsAre("GET /ping/uuid/fail?rid=1"));

  Configure("", "/{source}");
  const Result text = rotv.Sync({"pull", "--all"});
  EXPECT_EQ(text.exit_status, kUnreachable);
  EXPECT_THAT(text.out, HasSubstr("production is up to date"));
  EXPECT_THAT(text.err, HasSubstr("rotv-sync: a-first: "));
  EXPECT_THAT(text.err, HasSubstr("rotv-sync: z-last: "));
  EXPECT_THAT(TakePings(), ElementsAre("GET /a-first/fail", "GET /production", "GET /z-last/fail"));
  ExpectExit(rotv, {"pull", "--all", "--source", "production"}, kUsage);
}

TEST_F(HooksTest, MetricsAreAFileThatOthersMayReadWhateverTheSourcesAreLike) {
  rotv.MustSync({"pull"});
  const std::string metrics = rotv.MustSync({"status", "--prometheus", "-"});
  EXPECT_THAT(metrics, HasSubstr("rotv_sync_slot_usable{source=\"production\"} 1\n"));
  const std::filesystem::path file = rotv.directory() / "rotv.prom";
  AddUnreachable("staging");
  Configure();
  EXPECT_EQ(rotv.MustSync({"status", "--prometheus", file}), "");
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0644));
  EXPECT_THAT(ReadFile(file), HasSubstr("\nrotv_sync_source_reachable{source=\"production\"} 1\n"));
  EXPECT_THAT(ReadFile(file), HasSubstr("rotv_sync_baseline_taken{source=\"staging\"} 0\n"));
  EXPECT_TRUE(json::parse(rotv.MustSync({"--json", "status", "--prometheus", file})).at("sources").is_array());
  ExpectExit(rotv, {"status", "--prometheus", rotv.directory() / "missing/x.prom"}, kDisk);
}

TEST_F(HooksTest, EveryLineOfStderrIsAnObjectIfAskedFor) {
  AddUnreachable("staging");
  Configure();
  Does("after_pull", "echo hello; exit 3");
  const Result pulled = rotv.Sync({"--log-format", "json", "pull", "--all"});
  EXPECT_EQ(pulled.exit_status, kUnreachable);
  std::istringstream lines(pulled.err);
  std::set<std::string> levels;
  for (std::string line; std::getline(lines, line);) levels.insert(json::parse(line).at("level").get<std::string>());
  EXPECT_THAT(levels, ElementsAre("error", "info", "warning"));
  EXPECT_EQ(json::parse(rotv.Sync({"--log-format=json", "no-such-command"}).err).at("code"), kUsage);
  EXPECT_EQ(rotv.Sync({"--log-format", "xml", "status"}).exit_status, kUsage);
}

TEST_F(HooksTest, AScheduledRunTellsOnceEverythingIsThere) {
  rotv.MustSync({"pull"});
  Configure();
  const auto install = [&](const std::vector<std::string>& options) {
    std::vector<std::string> words = {"--json", "schedule", "install"};
    words.insert(words.end(), options.begin(), options.end());
    return json::parse(MustRun(WithCron(rotv.SyncCommand(words), rotv.directory() / "crontabs")).out);
  };
  EXPECT_EQ(install({"--warm"}).at("warm"), true);
  const json installed = install({"--materialize", "--publish"});
  EXPECT_EQ(installed.at("materialize"), true);
  EXPECT_EQ(installed.at("publish"), true);
  EXPECT_EQ(installed.at("warm"), false);
  Does("after_pull", "ls \"$ROTV_HOME/seed-data.sql\"");
  const Result run = MustRun(rotv.SyncCommand({"schedule", "run"}));
  EXPECT_THAT(run.err, HasSubstr("rotv-sync: " + rotv.home().native() + "/seed-data.sql\n"));
  EXPECT_EQ(TakeRuns(), "run after_publish production\nrun after_pull production\n");
  EXPECT_THAT(TakePings(), ElementsAre("GET /ping/uuid?rid=1"));
  // A publication that fails is no failed pull, and is told all the same.
  std::filesystem::remove_all(rotv.directory() / "the remote");
  WriteFile(rotv.directory() / "the remote", "no directory");
  Exec("DELETE FROM t WHERE id = 1");
  MustRun(rotv.SyncCommand({"schedule", "run"}));
  EXPECT_EQ(TakeRuns(), "run on_failure production\nrun after_pull production\n");
  EXPECT_THAT(TakePings(), ElementsAre("GET /ping/uuid/fail?rid=1"));
}

}  // namespace
}  // namespace rotv::testing
