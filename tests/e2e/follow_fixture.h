// What most end-to-end tests do: a source that is followed, changed, pulled, and compared with its own dump each time.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {

inline RotvHomeOptions FollowOptions(PostgresOptions postgres = {}) {
  RotvHomeOptions options;
  options.binary = ROTV_SYNC_BINARY;
  options.postgres = std::move(postgres);
  return options;
}

class FollowTest : public ::testing::Test {
 protected:
  FollowTest() : FollowTest(FollowOptions()) {}
  explicit FollowTest(RotvHomeOptions options)
      : rotv(std::move(options)), sql(std::make_unique<Connection>(rotv.server().ConnectionString())) {
    // What is written here means the same whatever the server's settings are.
    Exec("SET search_path = public; SET datestyle = ISO; SET intervalstyle = postgres; SET timezone = 'UTC'");
  }

  // As the source's role, in one session: BEGIN and COMMIT may stand in different calls.
  void Exec(const std::string& statements) { sql->Exec(statements); }
  void ExecAsSuperuser(const std::string& statements) { rotv.server().Exec(statements, kSuperuser); }

  void BaselineIsDump(const OracleOptions& oracle = {.import = Import::kEmptyAndOverOlder}) {
    rotv.MustSync({"baseline"});
    rotv.ExpectSeedIsDump(oracle);
  }
  void PullIsDump(const OracleOptions& oracle = {.import = Import::kNone}) {
    rotv.MustSync({"pull"});
    rotv.ExpectSeedIsDump(oracle);
  }
  // In one transaction; then pulled and compared.
  void TransactionIsFollowed(const std::string& statements) {
    Exec("BEGIN;" + statements + ";COMMIT");
    PullIsDump();
    if (HasFailure()) ADD_FAILURE() << "after the transaction: " << statements;
  }

  RotvHome rotv;
  std::unique_ptr<Connection> sql;
};

// The test fails, with all that was written, unless the command ends with this status.
inline void ExpectExit(const RotvHome& rotv, const std::vector<std::string>& arguments, int status) {
  const Command command = rotv.SyncCommand(arguments);
  const Result result = RunCommand(command);
  EXPECT_EQ(result.exit_status, status) << Describe(command, result);
}

}  // namespace rotv::testing
