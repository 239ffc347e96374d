// No program that is started here reaches production, whatever the environment says; and no program gets a secret that
// it does not need.

#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "os/process_environment.h"
#include "tests/e2e/start/start_fixture.h"

namespace rotv::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Another server that accepts everyone, as production accepts everyone who has its password.
class Elsewhere {
 public:
  Elsewhere() : server_({.settings = {{"log_connections", "on"}}}) {
    WriteFile(directory_ / "service.conf", "[prod]\nhost=127.0.0.1\nport=" + port() + "\ndbname=rotv\nuser=rotv\n");
    WriteFile(directory_ / "psqlrc", "\\c \"host=127.0.0.1 port=" + port() + " user=rotv dbname=rotv\"\n");
    WriteFile(directory_ / "pgpass", "*:*:*:*:s3cret\n", 0600);
    connections_ = Connections();
  }

  std::string port() const { return std::to_string(server_.port()); }
  std::string Url() const { return "postgresql://rotv@127.0.0.1:" + port() + "/rotv"; }
  bool WasReached() const { return Connections() != connections_; }

  // A value for a libpq variable that leads there, or that accepts no other server.
  std::string Lure(const std::string& name) const {
    const std::map<std::string, std::string> lures = {{"PGHOST", "127.0.0.1"},
                                                      {"PGHOSTADDR", "127.0.0.1"},
                                                      {"PGPORT", port()},
                                                      {"PGSERVICE", "prod"},
                                                      {"PGSERVICEFILE", directory_ / "service.conf"},
                                                      {"PGSYSCONFDIR", directory_.path()},
                                                      {"PGPASSFILE", directory_ / "pgpass"},
                                                      {"PGOPTIONS", "-c default_transaction_read_only=on"},
                                                      {"PGTARGETSESSIONATTRS", "standby"},
                                                      {"PGSSLMODE", "require"},
                                                      {"PGCHANNELBINDING", "require"},
                                                      {"PGGSSENCMODE", "require"},
                                                      {"PGREQUIREAUTH", "scram-sha-256"},
                                                      {"PGREQUIREPEER", "daemon"},
                                                      {"PGDATABASE", "postgres"},
                                                      {"PGDATESTYLE", "German"},
                                                      {"PGTZ", "Asia/Tokyo"},
                                                      {"PGCONNECT_TIMEOUT", "2"},
                                                      {"PGCLIENTENCODING", "LATIN1"}};
    auto found = lures.find(name);
    return found == lures.end() ? "elsewhere" : found->second;
  }
  std::map<std::string, std::string> Lures() const {
    std::map<std::string, std::string> all;
    for (std::string_view name : os::LibpqVariables()) {
      if (!name.starts_with("PSQL")) all[std::string(name)] = Lure(std::string(name));
    }
    return all;
  }

 private:
  size_t Connections() const {
    size_t count = 0;
    const std::string log = server_.log();
    for (size_t at = log.find("connection received"); at != std::string::npos;
         at = log.find("connection received", at + 1)) {
      ++count;
    }
    return count;
  }

  TempDir directory_;
  PostgresServer server_;
  size_t connections_ = 0;
};

class StartGuardTest : public StartTest {
 protected:
  // The port of the server that replies; every server has its own.
  std::string PortByPsql() const { return MustRotv({"psql", "-XAtc", "SHOW port"}); }
  std::string InShell(const std::string& script) const {
    Command command = RotvCommand({"shell"});
    command.stdin_text = script + "\n";
    return MustRun(command).out;
  }

  Elsewhere elsewhere_;
};

