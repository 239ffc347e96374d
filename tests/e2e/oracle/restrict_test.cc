// \restrict in seeds: with a new key each time, unless the psql on this machine does not support it.

#include <gmock/gmock.h>

#include <set>

#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RestrictTest : public ::testing::Test {
 protected:
  RestrictTest() {
    rotv.server().Exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    rotv.MustSync({"baseline"});
  }

  // Runs materialize with this as the only psql; an empty text means none.
  Result Materialize(const std::string& psql, const std::vector<std::string>& more = {}) {
    std::filesystem::create_directories(directory());
    std::filesystem::remove(directory() / "psql");
    if (!psql.empty()) WriteFile(directory() / "psql", "#!/bin/sh\necho '" + psql + "'\n", 0755);
    Command command = rotv.SyncCommand({"materialize", "--output", "-"});
    command.argv.insert(command.argv.end(), more.begin(), more.end());
    command.env["PATH"] = directory();
    return RunCommand(command);
  }
  std::filesystem::path directory() const { return rotv.directory() / "bin"; }

  RotvHome rotv{{.binary = ROTV_SYNC_BINARY, .way = Way::kDirect}};
};

TEST_F(RestrictTest, ASeedIsRestrictedIfPsqlSupportsIt) {
  const std::string old = "psql (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)";
  const std::string fixed = "psql (PostgreSQL) 15.14";
  for (const std::string& psql : {fixed, std::string(), std::string("psql (PostgreSQL) 18.1")}) {
    const Result result = Materialize(psql);
    EXPECT_THAT(result.out, HasSubstr("\n\\restrict ")) << psql;
    EXPECT_THAT(result.err, Not(HasSubstr("does not know"))) << psql;
  }
  const Result without = Materialize(old);
  EXPECT_THAT(without.out, Not(HasSubstr("restrict")));
  EXPECT_THAT(without.err, HasSubstr("psql 15.13 does not know \\restrict"));
  EXPECT_THAT(Materialize(old, {"--restrict", "always"}).out, HasSubstr("\n\\restrict "));
  EXPECT_THAT(Materialize(fixed, {"--restrict", "never"}).out, Not(HasSubstr("restrict")));
  EXPECT_EQ(Materialize(fixed, {"--restrict", "maybe"}).exit_status, 2);
}

TEST_F(RestrictTest, EverySeedHasANewKeyThatPsqlAccepts) {
  std::set<std::string> keys;
  for (int i = 0; i < 3; ++i) {
    const std::string text = Materialize("").out;
    const size_t at = text.find("\\restrict ") + 10;
    const std::string key = text.substr(at, text.find('\n', at) - at);
    EXPECT_EQ(key.size(), 63u);
    EXPECT_TRUE(text.ends_with("\\unrestrict " + key + "\n\n"));
    keys.insert(key);
    WriteFile(rotv.directory() / "restricted.sql", text.substr(0, text.rfind("\\unrestrict")) + "\\! touch MARK\n");
  }
  EXPECT_EQ(keys.size(), 3u);
  rotv.ExpectSeedIsDump();  // It is imported with \restrict.
  rotv.server().CreateDatabase("elsewhere");
  const Result result = rotv.server().Psql(rotv.directory() / "restricted.sql", {"elsewhere", "rotv"});
  EXPECT_THAT(result.err, HasSubstr("restricted"));
}

TEST_F(RestrictTest, DoctorReportsAPgDumpThatIsUnsafeForNamesWithALineEnd) {
  const std::string major = std::to_string(PostgresServer::MajorVersion());
  std::filesystem::create_directories(directory());
  const std::string real = PostgresServer::BinDirectory() / "pg_dump";
  WriteFile(
      directory() / "pg_dump",
      "#!/bin/sh\n[ \"$1\" = --version ] || exec '" + real + "' \"$@\"\necho 'pg_dump (PostgreSQL) " + major + ".1'\n",
      0755);
  Command command = rotv.SyncCommand({"doctor"});
  command.env["PATH"] = directory().native() + ":/usr/bin:/bin";
  const Result result = RunCommand(command);
  EXPECT_EQ(result.exit_status, 0) << Describe(command, result);
  EXPECT_EQ(result.out.find("CVE-2025-8714") != std::string::npos, PostgresServer::MajorVersion() < 18) << result.out;
}

}  // namespace
}  // namespace rotv::testing
