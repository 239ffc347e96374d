// `rotv validate-schema`, and what `pull` and `start` report about a changed schema: a real source, real migrations,
// and the server that is started for the comparison.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/start/start_fixture.h"

namespace rotv {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kDiffer;
using testing::kInUse;
using testing::kUsage;
using ::testing::Not;
using testing::Result;

constexpr int kEqual = 0;

class ValidateSchemaTest : public testing::StartTest {
 protected:
  ValidateSchemaTest() : StartTest("local", testing::TempDirName::kWithSpace) {
    WriteApp("migrations/1_places.sql", "CREATE TABLE places (id int PRIMARY KEY, name text NOT NULL);");
    // A migration's own transactions and settings do not affect the next one.
    WriteApp("migrations/2_news.sql",
             "SET search_path = pg_catalog; BEGIN; CREATE TABLE public.news (id int, title text);");
    // It sorts after both, and its down part is ignored.
    WriteApp("migrations/10_key.sql",
             "ALTER TABLE news ADD CONSTRAINT any_name PRIMARY KEY (id);\n-- migrate:down\nDROP TABLE news;\n");
    WriteApp("migrations/10_key.down.sql", "DROP TABLE news;");
    rotv_.MustSync({"baseline"});
  }
  ~ValidateSchemaTest() override {
    EXPECT_THAT(Processes(), IsEmpty());
    EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "scratch/migrations"));
    EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "scratch/schema.sql"));
  }

  void Configure(const std::string& lines) { std::ofstream(rotv_.config(), std::ios::app) << "[schema]\n" << lines; }

  nlohmann::json Differences(int exit_status = kDiffer) {
    Result result = Rotv({"--json", "validate-schema"});
    EXPECT_EQ(result.exit_status, exit_status) << result.err << result.out;
    return nlohmann::json::parse(result.out);
  }

  static std::vector<std::string> Names(const nlohmann::json& objects) {
    std::vector<std::string> names;
    for (const auto& object : objects) {
      names.push_back(object["kind"].get<std::string>() + " " + object["name"].get<std::string>());
    }
    return names;
  }
};

TEST_F(ValidateSchemaTest, EqualSchemasAreEqual) {
  Result result = Rotv({"validate-schema"});
  EXPECT_EQ(result.exit_status, kEqual) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("The schemas are equal: production as it was at "));
  EXPECT_THAT(result.out, HasSubstr("3 files of "));
  // The second run: the first one has left nothing in its way.
  EXPECT_EQ(Rotv({"validate-schema"}).exit_status, kEqual);
}

TEST_F(ValidateSchemaTest, DifferencesAreReportedForBothSides) {
  rotv_.server().Exec(
      "ALTER TABLE places ALTER name TYPE varchar(40), ADD rating int; CREATE INDEX ON news (title);"
      "CREATE TABLE schema_migrations (version text)");
  WriteApp("migrations/11_more.sql", "CREATE TYPE kind AS ENUM ('a');");
  rotv_.MustSync({"pull"});
  Result result = Rotv({"validate-schema"});
  EXPECT_EQ(result.exit_status, kDiffer) << result.err;
  EXPECT_THAT(result.out, HasSubstr("The schemas differ (1 ignored)"));
  EXPECT_THAT(result.out,
              HasSubstr("\nOnly in production (2)\n  column public.places.rating: integer\n"
                        "  index public.news_title_idx: CREATE INDEX ON public.news USING btree (title)\n"));
  EXPECT_THAT(result.out, HasSubstr("\nOnly in the migrations (1)\n  type public.kind: ENUM ('a')\n"));
  EXPECT_THAT(result.out, HasSubstr("\nDifferent (1)\n  column public.places.name\n"
                                    "    production  character varying(40) NOT NULL\n"
                                    "    migrations  text NOT NULL\n"));

  EXPECT_TRUE(result.out.ends_with("\n2 only in production, 1 only in the migrations, 1 different.\n")) << result.out;

  nlohmann::json differences = Differences();
  EXPECT_EQ(differences["equal"], false);
  EXPECT_THAT(Names(differences["only_in_source"]),
              ElementsAre("column public.places.rating", "index public.news_title_idx"));
  EXPECT_THAT(Names(differences["only_in_migrations"]), ElementsAre("type public.kind"));
  EXPECT_THAT(Names(differences["different"]), ElementsAre("column public.places.name"));
  // The sketch is a working migration.
  WriteApp("migrations/12_as_in_production.sql", differences["sql_for_migrations"].get<std::string>());
  EXPECT_EQ(Differences(kEqual)["equal"], true);
}

