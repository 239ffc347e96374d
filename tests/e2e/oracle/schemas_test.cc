// Databases of the size and kind that applications have, written by hand in tests/e2e/oracle/schemas: followed through
// a business day, a release's migration, and the next day.

#include <gtest/gtest.h>

#include "fmt/format.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

struct Schema {
  const char* name;
  // The result of a migration cannot always be rebuilt exactly, not even by pg_dump: a column added to a table with
  // child tables comes after theirs, and before them once it is imported.
  Import after_migration = Import::kEmpty;
};

void PrintTo(const Schema& schema, std::ostream* out) { *out << schema.name; }

class SchemasTest : public ::testing::TestWithParam<Schema> {
 protected:
  SchemasTest() : rotv(FollowOptionsBySsh()) {}

  // Runs a script statement by statement.
  void Run(const std::string& script) {
    const std::string file =
        fmt::format("{}/tests/e2e/oracle/schemas/{}/{}.sql", ROTV_SOURCE_DIR, GetParam().name, script);
    const Result psql = rotv.server().Psql(file);
    ASSERT_TRUE(psql.ok()) << file << ":\n" << psql.err;
  }

  RotvHome rotv;
};

TEST_P(SchemasTest, AreFollowedThroughDaysAndAMigration) {
  ASSERT_NO_FATAL_FAILURE(Run("schema"));
  rotv.MustSync({"baseline"});
  rotv.ExpectSeedIsDump({.import = Import::kEmpty});
  for (const char* script : {"day", "migration", "next_day"}) {
    SCOPED_TRACE(script);
    ASSERT_NO_FATAL_FAILURE(Run(script));
    rotv.MustSync({"pull"});
    rotv.ExpectSeedIsDump({.import = script == std::string("day") ? Import::kEmpty : GetParam().after_migration});
    if (HasFailure()) return;
  }
  rotv.MustSync({"check", "--read-data"});
}

INSTANTIATE_TEST_SUITE_P(Written, SchemasTest,
                         ::testing::Values(Schema{"shop"}, Schema{"museum", Import::kNone}, Schema{"ledger"},
                                           Schema{"series"}),
                         [](const auto& schema) { return std::string(schema.param.name); });

}  // namespace
}  // namespace rotv::testing
