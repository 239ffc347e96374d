// `rotv` with Podman: a real image, built by `rotv build` on the tests' own Debian, and real containers.
//
// Labels: slow

#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>
#include <utility>

#include "fmt/format.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/start/start_fixture.h"
#include "tests/support/servers/postgres_container.h"

namespace rotv::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class StartContainerTest : public StartTest {
 protected:
  explicit StartContainerTest(PostgresOptions postgres = {})
      : StartTest("podman", TempDirName::kPlain, std::move(postgres)), podman_(PreparePodman("application")) {
    variables_ = podman_.environment;
    NameImage();
  }
  ~StartContainerTest() override {
    Rotv({"stop"});
    Podman({"rmi", "--force", image_});
  }

  void NameImage() { AddConfig(fmt::format("image = \"{}\"\nbase_image = \"{}\"\n", image_, podman_.image)); }

  // Adds to the end of [app].
  void AddConfig(const std::string& lines) { std::ofstream(rotv_.config(), std::ios::app) << lines; }

  Result Podman(const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv = {"podman"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return RunCommand({.argv = argv, .env = podman_.environment});
  }
  // The containers of this home, running or not.
  std::string Containers() const {
    return Podman({"ps", "--all", "--filter", "label=rotv.home=" + rotv_.home().native(), "--format", "{{.Names}}"})
        .out;
  }
  std::string ImageId() const {
    std::string id = Podman({"image", "inspect", "--format", "{{.Id}}", image_}).out;
    return id.substr(0, id.find('\n'));
  }
  // Includes those of directories below this home, where a comparison has its server. Containers of other tests are
  // among them.
  std::string LabelsOfAll() const { return Podman({"ps", "--all", "--format", "{{.Labels}}"}).out; }
  std::string Name() const {
    std::string name = Containers();
    return name.substr(0, name.find('\n'));
  }
  void ExpectNothingRuns() {
    EXPECT_EQ(Containers(), "");
    EXPECT_EQ(os::WhoListensOn(port_), "");
  }
  // What Podman leaves where it is killed in the middle: the port leads to a container that is gone.
  void AddPortRules(const std::string& container) const {
    const std::string chain = fmt::format("NETAVARK-DN-{}", port_);  // Podman's own are gone where nothing runs.
    for (const std::string& name : {chain, std::string("NETAVARK-HOSTPORT-DNAT")}) {
      RunCommand({.argv = {"iptables", "-w", "-t", "nat", "-N", name}});
    }
    const std::vector<std::string> port = {"-p", "tcp", "--dport", std::to_string(port_)};
    auto add = [](std::vector<std::string> rule, const std::vector<std::string>& match,
                  const std::vector<std::string>& target) {
      std::vector<std::string> argv = {"iptables", "-w", "-t", "nat", "-A"};
      for (const auto& part : {rule, match, target}) argv.insert(argv.end(), part.begin(), part.end());
      MustRun({.argv = argv});
    };
    add({"NETAVARK-HOSTPORT-DNAT"}, port,
        {"-m", "comment", "--comment", "dnat name: podman id: " + container, "-j", chain});
    add({chain, "-d", "127.0.0.1/32"}, port, {"-j", "DNAT", "--to-destination", "10.88.255.254:8080"});
  }
  // Builds and returns the steps that were not found in the cache: their numbers with their stage.
  std::string Build() {
    Result built = Rotv({"build"});
    EXPECT_TRUE(built.ok()) << built.err;
    return built.err;
  }

  TestPodman podman_;
  // An image of its own: several tests run at once.
  const std::string image_ = fmt::format("localhost/rotv-test-app-{}", port_);
};

class TwinContainerTest : public StartContainerTest {
 protected:
  TwinContainerTest() : StartContainerTest({.environment = {{"LOCPATH", GermanLocales()}}}) {}
};

TEST_F(TwinContainerTest, AnImageHasTheLocalesOfItsSource) {
  rotv_.server().CreateDatabase("prod", "rotv", "TEMPLATE template0 LOCALE 'de_DE.UTF-8'");
  rotv_.Configure({{"url", fmt::format("\"postgresql://rotv@127.0.0.1:{}/prod\"", rotv_.server().port())}});
  NameImage();
  rotv_.server().Exec(
      "ALTER DATABASE prod SET lc_monetary = 'de_DE.UTF-8'; ALTER DATABASE prod SET app.secret = 'it''s \"$HOME\"'",
      {"prod", "postgres"});
  rotv_.server().Exec("CREATE TABLE s (name text, price money); INSERT INTO s VALUES ('a', 1234.5), ('B', 1), ('Ä', 2)",
                      {"prod", "rotv"});
  Build();  // There is no baseline yet: the source itself is asked.
  const Result started = Rotv({"start"});
  ASSERT_TRUE(started.ok()) << started.err;
  EXPECT_THAT(started.err, Not(HasSubstr("is not here")));
  EXPECT_EQ(MustRotv({"psql", "-XAtqc", "SELECT string_agg(name, '' ORDER BY name), max(price) FROM s"}),
            "aÄB|1.234,50 €\n");
  EXPECT_EQ(MustRotv({"psql", "-XAtqc", "SHOW app.secret"}), "it's \"$HOME\"\n");
  // Settings may be secrets, and what a process is started with can be read by anybody.
  EXPECT_THAT(Podman({"inspect", "--format", "{{.Config.CreateCommand}}", Name()}).out, Not(HasSubstr("it's")));
}

TEST_F(StartContainerTest, ADatabaseForOneCommandResetAndSavedData) {
  Build();
  const std::vector<std::string> count = {PostgresServer::BinDirectory() / "psql", "-XAtqc",
                                          "SELECT count(*) FROM places"};
  auto fresh = [&](const std::vector<std::string>& words, const std::string& snapshot) {
    std::vector<std::string> all = {"run", "--fresh", "--snapshot", snapshot, "--"};
    all.insert(all.end(), words.begin(), words.end());
    return MustRotv(all);
  };
  // What it has imported goes into the container again by a pipe.
  MustRotv({"start"});
  MustRotv({"psql", "-qc", "DELETE FROM places"});
  EXPECT_EQ(Json::parse(MustRotv({"--json", "reset"}))["restarted"], false);
  EXPECT_EQ(Get("/count/places"), "100");
  MustRotv({"stop"});
  EXPECT_EQ(fresh(count, "head"), "100\n");
  EXPECT_THAT(fresh({"env"}, "head"), HasSubstr("\nDATABASE_URL=postgresql://rotv:"));
  EXPECT_THAT(LabelsOfAll(), Not(HasSubstr("rotv.home:" + rotv_.home().native() + "/fresh/")));
  // One that is killed ends by itself, and the next command removes its container.
  Process killed(RotvCommand({"run", "--fresh", "--", "bash", "-c", "echo ready; exec sleep 1000"}));
  ASSERT_TRUE(killed.WaitForOutput("ready\n", std::chrono::seconds(60))) << killed.Err();
  EXPECT_THAT(LabelsOfAll(), HasSubstr("rotv.home:" + rotv_.home().native() + "/fresh/"));
  killed.Signal(SIGKILL);
  killed.Wait();
  const std::vector<std::string> running = {"ps", "--filter", "label=rotv.home", "--format", "{{.Labels}}"};
  EXPECT_TRUE(
      WaitUntil([&] { return Podman(running).out.find(rotv_.home().native() + "/fresh/") == std::string::npos; }));

  MustRotv({"start"});
  EXPECT_THAT(LabelsOfAll(), Not(HasSubstr("rotv.home:" + rotv_.home().native() + "/fresh/")));
  const std::string id = Podman({"inspect", "--format", "{{.Id}}", Name()}).out;
  MustRotv({"psql", "-qc", "DELETE FROM places WHERE id > 10"});
  MustRotv({"save", "ten"});
  MustRotv({"psql", "-qc", "DELETE FROM places"});
  EXPECT_EQ(Json::parse(MustRotv({"--json", "reset"}))["restarted"], false);
  EXPECT_EQ(Get("/count/places"), "100");
  EXPECT_EQ(Podman({"inspect", "--format", "{{.Id}}", Name()}).out, id);
  EXPECT_EQ(fresh(count, "ten"), "10\n");
  MustRotv({"start", "--replace", "--snapshot", "ten"});
  EXPECT_EQ(Get("/count/places"), "10");
}

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

TEST_F(StartContainerTest, OnlyChangedLayersAreRebuiltAndOldImagesAreRemoved) {
  Build();
  const std::string first = ImageId();
  const std::string user = "rotv-test-user-" + std::to_string(port_);
  ASSERT_TRUE(Podman({"create", "--name", user, image_}).ok());
  std::string again = Build();
  int steps = Count(again, "STEP ");
  int infrastructure = Count(again, "[1/2] STEP ");
  EXPECT_GE(infrastructure, 4) << again;
  EXPECT_GE(Count(again, "Using cache"), steps - 4) << "FROM, ARG and the like are no layers\n" << again;

  // Podman remembers the layers of earlier runs of this test.
  std::string unique = rotv_.directory().filename().native() + std::to_string(port_);
  WriteApp("added.js", "// A change of the application: " + unique + "\n");
  std::string changed = Build();
  EXPECT_THAT(changed, HasSubstr("Using cache"));
  // The installation of its packages is the last step that is found; the sources are copied again.
  size_t npm = changed.find("npm \"$install\"");
  size_t copied = changed.find("COPY --chown=70:70 ${APP_DIR}/");
  if (copied == std::string::npos) copied = changed.find("COPY --chown=70:70 app/");
  ASSERT_NE(npm, std::string::npos) << changed;
  ASSERT_NE(copied, std::string::npos) << changed;
  EXPECT_THAT(changed.substr(npm, copied - npm), HasSubstr("Using cache"));
  EXPECT_THAT(changed.substr(copied), Not(HasSubstr("Using cache")));
  const std::string second = ImageId();
  EXPECT_NE(second, first);
  EXPECT_TRUE(Podman({"image", "exists", first}).ok()) << "a container uses it";
  ASSERT_TRUE(Podman({"rm", user}).ok());

  std::string version = "2.0.0-" + unique;
  WriteApp("package.json", R"({"name": "x", "main": "server.js", "version": ")" + version + "\"}");
  std::string bumped = Build();
  size_t application = bumped.find("[2/2] STEP 1");
  ASSERT_NE(application, std::string::npos);
  EXPECT_EQ(Count(bumped.substr(0, application), "Using cache"),
            Count(again.substr(0, again.find("[2/2] STEP 1")), "Using cache"));
  EXPECT_THAT(bumped.substr(bumped.find("COPY --chown=70:70 packages/", application)), Not(HasSubstr("Using cache")));
  EXPECT_EQ(Podman({"image", "inspect", "--format", "{{index .Labels \"rotv.version\"}}", image_}).out, version + "\n");
  for (const std::string& old : {first, second}) {
    // While a neighbour's build is at work on its layers it stays; the next build removes it.
    EXPECT_TRUE(WaitUntil([&] {
      if (!Podman({"image", "exists", old}).ok()) return true;
      Build();
      return false;
    })) << Podman({"rmi", old}).err;
  }
  EXPECT_TRUE(Podman({"image", "exists", ImageId()}).ok());
}