TEST_F(ValidateSchemaTest, RolesOfTheSourceExist) {
  rotv_.server().Exec("CREATE ROLE reader; CREATE POLICY p ON places TO reader USING (id > 90)", testing::kSuperuser);
  rotv_.MustSync({"pull"});
  WriteApp("migrations/11_policy.sql", "CREATE POLICY p ON places TO reader USING (id > 90);");
  EXPECT_EQ(Rotv({"validate-schema"}).exit_status, kEqual);
}

TEST_F(ValidateSchemaTest, MigrationsMayCreateObjectsThatNeedASuperuser) {
  rotv_.server().Exec("CREATE EXTENSION dblink", testing::kSuperuser);
  rotv_.MustSync({"pull"});
  WriteApp("migrations/11_extension.sql", "CREATE EXTENSION dblink;");
  EXPECT_EQ(Rotv({"validate-schema"}).exit_status, kEqual);
}

TEST_F(ValidateSchemaTest, AnOlderSchemaCanBeCompared) {
  rotv_.MustSync({"snapshot", "create", "old"});
  rotv_.server().Exec("ALTER TABLE places ADD rating int");
  rotv_.MustSync({"pull"});
  EXPECT_EQ(Rotv({"validate-schema"}).exit_status, kDiffer);
  EXPECT_EQ(Rotv({"validate-schema", "--snapshot", "old"}).exit_status, kEqual);
  EXPECT_EQ(Rotv({"validate-schema", "--snapshot", "none"}).exit_status, kUsage);
}

TEST_F(ValidateSchemaTest, IgnoredDifferencesAreCounted) {
  rotv_.server().Exec(
      "CREATE SCHEMA audit; CREATE TABLE audit.log (id serial PRIMARY KEY); CREATE INDEX x ON news (id)");
  rotv_.MustSync({"pull"});
  Configure("ignore = [\"schema audit\", \"audit.*\", \"index *.x\"]\n");
  nlohmann::json differences = Differences(kEqual);
  EXPECT_EQ(differences["ignored"], 3);
}

TEST_F(ValidateSchemaTest, ACommandRunsTheMigrations) {
  WriteApp("migrate.sh",
           "psql -X -q -v ON_ERROR_STOP=1 -f migrations/1_places.sql && "
           "psql -X -q -d \"$DATABASE_URL\" -c 'CREATE TABLE news (id int PRIMARY KEY, title text)'\n");
  Configure("command = \"sh migrate.sh\"\n");
  Result result = Rotv({"validate-schema"});
  EXPECT_EQ(result.exit_status, kEqual) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("and sh migrate.sh."));

  WriteApp("migrate.sh", "echo 'no such thing' >&2; exit 3\n");
  result = Rotv({"validate-schema"});
  EXPECT_EQ(result.exit_status, kUsage);
  EXPECT_THAT(result.err, HasSubstr("\"sh migrate.sh\" ended with status 3: no such thing\nhint: "));
}

