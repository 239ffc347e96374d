// The entrypoint itself, run as a plain process: damaged seeds, and signals at every moment.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "fmt/format.h"
#include "os/process_list.h"
#include "storage/handle.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::chrono::seconds kPatience{60};
constexpr uintmax_t kRoomForClusters = uintmax_t{1} << 30;

class EntrypointTest : public ::testing::Test {
 protected:
  explicit EntrypointTest(TempDirName name = TempDirName::kPlain)
      : directory_(name, DirectoryInMemory(kRoomForClusters)) {
    std::filesystem::create_directory(directory_ / "app");
    std::filesystem::create_directory(directory_ / "run");
    // The server's user creates the cluster there.
    std::filesystem::permissions(directory_ / "run", std::filesystem::perms::all);
  }

  std::string WriteSeed(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name) << text;
    return directory_ / name;
  }
  std::string Compress(const std::string& program, const std::string& seed) {
    std::string compressed = seed + (program == "zstd" ? ".zst" : ".gz");
    MustRun({.argv = {"sh", "-c", program + " -c \"$0\" > \"$1\"", seed, compressed}});
    return compressed;
  }
  static void CutInHalf(const std::string& file) {
    std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  }

  Command Entrypoint(const std::string& seed,
                     const std::string& application = "sh -c 'echo started; sleep 1000'") const {
    Command command;
    command.argv = {"bash", std::string(ROTV_SOURCE_DIR) + "/entrypoint/entrypoint"};
    command.env = {{"ROTV_TEST_MARK", directory_.path()},
                   {"ROTV_DATA", directory_ / "run/data"},
                   {"ROTV_SOCKET_DIR", directory_ / "run/s"},
                   {"ROTV_SEED", seed},
                   {"ROTV_LISTEN", ""},
                   {"ROTV_APP_DIR", directory_ / "app"},
                   {"ROTV_APP_COMMAND", application}};
    for (const auto& [name, value] : variables_) command.env[name] = value;
    command.unset_env = {"PG*"};
    command.timeout = kPatience;
    return command;
  }
  // Returns the output of a run that fails.
  std::string Failure(const std::string& seed) {
    Result ended = RunCommand(Entrypoint(seed));
    EXPECT_EQ(ended.exit_status, 1) << ended.out << ended.err;
    EXPECT_THAT(ended.out, Not(HasSubstr("\nstarted\n")));
    ExpectNothingRuns();
    return ended.out + ended.err;
  }
  void ExpectNothingRuns() {
    EXPECT_THAT(os::ProcessesWithVariable("ROTV_TEST_MARK=" + directory_.path().native()), IsEmpty());
    EXPECT_FALSE(std::filesystem::exists(directory_ / "run/data/postmaster.pid"));
  }
  std::string Ask(const std::string& sql) const {
    return MustRun({.argv = {"psql", "-XAtq", "-h", directory_ / "run/s", "-U", "rotv", "-d", "rotv", "-c", sql}}).out;
  }

  // A table of so many rows, between pg_dump's beginning and end.
  static std::string Dump(int rows, const std::string& more = "") {
    std::string text =
        "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE t (id int, x text);\nCOPY t (id, x) FROM stdin;\n";
    for (int i = 0; i < rows; ++i)
      text += std::to_string(i) + "\t" + std::string(80, 'x') + std::to_string(i * 7919) + "\n";
    return text + "\\.\n" + more + "\n--\n-- PostgreSQL database dump complete\n--\n\n";
  }

  TempDir directory_;
  std::map<std::string, std::string> variables_;
};

TEST_F(EntrypointTest, SeedsOfEveryKindAreRecognizedByTheirBytes) {
  std::string plain = WriteSeed("seed", Dump(1000));
  for (const std::string& seed : {plain, Compress("zstd", plain), Compress("gzip", plain)}) {
    SCOPED_TRACE(seed);
    Process entrypoint(Entrypoint(seed));
    ASSERT_TRUE(entrypoint.WaitForOutput("\nstarted\n", kPatience)) << entrypoint.Out() << entrypoint.Err();
    EXPECT_THAT(entrypoint.Out(), HasSubstr("rotv: database ready\nrotv: phase: application\n"));
    EXPECT_EQ(Ask("SELECT count(*) FROM t"), "1000\n");
    entrypoint.Signal(SIGTERM);
    EXPECT_EQ(entrypoint.Wait().exit_status, 0);
    ExpectNothingRuns();
  }
}