// As the browsers of a Playwright cache need it, and with one of its own.
TEST_F(StartContainerTest, AnImageWithABrowserSoak) {
  const Result built = Rotv({"build", "--with-browser"});
  ASSERT_TRUE(built.ok()) << built.err;
  const Result page = Podman({"run", "--rm", "--user", "postgres", "--entrypoint", "chromium", image_, "--headless",
                              "--no-sandbox", "--disable-gpu", "--dump-dom", "data:text/html,<p id=x>shown</p>"});
  EXPECT_THAT(page.out, HasSubstr("<p id=\"x\">shown</p>")) << page.err;
  const std::string libraries = Podman({"run", "--rm", "--entrypoint", "/sbin/ldconfig", image_, "-p"}).out;
  for (const char* library : {"libasound.so.2",    "libatk-bridge-2.0.so.0",
                              "libatk-1.0.so.0",   "libatspi.so.0",
                              "libcairo.so.2",     "libcups.so.2",
                              "libdbus-1.so.3",    "libdrm.so.2",
                              "libgbm.so.1",       "libglib-2.0.so.0",
                              "libnspr4.so",       "libnss3.so",
                              "libpango-1.0.so.0", "libX11.so.6",
                              "libxcb.so.1",       "libXcomposite.so.1",
                              "libXdamage.so.1",   "libXext.so.6",
                              "libXfixes.so.3",    "libxkbcommon.so.0",
                              "libXrandr.so.2"}) {
    EXPECT_THAT(libraries, HasSubstr(library));
  }
}

