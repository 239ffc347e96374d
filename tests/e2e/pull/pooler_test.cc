// A connection pooler between us and the source is named, with the way around it, by doctor and by whatever else runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "fmt/format.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kWayAround = "name the server itself in rotv.toml, not the pooler";

class PoolerTest : public FollowTest {
 protected:
  // Starts a real PgBouncer before the source, and has rotv.toml name it. It does not run as root.
  void StartPgBouncer(const std::string& lines) {
    const int port = FreePort();
    const std::string config = directory_ / "pgbouncer.ini";
    WriteFile(config, fmt::format("[databases]\nrotv = host=127.0.0.1 port={} dbname=rotv user=rotv\n[pgbouncer]\n"
                                  "listen_addr = 127.0.0.1\nlisten_port = {}\nunix_socket_dir =\nauth_type = any\n{}\n",
                                  rotv.server().port(), port, lines));
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    Command command{.argv = {"/usr/sbin/pgbouncer", config}};
    if (IsRoot()) command.user = "nobody";
    pgbouncer_ = std::make_unique<Process>(command);
    ASSERT_TRUE(pgbouncer_->WaitForOutput("process up", std::chrono::seconds(60))) << pgbouncer_->Err();
    rotv.Configure({{"url", fmt::format("\"postgresql://rotv@127.0.0.1:{}/rotv\"", port)}});
  }

  void ExpectNamed(const std::string& message) {
    const Result doctor = rotv.Sync({"doctor"});
    EXPECT_EQ(doctor.exit_status, kRefused) << doctor.out;
    EXPECT_THAT(doctor.out, HasSubstr(message));
    EXPECT_THAT(doctor.out, HasSubstr(kWayAround));
    ExpectError(rotv.Sync({"baseline"}), {kRefused, message, kWayAround});
    ExpectNothingLeft(rotv);
  }

  TempDir directory_;
  std::unique_ptr<Process> pgbouncer_;
};

TEST_F(PoolerTest, OneThatRefusesOurSettingsIsNamed) {
  StartPgBouncer("pool_mode = session");
  ExpectNamed("This is not PostgreSQL but a connection pooler (PgBouncer");
}

TEST_F(PoolerTest, OneThatLetsQueriesThroughIsNamedWhereReplicationFails) {
  Exec("CREATE TABLE t (id int PRIMARY KEY)");
  StartPgBouncer("pool_mode = transaction\nignore_startup_parameters = options,extra_float_digits");
  ExpectNamed("a connection pooler");
}

TEST_F(PoolerTest, OneThatIgnoresTheWishForReplicationIsNamed) {
  Exec("CREATE TABLE t (id int PRIMARY KEY)");
  StartPgBouncer("pool_mode = session\nignore_startup_parameters = options,extra_float_digits,replication");
  ExpectNamed("accepted, but it does not replicate");
}

TEST_F(PoolerTest, AServerWithoutOneIsNotTakenForOne) {
  Exec("CREATE TABLE t (id int PRIMARY KEY)");
  EXPECT_THAT(rotv.Sync({"doctor"}).out, ::testing::Not(HasSubstr("pooler")));
}

// --- Limits of the number of connections, which doctor tries before a baseline does.

TEST_F(PoolerTest, TooFewConnectionsForABaselineAreAProblemOfDoctor) {
  Exec("CREATE TABLE t (id int PRIMARY KEY)");
  sql.reset();
  const auto expect = [&](const std::string& limit, const std::string& hint) {
    ExecAsSuperuser(limit);
    const Result doctor = rotv.Sync({"doctor"});
    EXPECT_EQ(doctor.exit_status, kRefused) << doctor.out;
    EXPECT_THAT(doctor.out, HasSubstr("a baseline needs"));
    EXPECT_THAT(doctor.out, HasSubstr(hint));
  };
  expect("ALTER ROLE rotv CONNECTION LIMIT 3", "ALTER ROLE … CONNECTION LIMIT");
  ExecAsSuperuser("ALTER ROLE rotv CONNECTION LIMIT -1");
  expect("ALTER DATABASE rotv CONNECTION LIMIT 3", "ALTER DATABASE … CONNECTION LIMIT");
  ExecAsSuperuser("ALTER DATABASE rotv CONNECTION LIMIT -1");
  EXPECT_EQ(rotv.Sync({"doctor"}).exit_status, 0);
  rotv.MustSync({"baseline"});
}

// --- Managed services, known by the roles that they have made.

struct ServiceCase {
  const char* role;
  const char* name;
  const char* wal_level;
  const char* replication;
};

TEST(ManagedServiceTest, AdviceFitsTheService) {
  for (const ServiceCase& service :
       {ServiceCase{"rds_superuser", "Amazon RDS or Aurora",
                    "in the instance's or cluster's parameter group: rds.logical_replication = 1; then reboot",
                    "GRANT rds_replication TO reader;"},
        ServiceCase{"cloudsqlsuperuser", "Google Cloud SQL",
                    "among the instance's database flags: cloudsql.logical_decoding = on",
                    "ALTER ROLE reader REPLICATION;"},
        ServiceCase{"azure_pg_admin", "Azure Database for PostgreSQL",
                    "among the server parameters: wal_level = logical; then restart",
                    "ALTER ROLE reader REPLICATION;"}}) {
    SCOPED_TRACE(service.role);
    RotvHomeOptions options = FollowOptions({.settings = {{"wal_level", "replica"}, {"max_slot_wal_keep_size", "-1"}}});
    RotvHome rotv(options);
    rotv.Configure({{"url", fmt::format("\"postgresql://reader@127.0.0.1:{}/rotv\"", rotv.server().port())}});
    rotv.server().Exec(
        fmt::format("CREATE ROLE {}; CREATE ROLE reader LOGIN; CREATE TABLE secured (id int PRIMARY KEY);"
                    "CREATE ROLE owner; ALTER TABLE secured OWNER TO owner;"
                    "ALTER TABLE secured ENABLE ROW LEVEL SECURITY",
                    service.role),
        kSuperuser);
    const std::string said = rotv.Sync({"doctor"}).out;
    for (const char* expected : {service.name, service.wal_level, service.replication, "max_slot_wal_keep_size = 20480",
                                 "ALTER TABLE public.secured NO FORCE ROW LEVEL SECURITY;"}) {
      EXPECT_THAT(said, HasSubstr(expected));
    }
    EXPECT_THAT(said, ::testing::Not(HasSubstr("ALTER SYSTEM")));
    EXPECT_THAT(said, ::testing::Not(HasSubstr("BYPASSRLS")));
  }
}

}  // namespace
}  // namespace rotv::testing