TEST_F(ValidateSchemaTest, AFailedMigrationIsReportedWithItsLine) {
  WriteApp("migrations/3_bad.sql", "CREATE TABLE fine (id int);\n\nCREATE TABEL news2 (id int);\n");
  Result result = Rotv({"validate-schema"});
  EXPECT_EQ(result.exit_status, kUsage);
  EXPECT_THAT(result.err, HasSubstr("the migrations fail: 3_bad.sql:3: ERROR: syntax error at or near \"TABEL\""));

  WriteApp("migrations/3_bad.sql", "GRANT SELECT ON news TO reader;");
  result = Rotv({"validate-schema"});
  EXPECT_EQ(result.exit_status, kUsage);
  EXPECT_THAT(result.err, HasSubstr("roles = ["));
  Configure("roles = [\"reader\"]\n");
  EXPECT_EQ(Rotv({"validate-schema"}).exit_status, kEqual);
}

TEST_F(ValidateSchemaTest, MissingMigrationsAreReported) {
  std::filesystem::remove_all(app() / "migrations");
  Result result = Rotv({"validate-schema"});
  EXPECT_EQ(result.exit_status, kUsage);
  EXPECT_THAT(result.err, HasSubstr("there are no migrations in "));
  EXPECT_THAT(result.err, HasSubstr("hint: \"migrations\" in [schema]"));
  result = Rotv({"validate-schema", "--migrations", "no/where"});
  EXPECT_EQ(result.exit_status, kUsage);
  EXPECT_THAT(result.err, HasSubstr("no/where cannot be read: No such file or directory"));
}

// The running application is left alone and goes on.
TEST_F(ValidateSchemaTest, RunsNextToTheApplication) {
  MustRotv({"start"});
  EXPECT_EQ(Rotv({"validate-schema"}).exit_status, kEqual);
  EXPECT_THAT(MustRotv({"psql", "-XAtc", "SELECT count(*) FROM places"}), HasSubstr("100"));
  EXPECT_THAT(MustRotv({"psql", "-XAtc", "SELECT count(*) FROM pg_database WHERE datname = 'rotv_migrations'"}),
              HasSubstr("0"));
  MustRotv({"stop"});
}

TEST_F(ValidateSchemaTest, AKilledOrInterruptedRunDoesNotBlockTheNext) {
  WriteApp("migrations/4_slow.sql", "SELECT pg_sleep(600);");
  auto psql_runs = [&] {
    std::vector<pid_t> processes = Processes();
    return std::any_of(processes.begin(), processes.end(), [](pid_t process) {
      std::vector<std::string> words = os::CommandLineOf(process);
      return std::find(words.begin(), words.end(), "rotv_migrations") != words.end() &&
             std::find(words.begin(), words.end(), "RESET ALL") != words.end();
    });
  };
  auto until_it_sleeps = [&](int signal) {
    testing::Process process(RotvCommand({"validate-schema"}));
    EXPECT_TRUE(testing::WaitUntil([&] { return !process.Running() || psql_runs(); }, std::chrono::seconds(60)));
    process.Signal(signal);
    return process.Wait();
  };
  EXPECT_EQ(until_it_sleeps(SIGINT).exit_status, 130);
  EXPECT_THAT(Processes(), IsEmpty());
  until_it_sleeps(SIGKILL);
  WriteApp("migrations/4_slow.sql", "SELECT 1;");
  EXPECT_EQ(Rotv({"validate-schema"}).exit_status, kEqual);
}

TEST_F(ValidateSchemaTest, TwoConcurrentRunsDoNotDisturbEachOther) {
  WriteApp("migrations/4_slow.sql", "SELECT pg_sleep(600);");
  testing::Process first(RotvCommand({"validate-schema"}));
  const std::filesystem::path copied = rotv_.home() / "scratch/migrations/4_slow.sql";
  EXPECT_TRUE(testing::WaitUntil([&] { return !first.Running() || std::filesystem::exists(copied); },
                                 std::chrono::seconds(60)));
  Result second = Rotv({"validate-schema"});
  EXPECT_EQ(second.exit_status, kInUse);
  EXPECT_THAT(second.err, HasSubstr("another rotv is "));
  EXPECT_TRUE(std::filesystem::exists(copied));
  first.Signal(SIGTERM);
  first.Wait();
}