TEST_F(StartContainerTest, AStartServesTheApplicationOnTheSourcesData) {
  WriteApp(".env", "SECRET='two words # and \"more\"'\nLINES=\"one\\ntwo\"\n");
  Build();
  EXPECT_THAT(Podman({"run", "--rm", "--entrypoint", "ls", image_, "-A", "/app"}).out, Not(HasSubstr(".env")));

  // The first start takes the baseline by itself.
  Result started = Rotv({"start"});
  ASSERT_TRUE(started.ok()) << started.err;
  EXPECT_THAT(started.err, HasSubstr("rotv: runtime: podman "));
  EXPECT_THAT(started.out, HasSubstr("places           100 rows"));
  EXPECT_EQ(Get("/count/places"), "100");
  EXPECT_EQ(Get("/count/news"), "7");
  EXPECT_EQ(Json::parse(Get("/env/SECRET")), "two words # and \"more\"");
  EXPECT_EQ(Json::parse(Get("/env/LINES")), "one\ntwo");
  EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "run" / "app.env"));
  EXPECT_THAT(MustRotv({"logs"}), Not(HasSubstr("two words")));
  EXPECT_THAT(Json::parse(MustRotv({"--json", "start"}))["already_running"], true);
  EXPECT_EQ(MustRotv({"psql", "-Atc", "SHOW fsync"}), "off\n");
  EXPECT_THAT(Podman({"exec", Name(), "stat", "-f", "-c", "%T", "/data/pgdata"}).out, HasSubstr("tmpfs"));
  EXPECT_EQ(Podman({"exec", Name(), "psql", "-U", "postgres", "-d", "rotv", "-XAtc", "SELECT count(*) FROM news"}).out,
            "7\n");
  // Both outputs in one stream, and from a time on.
  const std::string since =
      MustRotv({"psql", "-XAtc", "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"});
  MustRotv({"psql", "-XAtqc", "DO $$ BEGIN RAISE LOG 'said later'; END $$"});
  const std::string later = MustRotv({"logs", "--since", since.substr(0, since.size() - 1)});
  EXPECT_THAT(later, HasSubstr("said later"));
  EXPECT_THAT(later, Not(HasSubstr("rotv: database ready")));
  EXPECT_THAT(MustRotv({"logs"}), HasSubstr("rotv: database ready"));

  // Another application beside it.
  MustRotv({"--name", "second", "start", "--port", std::to_string(FreePort())});
  EXPECT_EQ(Json::parse(MustRotv({"--json", "list"}))["applications"].size(), 2u);
  EXPECT_EQ(MustRotv({"--name", "second", "stop"}), "Stopped.\n");
  EXPECT_EQ(Get("/count/places"), "100");

  // Changes made by hand are gone.
  MustRotv({"psql", "-qc", "INSERT INTO places VALUES (1000, 'by hand')"});
  MustRotv({"stop"});
  ExpectNothingRuns();
  MustRotv({"start"});
  EXPECT_EQ(Get("/count/places"), "100");
  EXPECT_THAT(MustRotv({"logs"}), Not(HasSubstr("rotv: phase: import"))) << "it starts from the warm cluster";

  // Killed inside the container, and from outside.
  Podman({"exec", Name(), "sh", "-c", "kill -9 $(head -n 1 /data/pgdata/postmaster.pid)"});
  Podman({"kill", Name()});
  MustRotv({"start"});
  EXPECT_EQ(Get("/count/places"), "100");
  EXPECT_EQ(MustRotv({"stop"}), "Stopped.\n");
}

