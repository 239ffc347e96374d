// PostgreSQL in a real container without published ports, behind a real sshd: reached with `container = "..."`, with
// only Debian and PostgreSQL in the container.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fmt/format.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/support/servers/postgres_container.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

struct ContainerWay {
  std::string name = {};
  std::string host = {};  // In rotv.toml, as seen from inside the container; empty: not set.
  PostgresContainerOptions container = {};
  // kRelay: sshd may connect to no socket, so that each connection is carried by a relay in the container. Else one is
  // only if the test is not run by root, or if `host` is no socket's.
  enum class Carrier { kAny, kRelay } carrier = Carrier::kAny;
};

class ContainerTest : public ::testing::Test {
 protected:
  explicit ContainerTest(const ContainerWay& way = {}, std::optional<SlowLinkOptions> slow_link = {})
      : container(way.container),
        rotv({.binary = ROTV_SYNC_BINARY,
              .postgres = {.version = PostgresContainer::kVersion},
              .ssh = {.config_lines = LinesFor(way), .environment = container.environment()},
              .slow_link = slow_link}) {
    rotv.Configure({{"container", "\"" + container.name() + "\""},
                    {"host", way.host.empty() ? "" : "\"" + way.host + "\""},
                    {"port", ""}});
  }

  static std::vector<std::string> LinesFor(const ContainerWay& way) {
    // As sshd has it by default: each relay is a session.
    std::vector<std::string> lines = {"MaxSessions 10"};
    if (way.carrier == ContainerWay::Carrier::kRelay) lines.emplace_back("AllowStreamLocalForwarding no");
    return lines;
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

class ContainerWayTest : public ContainerTest, public ::testing::WithParamInterface<ContainerWay> {
 protected:
  ContainerWayTest() : ContainerTest(GetParam()) {}
};

TEST_P(ContainerWayTest, ASourceIsFollowed) {
  container.Exec(
      "CREATE TABLE t (id serial PRIMARY KEY, v text, picture text);"
      "CREATE TABLE bag (v text); ALTER TABLE bag REPLICA IDENTITY FULL; CREATE TABLE third (id int PRIMARY KEY);"
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

INSTANTIATE_TEST_SUITE_P(
    All, ContainerWayTest,
    ::testing::Values(
        // The container's own variables lead programs to its server, but for those that would lead pg_dump elsewhere.
        ContainerWay{.name = "NothingNamed",
                     .container = {.socket_directory = "/tmp/pgsocket",
                                   .environment = {{"PGHOST", "/tmp/pgsocket"},
                                                   {"PGHOSTADDR", "192.0.2.1"},
                                                   {"PGSERVICE", "nowhere"},
                                                   {"PGSSLMODE", "verify-full"}}}},
        ContainerWay{.name = "Socket", .host = "/run/postgresql", .carrier = ContainerWay::Carrier::kRelay},
        ContainerWay{.name = "Tcp", .host = "127.0.0.1"}),
    [](const auto& parameter) { return parameter.param.name; });

// Where no variable and no usual directory helps, the container's sockets are looked through. Its server is at no host.
TEST(ContainerPlaceTest, AnUnusualSocketIsFoundByConnectionsAndByPgDump) {
  const PostgresContainer container({.socket_directory = "/srv/an odd place"});
  container.Run({"sh", "-c",
                 "printf '%s\n' 'local all all trust' 'host all all all reject' >/data/db/pg_hba.conf; "
                 "kill -HUP $(head -n 1 /data/db/postmaster.pid)"});
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .ssh = {.environment = container.environment()}});
  rotv.Configure({{"container", "\"" + container.name() + "\""}, {"host", ""}, {"port", ""}});
  const Result doctor = rotv.Sync({"doctor"});
  EXPECT_EQ(doctor.exit_status, 0) << doctor.out;
  rotv.MustSync({"baseline"});
  MustRun(container.Podman({"pause", container.name()}));
  EXPECT_THAT(rotv.Sync({"doctor"}).out, ::testing::HasSubstr("is not running on " + rotv.ssh().Destination()));
  MustRun(container.Podman({"unpause", container.name()}));

  const SshServer relaying(
      {.config_lines = {"AllowStreamLocalForwarding no", "MaxSessions 1"}, .environment = container.environment()});
  rotv.Configure({{"ssh", "\"" + relaying.Destination() + "\""},
                  {"identity", "\"" + relaying.client_key().string() + "\""},
                  {"known_hosts", "\"" + relaying.known_hosts().string() + "\""}});
  const Result by_relay = rotv.Sync({"doctor"});
  EXPECT_EQ(by_relay.exit_status, 0) << by_relay.out;
}

class ContainerRelayTest : public ContainerTest {
 protected:
  ContainerRelayTest() : ContainerTest({.carrier = ContainerWay::Carrier::kRelay}) {}
};

TEST_F(ContainerRelayTest, MissingPartsAreReported) {
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
  ContainerCutTest() : ContainerTest({.carrier = ContainerWay::Carrier::kRelay}, SlowLinkOptions{}) {
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