TEST_F(StartGuardTest, NoVariableOfLibpqRedirectsAProgram) {
  MustRotv({"start"});
  const std::string port = PortByPsql();
  EXPECT_EQ(Json::parse(Get("/env/PGSERVICE")), nullptr);
  MustRotv({"stop"});
  std::filesystem::remove_all(rotv_.home() / "warm");
  std::string env;
  for (const auto& [name, value] : elsewhere_.Lures()) {
    variables_[name] = value;
    env += name + "='" + value + "'\n";
  }
  WriteApp(".env", env);
  MustRotv({"start"});
  EXPECT_EQ(Get("/count/places"), "100");
  // An application that reads .env by itself sets variables that are not set.
  Command as_application{.argv = {PostgresServer::BinDirectory() / "psql", "-XAtc", "SHOW port"}, .unset_env = {"PG*"}};
  as_application.env = elsewhere_.Lures();
  for (auto& [name, value] : as_application.env) {
    const Json set = Json::parse(Get("/env/" + name));
    if (set.is_string()) value = set;
  }
  EXPECT_EQ(MustRun(as_application).out, port);
  EXPECT_EQ(Json::parse(Get("/env/PGPORT")), "1");
  MustRotv({"restart"});
  // Each variable alone, and all together.
  std::map<std::string, std::string> all;
  all.swap(variables_);
  for (const auto& [name, value] : elsewhere_.Lures()) {
    variables_ = {{name, value}};
    EXPECT_EQ(PortByPsql(), port) << name;
  }
  variables_ = all;
  EXPECT_EQ(PortByPsql(), port);
  EXPECT_EQ(InShell("psql -XAtc 'SHOW port'; psql -XAtc 'SHOW port' \"$DATABASE_URL\""), port + port);
  EXPECT_FALSE(elsewhere_.WasReached());
}

TEST_F(StartGuardTest, DatabaseUrlPointsToTheStartedDatabase) {
  const std::vector<std::string> names = {"DATABASE_URL", "DIRECT_URL", "POSTGRES_PRISMA_URL", "DATABASE_URL_UNPOOLED"};
  std::string env;
  for (const std::string& name : names) env += name + "=" + elsewhere_.Url() + "\n";
  WriteApp(".env", env);
  variables_["POSTGRES_URL"] = elsewhere_.Url();
  MustRotv({"start"});
  const std::string port = PortByPsql();
  for (const std::string& name : names) {
    std::string url = Json::parse(Get("/env/" + name));
    EXPECT_EQ(MustRun({.argv = {PostgresServer::BinDirectory() / "psql", "-XAtc", "SHOW port", url}}).out, port) << url;
  }
  EXPECT_THAT(Get("/env/POSTGRES_URL"), Not(HasSubstr(elsewhere_.port())));
  EXPECT_THAT(InShell("echo $POSTGRES_URL"), HasSubstr("postgresql://rotv@localhost:1/rotv?host="));
  EXPECT_FALSE(elsewhere_.WasReached());
}

TEST_F(StartGuardTest, AVariableThatPointsElsewhereStopsTheStart) {
  const std::string source = "127.0.0.1:" + std::to_string(rotv_.server().port());
  for (const std::string& value : {elsewhere_.Url(), "jdbc:" + elsewhere_.Url(),
                                   "host=127.0.0.1 port=" + elsewhere_.port(), "http://" + source + "/api", source}) {
    for (bool in_shell : {false, true}) {
      WriteApp(".env", in_shell ? "" : "OLD_REPORTS='" + value + "'\n");
      if (in_shell) variables_["OLD_REPORTS"] = value;
      Result started = Rotv({"start"});
      EXPECT_EQ(started.exit_status, 2) << value;
      EXPECT_THAT(started.err, HasSubstr("OLD_REPORTS leads to another PostgreSQL server or to a source's host"));
      EXPECT_THAT(started.err, HasSubstr("allow_env = [\"OLD_REPORTS\"] in [app] of rotv.toml"));
      EXPECT_THAT(started.err, Not(HasSubstr(value)));
      if (!in_shell) {
        EXPECT_THAT(Rotv({"validate-env"}).err, HasSubstr("OLD_REPORTS leads to another"));
      }
      variables_.erase("OLD_REPORTS");
    }
  }
  EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "sources")) << "it is found before the long work";
  WriteApp(".env", "SPRING_DATASOURCE_URL=jdbc:" + elsewhere_.Url() + "\n");
  EXPECT_THAT(Rotv({"start"}).err, HasSubstr("SPRING_DATASOURCE_URL is set, and JDBC"));

  WriteApp(".env", "OLD_REPORTS=" + elsewhere_.Url() + "\n");
  std::ofstream(rotv_.config(), std::ios::app) << "allow_env = [\"OLD_REPORTS\"]\n";
  MustRotv({"start"});
  EXPECT_EQ(Json::parse(Get("/env/OLD_REPORTS")), elsewhere_.Url());
  std::ofstream(rotv_.config(), std::ios::app) << "base_image = \"x\"\nallow_env = [\"DATABASE_URL\"]\n";
  EXPECT_EQ(Rotv({"start"}).exit_status, 2);
}

