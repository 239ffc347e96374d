// What leads other programs to the started database: rotv env, url, run and exec, and a port with a password. And what
// a start says of what runs already.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/start/start_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class StartConnectTest : public StartTest {
 protected:
  void Configure(const std::string& lines) { std::ofstream(rotv_.config(), std::ios::app) << lines; }

  void ExpectRefused(const std::vector<std::string>& arguments, const std::string& message,
                     const std::string& hint) const {
    const Result result = Rotv(arguments);
    EXPECT_EQ(result.exit_status, kUsage) << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_THAT(result.err, HasSubstr("\nhint: " + hint));
  }

  std::string Url() const {
    std::string line = MustRotv({"url"});
    line.pop_back();
    return line;
  }

  Result Shell(const std::string& text) const {
    Command command = RotvCommand({});
    command.argv = {"bash", "-c", text};
    command.env["PATH"] = PostgresServer::BinDirectory().string() + ":" + std::getenv("PATH");
    return RunCommand(command);
  }
};

TEST_F(StartConnectTest, OtherProgramsFindTheDatabase) {
  variables_["PRODUCTION_HOST"] = "production.example";
  MustRotv({"start"});
  constexpr const char* kCount = "psql -XAtc 'SELECT count(*) FROM places'";
  WriteApp("count.sh", std::string(kCount) + "\n");
  EXPECT_EQ(Shell(MustRotv({"env"}) + kCount).out, "100\n");
  EXPECT_EQ(Shell(kCount + (" '" + Url() + "'")).out, "100\n");
  const Json document = Json::parse(MustRotv({"env", "--format", "json"}));
  EXPECT_EQ(document["PGDATABASE"], "rotv");
  EXPECT_THAT(MustRotv({"env", "--format", "dotenv"}), HasSubstr("PGDATABASE=\"rotv\"\n"));
  EXPECT_EQ(Json::parse(MustRotv({"--json", "url"}))["url"], document["DATABASE_URL"]);

  EXPECT_EQ(MustRotv({"run", "--", "bash", "-c", kCount}), "100\n");
  EXPECT_EQ(MustRotv({"exec", "--", "bash", "count.sh"}), "100\n");
  // Arguments are passed as they are, options of rotv too, and so is the status.
  EXPECT_EQ(MustRotv({"run", "--", "printf", "%s|", "--json", "a b", "--"}), "--json|a b|--|");
  EXPECT_EQ(MustRotv({"exec", "--", "printf", "%s|", "-q", "a b"}), "-q|a b|");
  EXPECT_EQ(Rotv({"run", "--", "bash", "-c", "exit 7"}).exit_status, 7);
  // As people type it.
  EXPECT_EQ(MustRotv({"exec", "--", "psql", "-U", "postgres", "-XAtc", "SELECT count(*) FROM places"}), "100\n");
  EXPECT_THAT(MustRotv({"run", "env"}), Not(HasSubstr("production.example")));
  ExpectRefused({"run", "--"}, "no command is given", "rotv run -- ");
  MustRotv({"stop"});
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"env"}, {"url"}, {"run", "true"}, {"exec", "true"}}) {
    ExpectRefused(command, "the application is not running", "rotv start");
  }
}

