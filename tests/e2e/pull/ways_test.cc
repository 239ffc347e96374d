// Ways to a source, the place of the local state, the output of commands, and detach.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using nlohmann::json;

constexpr const char* kWaysTable =
    "CREATE TABLE t (id serial PRIMARY KEY, v text); INSERT INTO t (v) SELECT 'v' || n FROM generate_series(1, 500) n";

class WaysTest : public FollowTest, public ::testing::WithParamInterface<RotvHomeOptions> {
 protected:
  WaysTest() : FollowTest(WithBinary(GetParam())) {}

  static RotvHomeOptions WithBinary(RotvHomeOptions options) {
    options.binary = ROTV_SYNC_BINARY;
    return options;
  }
};

TEST_P(WaysTest, ASourceIsFollowed) {
  Exec(kWaysTable);
  rotv.MustSync({"doctor"});
  EXPECT_TRUE(rotv.LeftOnSource().empty());
  BaselineIsDump();
  Exec("UPDATE t SET v = 'changed' WHERE id < 9; DELETE FROM t WHERE id > 400; INSERT INTO t (v) VALUES ('new')");
  PullIsDump();
  PullIsDump();
  rotv.MustSync({"baseline", "--force"});
  EXPECT_EQ(rotv.LeftOnSource().size(), 2u);
  Exec("TRUNCATE t");
  PullIsDump({.import = Import::kEmptyAndOverOlder});
  rotv.MustSync({"status"});
  rotv.MustSync({"detach"});
  EXPECT_TRUE(rotv.LeftOnSource().empty());
}

RotvHomeOptions ByWay(Way way, TempDirName home_name = TempDirName::kPlain) {
  RotvHomeOptions options;
  options.way = way;
  options.home_name = home_name;
  return options;
}

INSTANTIATE_TEST_SUITE_P(All, WaysTest,
                         ::testing::Values(ByWay(Way::kSshSocket), ByWay(Way::kSshTcp), ByWay(Way::kDirect),
                                           ByWay(Way::kSshSocket, TempDirName::kWithSpace)),
                         [](const auto& parameter) {
                           const RotvHomeOptions& options = parameter.param;
                           if (options.home_name == TempDirName::kWithSpace) return "HomeWithASpace";
                           return options.way == Way::kSshSocket ? "SshSocket"
                                  : options.way == Way::kSshTcp  ? "SshTcp"
                                                                 : "Direct";
                         });

// pg_dump would look in the one directory that was compiled into it.
TEST(WaysTest, ASocketInTmpIsFoundByConnectionsAndByPgDump) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Set("unix_socket_directories", rotv.server().socket_directory() + ", /tmp");
  rotv.Configure({{"host", ""}});
  rotv.server().Exec(kWaysTable);
  const Result doctor = rotv.Sync({"doctor"});
  EXPECT_EQ(doctor.exit_status, 0) << doctor.out;
  rotv.MustSync({"baseline"});
  rotv.ExpectSeedIsDump();
}

// A login shell that prints something (an unguarded "echo" in ~/.bashrc), and a forced command that does.
TEST(WaysTest, WhatTheLoginShellPrintsIsNotInTheSeed) {
  for (const char* noise : {"Welcome to prod", "SET noise = 1;", "Dumped by pg_dump (of) 9.1", ""}) {
    RotvHome rotv({.binary = ROTV_SYNC_BINARY,
                   .ssh = {.config_lines = {fmt::format(
                               "ForceCommand printf '%s\\n' '{}'; exec sh -c \"$SSH_ORIGINAL_COMMAND\"", noise)}}});
    rotv.server().Exec(kWaysTable);
    rotv.MustSync({"doctor"});
    rotv.MustSync({"baseline"});
    rotv.server().Exec("ALTER TABLE t ADD more int");
    rotv.MustSync({"pull"});
    EXPECT_THAT(ReadFile(rotv.Seed()), ::testing::StartsWith("--\n-- PostgreSQL database dump\n--\n")) << noise;
    rotv.ExpectSeedIsDump({.import = Import::kEmptyAndOverOlder});
  }
}

class OutputTest : public FollowTest {
 protected:
  OutputTest() : FollowTest(FollowOptionsBySsh()) {}