TEST_F(EntrypointTest, DamagedSeedsStartNothing) {
  std::string plain = WriteSeed("seed", Dump(20000));
  std::string zstd = Compress("zstd", plain);
  std::string gzip = Compress("gzip", plain);
  for (const std::string& seed : {plain, zstd, gzip}) {
    CutInHalf(seed);
    EXPECT_THAT(Failure(seed), HasSubstr("rotv: error: the seed is damaged: ")) << seed;
  }
  EXPECT_THAT(Failure(directory_ / "none"), HasSubstr("rotv: error: there is no seed "));
}

TEST_F(EntrypointTest, TheFirstErrorOfASeedIsReportedWithItsLine) {
  std::string text = Dump(10, "SELECT 1/0;\nSELECT nothing;\n");
  std::string failure = Failure(WriteSeed("seed", text));
  // Six lines come before the rows, then ten rows and their end.
  EXPECT_THAT(failure, HasSubstr("rotv: error: the seed cannot be imported: line 18: ERROR:  division by zero\n"));
}

TEST_F(EntrypointTest, ACommandOfPsqlInASeedIsNotRun) {
  // After text that psql takes for the end of the rows.
  std::string mark = directory_ / "run/mark";
  std::string failure = Failure(WriteSeed("seed", Dump(10, "\\! touch " + mark + "\n")));
  EXPECT_THAT(failure, HasSubstr("rotv: error: the seed is refused: line 18: a command of psql\n"));
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST_F(EntrypointTest, ANewerSourceIsRefusedBeforeTheImport) {
  variables_ = {{"ROTV_SOURCE_VERSION", "990002"}, {"ROTV_ENCODING", "UTF8"}, {"ROTV_LOCALE_PROVIDER", "libc"}};
  const std::string failure = Failure(WriteSeed("seed", Dump(10, "SET transaction_timeout = 0;\n")));
  EXPECT_THAT(failure,
              ::testing::ContainsRegex("rotv: error: the source is PostgreSQL 99, and the server here is "
                                       "PostgreSQL [0-9]+, which is older\nrotv: hint: install PostgreSQL 99"));
  EXPECT_THAT(failure, Not(HasSubstr("phase: server")));
}

TEST_F(EntrypointTest, AnExtensionThatIsNotHereNamesTheLineThatLeavesItOut) {
  const std::string seed = WriteSeed(
      "seed",
      "--\n-- PostgreSQL database dump\n--\n\nCREATE EXTENSION IF NOT EXISTS \"no-such\" WITH SCHEMA public;\n"
      "COMMENT ON EXTENSION \"no-such\" IS 'x';\nCREATE TABLE t (id int);\nCOPY public.job (a) FROM stdin;\n1\n\\.\n"
      "\n--\n-- PostgreSQL database dump complete\n--\n\n");
  const std::string failure = Failure(seed);
  EXPECT_THAT(failure, HasSubstr("rotv: error: an extension of the seed cannot be created: extension \"no-such\""));
  EXPECT_THAT(failure, HasSubstr("skip_extensions = [\"no-such\"] in [app] of rotv.toml leaves it out"));
  variables_["ROTV_SKIP_EXTENSIONS"] = "no-such";
  Process entrypoint(Entrypoint(seed));
  ASSERT_TRUE(entrypoint.WaitForOutput("\nstarted\n", kPatience)) << entrypoint.Out() << entrypoint.Err();
  EXPECT_THAT(entrypoint.Out(),
              HasSubstr("rotv: warning: skip_extensions in [app] of rotv.toml leaves out: no-such\n"));
  entrypoint.Signal(SIGTERM);
  EXPECT_EQ(entrypoint.Wait().exit_status, 0);
}

TEST_F(EntrypointTest, HostileTextsOfTheSourceAreData) {
  const std::string mark = directory_ / "run/mark";
  const std::string evil =
      "x'; \\! touch " + mark + "\n$(touch " + mark + ") `touch " + mark + "`\"; DROP ROLE rotv --";
  std::string row = evil;
  for (size_t at = 0; (at = row.find_first_of("\\\n", at)) != std::string::npos; at += 2) {
    row.replace(at, 1, row[at] == '\n' ? "\\n" : "\\\\");
  }
  const std::string one_line = "x'; \\! touch " + mark + " $(touch " + mark + ")\"; DROP ROLE rotv --";
  variables_ = {
      {"ROTV_SOURCE_VERSION", "140000"},
      {"ROTV_ENCODING", "UTF8"},
      {"ROTV_LOCALE_PROVIDER", "libc"},
      {"ROTV_COLLATE", one_line},
      {"ROTV_CTYPE", one_line},
      {"ROTV_LC_MONETARY", one_line},
      {"ROTV_SETTINGS", "app.a\t" + row + "\n" + row + "\tx\nlc_time\t" + row + "\ndynamic_library_path\t/tmp\n" +
                            "zero_damaged_pages\ton\nplperl.on_plperl_init\tx\n"},
      {"ROTV_TABLESPACES", one_line},
      {"ROTV_ROLES", one_line},
      {"ROTV_COLLATIONS", "public\t" + row + "\t" + row + "\tC\n"}};
  Process entrypoint(Entrypoint(WriteSeed("seed", Dump(10))));
  ASSERT_TRUE(entrypoint.WaitForOutput("\nstarted\n", kPatience)) << entrypoint.Out() << entrypoint.Err();
  EXPECT_FALSE(std::filesystem::exists(mark)) << entrypoint.Out();
  EXPECT_EQ(Ask("SHOW app.a"), evil + "\n");
  EXPECT_EQ(Ask("SHOW zero_damaged_pages"), "off\n");
  EXPECT_EQ(Ask("SELECT count(*) FROM pg_db_role_setting, unnest(setconfig) s WHERE s !~ '^app\\.a='"), "0\n");
  for (const char* warned : {"sorts by x'; ", "zero_damaged_pages", "dynamic_library_path", "lc_time"}) {
    EXPECT_THAT(entrypoint.Out(), ::testing::ContainsRegex("\nrotv: warning: [^\n]*" + std::string(warned)));
  }
  entrypoint.Signal(SIGTERM);
  EXPECT_EQ(entrypoint.Wait().exit_status, 0);
}

TEST_F(EntrypointTest, TheSuperuserCannotLogInAfterTheImportBegins) {
  variables_ = {{"ROTV_MODE", "persistent"}, {"ROTV_SUPERUSER", "yes"}};
  std::string seed = WriteSeed("seed", Dump(10));
  auto log_in = [&](const std::string& more) {
    return RunCommand({.argv = {"psql", "-X", "-d", "host=" + (directory_ / "run/s").native() + " dbname=rotv " + more,
                                "-c", more.find("replication") == std::string::npos ? "SELECT 1" : "IDENTIFY_SYSTEM"}});
  };
  {
    Process entrypoint(Entrypoint(seed));
    ASSERT_TRUE(entrypoint.WaitForOutput("\nstarted\n", kPatience)) << entrypoint.Out() << entrypoint.Err();
    for (const char* way : {"", " replication=database", " replication=true"}) {
      EXPECT_THAT(log_in(std::string("user=rotv_superuser") + way).err, HasSubstr("pg_hba.conf rejects")) << way;
      EXPECT_TRUE(log_in(std::string("user=rotv") + way).ok()) << "a persistent cluster can be followed" << way;
    }
    EXPECT_EQ(Ask("SELECT rolsuper FROM pg_roles WHERE rolname = 'rotv'"), "t\n");
    EXPECT_THAT(entrypoint.Out(), Not(HasSubstr("rotv: warning: ")));
    entrypoint.Signal(SIGTERM);
    entrypoint.Wait();
  }
  // It keeps its rights, and a message says so.
  variables_["ROTV_SUPERUSER"] = "no";
  Process again(Entrypoint(seed));
  ASSERT_TRUE(again.WaitForOutput("\nstarted\n", kPatience)) << again.Out() << again.Err();
  EXPECT_THAT(again.Out(), HasSubstr("rotv: warning: in this existing cluster rotv is a superuser"));
  EXPECT_THAT(log_in("user=rotv_superuser").err, HasSubstr("pg_hba.conf rejects"));
}

TEST_F(EntrypointTest, ASignalEndsItAtEveryMoment) {
  std::string seed = WriteSeed("seed", Dump(300000));
  for (const char* moment :
       {"rotv: phase: cluster", "rotv: phase: server", "rotv: import: ", "rotv: phase: application"}) {
    SCOPED_TRACE(moment);
    Process entrypoint(Entrypoint(seed));
    ASSERT_TRUE(entrypoint.WaitForOutput(moment, kPatience)) << entrypoint.Out() << entrypoint.Err();
    entrypoint.Signal(SIGTERM);
    std::optional<Result> ended = entrypoint.WaitFor(kPatience);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->exit_status, 0) << ended->out << ended->err;
    ExpectNothingRuns();
  }
}

