// The base of most end-to-end tests: a source that is followed, changed, pulled, and compared with its own dump each
// time.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {

// Without SSH, which is a tenth of a test's processor time and changes nothing of what is received.
inline RotvHomeOptions FollowOptions(PostgresOptions postgres = {}) {
  RotvHomeOptions options;
  options.binary = ROTV_SYNC_BINARY;
  options.way = Way::kDirect;
  options.postgres = std::move(postgres);
  return options;
}

// As most users reach a source: where much is received, or everything comes together.
inline RotvHomeOptions FollowOptionsBySsh(PostgresOptions postgres = {}) {
  RotvHomeOptions options = FollowOptions(std::move(postgres));
  options.way = Way::kSshSocket;
  return options;
}

class FollowTest : public ::testing::Test {
 protected:
  FollowTest() : FollowTest(FollowOptions()) {}
  explicit FollowTest(RotvHomeOptions options)
      : rotv(std::move(options)), sql(std::make_unique<Connection>(rotv.server().ConnectionString())) {
    // Values here mean the same whatever the server's settings are.
    Exec("SET search_path = public; SET datestyle = ISO; SET intervalstyle = postgres; SET timezone = 'UTC'");
  }

  // Runs statements as the source's role, in one session: BEGIN and COMMIT may be in different calls.
  void Exec(const std::string& statements) { sql->Exec(statements); }
  void ExecAsSuperuser(const std::string& statements) { rotv.server().Exec(statements, kSuperuser); }

  void BaselineIsDump(const OracleOptions& oracle = {.import = Import::kEmptyAndOverOlder}) {
    rotv.MustSync({"baseline"});
    rotv.ExpectSeedIsDump(oracle);
  }
  void PullIsDump(const OracleOptions& oracle = {.import = Import::kTry}) {
    rotv.MustSync({"pull"});
    rotv.ExpectSeedIsDump(oracle);
  }
  // Runs the statements in one transaction, pulls and compares.
  void TransactionIsFollowed(const std::string& statements) {
    Exec("BEGIN;" + statements + ";COMMIT");
    PullIsDump();
    if (HasFailure()) ADD_FAILURE() << "after the transaction: " << statements;
  }

  RotvHome rotv;
  std::unique_ptr<Connection> sql;
};

// Fails the test, with all output, unless the command ends with this status.
inline void ExpectExit(const RotvHome& rotv, const std::vector<std::string>& arguments, int status) {
  const Command command = rotv.SyncCommand(arguments);
  const Result result = RunCommand(command);
  EXPECT_EQ(result.exit_status, status) << Describe(command, result);
}

}  // namespace rotv::testing
