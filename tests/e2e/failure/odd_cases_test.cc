// Cases that are rare and none of whose causes is this program's fault: each ends with the exit code and the hint that
// help, or works.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/servers/rotv_home.h"
#include "tests/support/servers/user_manager.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kOddTable =
    "CREATE TABLE t (id int PRIMARY KEY, text text); INSERT INTO t SELECT n, repeat(md5(n::text), 4) FROM "
    "generate_series(1, 2000) n";

// --- A unique index that lets the same key in twice.

// Such indexes are real: a change of the C library's collations leaves them.
void InsertTwins(const PostgresServer& server) {
  const auto set_ready = [&](const char* ready) {
    server.Exec(fmt::format("UPDATE pg_index SET indisready = {} WHERE indexrelid = 't_pkey'::regclass", ready),
                kSuperuser);
  };
  set_ready("false");
  server.Exec("INSERT INTO t VALUES (7, 'a twin')");
  set_ready("true");
}

TEST(TwinsTest, ABaselineAndAResyncNameTheTableWhoseKeyIsThereTwice) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .way = Way::kDirect});
  PostgresServer& server = rotv.server();
  server.Exec(kOddTable);
  InsertTwins(server);
  const ExpectedError expected{kNotUnderstood, "two rows of public.t with the same key", "REINDEX TABLE public.t;"};
  ExpectError(rotv.Sync({"baseline"}), expected);
  ExpectNothingLeft(rotv);
  EXPECT_THROW(server.Exec("REINDEX TABLE t"), std::runtime_error);  // As the hint says.
  server.Exec("SET enable_indexscan = off; SET enable_bitmapscan = off; DELETE FROM t WHERE text = 'a twin'");
  rotv.MustSync({"baseline"});
  rotv.ExpectSeedIsDump();

  InsertTwins(server);
  server.Exec("ALTER TABLE t ADD c int; ALTER TABLE t DROP c");  // Which makes a resync.
  ExpectError(rotv.Sync({"pull"}), expected);
  server.Exec("SET enable_indexscan = off; SET enable_bitmapscan = off; DELETE FROM t WHERE text = 'a twin'");
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
}

// --- A table that is dropped while it is added to the publication.

TEST(DroppedTableTest, ABaselineAndAPullStartOver) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .way = Way::kDirect});
  rotv.server().Exec(kOddTable);
  for (const std::string command : {"baseline", "pull"}) {
    SCOPED_TRACE(command);
    rotv.server().Exec("CREATE TABLE gone (id int PRIMARY KEY)");
    Connection migration = rotv.server().NewConnection();
    migration.Exec("BEGIN; LOCK TABLE gone IN SHARE UPDATE EXCLUSIVE MODE");
    Process process(rotv.SyncCommand({"-v", command}));
    ASSERT_TRUE(rotv.server().WaitForBlocked(" PUBLICATION ")) << process.Err();
    migration.Exec("DROP TABLE gone; COMMIT");
    const Result result = process.Wait();
    EXPECT_EQ(result.exit_status, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr("starting over"));
    ExpectOneBaseline(rotv);
    rotv.ExpectSeedIsDump({.import = Import::kNone});
  }
}

// --- The source ends the connection that streams.

TEST(WalSenderTest, AnEndedOneIsUnreachableAndTheNextPullContinues) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .slow_link = SlowLinkOptions{.megabits_per_second = 40}});
  PostgresServer& server = rotv.server();
  server.Exec(kOddTable);
  rotv.MustSync({"baseline"});
  server.Exec(
      "INSERT INTO t SELECT n, (SELECT string_agg(md5(n::text || i), '') FROM generate_series(1, 64) i) "
      "FROM generate_series(3000, 9000) n");
  std::vector<std::string> pull = {"pull"};
  if (rotv.MustSync({"pull", "--help"}).find("--no-retry") != std::string::npos) pull.emplace_back("--no-retry");
  Process pulling(rotv.SyncCommand(pull));
  const std::string end =
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_replication WHERE state IN ('streaming', 'catchup')";
  ASSERT_TRUE(WaitUntil([&] { return server.Value(end, kSuperuser) == "1"; })) << pulling.Err();
  ExpectError(pulling.Wait(), {kUnreachable, "terminating connection due to administrator command", "again"});
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
}

// --- Too few open files.