// A warm cluster is copied into the container and carried there; then it is the lower layer of a volume.
TEST_F(StartContainerTest, AWarmClusterIsCarriedInACopyAndInAnOverlay) {
  Build();
  MustRotv({"start"});
  MustRotv({"stop"});
  rotv_.server().Exec("INSERT INTO places VALUES (1000, 'new'); DELETE FROM news WHERE id < 4");
  Json started = Json::parse(MustRotv({"--json", "start", "--pull"}));
  EXPECT_EQ(started["from"], "carried") << started;
  EXPECT_EQ(started["clone"], "copy");
  EXPECT_EQ(Get("/count/places"), "101");
  EXPECT_EQ(Get("/count/news"), "4");
  MustRotv({"stop"});

  AddConfig("clone = \"overlay\"\n");
  started = Json::parse(MustRotv({"--json", "start"}));
  EXPECT_EQ(started["from"], "carried") << started;
  EXPECT_EQ(Get("/count/places"), "101");
  EXPECT_EQ(Get("/count/news"), "4");
  ASSERT_EQ(started["clone"], "overlay");
  MustRotv({"psql", "-qc", "DROP TABLE news"});
  rotv_.MustSync({"clean", "--what", "clusters"});
  EXPECT_NE(WarmCluster("state"), "") << "it is in use";
  MustRotv({"restart"});
  EXPECT_EQ(Get("/count/news"), "4");
  MustRotv({"stop"});
  ExpectNothingRuns();
  rotv_.MustSync({"clean", "--what", "clusters"});
  EXPECT_EQ(WarmCluster("state"), "");
}