  json SyncJson(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "--json");
    return json::parse(rotv.MustSync(arguments));
  }
};

TEST_F(OutputTest, JsonReportsTheWorkDone) {
  Exec(kWaysTable);
  json report = SyncJson({"doctor"});
  EXPECT_EQ(report["ready"], true);
  EXPECT_EQ(report["code"], 0);
  ASSERT_EQ(report["tables"].size(), 1u);
  EXPECT_EQ(report["tables"][0]["name"], "public.t");

  report = SyncJson({"status"});
  EXPECT_EQ(report["has_baseline"], false);

  const json baseline = SyncJson({"baseline"});
  EXPECT_EQ(baseline["tables"], 1);
  EXPECT_EQ(baseline["rows"], 500);
  EXPECT_TRUE(baseline["lacking"].empty());
  EXPECT_GT(baseline["wire_bytes"], 0);

  Exec(
      "UPDATE t SET v = 'x' WHERE id = 1; BEGIN; INSERT INTO t (v) VALUES ('y'), ('z'); DELETE FROM t WHERE id < 4; "
      "COMMIT;"
      "TRUNCATE t");
  const json pulled = SyncJson({"pull"});
  EXPECT_EQ(pulled["from"], baseline["lsn"]);
  EXPECT_EQ(pulled["inserted"], 2);
  EXPECT_EQ(pulled["updated"], 1);
  EXPECT_EQ(pulled["deleted"], 3);
  EXPECT_EQ(pulled["truncated"], 1);
  EXPECT_TRUE(pulled["baseline"].is_null());
  EXPECT_EQ(SyncJson({"pull"})["from"], pulled["to"]);

  const json materialized = SyncJson({"materialize"});
  EXPECT_EQ(materialized["path"], (rotv.home() / "seed-data.sql").string());
  EXPECT_EQ(materialized["tables"], 1);
  EXPECT_EQ(materialized["rows"], 0);
  EXPECT_EQ(materialized["bytes"], std::filesystem::file_size(rotv.home() / "seed-data.sql"));
  EXPECT_EQ(SyncJson({"materialize", "--snapshot", "baseline"})["rows"], 500);

  report = SyncJson({"status"});
  EXPECT_EQ(report["has_baseline"], true);
  EXPECT_EQ(report["baseline"]["lsn"], baseline["lsn"]);
  EXPECT_EQ(report["detached"], false);
  EXPECT_EQ(report["slot"]["wal_status"], "reserved");
  EXPECT_TRUE(SyncJson({"status", "--offline"})["slot"].is_null());
  EXPECT_EQ(SyncJson({"detach"})["removed"].size(), 2u);
}

TEST_F(OutputTest, APullTakesTheBaselineFirst) {
  Exec(kWaysTable);
  const json pulled = SyncJson({"pull"});
  EXPECT_EQ(pulled["baseline"]["rows"], 500);
  rotv.ExpectSeedIsDump();
}

TEST_F(OutputTest, QuietIsSilentOnStderr) {
  Exec(kWaysTable);
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{"-q", "doctor"},
                                                                                         {"-q", "baseline"},
                                                                                         {"-q", "pull"},
                                                                                         {"-q", "materialize"},
                                                                                         {"-q", "status"},
                                                                                         {"-q", "detach"}}) {
    const Result result = rotv.Sync(arguments);
    EXPECT_EQ(result.exit_status, 0) << arguments[1] << result.err;
    EXPECT_EQ(result.err, "") << arguments[1];
  }
}

TEST_F(OutputTest, OnlyTheSeedGoesToStandardOutput) {
  Exec(kWaysTable);
  rotv.MustSync({"baseline"});
  const std::string seed = ReadFile(rotv.Seed());
  EXPECT_EQ(rotv.MustSync({"materialize", "--restrict", "never", "--output", "-"}), seed);
  EXPECT_EQ(rotv.MustSync({"-q", "materialize", "--restrict", "never", "--output", "-"}), seed);
  EXPECT_EQ(rotv.MustSync({"--json", "materialize", "--restrict", "never", "--output", "-"}), seed);
  EXPECT_EQ(ReadFile(rotv.Seed()), seed) << "two seeds differ";
  for (const char* how : {"zstd", "gzip"}) {
    const std::filesystem::path packed = rotv.Seed("packed", {"--compress", how});
    EXPECT_EQ(MustRun({.argv = {how, "-d", "-c"}, .stdin_text = ReadFile(packed)}).out, seed);
  }
  rotv.MustSync({"materialize", "--compress", "zstd"});
  EXPECT_TRUE(std::filesystem::exists(rotv.home() / "seed-data.sql.zst"));
}