TEST(OpenFilesTest, ALimitThatIsTooLowIsSaidAtOnceAndALowOneIsEnough) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Exec(kOddTable);
  const auto limited = [&](const std::string& limit, const std::vector<std::string>& arguments) {
    Command command = rotv.SyncCommand(arguments);
    command.argv.insert(command.argv.begin(), {"prlimit", "--nofile=" + limit});
    return RunCommand(command);
  };
  const std::vector<std::vector<std::string>> commands = {
      {"baseline", "--force"}, {"pull"}, {"materialize", "--output", rotv.directory() / "seed.sql"}, {"verify"}};
  for (const char* limit : {"16:16", "24:24", "32:32", "64:64", "127:127"}) {
    for (const std::vector<std::string>& command : commands) {
      ExpectError(limited(limit, command),
                  {kCannotStart, "files may be open at once, and 128 are needed", "ulimit -n"});
    }
  }
  ExpectNothingLeft(rotv);
  EXPECT_TRUE(limited("16:16", {"--help"}).ok());
  // The soft limit is ours to raise.
  for (const char* limit : {"128:128", "16:1024"}) {
    for (const std::vector<std::string>& command : commands) {
      const Result result = limited(limit, command);
      EXPECT_TRUE(result.ok()) << limit << " " << command.front() << ": " << result.err;
    }
  }
  ExpectSeedEqualsDump(rotv.server(), rotv.directory() / "seed.sql");
}

// --- Paths with characters that mean something to libpq, shells, TOML or PostgreSQL.

TEST(OddHomeTest, EveryCommandWorksInIt) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Exec(kOddTable);
  for (const std::string name : {"a,b", "a b'c\"d%", "a\\b$(c)\nd"}) {
    // Short, so that the socket for the tunnel is below it.
    const TempDir parent;
    const fs::path user = parent / name;
    fs::create_directories(user);
    const auto odd = [&](const std::vector<std::string>& arguments) {
      Command command = rotv.SyncCommand(arguments);
      command.argv.erase(command.argv.begin() + 1, command.argv.begin() + 3);  // --home, which is below HOME then.
      command.env["HOME"] = user;
      return command;
    };
    for (const std::vector<std::string>& command :
         std::vector<std::vector<std::string>>{{"doctor"},
                                               {"baseline"},
                                               {"pull"},
                                               {"materialize"},
                                               {"materialize", "--compress", "zstd"},
                                               {"snapshot", "create", "here"},
                                               {"snapshot", "export", "here", user / "here.rotv"},
                                               {"snapshot", "import", user / "here.rotv", "--as", "there"},
                                               {"snapshot", "diff", "baseline", "head", "--html", user / "diff.html"},
                                               {"verify"},
                                               {"log"},
                                               {"status"},
                                               {"gc"},
                                               {"detach"}}) {
      const Result result = RunCommand(odd(command));
      EXPECT_TRUE(result.ok()) << Describe(odd(command), result);
    }
    // A crontab has a line for each entry.
    for (const char* what : {"install", "remove"}) {
      const bool fits = name.find('\n') == std::string::npos;
      if (!fits && what == std::string("remove")) continue;
      const Result result = RunCommand(WithCron(odd({"schedule", what}), parent / "tables"));
      EXPECT_EQ(result.exit_status, fits ? 0 : kUsage) << result.err;
    }
    ExpectSeedEqualsDump(rotv.server(), user / ".rotv/seed-data.sql", {.import = Import::kNone});
  }
  EXPECT_THAT(rotv.LeftOnSource(), ::testing::IsEmpty());
}

// --- Output that nobody reads to its end.

TEST(ClosedPipeTest, CommandsEndQuietlyAndAFullDiskIsStillAnError) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .way = Way::kDirect});
  rotv.server().Exec(kOddTable);
  rotv.MustSync({"baseline"});
  rotv.server().Exec("UPDATE t SET text = 'changed'");
  rotv.MustSync({"pull"});
  const auto run_into = [&](const char* script, const std::vector<std::string>& arguments) {
    Command command = rotv.SyncCommand(arguments);
    command.argv.insert(command.argv.begin(), {"bash", "-c", script, "bash"});
    return RunCommand(command);
  };
  // The reader has ended before the command begins.
  constexpr const char* kNoReader = "exec {to}> >(exit 0); wait $!; \"$@\" >&$to {to}>&-";
  struct Case {
    std::vector<std::string> arguments;
    int status = 0;  // A result was made, wherever it goes; data that did not arrive end the program like any filter.
  };
  constexpr int kEndedByPipe = 128 + SIGPIPE;
  for (const Case& one :
       {Case{{"--help"}}, Case{{"log", "--help"}}, Case{{"log"}}, Case{{"--json", "log"}}, Case{{"--json", "status"}},
        Case{{"snapshot", "diff", "baseline", "head", "--rows"}}, Case{{"--json", "snapshot", "list"}}, Case{{"pull"}},
        Case{{"materialize", "--output", "-"}, kEndedByPipe},
        Case{{"materialize", "--output", "-", "--compress", "zstd"}, kEndedByPipe}}) {
    SCOPED_TRACE(fmt::format("{} {}", one.arguments.front(), one.arguments.back()));
    const Result result = run_into(kNoReader, one.arguments);
    EXPECT_EQ(result.exit_status, one.status) << result.err;
    EXPECT_THAT(result.err, ::testing::Not(HasSubstr("hint: ")));
    EXPECT_EQ(run_into("exec \"$@\" >/dev/full", one.arguments).exit_status, kDisk);
  }
}

}  // namespace
}  // namespace rotv::testing