// The comparison runs in a container of its own, without this machine's network, with files and with a command that
// finds them in the image.
TEST_F(StartContainerTest, SchemasAreCompared) {
  WriteApp("migrations/1_all.sql",
           "CREATE TABLE places (id int PRIMARY KEY, name text NOT NULL);"
           "CREATE TABLE news (id int PRIMARY KEY, title text);");
  WriteApp("migrate.sh",
           "test \"$(ls /sys/class/net)\" = lo || exit 7; psql -X -q -d \"$DATABASE_URL\" -f migrations/1_all.sql\n");
  Build();
  rotv_.MustSync({"baseline"});
  Result equal = Rotv({"validate-schema"});
  EXPECT_EQ(equal.exit_status, 0) << equal.out << equal.err;
  EXPECT_THAT(LabelsOfAll(), Not(HasSubstr(rotv_.home().native())));

  // The migration is not in the image yet.
  WriteApp("migrations/2_more.sql", "CREATE TABLE more (id int);");
  EXPECT_THAT(Rotv({"validate-schema"}).out, HasSubstr("Only in the migrations (1)\n  table public.more\n"));
  WriteApp("migrations/1_all.sql", "CREATE TABLE places (id int PRIMARY KEY, name text NOT NULL);");
  AddConfig("[schema]\ncommand = \"sh migrate.sh\"\n");
  const Result by_command = Rotv({"validate-schema"});
  EXPECT_THAT(by_command.out, HasSubstr("Only in production (1)\n  table public.news\n")) << by_command.err;
  EXPECT_THAT(LabelsOfAll(), Not(HasSubstr(rotv_.home().native())));
}