// Prompts need a terminal of their own: `script` provides one.
TEST_F(StartGuardTest, PromptsShowWhichDataIsUsed) {
  MustRotv({"start"});
  WriteFile(rotv_.directory() / "user/.psqlrc", "\\set PROMPT1 'mine%# '\n\\set QUIET 1\n\\echo 'rc was read'\n");
  WriteFile(rotv_.directory() / "user/.bashrc", "PS1='mine$ '; export PGHOST=127.0.0.1 PGPORT=" + elsewhere_.port() +
                                                    "; echo bashrc >>" + (rotv_.directory() / "count").native() + "\n");
  auto in_terminal = [&](const std::string& command, const std::string& typed) {
    Command run = RotvCommand({command});
    std::string words;
    for (const std::string& word : run.argv) words += "'" + word + "' ";
    run.argv = {"script", "--quiet", "--return", "--command", words, "/dev/null"};
    run.stdin_text = typed;
    run.env["PAGER"] = "cat";
    return MustRun(run).out;
  };
  const std::string label = "production at " + Json::parse(MustRotv({"--json", "status"}))["lsn"].get<std::string>();
  const std::string psql = in_terminal("psql", "SELECT 6 * 7;\n\\q\n");
  EXPECT_THAT(psql, HasSubstr(label));
  EXPECT_THAT(psql, HasSubstr(" rotv="));
  EXPECT_THAT(psql, HasSubstr("rc was read"));
  EXPECT_THAT(psql, HasSubstr("42"));
  const std::string shell = in_terminal("shell", "psql -XAtc 'SELECT 6 * 7'\nexit\n");
  EXPECT_THAT(shell, HasSubstr("(" + label));
  EXPECT_THAT(shell, HasSubstr("mine$ "));
  EXPECT_THAT(shell, HasSubstr("\r42\r"));
  EXPECT_EQ(ReadFile(rotv_.directory() / "count"), "bashrc\n");
  EXPECT_FALSE(elsewhere_.WasReached());
}

// --- Secrets.

// Watches every process of the machine as long as it lives.
class SecretWatch {
 public:
  explicit SecretWatch(std::vector<std::string> secrets) : secrets_(std::move(secrets)), thread_([this] { Run(); }) {}
  ~SecretWatch() { Stop(); }
  // Returns "SECRET in environ of WORDS", each once.
  std::set<std::string> Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return found_;
  }

 private:
  void Run() {
    while (!stop_) {
      for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string pid = entry.path().filename();
        if (pid.find_first_not_of("0123456789") == std::string::npos) Look(entry.path());
      }
    }
  }
  void Look(const std::filesystem::path& process) {
    for (const char* file : {"environ", "cmdline"}) {
      const std::string text = Text(process / file);
      for (const std::string& secret : secrets_) {
        if (text.find(secret) == std::string::npos) continue;
        std::string words = Text(process / "cmdline");
        if (words.empty()) continue;  // It is in the middle of an exec, or has ended: it is seen next time.
        std::replace(words.begin(), words.end(), '\0', ' ');
        found_.insert(secret + " in " + file + " of " + words.substr(0, 200));
      }
    }
  }
  static std::string Text(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::string text;
    for (char piece[4096]; stream.read(piece, sizeof piece) || stream.gcount() > 0;) {
      text.append(piece, static_cast<size_t>(stream.gcount()));
    }
    return text;
  }

  const std::vector<std::string> secrets_;
  std::set<std::string> found_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

std::vector<std::string> Without(const std::set<std::string>& found, const std::vector<std::string>& allowed) {
  std::vector<std::string> rest;
  for (const std::string& one : found) {
    bool may = std::any_of(allowed.begin(), allowed.end(),
                           [&](const std::string& words) { return one.find(words) != std::string::npos; });
    if (!may) rest.push_back(one);
  }
  return rest;
}

