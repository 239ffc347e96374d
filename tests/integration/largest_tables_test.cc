#include "cli/launch/largest_tables.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "cli/launch/container_runtime.h"
#include "storage/interrupt.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv {
namespace {

// Counts in a real server, with a program in the place of podman whose `exec` runs psql here.
class LargestTablesInServerTest : public ::testing::Test {
 protected:
  LargestTablesInServerTest() : connection_(server_.NewConnection()) {
    testing::WriteFile(
        directory_ / "podman",
        fmt::format("#!/bin/sh\nwhile [ \"$1\" != psql ]; do shift; done; shift\n"
                    "exec '{}' -h '{}' -p {} -U rotv -d rotv \"$@\"\n",
                    (server_.bin_directory() / "psql").native(), server_.socket_directory(), server_.port()),
        0755);
  }

  std::optional<uint64_t> RowsAfter(const std::string& statements, const std::string& table) {
    connection_.Exec(statements);
    // Other sessions know of this one's rows at once.
    connection_.Exec("SELECT pg_stat_force_next_flush()");
    const launch::ContainerRuntime runtime{directory_ / "podman", directory_ / "home", "rotv", {}, interrupt_};
    launch::LargestTables largest(runtime, launch::CountRows::kExactly);
    const std::vector<launch::TableCount> tables = largest.Take(interrupt_);
    const auto found = std::find_if(tables.begin(), tables.end(),
                                    [&](const launch::TableCount& counted) { return counted.name == table; });
    return found == tables.end() ? std::nullopt : std::optional(found->rows);
  }

  const testing::PostgresServer server_;
  testing::Connection connection_;
  testing::TempDir directory_;
  Interrupt interrupt_;
};

// What an index has counted is the number of rows only as long as none comes or goes.
TEST_F(LargestTablesInServerTest, RowsAreThoseThatAreThere) {
  EXPECT_EQ(RowsAfter("CREATE TABLE t (id int, x text DEFAULT repeat('x', 100)); CREATE TABLE u (id int)", "t"), 0U);
  EXPECT_EQ(RowsAfter("INSERT INTO t SELECT generate_series(1, 1000); CREATE INDEX ON t (id)", "t"), 1000U);
  EXPECT_EQ(RowsAfter("DELETE FROM t WHERE id <= 10", "t"), 990U);
  EXPECT_EQ(RowsAfter("CREATE INDEX ON t (x); CREATE TABLE c () INHERITS (t); INSERT INTO c VALUES (1)", "t"), 991U);
}

}  // namespace
}  // namespace rotv