TEST_F(StartContainerTest, AStartAfterAKilledOneWorks) {
  Build();
  auto began = std::chrono::steady_clock::now();
  MustRotv({"start"});
  auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  MustRotv({"stop"});
  std::random_device seed;
  unsigned number = seed();
  SCOPED_TRACE("random number " + std::to_string(number));
  std::mt19937 random(number);
  for (int round = 0; round < 6; ++round) {
    if (round % 2 == 0) std::filesystem::remove_all(rotv_.home() / "warm");
    auto moment = std::chrono::milliseconds(random() % static_cast<unsigned>(whole.count()));
    SCOPED_TRACE("round " + std::to_string(round) + " after " + std::to_string(moment.count()) + " ms");
    Process start(RotvCommand({"start"}));
    std::this_thread::sleep_for(moment);
    // Kills the host's process, the container, or PostgreSQL in it; the latter two if they exist yet.
    if (round % 3 == 0) start.Signal(SIGKILL);
    bool ends = false;
    if (round % 3 == 1) ends = Podman({"kill", Name()}).ok();
    if (round % 3 == 2) {
      ends = Podman({"exec", Name(), "sh", "-c", "kill -9 $(head -n 1 /data/pgdata/postmaster.pid)"}).ok();
    }
    start.Wait();
    // Until the container has ended, too, what was started runs.
    EXPECT_TRUE(!ends || WaitUntil([&] {
      return Podman({"inspect", "--format", "{{.State.Running}}", Name()}).out != "true\n";
    }));
    MustRotv({"start"});
    EXPECT_EQ(Get("/count/places"), "100");
    MustRotv({"stop"});
    ExpectNothingRuns();
  }
  if (geteuid() != 0) return;  // Without root, no rule of the firewall leads to a container.
  const std::string gone(64, 'e');
  AddPortRules(gone);
  MustRotv({"start"});
  EXPECT_EQ(Get("/count/places"), "100");
  MustRotv({"stop"});
  const std::string rules = MustRun({.argv = {"iptables", "-w", "-t", "nat", "-S"}}).out;
  EXPECT_THAT(rules, Not(HasSubstr(gone)));
  EXPECT_THAT(rules, Not(HasSubstr(fmt::format("--dport {} ", port_))));
  MustRun({.argv = {"iptables", "-w", "-t", "nat", "-X", fmt::format("NETAVARK-DN-{}", port_)}});
}

TEST_F(StartContainerTest, ADamagedCompressedSeedIsWrittenAgain) {
  AddConfig("compression = \"zstd\"\n");
  Build();
  rotv_.MustSync({"baseline"});
  MustRotv({"seed"});
  const std::filesystem::path seed = rotv_.home() / "seed-data.sql.zst";
  const auto time = std::filesystem::last_write_time(seed);
  {
    std::fstream file(seed, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(seed) / 2));
    file << "\xff\xff\xff\xff\xff\xff\xff\xff";
  }
  std::filesystem::last_write_time(seed, time);  // A failing disk leaves the time unchanged too.
  const Result started = Rotv({"start"});
  EXPECT_EQ(started.exit_status, 0) << started.err;
  EXPECT_THAT(started.err, HasSubstr("was damaged since it was written: writing it again"));
  EXPECT_EQ(Get("/count/places"), "100");
}

TEST_F(StartContainerTest, ASeedThatFailsInTheMiddleStartsNothing) {
  MakeSeedThatCannotBeImported();
  Build();
  Result started = Rotv({"start"});
  EXPECT_EQ(started.exit_status, kCannotStart) << started.out;
  EXPECT_THAT(started.err, HasSubstr("the seed cannot be imported: line "));
  EXPECT_THAT(started.err, HasSubstr("violates check constraint"));
  ExpectNothingRuns();
}

