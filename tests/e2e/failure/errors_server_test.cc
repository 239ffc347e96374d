// Things that PostgreSQL refuses, and settings that are missing: each has its exit code and the statement that fixes
// it; the test runs the statement and checks the fix. unfollowed_test covers what cannot be read.

#include <gtest/gtest.h>

#include <csignal>

#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kServerTable = "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)";

void ExpectBaselineFails(const RotvHome& rotv, const ExpectedError& expected) {
  ExpectError(rotv.Sync({"baseline"}), expected);
  EXPECT_THAT(Stores(rotv), ::testing::IsEmpty());
  EXPECT_FALSE(HasCurrentStore(rotv));
}

// Doctor and baseline refuse with the same message.
void ExpectBothRefuse(const RotvHome& rotv, const ExpectedError& expected) {
  const Result doctor = rotv.Sync({"doctor"});
  EXPECT_EQ(doctor.exit_status, expected.code) << doctor.out << doctor.err;
  EXPECT_THAT(doctor.out, AllOf(HasSubstr(expected.message), HasSubstr(expected.hint)));
  ExpectBaselineFails(rotv, expected);
  ExpectNothingLeft(rotv);
}

TEST(ServerErrorsTest, WrongDatabaseUserAndPasswordAreDistinguished) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY,
                 .postgres = {.hba_lines = {"local rotv secured scram-sha-256", "local all locked reject"}}});
  rotv.server().Exec("CREATE ROLE secured LOGIN REPLICATION IN ROLE rotv PASSWORD 'right'; CREATE ROLE locked LOGIN",
                     kSuperuser);
  rotv.server().Exec(kServerTable);
  rotv.server().Exec("GRANT CREATE ON DATABASE rotv TO secured");

  rotv.Configure({{"database", "\"no such\""}});
  ExpectBaselineFails(rotv, {kRefused, "database \"no such\" does not exist", "`database` in rotv.toml"});
  rotv.Configure({{"database", "\"rotv\""}, {"user", "\"nobody_here\""}});
  ExpectBaselineFails(rotv, {kRefused, "role \"nobody_here\" does not exist", "`user` in rotv.toml"});
  rotv.Configure({{"user", "\"locked\""}});
  ExpectBaselineFails(rotv, {kRefused, "pg_hba.conf rejects connection", "pg_hba.conf"});

  rotv.Configure({{"user", "\"secured\""}});
  ExpectBaselineFails(rotv, {kRefused, "no password supplied", "PGPASSWORD"});
  Command command = rotv.SyncCommand({"baseline"});
  command.env["PGPASSWORD"] = "wrong";
  const Result wrong = RunCommand(command);
  ExpectError(wrong, {kRefused, "password authentication failed for user \"secured\"", "~/.pgpass"});
  EXPECT_THAT(wrong.err, ::testing::Not(HasSubstr("wrong")));
  command.argv.insert(command.argv.end() - 1, "--json");
  ExpectJsonError(RunCommand(command), {kRefused, "password authentication failed", "PGPASSWORD"});
  ExpectNothingLeft(rotv);

  command = rotv.SyncCommand({"baseline"});
  command.env["PGPASSWORD"] = "right";
  MustRun(command);
}

