// PostgreSQL in a real container without published ports, behind a real sshd: reached with `container = "..."`, with
// only Debian and PostgreSQL in the container.

#include <gtest/gtest.h>

#include "fmt/format.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/support/servers/postgres_container.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

class ContainerTest : public ::testing::Test {
 protected:
  // `host` in rotv.toml, as seen from inside the container; empty: not set.
  explicit ContainerTest(const std::string& host = "", std::optional<SlowLinkOptions> slow_link = {})
      : rotv({.binary = ROTV_SYNC_BINARY,
              .postgres = {.version = PostgresContainer::kVersion},
              .ssh = {.environment = container.environment()},
              .slow_link = slow_link}) {
    rotv.Configure({{"container", "\"" + container.name() + "\""},
                    {"host", host.empty() ? "" : "\"" + host + "\""},
                    {"port", ""}});
  }

  // The present seed equals the output of the container's pg_dump, and builds the same database. The home's own server
  // is not followed here: it is the empty one of the same version that imports seeds.
  void ExpectSeedIsDump() {
    const std::filesystem::path seed = rotv.Seed();
    EXPECT_TRUE(DumpsAreEqual({"the seed", ReadFile(seed)}, {"pg_dump in the container", container.Dump()}));
    rotv.server().DropDatabase("imported");
    rotv.server().CreateDatabase("imported", "postgres", "TEMPLATE template0");
    const Result psql = rotv.server().Psql(seed, {"imported", "postgres"});
    ASSERT_TRUE(psql.ok()) << psql.err;
    EXPECT_TRUE(DumpsAreEqual({"a dump of the import", rotv.server().Dump("imported")}, {"the seed", ReadFile(seed)}));
  }

  // Slots and publications in the container.
  std::string Left() const {
    return container.Value(
        "SELECT (SELECT count(*) FROM pg_replication_slots) || ' slots, ' || "
        "(SELECT count(*) FROM pg_publication) || ' publications'");
  }

  // The processes of a connection have ended: programs, and sessions of the server.
  void ExpectNothingRuns() const {
    EXPECT_TRUE(WaitUntil([&] { return container.OtherProcesses().empty() && Sessions().empty(); }))
        << ::testing::PrintToString(container.OtherProcesses())
        << " run, and the server has sessions that did last: " << Sessions();
  }
  std::string Sessions() const {
    return container.Value(
        "SELECT coalesce(string_agg(concat_ws(' ', backend_type, state, query), '; '), '') FROM pg_stat_activity "
        "WHERE backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()");
  }

  PostgresContainer container;
  RotvHome rotv;
};

class ContainerWayTest : public ContainerTest, public ::testing::WithParamInterface<const char*> {
 protected:
  ContainerWayTest() : ContainerTest(GetParam()) {}
};

TEST_P(ContainerWayTest, ASourceIsFollowed) {
  container.Exec(
      "CREATE TABLE t (id serial PRIMARY KEY, v text, picture text);"
      "CREATE TABLE bag (v text); ALTER TABLE bag REPLICA IDENTITY FULL;"
      "INSERT INTO t (v, picture) SELECT 'v' || n, (SELECT string_agg(md5(n || '/' || piece), '') FROM "
      "generate_series(1, 600) piece) FROM generate_series(1, 500) n;"
      "INSERT INTO bag SELECT 'it''s \"' || n / 2 || '\"' FROM generate_series(1, 500) n");
  rotv.MustSync({"doctor"});
  EXPECT_EQ(Left(), "0 slots, 0 publications");
  rotv.MustSync({"baseline"});
  ExpectSeedIsDump();
  container.Exec(
      "UPDATE t SET v = 'changed' WHERE id < 99; DELETE FROM t WHERE id > 400; INSERT INTO t (v) VALUES ('new');"
      "UPDATE t SET id = id + 1000 WHERE id % 7 = 0; DELETE FROM bag WHERE ctid IN (SELECT min(ctid) FROM bag GROUP BY "
      "v)");
  rotv.MustSync({"pull"});
  ExpectSeedIsDump();
  container.Exec("TRUNCATE t; INSERT INTO t (v) VALUES ('after')");
  rotv.MustSync({"pull"});
  ExpectSeedIsDump();
  rotv.MustSync({"status"});
  rotv.MustSync({"detach"});
  EXPECT_EQ(Left(), "0 slots, 0 publications");
  ExpectNothingRuns();
}