TEST_F(StartContainerTest, ATakenPortIsReportedWithItsProcess) {
  Build();
  Process other(TakePort());
  ASSERT_TRUE(other.WaitForOutput("listening", std::chrono::seconds(30)));
  Result started = Rotv({"start"});
  EXPECT_EQ(started.exit_status, 2) << started.out;
  EXPECT_THAT(started.err, HasSubstr("port " + std::to_string(port_) + " is in use by node (process " +
                                     std::to_string(other.pid()) + ")"));
  EXPECT_EQ(Containers(), "");
}

TEST_F(StartContainerTest, APersistentClusterKeepsItsData) {
  Build();
  MustRotv({"start", "--persistent"});
  MustRotv({"psql", "-qc", "INSERT INTO places VALUES (1000, 'kept')"});
  EXPECT_EQ(MustRotv({"psql", "-Atc", "SELECT current_setting('wal_level'), current_setting('fsync')"}),
            "logical|on\n");
  MustRotv({"restart"});
  EXPECT_EQ(Get("/count/places"), "101");
  // The application dies, then the database.
  const std::string name = Name();
  const auto kill = [&](const std::string& program) {
    Podman({"exec", name, "sh", "-c",
            "for p in /proc/[0-9]*; do [ \"$(cat $p/comm)\" != " + program + " ] || kill -9 ${p#/proc/}; done"});
  };
  const auto answers = [&] { return Get("/count/places") == "101"; };
  kill("node");
  EXPECT_TRUE(WaitUntil(answers, std::chrono::seconds(60))) << MustRotv({"logs"});
  kill("postgres");
  EXPECT_TRUE(WaitUntil([&] { return Podman({"inspect", "--format", "{{.State.Running}}", name}).out == "false\n"; }));
  // What Podman itself calls after a container's end, and what looks at the policy.
  Podman({"container", "cleanup", name});
  EXPECT_TRUE(WaitUntil(answers, std::chrono::seconds(60))) << MustRotv({"logs"});
  MustRotv({"stop"});
  // Its files belong to the container's PostgreSQL; podman unshare has the right to delete them.
  RunCommand({.argv = {"podman", "unshare", "rm", "-rf", rotv_.home() / "pgdata"}, .env = podman_.environment});
}

TEST_F(StartContainerTest, AFailedStartLeavesNothing) {
  AddConfig("tmpfs_size = \"48M\"\n");
  rotv_.server().Exec(
      "CREATE TABLE large (i int PRIMARY KEY, v text);"
      "INSERT INTO large SELECT i, repeat(md5(i::text), 3) FROM generate_series(1, 500000) i");
  Build();
  Result small = Rotv({"start"});
  EXPECT_EQ(small.exit_status, kCannotStart) << small.out;
  EXPECT_THAT(small.err, HasSubstr("the data directory is full\nhint: set a larger tmpfs_size"));
  ExpectNothingRuns();
}

TEST_F(StartContainerTest, WithoutAnImageTheHintNamesTheCommand) {
  Result started = Rotv({"start"});
  EXPECT_EQ(started.exit_status, 2);
  EXPECT_THAT(started.err, HasSubstr("there is no image " + image_ + " yet\nhint: rotv --runtime podman build"));
  EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "sources"));
}

TEST_F(StartContainerTest, AFailedBuildEndsWithItsFailedStep) {
  WriteApp("package.json", R"({"name": "x", "version": "1.0.0", "dependencies": {"x": "file:not-there"}})");
  Result built = Rotv({"-q", "build"});
  EXPECT_EQ(built.exit_status, 2);
  EXPECT_THAT(built.err, HasSubstr("not-there"));
  EXPECT_THAT(built.err, HasSubstr("rotv: the image cannot be built: "));
}

}  // namespace
}  // namespace rotv::testing