TEST_F(EntrypointTest, ServerAndApplicationEndTogether) {
  std::string seed = WriteSeed("seed", Dump(10));
  Process died(Entrypoint(seed, "sh -c 'echo last words; exit 7'"));
  std::optional<Result> ended = died.WaitFor(kPatience);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_status, 1);
  EXPECT_THAT(ended->out + ended->err, HasSubstr("rotv: error: the application ended with status 7\n"));
  ExpectNothingRuns();

  Process served(Entrypoint(seed));
  ASSERT_TRUE(served.WaitForOutput("\nstarted\n", kPatience));
  std::ifstream file(directory_ / "run/data/postmaster.pid");
  pid_t server = 0;
  file >> server;
  ASSERT_EQ(kill(server, SIGKILL), 0);
  ended = served.WaitFor(kPatience);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_status, 1);
  EXPECT_THAT(ended->out + ended->err, HasSubstr("rotv: error: PostgreSQL ended with status 137"));
  EXPECT_THAT(os::ProcessesWithVariable("ROTV_TEST_MARK=" + directory_.path().native()), IsEmpty());
}

TEST_F(EntrypointTest, AnApplicationThatEndsWhenTheWaitForItBeginsIsNoticed) {
  // This file is there just before the entrypoint waits.
  Process entrypoint(Entrypoint(WriteSeed("seed", Dump(10)), fmt::format("sh -c 'until [ -e {} ]; do :; done; exit 7'",
                                                                         (directory_ / "run/s/rotv-main").native())));
  std::optional<Result> ended = entrypoint.WaitFor(kPatience);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_status, 1);
  EXPECT_THAT(ended->err, HasSubstr("rotv: error: the application ended with status 7\n"));
  ExpectNothingRuns();
}