INSTANTIATE_TEST_SUITE_P(All, ContainerWayTest, ::testing::Values("", "/run/postgresql", "127.0.0.1"),
                         [](const auto& parameter) -> std::string {
                           const std::string host = parameter.param;
                           return host.empty() ? "NothingNamed" : host[0] == '/' ? "Socket" : "Tcp";
                         });

TEST_F(ContainerTest, MissingPartsAreReported) {
  container.Exec("CREATE TABLE t (id int PRIMARY KEY)");
  const auto fails = [&](const ExpectedError& expected) {
    ExpectError(rotv.Sync({"baseline"}), expected);
    EXPECT_EQ(rotv.Sync({"doctor"}).exit_status, expected.code);
    EXPECT_FALSE(HasCurrentStore(rotv));
  };
  rotv.Configure({{"container", "\"no-such\""}});
  fails({kRefused, "has no container no-such", "`container` in rotv.toml"});
  rotv.Configure({{"container", "\"" + container.name() + "\""}});

  container.Run({"mv", "/usr/bin/pg_dump", "/usr/bin/away"});
  fails({kRefused, "there is no pg_dump at", "apt-get install postgresql-client-17"});
  EXPECT_EQ(Left(), "0 slots, 0 publications");
  container.Run({"mv", "/usr/bin/away", "/usr/bin/pg_dump"});

  container.Run({"mv", "/usr/bin/bash", "/usr/bin/away"});
  fails({kRefused, "has no bash", "install bash in the container"});
  container.Run({"mv", "/usr/bin/away", "/usr/bin/bash"});

  // A paused container is not running, but may be by the next attempt.
  MustRun(container.Podman({"pause", container.name()}));
  fails({kUnreachable, "is not running on " + rotv.ssh().Destination() + ": podman start " + container.name(),
         "try again"});
  MustRun(container.Podman({"unpause", container.name()}));
  rotv.MustSync({"baseline"});
  ExpectSeedIsDump();
}

// 50 Mbit/s: copying the rows takes some seconds, in which the link is cut.
class ContainerCutTest : public ContainerTest {
 protected:
  ContainerCutTest() : ContainerTest("", SlowLinkOptions{}) {
    container.Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text);"
        "INSERT INTO t SELECT n, (SELECT string_agg(md5(n || '/' || piece), '') FROM generate_series(1, 30) piece) "
        "FROM generate_series(1, 40000) n");
  }

  // Starts a baseline and returns in the middle of its rows.
  std::unique_ptr<Process> StartBaseline() {
    auto baseline = std::make_unique<Process>(rotv.SyncCommand({"baseline", "--no-retry"}));
    const auto copying = [&] {
      return container.Value("SELECT count(*) FROM pg_stat_progress_copy WHERE bytes_processed > 1000000") != "0";
    };
    EXPECT_TRUE(WaitUntil([&] { return copying() || !baseline->Running(); }));
    EXPECT_TRUE(baseline->Running()) << baseline->Err();
    EXPECT_FALSE(container.OtherProcesses().empty());
    return baseline;
  }

  void ExpectTheNextOneWorks() {
    ExpectNothingRuns();
    rotv.MustSync({"baseline"});
    EXPECT_EQ(Left(), "1 slots, 1 publications");
    ExpectSeedIsDump();
    ExpectNothingRuns();
  }
};

TEST_F(ContainerCutTest, ABrokenLinkLeavesNoProcess) {
  const auto baseline = StartBaseline();
  rotv.slow_link().Break();
  EXPECT_EQ(baseline->Wait().exit_status, kUnreachable) << baseline->Err();
  ExpectTheNextOneWorks();
}

TEST_F(ContainerCutTest, AKilledClientLeavesNoProcess) {
  const auto baseline = StartBaseline();
  baseline->Signal(SIGKILL);
  baseline->Wait();
  ExpectTheNextOneWorks();
}

}  // namespace
}  // namespace rotv::testing