// One privilege is missing each time, and its statement is shown.
TEST(ServerErrorsTest, EachMissingPrivilegeIsReportedWithItsGrant) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .source_settings = {{"user", "\"reader-1\""}}});
  const PostgresServer& server = rotv.server();
  server.Exec(kServerTable);
  server.Exec(
      "CREATE ROLE \"reader-1\" LOGIN; CREATE ROLE \"The Owner\"; GRANT \"The Owner\" TO rotv;"
      "CREATE TABLE public.foreign_one (id int PRIMARY KEY); ALTER TABLE foreign_one OWNER TO \"The Owner\";"
      "CREATE SEQUENCE public.numbers",
      kSuperuser);
  const auto fix = [&](const std::string& statement) { server.Exec(statement, kSuperuser); };

  std::string statement = "ALTER ROLE \"reader-1\" REPLICATION;";
  ExpectBothRefuse(rotv, {kRefused, "may not replicate", statement});
  fix(statement);
  statement = "GRANT CREATE ON DATABASE rotv TO \"reader-1\";";
  ExpectBothRefuse(rotv, {kRefused, "may not create a publication", statement});
  fix(statement);
  statement = "GRANT \"The Owner\", rotv TO \"reader-1\";";
  ExpectBothRefuse(rotv, {kRefused, "only its owner may publish a table: public.foreign_one, public.t", statement});
  fix(statement);
  fix("CREATE SCHEMA \"Closed\"; CREATE TABLE \"Closed\".t (id int PRIMARY KEY); ALTER TABLE \"Closed\".t OWNER TO "
      "rotv");
  fix("CREATE SCHEMA also; CREATE SEQUENCE also.numbers; ALTER SEQUENCE also.numbers OWNER TO rotv");
  statement = "GRANT USAGE ON SCHEMA \"Closed\", also TO \"reader-1\";";
  ExpectBothRefuse(rotv, {kRefused, "no USAGE privilege on: \"Closed\", also", statement});
  fix(statement);
  statement = "GRANT SELECT ON SEQUENCE public.numbers TO \"reader-1\";";
  ExpectBothRefuse(rotv, {kRefused, "no SELECT privilege on: public.numbers", statement});
  fix(statement);
  // The table's owner may have revoked the right from himself.
  fix("REVOKE ALL ON t FROM rotv; GRANT SELECT ON numbers TO rotv");
  statement = "GRANT SELECT ON public.t TO \"reader-1\";";
  ExpectBothRefuse(rotv, {kRefused, "no SELECT privilege on: public.t", statement});
  fix(statement);
  fix("ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY");
  statement = "ALTER ROLE \"reader-1\" BYPASSRLS;";
  ExpectBothRefuse(rotv, {kRefused, "policies would hide rows of public.t", statement});
  fix(statement);

  EXPECT_EQ(rotv.Sync({"doctor"}).exit_status, 0);
  rotv.MustSync({"baseline"});
  fix("GRANT USAGE ON SCHEMA \"Closed\", also TO rotv");  // The role that dumps for the comparison.
  rotv.ExpectSeedIsDump();
}

// pg_dump locks every table whose definition it writes.
TEST(ServerErrorsTest, ATableWhoseRowsAreExcludedMustBeReadableToo) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .source_settings = {{"exclude", R"(["public.hidden"])"}}});
  rotv.server().Exec(kServerTable);
  rotv.server().Exec("CREATE TABLE public.hidden (id int)", kSuperuser);
  ExpectBothRefuse(rotv, {kRefused, "no SELECT privilege on: public.hidden", "GRANT SELECT ON public.hidden TO rotv;"});
  rotv.server().Exec("GRANT SELECT ON public.hidden TO rotv;", kSuperuser);
  rotv.MustSync({"baseline"});
}

TEST(ServerErrorsTest, MissingSettingsAreReportedWithTheStatementThatSetsThem) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .postgres = {.settings = {{"wal_level", "replica"}}}});
  PostgresServer& server = rotv.server();
  server.Exec(kServerTable);
  ExpectBothRefuse(rotv, {kRefused, "replica, but logical is needed", "ALTER SYSTEM SET wal_level = logical;"});
  server.Set("wal_level", "logical");

  server.Set("max_replication_slots", "1");
  server.Exec("SELECT pg_create_physical_replication_slot('of_others')", kSuperuser);
  ExpectError(rotv.Sync({"baseline"}), {kRefused, "1 of 1 replication slots in use: none is free",
                                        "ALTER SYSTEM SET max_replication_slots = 5;"});
  EXPECT_THAT(rotv.LeftOnSource(), ::testing::ElementsAre("slot of_others"));
  EXPECT_THAT(Stores(rotv), ::testing::IsEmpty());
  server.Exec("SELECT pg_drop_replication_slot('of_others')", kSuperuser);
  // One slot is enough; two should be free.
  EXPECT_THAT(rotv.MustSync({"doctor"}), HasSubstr("two should be free"));
  server.Set("max_replication_slots", "10");

  server.Set("max_wal_senders", "1");
  {
    Connection sender(server.ConnectionString() + " replication=database");
    ExpectBothRefuse(rotv,
                     {kRefused, "1 of 1 WAL senders in use: none is free", "ALTER SYSTEM SET max_wal_senders = 5;"});
  }
  server.Set("max_wal_senders", "10");
  rotv.MustSync({"baseline"});
}

