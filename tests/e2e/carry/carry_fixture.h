// The base of the tests of carries: a source with points of its history, and a server whose databases hold some of them
// and are carried to others. A carried database is right if pg_dump writes the seed of its point.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sync/carry.h"
#include "sync/context/open_workspace.h"
#include "sync/context/source_config.h"
#include "sync/history/point.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/support/no_progress.h"

namespace rotv::testing {

struct CarryPoint {
  history::ResolvedPoint resolved;
  std::string seed;  // Its text.
};

class CarryTest : public FollowTest {
 protected:
  CarryTest() : target({.settings = {{"wal_level", "minimal"}, {"max_wal_senders", "0"}}}) {
    source_.name = "production";
    source_.config_file = rotv.config();
    target.Exec("ALTER ROLE rotv CREATEDB", {"postgres", "postgres"});  // As that of a started database.
  }

  // The point that a text means, which is stored.
  CarryPoint PointAt(const std::string& text) {
    const Workspace workspace = OpenWorkspace(context_, "test", Access::kRead);
    const history::ResolvedPoint resolved = history::Resolved(history::OpenPoint(workspace, text));
    return {resolved, ReadFile(rotv.Seed("point.sql", {"--at", resolved.lsn.ToString()}))};
  }
  CarryPoint Baseline() {
    rotv.MustSync({"baseline"});
    return PointAt("head");
  }
  CarryPoint Pull() {
    rotv.MustSync({"pull"});
    return PointAt("head");
  }

  // Makes a database of the application's role from the seed, and lets it be carried.
  void Import(const std::string& database, const CarryPoint& point) {
    target.CreateDatabase(database);
    WriteFile(rotv.directory() / "import.sql", point.seed);
    const Result psql = target.Psql(rotv.directory() / "import.sql", {database, "rotv"}, {"-o", "/dev/null"});
    ASSERT_TRUE(psql.ok()) << psql.err;
    MakeReplica(database);
  }
  // Does what the server's configuration does for a started database while it is carried.
  void MakeReplica(const std::string& database) {
    target.Exec("ALTER DATABASE " + SqlName(database) + " SET session_replication_role = replica",
                {"postgres", "postgres"});
  }

  std::filesystem::path file() const { return rotv.directory() / "carry.sql"; }

  // Writes the carry between two points to file().
  CarryResult Write(const CarryPoint& from, const CarryPoint& to) {
    return WriteCarry(context_, {.from = from.resolved, .to = to.resolved.lsn.ToString(), .output = file()});
  }
  CarryResult WriteTo(const CarryPoint& from, const std::string& snapshot) {
    return WriteCarry(context_, {.from = from.resolved, .to = snapshot, .output = file()});
  }
  Command CarryCommand(const std::string& database, const std::filesystem::path& path) const {
    return {.argv = {target.bin_directory() / "psql", "-X", "-q", "-d", target.ConnectionString({database, "rotv"}),
                     "-f", path},
            .env = {{"LANG", "C.UTF-8"}},
            .unset_env = {"PG*"},
            .directory = rotv.directory(),
            .stdout_path = "/dev/null"};
  }
  // Applies file().
  Result Apply(const std::string& database) const { return RunCommand(CarryCommand(database, file())); }

  ::testing::AssertionResult Holds(const std::string& database, const CarryPoint& point) {
    return DumpsAreEqual({"the carried database", target.Dump(database)},
                         {"the seed of " + point.resolved.lsn.ToString(), point.seed});
  }
  CarryResult Carry(const std::string& database, const CarryPoint& from, const CarryPoint& to) {
    const CarryResult result = Write(from, to);
    EXPECT_EQ(result.why_not, "");
    EXPECT_EQ(result.to, to.resolved);
    const Result psql = Apply(database);
    EXPECT_TRUE(psql.ok()) << psql.err;
    EXPECT_EQ(psql.err, "");
    return result;
  }
  // Carries there and back again.
  void ExpectCarried(const std::string& database, const CarryPoint& from, const CarryPoint& to) {
    Carry(database, from, to);
    EXPECT_TRUE(Holds(database, to));
    Carry(database, to, from);
    EXPECT_TRUE(Holds(database, from));
  }

  PostgresServer target;

 private:
  SourceConfig source_;
  NoProgress progress_;
  const Interrupt interrupt_;
  const Context context_{.source = source_, .home = rotv.home(), .progress = progress_, .interrupt = interrupt_};
};

}  // namespace rotv::testing
