// Twenty small databases of the shapes of well-known kinds of applications, in tests/e2e/oracle/applications: each is
// followed through random changes and two migrations, its seed is compared with pg_dump's and imported as rotv start
// imports it, and validate-schema finds no difference between what was imported and the source. One server serves all
// of a group.

#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "fmt/format.h"
#include "sync/find_drift.h"
#include "tests/e2e/application_parts.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/support/random/row_changes.h"

namespace rotv::testing {
namespace {

// CREATE DATABASE's options. Files are copied in half of the time that their pages take through the WAL.
std::string Copied() {
  static const bool kChosen = PostgresServer::MajorVersion() >= 15;
  return std::string("TEMPLATE template0") + (kChosen ? " STRATEGY file_copy" : "");
}

struct Group {
  const char* name;
  std::vector<const char*> applications;
};

void PrintTo(const Group& group, std::ostream* out) { *out << group.name; }

class ApplicationsTest : public ::testing::TestWithParam<Group> {
 protected:
  explicit ApplicationsTest(int version = kOwnVersion) : rotv_(FollowOptions({.version = version})) {
    rotv_.server().Exec(
        "CREATE ROLE started LOGIN CREATEDB BYPASSRLS; CREATE ROLE tenant_user; GRANT tenant_user TO started",
        kSuperuser);
  }

  void Run(const std::string& application, const ApplicationPart& part) {
    const std::filesystem::path file = rotv_.directory() / "part.sql";
    WriteFile(file, part.sql);
    const Result psql =
        rotv_.server().Psql(file, {application, part.superuser ? "postgres" : "rotv"}, {"-o", "/dev/null"});
    ASSERT_TRUE(psql.ok()) << application << ":\n" << psql.err;
  }

  std::string Sync(const std::string& application, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--source", application});
    return rotv_.MustSync(arguments);
  }

  static std::vector<drift::SchemaObject> ReadSchema(Connection connection) {
    connection.Exec("SET search_path = ''; SET jit = off");
    return drift::ParseSchema(connection.Value(std::string(drift::SchemaQuery())));
  }

  // Does what entrypoint/import.sh does: the superuser makes the extensions, an ordinary role runs what the filter
  // passes.
  void Import(const std::filesystem::path& seed, const std::string& database) {
    rotv_.server().CreateDatabase(database, "started", Copied());
    const std::filesystem::path sql = rotv_.directory() / "import.sql";
    WriteFile(sql, ReadFile(ROTV_SOURCE_DIR "/entrypoint/extensions.sql") + Filtered(seed, "plan") +
                       "\\.\nSELECT pg_temp.make_extensions();\n");
    Result psql = rotv_.server().Psql(sql, {database, "postgres"},
                                      {"-o", "/dev/null", "-v", "user=started", "-v", "trust=no", "-v", "skip="});
    ASSERT_TRUE(psql.ok()) << psql.err;
    WriteFile(sql, Filtered(seed, "import"));
    psql = rotv_.server().Psql(sql, {database, "started"}, {"-o", "/dev/null", "--single-transaction"});
    ASSERT_TRUE(psql.ok()) << psql.err;
  }

  std::string Filtered(const std::filesystem::path& seed, const std::string& mode) {
    return MustRun({.argv = {"awk", "-f", ROTV_SOURCE_DIR "/entrypoint/seed_filter.awk", seed},
                    .env = {{"LC_ALL", "C"},
                            {"FILTER_MODE", mode},
                            {"FILTER_TRUST", "no"},
                            {"FILTER_LANGUAGES", "sql\nplpgsql"},
                            {"FILTER_SERVER", std::to_string(PostgresServer::MajorVersion(rotv_.server().version()))},
                            {"FILTER_LEFT_OUT", rotv_.directory() / "left_out"},
                            {"FILTER_REFUSED", rotv_.directory() / "refused"}}})
        .out;
  }

  // An ordinary role may not have event triggers.
  static void ExpectNoDrift(const std::vector<drift::SchemaObject>& source,
                            const std::vector<drift::SchemaObject>& imported) {
    const drift::SchemaDrift drift = FindDrift(source, imported, {"event trigger *"});
    std::string found;
    for (const drift::SchemaObject& object : drift.only_before) found += "only in the source: " + object.Label() + "\n";
    for (const drift::SchemaObject& object : drift.only_after) found += "only imported: " + object.Label() + "\n";
    for (const drift::ChangedObject& change : drift.changed) {
      found +=
          fmt::format("{}:\n  {}\n  {}\n", change.before.Label(), change.before.definition, change.after.definition);
    }
    EXPECT_EQ(found, "");
  }

  void Follow(const std::string& application) {
    SCOPED_TRACE(application);
    PostgresServer& server = rotv_.server();
    server.CreateDatabase(application, "rotv", Copied());
    WriteFile(rotv_.config(), fmt::format("[sources.{}]\nurl = \"postgresql://rotv@127.0.0.1:{}/{}\"\n", application,
                                          server.port(), application));
    const std::vector<ApplicationPart> parts = PartsOf(application);
    for (const ApplicationPart& part : parts) {
      if (part.migration) continue;
      ASSERT_NO_FATAL_FAILURE(Run(application, part));
    }
    const uint64_t seed = std::hash<std::string>{}(application);
    Connection connection = server.NewConnection({application, "rotv"});
    Sync(application, {"baseline"});
    RowChanges(connection, seed).Make(20);
    Sync(application, {"pull"});
    for (const ApplicationPart& part : parts) {
      if (!part.migration) continue;
      ASSERT_NO_FATAL_FAILURE(Run(application, part));
      RowChanges(connection, seed + 1).Make(15);
    }
    Sync(application, {"pull"});
    const std::filesystem::path file = rotv_.directory() / (application + ".sql");
    Sync(application, {"materialize", "--restrict", "always", "--output", file});
    ExpectSeedEqualsDump(server, file, {.database = application, .import = Import::kNone});
    ASSERT_NO_FATAL_FAILURE(Import(file, application + "_started"));
    ExpectNoDrift(ReadSchema(std::move(connection)),
                  ReadSchema(server.NewConnection({application + "_started", "started"})));
  }

  RotvHome rotv_;
};

// Labels: slow
TEST_P(ApplicationsTest, AreFollowedImportedAndEqual) {
  for (const std::string application : GetParam().applications) Follow(application);
}

// PostGIS is always beside this version.
class VersionsApplicationsTest : public ApplicationsTest {
 protected:
  VersionsApplicationsTest() : ApplicationsTest(17) {}
};

// Labels: slow
TEST_P(VersionsApplicationsTest, AreFollowedImportedAndEqual) {
  for (const std::string application : GetParam().applications) Follow(application);
}

INSTANTIATE_TEST_SUITE_P(All, VersionsApplicationsTest, ::testing::Values(Group{"Maps", {"gis"}}),
                         [](const auto& group) { return std::string(group.param.name); });
INSTANTIATE_TEST_SUITE_P(Kinds, ApplicationsTest,
                         ::testing::Values(Group{"Business", {"shop", "erp", "bank", "tickets", "audit"}},
                                           Group{"People", {"forum", "chat", "mail", "social", "learning"}},
                                           Group{"Work", {"tracker", "calendar", "wiki", "cms", "tenants"}},
                                           Group{"Machines", {"iot", "queue", "flags", "search"}}),
                         [](const auto& group) { return std::string(group.param.name); });

}  // namespace
}  // namespace rotv::testing