TEST_F(StartConnectTest, APortOfTheDatabaseAsksForAPassword) {
  const int port = FreePort();
  Configure("database_port = " + std::to_string(port) + "\n");
  // The second start is on the cluster that the first one kept.
  std::vector<std::string> urls;
  for (const char* command : {"start", "restart"}) {
    MustRotv({command});
    const std::string url = Url();
    EXPECT_THAT(url, HasSubstr("@127.0.0.1:" + std::to_string(port) + "/rotv"));
    EXPECT_EQ(Shell("psql -XAtc 'SELECT count(*) FROM places' " + url).out, "100\n");
    for (const std::string refused : {"postgresql://rotv@127.0.0.1", "postgresql://rotv:wrong@127.0.0.1",
                                      "postgresql://rotv_superuser@127.0.0.1"}) {
      const Result result = Shell("psql -wXAtc 'SELECT 1' " + refused + ":" + std::to_string(port) + "/rotv");
      EXPECT_NE(result.exit_status, 0) << refused;
      EXPECT_THAT(result.err, ::testing::AnyOf(HasSubstr("password"), HasSubstr("reject"))) << refused;
    }
    EXPECT_EQ(Get("/count/places"), "100");
    EXPECT_THAT(MustRotv({"psql", "-XAtc", "SELECT 1"}), "1\n");
    urls.push_back(url);
  }
  EXPECT_NE(urls[0], urls[1]);
  // Without it, the kept cluster asks for none.
  std::string config = ReadFile(rotv_.config());
  config.erase(config.find("database_port"));
  WriteFile(rotv_.config(), config);
  EXPECT_EQ(Shell("psql -XAtc 'SELECT count(*) FROM places' " + urls[1]).out, "100\n") << "what runs was changed";
  EXPECT_THAT(MustRotv({"psql", "-XAtc", "SELECT 1"}), "1\n");
  MustRotv({"restart"});
  EXPECT_EQ(Get("/count/places"), "100");
  EXPECT_THAT(Url(), HasSubstr("?host="));
}

TEST_F(StartConnectTest, ACommandIsRunByAShellAsWritten) {
  WriteApp("sub/start.sh", "exec node ../server.js\n");
  Configure("command = \"cd sub && FIRST='a b' SECOND=$((1 + 1)) bash start.sh; true\"\n");
  MustRotv({"start"});
  EXPECT_EQ(Get("/env/FIRST"), "\"a b\"");
  EXPECT_EQ(Get("/env/SECOND"), "\"2\"");
  MustRotv({"stop"});
  EXPECT_THAT(Processes(), ::testing::IsEmpty());
}

TEST_F(StartConnectTest, AStartSaysWhereWhatRunsIsNotWhatIsAskedFor) {
  rotv_.MustSync({"baseline"});
  rotv_.MustSync({"snapshot", "create", "before"});
  MustRotv({"start"});
  EXPECT_THAT(MustRotv({"start"}), HasSubstr("Already running"));
  EXPECT_THAT(MustRotv({"start", "--snapshot", "head", "--port", std::to_string(port_)}), HasSubstr("Already running"));
  const std::vector<std::pair<std::vector<std::string>, std::string>> others = {
      {{"start", "--snapshot", "before"}, "the snapshot is head, not before"},
      {{"start", "--port", "1234"}, "the port is " + std::to_string(port_) + ", not 1234"},
      {{"start", "--persistent"}, "its data is not persistent"},
      {{"start", "--pull"}, "its data stays as it was at "},
  };
  for (const auto& [arguments, difference] : others) {
    ExpectRefused(arguments, difference, "rotv start --replace");
  }
  variables_["PERSISTENT_DATA"] = "true";
  ExpectRefused({"start"}, "its data is not persistent", "rotv start --replace");
  variables_.clear();
  MustRotv({"start", "--snapshot", "before", "--replace"});
  EXPECT_EQ(Json::parse(MustRotv({"--json", "status"}))["snapshot"], "before");
  EXPECT_THAT(MustRotv({"start"}), HasSubstr("Already running"));
  std::filesystem::create_directories(rotv_.directory() / "other");
  std::string config = ReadFile(rotv_.config());
  config.replace(config.find("\"app\""), 5, "\"other\"");
  WriteFile(rotv_.config(), config);
  ExpectRefused({"start"}, "the application is " + app().native() + ", not ", "rotv start --replace");
}