TEST_F(OutputTest, LocalStateIsPrivate) {
  Exec(kWaysTable);
  rotv.MustSync({"baseline"});
  rotv.MustSync({"materialize"});
  struct stat about {};
  ASSERT_EQ(stat(rotv.home().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0700u);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(rotv.home())) {
    ASSERT_EQ(lstat(entry.path().c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 077, 0u) << entry.path();
  }
}

TEST_F(OutputTest, NamesOfNoEncodingStillGiveJson) {
  rotv.server().CreateDatabase("bytes", "rotv", "TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'");
  rotv.server().Exec("CREATE TABLE \"t\xff\xc3\" (id int PRIMARY KEY)", {"bytes", "rotv"});
  rotv.Configure({{"database", "\"bytes\""}});
  for (const char* command : {"doctor", "baseline", "pull", "status"}) EXPECT_NO_THROW(SyncJson({command})) << command;
}

TEST_F(OutputTest, TheEnvironmentNamesHomeAndConfig) {
  Exec(kWaysTable);
  Command command = rotv.SyncCommand({"baseline"});
  command.argv = {command.argv[0], "pull"};
  std::erase(command.unset_env, "ROTV_*");
  command.env["ROTV_CONFIG"] = rotv.config();
  command.env["ROTV_HOME"] = rotv.home();
  command.directory = "/";
  MustRun(command);
  rotv.ExpectSeedIsDump();
}

class DetachTest : public OutputTest {};

TEST_F(DetachTest, StoredDataStayUsable) {
  Exec(kWaysTable);
  rotv.MustSync({"baseline"});
  Exec("UPDATE t SET v = 'pulled'");
  rotv.MustSync({"pull"});
  const std::string seed = ReadFile(rotv.Seed());
  EXPECT_EQ(rotv.LeftOnSource().size(), 2u);

  rotv.MustSync({"detach"});
  EXPECT_TRUE(rotv.LeftOnSource().empty());
  EXPECT_EQ(ReadFile(rotv.Seed()), seed);
  EXPECT_EQ(SyncJson({"status"})["detached"], true);
  ExpectExit(rotv, {"pull"}, 8);
  EXPECT_TRUE(rotv.LeftOnSource().empty());
  rotv.MustSync({"detach"});
  ExpectExit(rotv, {"baseline"}, 2);
  EXPECT_EQ(ReadFile(rotv.Seed()), seed);

  Exec("DELETE FROM t WHERE id % 2 = 0");
  rotv.MustSync({"baseline", "--force"});
  EXPECT_EQ(SyncJson({"status"})["detached"], false);
  rotv.ExpectSeedIsDump();
  Exec("DELETE FROM t WHERE id % 3 = 0");
  PullIsDump();
}

TEST_F(DetachTest, TwoHomesFollowOneSource) {
  Exec(kWaysTable);
  rotv.MustSync({"baseline"});
  const auto elsewhere = [&](const std::vector<std::string>& arguments) {
    Command command = rotv.SyncCommand(arguments);
    *(std::find(command.argv.begin(), command.argv.end(), rotv.home())) = rotv.directory() / "other home";
    return MustRun(command).out;
  };
  elsewhere({"baseline"});
  EXPECT_EQ(rotv.LeftOnSource().size(), 4u);
  Exec("UPDATE t SET v = 'both'");
  PullIsDump();
  elsewhere({"pull"});
  elsewhere({"materialize", "--output", rotv.directory() / "other.sql"});
  ExpectSeedEqualsDump(rotv.server(), rotv.directory() / "other.sql", {.import = Import::kNone});
  elsewhere({"detach"});
  EXPECT_EQ(rotv.LeftOnSource().size(), 2u);
  Exec("UPDATE t SET v = 'one'");
  PullIsDump();
}

}  // namespace
}  // namespace rotv::testing
