// Databases in tests/e2e/oracle/applications, started: all their views answer, and their own files as migrations build
// the schema that was started. (A materialized view has what there was when it was refreshed, which an import does
// again.) Two in each test run, the others in a soak; the one with PostGIS is left to applications_test, since PostGIS
// is not installed beside every PostgreSQL.

#include <gmock/gmock.h>

#include <fstream>

#include "tests/e2e/application_parts.h"
#include "tests/e2e/start/start_fixture.h"

namespace rotv::testing {
namespace {

class StartApplicationsTest : public StartTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(StartApplicationsTest, AreStartedAndEqualToTheirMigrations) {
  WriteApp("migrations/0_fixture.sql",
           "CREATE TABLE places (id int PRIMARY KEY, name text NOT NULL);"
           "CREATE TABLE news (id int PRIMARY KEY, title text)");
  // An ordinary role, which the seed is imported as, may not have event triggers.
  std::ofstream(rotv_.config(), std::ios::app) << "[schema]\nignore = [\"event trigger *\"]\n";
  int number = 0;
  for (const ApplicationPart& part : PartsOf(GetParam())) {
    const std::string file = fmt::format("migrations/{}.sql", ++number);
    WriteApp(file, part.sql);
    const Result psql = rotv_.server().Psql(app() / file, {"rotv", part.superuser ? "postgres" : "rotv"});
    ASSERT_TRUE(psql.ok()) << psql.err;
  }
  const Result started = Rotv({"start"});
  ASSERT_TRUE(started.ok()) << started.err;
  const std::string rows =
      "SELECT string_agg(format('%s %s', c.oid::regclass, xpath('/table/row/n/text()', query_to_xml(format("
      "'SELECT count(*) AS n FROM %s', c.oid::regclass), false, false, ''))), E'\\n' ORDER BY nspname, relname) "
      "FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
      "WHERE relkind IN ('r', 'p', 'v') AND nspname !~ '^pg_' AND nspname <> 'information_schema'";
  EXPECT_EQ(MustRotv({"psql", "-Atc", rows}), rotv_.server().Value(rows, kSuperuser) + "\n");
  MustRotv({"stop"});
  const Result compared = Rotv({"validate-schema"});
  EXPECT_EQ(compared.exit_status, 0) << compared.out << compared.err;
}

INSTANTIATE_TEST_SUITE_P(Two, StartApplicationsTest, ::testing::Values("shop", "tenants"),
                         [](const auto& application) { return std::string(application.param); });
INSTANTIATE_TEST_SUITE_P(SoakOthers, StartApplicationsTest,
                         ::testing::Values("audit", "bank", "calendar", "chat", "cms", "erp", "flags", "forum", "iot",
                                           "learning", "mail", "queue", "search", "social", "tickets", "tracker",
                                           "wiki"),
                         [](const auto& application) { return std::string(application.param); });

}  // namespace
}  // namespace rotv::testing
