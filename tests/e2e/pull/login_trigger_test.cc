// Login event triggers of the source (since 17): we get in wherever psql does, and say who refuses where we do not.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "fmt/format.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class VersionsLoginTriggerTest : public FollowTest, public ::testing::WithParamInterface<int> {
 protected:
  VersionsLoginTriggerTest() : FollowTest(FollowOptionsBySsh({.version = GetParam()})) {
    Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one')");
  }

  void MakeTrigger(const std::string& body) {
    ExecAsSuperuser(
        fmt::format("CREATE FUNCTION on_login() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$;"
                    "CREATE EVENT TRIGGER at_login ON login EXECUTE FUNCTION on_login()",
                    body));
  }
};

TEST_P(VersionsLoginTriggerTest, OneThatWritesByTheUsualSettingsIsNoObstacle) {
  // It relies on the search_path and the DateStyle that psql would have, and leaves others behind.
  ExecAsSuperuser(
      "CREATE TABLE logins (at timestamptz DEFAULT now(), who text); ALTER TABLE logins OWNER TO rotv;"
      "ALTER DATABASE rotv SET datestyle = 'German, DMY'; ALTER ROLE rotv SET default_transaction_read_only = on");
  MakeTrigger(
      "IF session_user <> 'rotv' THEN RETURN; END IF; "
      "IF current_setting('datestyle') NOT LIKE 'German%' THEN RAISE 'another DateStyle'; END IF; "
      "INSERT INTO logins (who) VALUES (session_user); "
      "PERFORM set_config('search_path', 'pg_temp', false), set_config('extra_float_digits', '-15', false);");
  EXPECT_EQ(rotv.Sync({"doctor"}).exit_status, 0) << rotv.Sync({"doctor"}).out;
  rotv.MustSync({"baseline"});
  Exec("INSERT INTO t VALUES (42, 'pulled'); ALTER TABLE t ADD more float8 DEFAULT 0.1");
  rotv.MustSync({"pull"});
  EXPECT_THAT(ReadFile(rotv.Seed()), HasSubstr("\n42\tpulled\t0.1\n"));
  rotv.MustSync({"pull"});
  EXPECT_NE(rotv.server().Value("SELECT count(*) FROM logins", kSuperuser), "0");
}

TEST_P(VersionsLoginTriggerTest, OneThatRefusesIsNamed) {
  rotv.MustSync({"baseline"});
  MakeTrigger("IF session_user = 'rotv' THEN RAISE EXCEPTION 'no logins at night'; END IF;");
  const ExpectedError expected{kRefused, "a login event trigger of the database refuses it, psql's connections too",
                               "ALTER EVENT TRIGGER"};
  const Result doctor = rotv.Sync({"doctor"});
  EXPECT_EQ(doctor.exit_status, kRefused);
  EXPECT_THAT(doctor.out, HasSubstr("no logins at night (PL/pgSQL function"));
  ExpectError(rotv.Sync({"pull"}), expected);
  ExecAsSuperuser("ALTER EVENT TRIGGER at_login DISABLE");
  PullIsDump();
}

INSTANTIATE_TEST_SUITE_P(All, VersionsLoginTriggerTest, ::testing::Values(17, 18),
                         [](const auto& version) { return "PostgreSQL" + std::to_string(version.param); });

// publish_generated_columns, changed by hand (since 18): the next pull puts it back, and no later one reads the table.
class VersionsPublicationTest : public FollowTest {
 protected:
  VersionsPublicationTest() : FollowTest(FollowOptions({.version = 18})) {}
};

TEST_F(VersionsPublicationTest, GeneratedColumnsAreTakenOutOfItAgain) {
  Exec(
      "CREATE TABLE g (id int PRIMARY KEY, a int, s int GENERATED ALWAYS AS (a + 1) STORED);"
      "INSERT INTO g SELECT n, n FROM generate_series(1, 100) n");
  rotv.MustSync({"baseline"});
  const std::string publication = rotv.server().Value("SELECT pubname FROM pg_publication", kSuperuser);
  Exec(fmt::format("ALTER PUBLICATION \"{}\" SET (publish_generated_columns = stored); UPDATE g SET a = 7 WHERE id = 1",
                   publication));
  PullIsDump();
  EXPECT_EQ(rotv.server().Value("SELECT pubgencols FROM pg_publication", kSuperuser), "n");
  for (int round = 0; round < 2; ++round) {
    Exec("UPDATE g SET a = a + 1 WHERE id < 5");
    const nlohmann::json pulled = nlohmann::json::parse(rotv.MustSync({"--json", "pull"}));
    EXPECT_EQ(pulled.at("updated"), 4) << pulled;
    EXPECT_TRUE(pulled.at("copied").empty()) << pulled;
    rotv.ExpectSeedIsDump();
  }
}

}  // namespace
}  // namespace rotv::testing