TEST(ServerErrorsTest, AnUnlimitedSlotIsRefusedUnlessAllowed) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .postgres = {.settings = {{"max_slot_wal_keep_size", "-1"}}}});
  rotv.server().Exec(kServerTable);
  ExpectBothRefuse(rotv, {kRefused, "a forgotten slot would fill the source's disk",
                          "ALTER SYSTEM SET max_slot_wal_keep_size = '20GB'; SELECT pg_reload_conf();"});
  ExpectError(rotv.Sync({"pull"}), {kRefused, "unlimited", "--allow-unlimited-wal"});
  rotv.MustSync({"baseline", "--allow-unlimited-wal"});
  rotv.MustSync({"pull"});
}

// Two sources run in parallel, because each takes the whole time for which a slot's creation waits.
// Labels: slow
TEST(ServerErrorsTest, OpenAndPreparedTransactionsAreReported) {
  RotvHome open({.binary = ROTV_SYNC_BINARY});
  RotvHome prepared({.binary = ROTV_SYNC_BINARY});
  open.server().Exec(kServerTable);
  prepared.server().Exec(kServerTable);
  Connection writer(open.server().ConnectionString() + " application_name='nightly import'");
  writer.Exec("BEGIN; INSERT INTO t VALUES (2)");
  prepared.server().Exec("BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'half done'");

  Process open_run(open.SyncCommand({"baseline"}));
  Process prepared_run(prepared.SyncCommand({"--json", "baseline"}));
  const std::string process = std::to_string(writer.backend_pid());
  const Result open_result = open_run.Wait();
  ExpectError(open_result, {kUnreachable, "process " + process + " (rotv, nightly import)",
                            "SELECT pg_terminate_backend(" + process + ");"});
  ExpectNothingLeft(open);
  const Result prepared_result = prepared_run.Wait();
  ExpectJsonError(prepared_result,
                  {kUnreachable, "a prepared transaction: 'half done'", "ROLLBACK PREPARED 'half done';"});
  ExpectNothingLeft(prepared);

  // The user may interrupt the wait.
  Process impatient(open.SyncCommand({"baseline"}));
  EXPECT_TRUE(WaitUntil([&] {
    return open.server().Value(
               "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT granted "
               "AND a.application_name LIKE 'rotv-sync%'",
               kSuperuser) != "0";
  }));
  impatient.Signal(SIGINT);
  const std::optional<Result> interrupted = impatient.WaitFor(std::chrono::seconds(60));
  ASSERT_TRUE(interrupted.has_value()) << "it does not end";
  EXPECT_EQ(interrupted->exit_status, 130) << interrupted->err;
  ExpectNothingLeft(open);

  writer.Exec("COMMIT");
  prepared.server().Exec("ROLLBACK PREPARED 'half done'");
  open.MustSync({"baseline"});
  open.ExpectSeedIsDump();
  prepared.MustSync({"baseline"});
}

TEST(ServerErrorsTest, AStoppedServerAndAStandbyAreDistinguished) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  PostgresServer& server = rotv.server();
  server.Exec(kServerTable);
  rotv.MustSync({"baseline"});
  server.Stop();
  ExpectError(rotv.Sync({"pull"}), {kUnreachable, "is PostgreSQL running there", "host and port in rotv.toml"});
  WriteFile(server.data_directory() / "standby.signal", "");
  std::filesystem::permissions(server.data_directory() / "standby.signal", std::filesystem::perms::all);
  server.Start();
  const Result standby = rotv.Sync({"baseline", "--force"});
  ExpectError(standby, {kRefused, "the server is a standby", "rotv.toml"});
  EXPECT_THAT(Stores(rotv), ::testing::SizeIs(1));
}

}  // namespace
}  // namespace rotv::testing