TEST_F(EntrypointTest, ADatabaseWithATimeLimitEndsByItself) {
  variables_["ROTV_LIFETIME"] = "1";
  for (const char* application : {"", "sh -c 'echo started; sleep 1000'"}) {
    Result ended = RunCommand(Entrypoint(WriteSeed("seed", Dump(10)), application));
    EXPECT_EQ(ended.exit_status, 0) << ended.out << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("rotv: the lifetime of 1 seconds is over\n"));
    ExpectNothingRuns();
  }
}

TEST_F(EntrypointTest, APersistentClusterIsImportedOnce) {
  variables_["ROTV_MODE"] = "persistent";
  std::string seed = WriteSeed("seed", Dump(300000));
  // Killed halfway through the import: that is no usable cluster.
  {
    Process killed(Entrypoint(seed));
    ASSERT_TRUE(killed.WaitForOutput("rotv: import: ", kPatience));
    killed.SignalGroup(SIGKILL);
    killed.Wait();
  }
  // Its pid may belong to another process of that user by now, or still be its own.
  Process another({.argv = {"sleep", "1000"}, .user = IsRoot() ? "postgres" : ""});
  std::filesystem::path lock = directory_ / "run/s/.s.PGSQL.5432.lock";
  std::string left = ReadFile(lock);
  ASSERT_THAT(left, HasSubstr("run/data\n"));
  std::ofstream(lock) << another.pid() << left.substr(left.find('\n'));
  std::ofstream(seed) << Dump(10);
  for (const char* rows : {"10\n", "11\n"}) {
    Process entrypoint(Entrypoint(seed));
    ASSERT_TRUE(entrypoint.WaitForOutput("\nstarted\n", kPatience)) << entrypoint.Out() << entrypoint.Err();
    EXPECT_EQ(Ask("SELECT count(*) FROM t"), rows);
    EXPECT_EQ(Ask("SELECT current_setting('fsync') || current_setting('wal_level')"), "onlogical\n");
    Ask("INSERT INTO t VALUES (-1, 'by hand')");
    entrypoint.Signal(SIGTERM);
    EXPECT_EQ(entrypoint.Wait().exit_status, 0);
  }
}