TEST_F(ValidateSchemaTest, PullReportsSchemaChanges) {
  rotv_.server().Exec("ALTER TABLE places ADD rating int DEFAULT 3, DROP name; CREATE INDEX ON places (rating)");
  EXPECT_THAT(rotv_.MustSync({"pull"}),
              HasSubstr("The schema has changed on the source: TABLE public.places (+rating integer DEFAULT 3, "
                        "-name text NOT NULL), INDEX public.places_rating_idx (new).\n"));
  rotv_.server().Exec("DROP INDEX places_rating_idx");
  nlohmann::json pulled = nlohmann::json::parse(rotv_.MustSync({"--json", "pull"}));
  ASSERT_EQ(pulled["schema_changes"].size(), 1U);
  EXPECT_EQ(pulled["schema_changes"][0]["object"], "INDEX public.places_rating_idx");
  EXPECT_EQ(pulled["schema_changes"][0]["kind"], "removed");
  EXPECT_EQ(nlohmann::json::parse(rotv_.MustSync({"--json", "pull"}))["schema_changes"].size(), 0U);
}

// Labels: slow
TEST_F(ValidateSchemaTest, StartWarnsIfTheConfigAsksForIt) {
  rotv_.server().Exec("ALTER TABLE places ADD rating int");
  rotv_.MustSync({"pull"});
  const char* warning =
      "warning: the schema of production and the application's migrations differ (1 only in production)";
  EXPECT_THAT(RunCommand(RotvCommand({"start"})).err, Not(HasSubstr("migrations differ")));
  Configure("warn_at_start = true\n");
  EXPECT_THAT(Rotv({"restart"}).err, HasSubstr(warning));
  // The finding is cached, and the schemas are compared again once something changes.
  EXPECT_THAT(Rotv({"restart"}).err, HasSubstr(warning));
  WriteApp("migrations/12_rating.sql", "ALTER TABLE places ADD rating int;");
  EXPECT_THAT(Rotv({"restart"}).err, Not(HasSubstr("migrations")));
  WriteApp("migrations/13_bad.sql", "SELECT 1/0;");
  Result result = Rotv({"restart"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_THAT(result.err,
              HasSubstr("warning: seed and migrations could not be compared: the migrations fail: 13_bad.sql:1"));
  MustRotv({"stop"});
}

// The name is deleted and given to another state while the start waits for its application.
TEST_F(ValidateSchemaTest, AStartComparesTheStateThatItStartedAndNotWhatItsNameMeansByThen) {
  Configure("warn_at_start = true\n");
  rotv_.MustSync({"snapshot", "create", "day"});
  WriteApp("server.js",
           "while (!require('node:fs').existsSync(__dirname + '/go'))\n"
           "  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);\n" +
               testing::ReadFile(app() / "server.js"));
  testing::Process start(RotvCommand({"start", "--snapshot", "day"}));
  const std::filesystem::path log = rotv_.home() / "run/app.log";
  ASSERT_TRUE(testing::WaitUntil(
      [&] {
        return !start.Running() ||
               (std::filesystem::exists(log) && testing::ReadFile(log).find("phase: application") != std::string::npos);
      },
      std::chrono::seconds(60)));
  rotv_.server().Exec("ALTER TABLE places ADD rating int");
  rotv_.MustSync({"pull"});
  rotv_.MustSync({"snapshot", "delete", "day"});
  rotv_.MustSync({"snapshot", "create", "day"});
  WriteApp("go", "");
  const Result started = start.Wait();
  EXPECT_EQ(started.exit_status, 0) << started.err;
  EXPECT_THAT(started.err, Not(HasSubstr("migrations"))) << "the state that runs is what they build";
  EXPECT_THAT(MustRotv({"psql", "-XAtc", "SELECT count(*) FROM pg_attribute WHERE attname = 'rating'"}), "0\n");
  EXPECT_THAT(Rotv({"restart", "--snapshot", "day"}).err, HasSubstr("1 only in production"));
  MustRotv({"stop"});
}

}  // namespace
}  // namespace rotv
