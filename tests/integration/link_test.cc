// Tests every link to a real PostgreSQL, with libpq and pg_dump.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include "sync/link/direct_link.h"
#include "sync/link/open_link.h"
#include "tests/integration/link_fixture.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv {
namespace {

using namespace testing;  // NOLINT: the fixture's names.

class LinkTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    postgres_ = new PostgresServer();
    postgres_->Exec("CREATE TABLE t AS SELECT g AS id, md5(g::text) AS text FROM generate_series(1, 300000) g");
  }
  static void TearDownTestSuite() {
    delete postgres_;
    postgres_ = nullptr;
  }

  std::unique_ptr<link::Link> Open(SourceConfig source) {
    return link::OpenLink(source, private_dir_.path(), interrupt_);
  }

  SourceConfig Url(const std::string& more = "") const {
    SourceConfig source;
    source.name = "test";
    source.url = "postgresql://rotv@127.0.0.1:" + std::to_string(postgres_->port()) + "/rotv" + more;
    return source;
  }

  static PostgresServer* postgres_;
  TempDir private_dir_{TempDirName::kWithSpace};
  Interrupt interrupt_;
};

PostgresServer* LinkTest::postgres_ = nullptr;

using Pg = std::unique_ptr<PGconn, decltype(&PQfinish)>;

Pg ConnectPg(link::Link& link) {
  std::vector<const char*> names;
  std::vector<const char*> values;
  const auto parameters = link.ConnectionParameters();
  for (const auto& [name, value] : parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  return Pg(PQconnectdbParams(names.data(), values.data(), 0), PQfinish);
}

std::string CopyOut(PGconn* connection) {
  PQclear(PQexec(connection, "COPY (SELECT * FROM t ORDER BY id) TO STDOUT"));
  std::string text;
  char* row = nullptr;
  for (int size = 0; (size = PQgetCopyData(connection, &row, 0)) > 0; PQfreemem(row)) {
    text.append(row, static_cast<size_t>(size));
  }
  return text;
}

// Reads the table and runs pg_dump through this link.
void ExpectEverythingWorks(link::Link& link, const PostgresServer& postgres) {
  const Pg near = ConnectPg(link);
  ASSERT_EQ(PQstatus(near.get()), CONNECTION_OK) << PQerrorMessage(near.get()) << link.FailureReason();
  const std::string rows = CopyOut(near.get());
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 300'000);
  EXPECT_TRUE(rows.starts_with("1\tc4ca4238a0b923820dcc509a6f75849b\n"));

  os::ProgramCall dump;
  dump.argv = {(PostgresServer::BinDirectory() / "pg_dump").string()};
  for (const std::string& argument : link.DumpArguments()) dump.argv.push_back(argument);
  const RunResult run = RunOn(link, dump);
  EXPECT_EQ(run.result.exit_status, 0) << run.result.stderr_text;
  EXPECT_THAT(run.out, ::testing::HasSubstr(rows)) << "the dump lacks the rows";
  EXPECT_NE(postgres.port(), 0);
}

TEST_F(LinkTest, ReachesTheServerByUrl) {
  const auto link = Open(Url());
  ExpectEverythingWorks(*link, *postgres_);
  EXPECT_EQ(link->Description(), "127.0.0.1:" + std::to_string(postgres_->port()) + ", database rotv");
}

TEST_F(LinkTest, ReachesTheServerDirectlyWithoutAUrl) {
  SourceConfig source;
  source.name = "test";
  source.host = postgres_->socket_directory();
  source.port = postgres_->port();
  source.database = "rotv";
  source.user = "rotv";
  ExpectEverythingWorks(*Open(source), *postgres_);
}

TEST_F(LinkTest, ReachesTheServerBySshAndTcp) {
  const SshServer server;
  SourceConfig source = SourceBy(server);
  source.port = postgres_->port();
  const auto link = Open(source);
  ExpectEverythingWorks(*link, *postgres_);
  EXPECT_GT(link->BytesReceived(), 300'000u * 2 * 39);
}

TEST_F(LinkTest, ReachesTheServerBySshAndSocketDirectory) {
  const SshServer server;
  SourceConfig source = SourceBy(server);
  source.host = postgres_->socket_directory();
  source.port = postgres_->port();
  ExpectEverythingWorks(*Open(source), *postgres_);
}

TEST_F(LinkTest, PgDumpGetsTheUrlsSettingsButNoPasswordInItsArguments) {
  const auto link = Open(Url("?password=s3cret&sslmode=prefer&application_name=it's%20me"));
  std::string arguments;
  for (const std::string& argument : link->DumpArguments()) arguments += argument + " ";
  EXPECT_THAT(arguments, ::testing::Not(::testing::HasSubstr("s3cret")));
  EXPECT_THAT(arguments, ::testing::HasSubstr("sslmode='prefer'"));
  EXPECT_THAT(link->Description(), ::testing::Not(::testing::HasSubstr("s3cret")));
  EXPECT_EQ(RunOn(*link, Shell("cat $PGPASSFILE")).out, "*:*:*:*:s3cret\n");
  ExpectEverythingWorks(*link, *postgres_);
}

TEST_F(LinkTest, AnInvalidUrlIsAUsageErrorThatHidesThePassword) {
  const Error error = ErrorOf([&] { Open(Url("?password=s3cret&nonsense=1")); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("s3cret")));
  EXPECT_THAT(error.what(), ::testing::HasSubstr("nonsense"));
}

TEST(MajorVersionTest, IsParsedFromVersionOutput) {
  EXPECT_EQ(link::MajorVersionOf("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), 15);
  EXPECT_EQ(link::MajorVersionOf("pg_dump (PostgreSQL) 18beta1"), 18);
  EXPECT_EQ(link::MajorVersionOf("pg_dump (PostgreSQL) 9.6.24"), 9);
  EXPECT_EQ(link::MajorVersionOf("nonsense"), 0);
  EXPECT_EQ(link::MajorVersionOf(""), 0);
}

TEST(FindNewestProgramTest, FindsAPgDumpOfTheServersVersion) {
  const Interrupt interrupt;
  const std::string program = link::FindNewestProgram("pg_dump", interrupt);
  const Result result = MustRun({.argv = {program, "--version"}});
  EXPECT_GE(link::MajorVersionOf(result.out), PostgresServer::MajorVersion());
}

}  // namespace
}  // namespace rotv
