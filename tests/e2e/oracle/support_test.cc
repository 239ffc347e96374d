// Checks the servers and the oracle that the other tests rely on.

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "fmt/format.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/servers/oracle.h"
#include "tests/support/servers/postgres_server.h"
#include "tests/support/servers/rotv_home.h"
#include "tests/support/servers/slow_link.h"
#include "tests/support/servers/ssh_server.h"

namespace rotv::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

TEST(SubprocessTest, ReturnsOutputAndStatus) {
  const Result result = RunCommand({.argv = {"sh", "-c", "cat; echo \"$A\" >&2; pwd; exit 7"},
                                    .env = {{"A", "b c"}},
                                    .directory = "/",
                                    .stdin_text = "given\n"});
  EXPECT_EQ(result.exit_status, 7);
  EXPECT_EQ(result.out, "given\n/\n");
  EXPECT_EQ(result.err, "b c\n");
  EXPECT_EQ(RunCommand({.argv = {"/no/such/program"}}).exit_status, 127);
}

TEST(SubprocessTest, KillsTheWholeGroupAfterTheTimeOut) {
  const auto start = Clock::now();
  const Result result = RunCommand({.argv = {"sh", "-c", "sleep 100 & wait"}, .timeout = milliseconds(100)});
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit_status, 128 + SIGKILL);
  EXPECT_LT(SecondsSince(start), 10);
}

TEST(PostgresServerTest, StartsCrashesRecoversAndDumps) {
  PostgresServer server;
  server.Exec(
      "CREATE TABLE t (id int PRIMARY KEY, d timestamptz, b bytea);"
      "INSERT INTO t VALUES (1, '2020-01-01 00:00+00', '\\x00ff')");
  EXPECT_EQ(server.Value("SHOW wal_level"), "logical");
  server.Crash();
  EXPECT_FALSE(server.Running());
  server.Start();
  server.Set("timezone", "Asia/Tokyo");
  server.Set("bytea_output", "escape");
  EXPECT_EQ(server.Value("SELECT d::text FROM t"), "2020-01-01 09:00:00+09");
  EXPECT_NE(server.Dump().find("1\t2020-01-01 00:00:00+00\t\\\\x00ff\n"), std::string::npos);
  server.Set("max_wal_senders", "3");
  EXPECT_EQ(server.Value("SHOW max_wal_senders"), "3");
  EXPECT_THROW(server.Exec("SELECT 1/0"), std::runtime_error);
}

TEST(SshServerTest, AdmitsClientsThatHaveTheKeyAndKnowTheHost) {
  SshServer ssh;
  EXPECT_EQ(MustRun(ssh.ClientCommand({"echo $((6*7))"})).out, "42\n");

  Process session(ssh.ClientCommand({"echo up; sleep 60"}));
  ASSERT_TRUE(session.WaitForOutput("up", seconds(60)));
  EXPECT_EQ(ssh.Sessions(), 1);
  ssh.KillSessions();
  const std::optional<Result> cut = session.WaitFor(seconds(20));
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(cut->exit_status, 255);
  EXPECT_TRUE(WaitUntil([&] { return ssh.Sessions() == 0; }));

  ssh.ReplaceHostKey();
  EXPECT_EQ(RunCommand(ssh.ClientCommand({"true"})).exit_status, 255);
  ssh.TrustPort(ssh.port());
  EXPECT_EQ(RunCommand(ssh.ClientCommand({"true"})).exit_status, 0) << ssh.log();
}