TEST_F(StartConnectTest, PersistentDataOfTheEnvFileCounts) {
  std::filesystem::create_directory(rotv_.home());
  std::filesystem::permissions(rotv_.home(), std::filesystem::perms(0711));  // For root's server.
  WriteApp(".env", "PERSISTENT_DATA=true\n");
  MustRotv({"start"});
  EXPECT_EQ(Json::parse(MustRotv({"--json", "status"}))["persistent"], true);
  MustRotv({"stop"});
  variables_["PERSISTENT_DATA"] = "false";
  MustRotv({"start"});
  EXPECT_EQ(Json::parse(MustRotv({"--json", "status"}))["persistent"], false);
}

TEST_F(StartConnectTest, WhatRunsIsActedOnThoughTheConfigHasATypo) {
  MustRotv({"start"});
  Configure("[sources.typo]\nhots = \"x\"\n");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"status"}, {"logs"}, {"psql", "-XAtc", "SELECT 1"}, {"url"}, {"stop"}}) {
    const Result result = Rotv(arguments);
    EXPECT_EQ(result.exit_status, 0) << arguments[0] << result.err;
    EXPECT_THAT(result.err, HasSubstr("hots")) << arguments[0];
  }
  EXPECT_THAT(Processes(), ::testing::IsEmpty());
  EXPECT_EQ(Rotv({"start"}).exit_status, kUsage);
  EXPECT_EQ(Rotv({"status"}).exit_status, kCannotStart);
  EXPECT_THAT(MustRotv({"logs"}), HasSubstr("database ready"));
  MustRotv({"stop"});
}

TEST_F(StartConnectTest, StatusIsZeroOnlyIfTheApplicationAnswers) {
  EXPECT_EQ(Rotv({"status"}).exit_status, kCannotStart);
  WriteApp("once.js",
           "let asked = 0;\n"
           "require('http').createServer((q, r) => { r.writeHead(asked++ ? 503 : 200); r.end(); })"
           ".listen(process.env.PORT, '127.0.0.1');\n");
  Configure("command = \"node once.js\"\n");
  MustRotv({"start"});
  const Result silent = Rotv({"--json", "status"});
  EXPECT_EQ(silent.exit_status, kCannotStart);
  EXPECT_EQ(Json::parse(silent.out)["state"], "running");
  EXPECT_EQ(Json::parse(silent.out)["answers"], false);
  EXPECT_THAT(Rotv({"status"}).out, HasSubstr("but it does not answer at /api/health: status 503"));
}

TEST_F(StartConnectTest, AnApplicationThatEndsHasItsLastLinesShown) {
  WriteApp("fails.js", "for (let i = 1; i < 30; i++) console.log(`step ${i}`); process.exit(4);\n");
  Configure("command = \"node fails.js\"\n");
  const Result failed = Rotv({"start"});
  EXPECT_EQ(failed.exit_status, kCannotStart);
  EXPECT_THAT(failed.err, HasSubstr("rotv: the application's last lines:\nrotv: | step 20\nrotv: | step 21\n"));
  EXPECT_THAT(failed.err, HasSubstr("rotv: the application ended with status 4: step 29\n"));
  EXPECT_EQ(MustRotv({"logs", "--app", "--tail", "2"}), "step 28\nstep 29\n");
  EXPECT_THAT(MustRotv({"logs", "--postgres"}), ::testing::AllOf(HasSubstr("LOG:  "), Not(HasSubstr("step"))));
}

TEST_F(StartConnectTest, OnAPipeAStartSaysWhatItDidAtTheSource) {
  const Result first = MustRun(RotvCommand({"start"}));
  EXPECT_THAT(first.err, HasSubstr("rotv: took the baseline of production: 107 rows at "));
  EXPECT_THAT(first.err, HasSubstr("a replication slot there keeps what comes next, and rotv-sync detach removes it"));
  rotv_.server().Exec("INSERT INTO news VALUES (100, 'new')");
  EXPECT_THAT(MustRun(RotvCommand({"restart", "--pull"})).err,
              HasSubstr("rotv: pulled from production: 1 transaction up to "));
}

}  // namespace
}  // namespace rotv::testing
