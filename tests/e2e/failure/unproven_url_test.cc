// A url whose server is not proven works, with a warning each time.

#include <gmock/gmock.h>

#include "fmt/format.h"
#include "tests/e2e/error_checks.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kWarning = "nothing proves that 0.0.0.0 is the source";

TEST(UnprovenUrlTest, DoctorAndTheCommandsWarnInOneLineAndWork) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY,
                 .way = Way::kDirect,
                 .postgres = {.hba_lines = {"host all with_password all scram-sha-256"}}});
  rotv.server().Exec("CREATE ROLE with_password LOGIN REPLICATION IN ROLE rotv PASSWORD 'right'", kSuperuser);
  rotv.server().Exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  rotv.server().Exec("GRANT CREATE ON DATABASE rotv TO with_password");
  rotv.Configure({{"url", fmt::format("\"postgresql://with_password@0.0.0.0:{}/rotv\"", rotv.server().port())}});
  for (const char* name : {"doctor", "baseline", "pull", "verify"}) {
    SCOPED_TRACE(name);
    Command command = rotv.SyncCommand({name});
    command.env["PGPASSWORD"] = "right";
    const Result result = RunCommand(command);
    EXPECT_TRUE(result.ok()) << result.out << result.err;
    const bool is_doctor = std::string(name) == "doctor";
    EXPECT_THAT(is_doctor ? result.out : result.err, HasSubstr(kWarning));
    EXPECT_THAT(is_doctor ? result.out : result.err, HasSubstr("sslmode=verify-full"));
    EXPECT_THAT(is_doctor ? result.err : result.out, Not(HasSubstr(kWarning)));
    EXPECT_EQ(Lines(result.err).size(), is_doctor ? 0U : 1U) << result.err;
  }
}

}  // namespace
}  // namespace rotv::testing