TEST(SlowLinkTest, DelaysLimitsCountsAndBreaks) {
  PostgresServer server;
  SlowLink link({.target_port = server.port(), .delay_each_way = milliseconds(20), .megabits_per_second = 50});
  const std::string conninfo =
      "host=127.0.0.1 port=" + std::to_string(link.port()) + " dbname=rotv user=rotv sslmode=disable";
  Connection connection(conninfo);
  EXPECT_EQ(link.Connections(), 1);

  auto start = Clock::now();
  connection.Exec("SELECT 1");
  EXPECT_GE(SecondsSince(start), 0.040);

  link.ResetCounts();
  start = Clock::now();
  EXPECT_EQ(connection.Value("SELECT repeat('x', 2500000)").size(), 2'500'000u);  // 20 Mbit.
  const double took = SecondsSince(start);
  EXPECT_GE(took, 0.4);
  EXPECT_LT(took, 20.0);
  // A piece is counted after it has been sent: the client may be faster.
  EXPECT_TRUE(WaitUntil([&] { return link.BytesToClient() >= 2'500'000u; }));
  EXPECT_LT(link.BytesToClient(), 2'600'000u);
  EXPECT_GT(link.BytesToTarget(), 0u);

  link.BreakAfter(100'000);
  EXPECT_THROW(connection.Value("SELECT repeat('x', 2500000)"), std::runtime_error);
  Connection another(conninfo);
  link.Freeze();
  another.Send("SELECT 1");
  EXPECT_FALSE(WaitUntil([&] { return another.Ready(); }, milliseconds(200)));
  link.Thaw();
  another.Finish();
  link.Break();
  EXPECT_THROW(another.Exec("SELECT 1"), std::runtime_error);
}

class OracleTest : public ::testing::Test {
 protected:
  OracleTest() {
    server_.Exec(
        "CREATE TYPE mood AS ENUM ('good', 'bad');"
        "CREATE TABLE a (id serial PRIMARY KEY, m mood, t text);"
        "CREATE TABLE b (a_id int REFERENCES a, t text);"
        "INSERT INTO a (m, t) SELECT 'good', 'row ' || n FROM generate_series(1, 1000) n;"
        "INSERT INTO b SELECT id, t FROM a");
    seed_text_ = server_.Dump();
    WriteFile(seed_, seed_text_);
  }

  PostgresServer server_;
  TempDir directory_;
  std::filesystem::path seed_ = directory_ / "seed.sql";
  std::string seed_text_;
};

TEST_F(OracleTest, AcceptsADump) {
  EXPECT_TRUE(SeedEqualsDump(server_, seed_, {.import = Import::kEmptyAndOverOlder}));
}

TEST_F(OracleTest, DetectsOneChangedByte) {
  seed_text_.replace(seed_text_.find("row 777"), 7, "row 776");
  WriteFile(seed_, seed_text_);
  const ::testing::AssertionResult result = SeedEqualsDump(server_, seed_);
  EXPECT_FALSE(result);
  EXPECT_NE(std::string(result.message()).find("row 776"), std::string::npos) << result.message();
  EXPECT_NE(std::string(result.message()).find("COPY public.a "), std::string::npos) << result.message();
}

TEST_F(OracleTest, DetectsAMissingRowAndAMissingTail) {
  const size_t row = seed_text_.find("row 500\n");
  const size_t begin = seed_text_.rfind('\n', row) + 1;
  std::string without_row = seed_text_;
  without_row.erase(begin, seed_text_.find('\n', row) + 1 - begin);
  WriteFile(seed_, without_row);
  EXPECT_FALSE(SeedEqualsDump(server_, seed_));
  WriteFile(seed_, seed_text_.substr(0, seed_text_.rfind("ALTER TABLE")));
  EXPECT_FALSE(SeedEqualsDump(server_, seed_));
}

TEST_F(OracleTest, DetectsTablesInAnotherOrder) {
  const size_t a = seed_text_.find("COPY public.a "), b = seed_text_.find("COPY public.b ");
  const size_t end = seed_text_.find("\\.\n", b) + 3;
  const std::string first = seed_text_.substr(a, b - a), second = seed_text_.substr(b, end - b);
  seed_text_.replace(a, end - a, second + "\n" + first);
  WriteFile(seed_, seed_text_);
  EXPECT_FALSE(SeedEqualsDump(server_, seed_, {.import = Import::kNone}));
}

TEST_F(OracleTest, KnowsDeparturesByNameAndNoOthers) {
  server_.Exec("CREATE VIEW v AS SELECT id, m, count(*) FROM a GROUP BY id");
  const std::string dump = server_.Dump();
  const size_t begin = dump.find("CREATE OR REPLACE VIEW");
  const size_t size = dump.find(";\n", begin) + 1 - begin;
  const auto with = [&](const std::string& name, const std::string& condition, const std::string& statement) {
    std::string seed = dump;
    seed.replace(
        begin, size,
        fmt::format("DO $rotv_{0}$BEGIN IF {1} THEN\n{2}\nEND IF; END$rotv_{0}$;", name, condition, statement));
    WriteFile(seed_, seed);
    return SeedEqualsDump(server_, seed_, {.import = Import::kNone});
  };
  const std::string statement = dump.substr(begin, size), condition = "pg_catalog.to_regclass($$v$$) IS NOT NULL";
  EXPECT_TRUE(with("view", condition, statement));
  EXPECT_FALSE(with("domain", condition, statement));
  EXPECT_FALSE(with("other", condition, statement));
  EXPECT_FALSE(with("view", "true", statement));
  EXPECT_FALSE(with("view", condition, "DROP VIEW public.v;"));
}

TEST_F(OracleTest, ATriedImportLeavesNothing) {
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(SeedEqualsDump(server_, seed_, {.import = Import::kTry}));
  server_.Exec("SELECT lo_from_bytea(70001, 'a')", kSuperuser);
  WriteFile(seed_, server_.Dump());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(SeedEqualsDump(server_, seed_, {.import = Import::kTry}));
}

TEST_F(OracleTest, DetectsASeedThatCannotBeImported) {
  // This is the dump of a database whose constraint does not hold.
  server_.Exec("SET session_replication_role = replica; DELETE FROM a WHERE id = 1", kSuperuser);
  WriteFile(seed_, server_.Dump());
  EXPECT_TRUE(SeedEqualsDump(server_, seed_, {.import = Import::kNone}));
  EXPECT_FALSE(SeedEqualsDump(server_, seed_, {.import = Import::kTry}));
  const ::testing::AssertionResult result = SeedEqualsDump(server_, seed_);
  EXPECT_FALSE(result);
  EXPECT_NE(std::string(result.message()).find("violates foreign key"), std::string::npos) << result.message();
}

TEST(RotvHomeTest, PassesItsConfigAndNoneOfTheUsersVariables) {
  setenv("PGHOST", "example.invalid", 1);
  // `env` takes the place of the binary: it prints its environment.
  TempDir directory;
  WriteFile(directory / "say", "#!/bin/sh\nfor a; do echo \"$a\"; done; env; cat \"$4\"\n", 0755);
  RotvHome rotv({.binary = directory / "say", .home_name = TempDirName::kWithSpace});
  const std::string output = rotv.MustSync({"pull"});
  EXPECT_NE(output.find("pull\n"), std::string::npos);
  EXPECT_NE(output.find("database = \"rotv\"\n"), std::string::npos) << output;
  EXPECT_EQ(output.find("example.invalid"), std::string::npos);
  EXPECT_TRUE(rotv.LeftOnSource().empty());
  // sshd finds the source's pg_dump, and the server lets the role log in.
  EXPECT_EQ(RunCommand(rotv.ssh().ClientCommand({"pg_dump -s -h " + rotv.server().socket_directory() + " -p " +
                                                 std::to_string(rotv.server().port()) + " -U rotv rotv"}))
                .exit_status,
            0);
  unsetenv("PGHOST");
}

}  // namespace
}  // namespace rotv::testing