TEST_F(StartGuardTest, SecretsReachOnlyProgramsThatNeedThem) {
  WriteApp(".env", "API_KEY=pl4nted-api-key\n");
  variables_["PGPASSWORD"] = "pl4nted-password";
  variables_["SSH_AUTH_SOCK"] = "/tmp/pl4nted-agent";
  SecretWatch watch({"pl4nted-api-key", "pl4nted-password", "pl4nted-agent"});
  MustRotv({"start"});
  MustRotv({"psql", "-XAtc", "SELECT 1"});
  rotv_.server().Exec("CREATE TABLE more (id int PRIMARY KEY)");
  MustRotv({"restart", "--pull"});
  MustRotv({"stop"});
  // Programs that the user gave the secrets to, including his psql; the application; and the program that carries the
  // application's environment to it and starts nothing else with it.
  EXPECT_THAT(Without(watch.Stop(),
                      {std::string("environ of ") + ROTV_BINARY, "api-key in environ of node .",
                       "api-key in environ of psql -XAtq", "agent in environ of /usr/lib/postgresql",
                       "agent in environ of env --unset", "api-key in environ of setsid",
                       "api-key in environ of bash -c node .",
                       "api-key in environ of env HOME=", "api-key in environ of setpriv --reuid",
                       "api-key in environ of setpriv --pdeathsig KILL bash -c node .", "/entrypoint/entrypoint "}),
              IsEmpty());
}

// Its secrets are other words than above, since the watch sees the processes of a test that runs at the same time.
TEST(SyncSecretsTest, ThePasswordReachesOnlyTheSource) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY,
                 .way = Way::kDirect,
                 .postgres = {.hba_lines = {"host all rotv 127.0.0.1/32 scram-sha-256"}}});
  rotv.server().Exec("ALTER ROLE rotv PASSWORD 's0wn-password'", kSuperuser);
  rotv.server().Exec("CREATE TABLE t (id int PRIMARY KEY)");
  Command command = rotv.SyncCommand({"baseline"});
  EXPECT_EQ(RunCommand(command).exit_status, 3);
  command.env["PGPASSWORD"] = "s0wn-password";
  command.env["SSH_AUTH_SOCK"] = "/tmp/s0wn-agent";
  {
    SecretWatch watch({"s0wn-api-key", "s0wn-password", "s0wn-agent"});
    MustRun(command);
    EXPECT_THAT(Without(watch.Stop(), {std::string("environ of ") + ROTV_SYNC_BINARY}), IsEmpty());
  }
  command = rotv.SyncCommand({"pull"});
  WriteFile(rotv.directory() / "user/.pgpass", "127.0.0.1:*:*:rotv:s0wn-password\n", 0600);
  rotv.server().Exec("ALTER TABLE t ADD v text");
  SecretWatch watch({"s0wn-api-key", "s0wn-password", "s0wn-agent"});
  MustRun(command);
  EXPECT_THAT(watch.Stop(), IsEmpty());
}

TEST(SyncSurroundingsTest, NoVariableOfLibpqBypassesTheTunnel) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  Elsewhere elsewhere;
  rotv.server().Exec("CREATE TABLE t (d date PRIMARY KEY, at timestamptz); INSERT INTO t VALUES ('2026-02-01', now())");
  auto sync = [&](const std::vector<std::string>& arguments) {
    Command command = rotv.SyncCommand(arguments);
    command.env.merge(elsewhere.Lures());
    MustRun(command);
  };
  sync({"baseline"});
  rotv.server().Exec("INSERT INTO t VALUES ('2026-01-02', now())");
  sync({"pull"});
  sync({"verify"});
  rotv.ExpectSeedIsDump();
  EXPECT_FALSE(elsewhere.WasReached());
}

TEST_F(StartGuardTest, SecretsLeftByAKilledStartAreRemovedByTheNextCommand) {
  std::filesystem::create_directories(rotv_.home() / "run");
  std::filesystem::permissions(rotv_.home(), std::filesystem::perms::owner_all);
  for (const std::string& program : {std::string(ROTV_BINARY), std::string(ROTV_SYNC_BINARY)}) {
    WriteFile(rotv_.home() / "run/app.env", "KEY=pl4nted\n", 0600);
    RunCommand(rotv_.ProgramCommand(program, {"status"}));
    EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "run/app.env")) << program;
  }
  // The file of a start that is still running stays.
  WriteFile(rotv_.home() / "run/app.env", "KEY=pl4nted\n", 0600);
  WriteFile(rotv_.home() / "run/lock", "", 0600);
  Process holder({.argv = {"flock", rotv_.home() / "run/lock", "sh", "-c", "echo held; exec sleep 600"}});
  ASSERT_TRUE(holder.WaitForOutput("held", std::chrono::seconds(30)));
  Rotv({"status"});
  EXPECT_TRUE(std::filesystem::exists(rotv_.home() / "run/app.env"));
}

}  // namespace
}  // namespace rotv::testing