TEST_F(EntrypointTest, AServerThatDiedAfterTheImportIsNotUsed) {
  // Without fsync the cluster would come up again with fewer rows than were imported.
  std::filesystem::create_directories(directory_ / "warm");
  const std::filesystem::path pipe = directory_ / "warm/state";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::string seed = WriteSeed("seed", Dump(10, "SELECT pg_catalog.pg_sleep(1);\n"));
  for (const char* mode : {"development", "persistent"}) {
    SCOPED_TRACE(mode);
    const FileDescriptor sent(open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    variables_ = {{"ROTV_MODE", mode}, {"ROTV_WARM_TO", directory_ / "warm"}};
    std::filesystem::remove_all(directory_ / "run/data");
    Process entrypoint(Entrypoint(seed));
    ASSERT_TRUE(entrypoint.WaitForOutput("rotv: import: ", kPatience)) << entrypoint.Out() << entrypoint.Err();
    auto imports = [&] {
      for (pid_t process : os::ProcessesWithVariable("ROTV_TEST_MARK=" + directory_.path().native())) {
        std::vector<std::string> words = os::CommandLineOf(process);
        if (!words.empty() && words.front().ends_with("/psql")) return true;
      }
      return false;
    };
    ASSERT_TRUE(WaitUntil(imports, kPatience));
    entrypoint.Signal(SIGSTOP);
    ASSERT_TRUE(WaitUntil([&] { return !imports(); }, kPatience));
    pid_t server = 0;
    std::ifstream(directory_ / "run/data/postmaster.pid") >> server;
    ASSERT_GT(server, 0);
    ASSERT_EQ(kill(server, SIGKILL), 0);
    entrypoint.Signal(SIGCONT);
    Result ended = entrypoint.Wait();
    EXPECT_EQ(ended.exit_status, 1) << ended.out << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("rotv: error: PostgreSQL did not end as it should: its status was 137"));
    EXPECT_THAT(ended.out, Not(HasSubstr("rotv: warm: sends")));
    char byte = 0;
    EXPECT_EQ(read(sent.get(), &byte, 1), 0) << "nothing was written, and no writer is left";
  }
}

TEST_F(EntrypointTest, TheDatabasesUserCannotBeAReservedRole) {
  for (const char* user : {"rotv_superuser", "pg_signal_backend"}) {
    variables_ = {{"ROTV_DBUSER", user}};
    EXPECT_THAT(Failure(WriteSeed("seed", Dump(1))),
                HasSubstr("the database's user cannot be called " + std::string(user)));
  }
}

TEST_F(EntrypointTest, VariablesReachTheApplicationUnchanged) {
  variables_ = {
      {"PLAIN", "two words # \"more\" 'quotes' $HOME"}, {"LINES", "b25lCnR3bwo="}, {"ROTV_SECRETS_BASE64", "LINES"}};
  std::string seed = WriteSeed("seed", Dump(1));
  Process entrypoint(
      Entrypoint(seed, "sh -c 'printf \"[%s]\" \"$PLAIN\" \"$LINES\" \"$PGDATABASE\"; echo; sleep 1000'"));
  ASSERT_TRUE(entrypoint.WaitForOutput("[rotv]", kPatience)) << entrypoint.Out() << entrypoint.Err();
  EXPECT_THAT(entrypoint.Out(), HasSubstr("[two words # \"more\" 'quotes' $HOME][one\ntwo\n][rotv]"));
}

TEST_F(EntrypointTest, ADirectoryThatIsNotAClusterIsLeftAlone) {
  std::filesystem::create_directory(directory_ / "run/data");
  std::ofstream(directory_ / "run/data/letters") << "dear";
  EXPECT_THAT(Failure(WriteSeed("seed", Dump(1))), HasSubstr("contains something other than a PostgreSQL cluster"));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "run/data/letters"));
  struct stat status {};
  ASSERT_EQ(stat((directory_ / "run/data").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, geteuid()) << "the owner was changed before the check";
}

class EntrypointWithSpacesTest : public EntrypointTest {
 protected:
  EntrypointWithSpacesTest() : EntrypointTest(TempDirName::kWithSpace) {}
};

TEST_F(EntrypointWithSpacesTest, EveryPathMayHaveSpaces) {
  Process entrypoint(Entrypoint(WriteSeed("a seed", Dump(10))));
  ASSERT_TRUE(entrypoint.WaitForOutput("\nstarted\n", kPatience)) << entrypoint.Out() << entrypoint.Err();
  EXPECT_EQ(Ask("SELECT count(*) FROM t"), "10\n");
}

}  // namespace
}  // namespace rotv::testing
