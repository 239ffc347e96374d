// A baseline that is killed, cut off or interrupted goes on: what is complete is not copied again, and nothing of the
// rest is seen.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/support/random/dice.h"

namespace rotv::testing {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::chrono::milliseconds kDelay(1);
constexpr double kMegabits = 24;
constexpr double kMegabitsWhileRead = 4;

// The rows of the large table take three seconds over the link, all others together a small part of one.
RotvHomeOptions OverSlowLink(Way way, PostgresOptions postgres = {}) {
  RotvHomeOptions options = FollowOptions(std::move(postgres));
  options.way = way;
  options.slow_link = SlowLinkOptions{.delay_each_way = kDelay, .megabits_per_second = kMegabits};
  return options;
}

class ResumeTest : public FollowTest {
 protected:
  explicit ResumeTest(const RotvHomeOptions& options = OverSlowLink(Way::kDirect))
      : FollowTest(options), link(rotv.slow_link()), holder(rotv.server().NewConnection()) {
    Exec(
        "CREATE TABLE large (id int PRIMARY KEY, v text, w text);"
        "INSERT INTO large SELECT n, (SELECT string_agg(md5(n::text || i), '') FROM generate_series(1, 10) i), 'w' "
        "FROM "
        "generate_series(1, 30000) n;"
        "CREATE TABLE notes (id int PRIMARY KEY, v text, w text);"
        "INSERT INTO notes SELECT n, 'note ' || n, 'other ' || n FROM generate_series(1, 500) n;"
        "CREATE TABLE equals (n int, v text); ALTER TABLE equals REPLICA IDENTITY FULL;"
        "INSERT INTO equals SELECT n % 7, 'equal rows' FROM generate_series(1, 400) n;"
        "CREATE TABLE loose (n int, v text); INSERT INTO loose SELECT n % 3, 'no identity' FROM generate_series(1, 50) "
        "n;"
        "CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
        "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);"
        "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (1000);"
        "INSERT INTO parts SELECT n, 'part ' || n FROM generate_series(1, 300) n;"
        "CREATE TABLE emptied (id int PRIMARY KEY, v text); INSERT INTO emptied VALUES (1, 'one'), (2, 'two');"
        "CREATE TABLE retyped (id int PRIMARY KEY, v int); INSERT INTO retyped VALUES (1, 1), (2, 2);"
        "CREATE TABLE dropped (id int PRIMARY KEY); INSERT INTO dropped VALUES (1);"
        "SELECT lo_from_bytea(4711, 'a large object')");
  }

  static constexpr int kTables = 9;  // With rows of their own: not the partitioned one.

  void WaitForTheLargeTable() {
    EXPECT_TRUE(WaitUntil([&] {
      return rotv.server().Value(
                 "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE "
                 "'%COPY public.large%' AND application_name LIKE 'rotv-sync%'",
                 kSuperuser) != "0";
    }));
  }

  // Runs the command until these tables are complete and the large one is not: once its rows are read it is locked,
  // until Release(), which has the command read it again later.
  std::unique_ptr<Process> Halfway(const std::vector<std::string>& arguments,
                                   const std::vector<std::string>& tables = {"notes", "equals", "loose", "parts_1",
                                                                             "parts_2", "emptied", "retyped",
                                                                             "dropped"}) {
    std::vector<std::string> all = {"-v"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    auto process = std::make_unique<Process>(rotv.SyncCommand(all));
    WaitForTheLargeTable();
    // The command notices after a second or two that somebody waits for the table. Until then it must not have it all,
    // however busy this machine is.
    link.SetSpeed(kDelay, kMegabitsWhileRead);
    holder.Exec("BEGIN; LOCK TABLE large IN ACCESS EXCLUSIVE MODE");
    link.SetSpeed(kDelay, kMegabits);
    for (const std::string& table : tables) {
      EXPECT_TRUE(process->WaitForOutput("complete: public." + table + "\n", seconds(30))) << process->Err();
    }
    EXPECT_THAT(process->Err(), Not(HasSubstr("complete: public.large")));
    return process;
  }
  void Release() { holder.Exec("ROLLBACK"); }
  // After a restart of the server.
  void Reconnect() {
    sql = std::make_unique<Connection>(rotv.server().ConnectionString());
    holder = rotv.server().NewConnection();
  }
  // The server processes of a command that was killed end a moment later: until then they read the large table, too.
  void WaitForTheEndOfItsSessions() {
    EXPECT_TRUE(WaitUntil([&] {
      return rotv.server().Value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rotv-sync%'",
                                 kSuperuser) == "0";
    }));
  }
  void Kill(Process& process) {
    process.Signal(SIGKILL);
    process.Wait();
    Release();
    WaitForTheEndOfItsSessions();
  }
  void KillHalfway(const std::vector<std::string>& arguments = {"baseline"}) { Kill(*Halfway(arguments)); }

  SlowLink& link;
  Connection holder;

  void ChangeRows() {
    Exec(
        "BEGIN; UPDATE notes SET v = v || '+' WHERE id % 5 = 0; DELETE FROM notes WHERE id % 7 = 0;"
        "INSERT INTO notes SELECT n, 'new', NULL FROM generate_series(1000, 1100) n;"
        "UPDATE notes SET id = -id WHERE id < 5; COMMIT;"
        "INSERT INTO equals SELECT n % 7, 'equal rows' FROM generate_series(1, 100) n;"
        "DELETE FROM equals WHERE ctid IN (SELECT min(ctid) FROM equals GROUP BY n);"
        "INSERT INTO parts VALUES (50, 'x') ON CONFLICT (id) DO UPDATE SET v = 'moved';"
        "UPDATE parts SET id = id + 300 WHERE id BETWEEN 95 AND 99;"
        "TRUNCATE emptied; INSERT INTO emptied VALUES (3, 'three');"
        "UPDATE large SET v = 'short' WHERE id % 1000 = 0; DELETE FROM large WHERE id % 1000 = 1;"
        "INSERT INTO large VALUES (1000000, 'last')");
  }

  nlohmann::json Status() { return nlohmann::json::parse(rotv.MustSync({"--json", "status"})); }
  nlohmann::json Json(const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"--json"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return nlohmann::json::parse(rotv.MustSync(all));
  }

  // The first point of the history is the baseline, and the store is followed like any other.
  void ExpectAGoodBaseline() {
    rotv.ExpectSeedIsDump();
    ExpectOneBaseline(rotv);
    const std::string first = ReadFile(rotv.Seed());
    EXPECT_EQ(rotv.MustSync({"log"}).find("equals"), std::string::npos) << "changes before the baseline are told";
    Exec("UPDATE notes SET v = v || '!'; INSERT INTO equals VALUES (0, 'equal rows'); DELETE FROM large WHERE id < 50");
    rotv.MustSync({"pull"});
    rotv.ExpectSeedIsDump({.import = Import::kNone});
    EXPECT_EQ(ReadFile(rotv.Seed("first.sql", {"--snapshot", "baseline"})), first);
    rotv.MustSync({"gc", "--keep-days", "0"});
    rotv.ExpectSeedIsDump({.import = Import::kNone});
    EXPECT_EQ(ReadFile(rotv.Seed("first.sql", {"--snapshot", "baseline"})), first);
    rotv.MustSync({"verify"});
  }
};

TEST_F(ResumeTest, AfterAKillOnlyTheTableThatWasCopiedIsCopiedAgain) {
  KillHalfway();
  const std::vector<std::string> on_source = rotv.LeftOnSource();
  EXPECT_THAT(on_source, SizeIs(2));
  const nlohmann::json unfinished = Status().at("unfinished");
  EXPECT_EQ(unfinished.at("tables"), kTables);
  EXPECT_EQ(unfinished.at("tables_complete"), kTables - 1);
  EXPECT_EQ(unfinished.at("slot").at("wal_status"), "reserved");
  EXPECT_THAT(rotv.MustSync({"status"}), AllOf(HasSubstr("8 of 9 tables are here"), HasSubstr("baseline --discard")));
  EXPECT_THAT(rotv.MustSync({"status", "--offline"}), HasSubstr("8 of 9 tables are here"));
  ExpectExit(rotv, {"materialize"}, kUsage);  // A half store is no store.

  ChangeRows();
  link.ResetCounts();
  const Result result = rotv.Sync({"baseline"});
  ASSERT_TRUE(result.ok()) << result.err;
  EXPECT_THAT(result.err, HasSubstr("going on with the baseline of "));
  EXPECT_THAT(result.out, HasSubstr("8 of 9 tables were not copied again"));
  EXPECT_EQ(rotv.LeftOnSource(), on_source) << "it has another slot";
  ExpectAGoodBaseline();
}

// Migrations between and during the two runs.
// Labels: slow
TEST_F(ResumeTest, ItGoesOnThroughMigrations) {
  KillHalfway();
  ChangeRows();
  Exec(
      "ALTER TABLE notes ADD more int DEFAULT 5; UPDATE notes SET more = id WHERE id % 2 = 0;"
      "ALTER TABLE retyped ALTER v TYPE text USING 'v' || v; INSERT INTO retyped VALUES (3, 'three');"
      "DROP TABLE dropped; ALTER TABLE emptied RENAME TO renamed; INSERT INTO renamed VALUES (4, 'four');"
      "INSERT INTO loose VALUES (9, 'nine');"
      "CREATE TABLE added (id int PRIMARY KEY, v text); INSERT INTO added VALUES (1, 'one');"
      "SELECT lo_put(4711, 2, 'LARGE')");
  // The second run is killed in the same place, with a table that it has copied itself.
  std::unique_ptr<Process> second = Halfway({"baseline"}, {"added", "retyped", "loose"});
  EXPECT_THAT(second->Err(), AllOf(HasSubstr("complete: public.retyped"), Not(HasSubstr("complete: public.notes"))));
  Kill(*second);
  Exec("UPDATE added SET v = 'two'; UPDATE retyped SET v = 'w'; INSERT INTO renamed VALUES (5, 'five')");

  // The third one finds a migration under way: columns exchange their names in a table that is complete, and in the one
  // that waits. COPY looks names up as they are now.
  std::unique_ptr<Process> third = Halfway({"--json", "baseline"}, {});
  holder.Exec(
      "ALTER TABLE notes RENAME v TO x; ALTER TABLE notes RENAME w TO v; ALTER TABLE notes RENAME x TO w;"
      "ALTER TABLE large RENAME v TO x; ALTER TABLE large RENAME w TO v; ALTER TABLE large RENAME x TO w;"
      "COMMIT; UPDATE notes SET v = 'after' WHERE id % 3 = 0");
  const Result result = third->Wait();
  ASSERT_TRUE(result.ok()) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the source's schema changed in the meantime: going on with what is here"));
  const nlohmann::json baseline = nlohmann::json::parse(result.out);
  EXPECT_EQ(baseline.at("went_on"), true);
  EXPECT_EQ(baseline.at("tables"), kTables);
  EXPECT_EQ(baseline.at("tables_kept"), kTables - 1);
  ExpectAGoodBaseline();
}

// The old baseline stays in use beside an unfinished one, whatever ends that.
TEST_F(ResumeTest, ItGoesOnBesideABaselineInUse) {
  rotv.MustSync({"baseline"});
  {
    const std::unique_ptr<Process> process = Halfway({"baseline", "--force", "--no-retry"});
    link.Break();
    const Result result = process->Wait();
    Release();
    WaitForTheEndOfItsSessions();
    ExpectError(result, {kUnreachable, "", "again"});
    EXPECT_THAT(result.err, AllOf(HasSubstr("the baseline is not finished: 8 of 9 tables are here"),
                                  HasSubstr("baseline --force goes on with it")));
  }
  EXPECT_THAT(rotv.LeftOnSource(), SizeIs(4));
  ChangeRows();
  const Result pull = rotv.Sync({"pull"});
  EXPECT_TRUE(pull.ok()) << pull.err;
  EXPECT_THAT(pull.err, HasSubstr("is not finished, and its slot"));
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  {
    Process process(rotv.SyncCommand({"-v", "baseline", "--force"}));
    ASSERT_TRUE(process.WaitForOutput("going on with the baseline of", seconds(30))) << process.Err();
    process.Signal(SIGINT);
    const Result result = process.Wait();
    EXPECT_EQ(result.exit_status, kInterrupted);
    EXPECT_THAT(result.err, HasSubstr("the baseline is not finished: 8 of 9 tables are here"));
  }
  const nlohmann::json baseline = Json({"baseline", "--force"});
  EXPECT_EQ(baseline.at("tables_kept"), kTables - 1);
  EXPECT_LT(baseline.at("rows_copied"), baseline.at("rows"));
  ExpectAGoodBaseline();
}

// Labels: slow
TEST_F(ResumeTest, ItStartsAnewWhereItCannotGoOn) {
  struct Reason {
    std::string said;
    std::function<void()> make;
  };
  const auto drop_slot = [&] {
    ASSERT_TRUE(WaitUntil([&] {
      return rotv.server().Value("SELECT count(*) FROM pg_replication_slots WHERE active", kSuperuser) == "0";
    }));
    ExecAsSuperuser("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
  };
  const auto damage = [&] {
    const std::filesystem::path store = rotv.home() / "sources/production" / Stores(rotv).at(0);
    for (const auto& file : std::filesystem::directory_iterator(store)) {
      if (!file.path().filename().string().starts_with("MANIFEST")) continue;
      std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) / 2);
    }
  };
  const std::vector<Reason> reasons = {
      {"no longer exists on the source", drop_slot},
      {"is damaged", damage},
      {"the masking rules, or their secret, have changed",
       [&] { std::ofstream(rotv.config(), std::ios::app) << "[mask]\n\"public.notes.v\" = \"text\"\n"; }},
  };
  for (const Reason& reason : reasons) {
    SCOPED_TRACE(reason.said);
    KillHalfway();
    reason.make();
    const std::unique_ptr<Process> process = Halfway({"baseline"});
    EXPECT_THAT(process->Err(), AllOf(HasSubstr(reason.said), Not(HasSubstr("going on with"))));
    EXPECT_THAT(Stores(rotv), SizeIs(1));
    EXPECT_THAT(rotv.LeftOnSource(), SizeIs(2));
    Kill(*process);
    rotv.MustSync({"baseline", "--discard"});
    ExpectNothingLeft(rotv);
  }
}

TEST_F(ResumeTest, ItCanBeGivenUp) {
  KillHalfway();
  const std::vector<std::string> first = rotv.LeftOnSource();
  {
    const std::unique_ptr<Process> process = Halfway({"baseline", "--restart"});
    EXPECT_THAT(process->Err(), Not(HasSubstr("going on with")));
    EXPECT_NE(rotv.LeftOnSource(), first);
    EXPECT_THAT(rotv.LeftOnSource(), SizeIs(2));
    Kill(*process);
  }
  EXPECT_THAT(rotv.MustSync({"baseline", "--discard"}), HasSubstr("8 of 9 tables are here"));
  ExpectNothingLeft(rotv);
  EXPECT_THAT(rotv.MustSync({"baseline", "--discard"}), HasSubstr("no unfinished baseline"));
  KillHalfway();
  rotv.MustSync({"detach"});
  ExpectNothingLeft(rotv);
  // A slot that is lost helps nobody: whichever command notices removes what is left.
  KillHalfway();
  ASSERT_TRUE(WaitUntil([&] {
    return rotv.server().Value("SELECT count(*) FROM pg_replication_slots WHERE active", kSuperuser) == "0";
  }));
  ExecAsSuperuser("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
  EXPECT_EQ(Status().at("unfinished"), nullptr);
  ExpectNothingLeft(rotv);
}

// Rows of a table that was being copied are on the disk when the command is killed, in an epoch whose number the next
// copy gets again.
TEST_F(ResumeTest, HalfATableIsNeverSeen) {
  // Of this much, some is written before the rest is here.
  Exec("INSERT INTO large SELECT id + 30000, v, w FROM large; INSERT INTO large SELECT id + 60000, v, w FROM large");
  constexpr uint64_t kMostOfTheLargeTable = uint64_t{40} << 20;  // Of 46 MiB.
  constexpr double kFastMegabits = 200;
  // The bytes of rows in the store, once what is being added to it has been.
  const auto stored = [&]() -> uintmax_t {
    uintmax_t bytes = 0;
    for (const auto& file :
         std::filesystem::directory_iterator(rotv.home() / "sources/production" / Stores(rotv).at(0))) {
      if (file.path().extension() == ".tmp") return 0;
      if (std::error_code gone; file.path().extension() == ".sst") bytes += file.file_size(gone);
    }
    return bytes;
  };
  const std::unique_ptr<Process> process = Halfway({"baseline"});
  // The next attempt has a number that no published state has reserved.
  const auto attempts = [&] {
    const std::vector<std::string> lines = Lines(process->Err());
    return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
      return line.find("will try public.large again later") != std::string::npos;
    });
  };
  const auto until_now = attempts();
  ASSERT_TRUE(WaitUntil([&] { return attempts() > until_now; })) << process->Err();
  const uintmax_t before = stored();
  link.SetSpeed(kDelay, kFastMegabits);
  link.FreezeAfter(kMostOfTheLargeTable);
  Release();
  ASSERT_TRUE(WaitUntil([&] { return stored() > before + (1 << 20); }));
  process->Signal(SIGKILL);
  process->Wait();
  link.Thaw();
  ASSERT_THAT(process->Err(), Not(HasSubstr("complete: public.large")));
  Exec("DELETE FROM large WHERE id % 10 <> 0");
  EXPECT_EQ(Json({"baseline"}).at("rows_copied"), 12000);
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

// The link breaks twice in one run, which goes on each time.
TEST_F(ResumeTest, ARunGoesOnByItselfAfterItsLinkBroke) {
  const std::unique_ptr<Process> process = Halfway({"--json", "baseline"});
  const std::vector<std::string> on_source = rotv.LeftOnSource();
  link.Break();
  ASSERT_TRUE(process->WaitForOutput("; reconnecting, 1 of 8\n", seconds(30))) << process->Err();
  Release();
  ChangeRows();
  ASSERT_TRUE(process->WaitForOutput("going on with the baseline of ", seconds(30))) << process->Err();
  WaitForTheLargeTable();
  link.Break();
  const Result result = process->Wait();
  ASSERT_TRUE(result.ok()) << result.err;
  EXPECT_THAT(result.err, HasSubstr(": 8 of 9 tables are here"));
  const nlohmann::json baseline = nlohmann::json::parse(result.out);
  EXPECT_EQ(baseline.at("reconnects"), 2);
  EXPECT_EQ(baseline.at("rows_copied"), baseline.at("rows")) << "a table was copied twice";
  EXPECT_EQ(baseline.at("went_on"), false);
  EXPECT_EQ(baseline.at("tables_kept"), 0);
  EXPECT_EQ(rotv.LeftOnSource(), on_source) << "it has another slot";
  ExpectAGoodBaseline();
}

// Without progress the attempts are bounded, and what is complete stays for the next run.
TEST_F(ResumeTest, ARunThatGivesUpLeavesWhatIsComplete) {
  rotv.Configure({{"retries", "2"}});
  const std::unique_ptr<Process> process = Halfway({"baseline"});
  rotv.server().Crash();
  const Result result = process->Wait();
  EXPECT_THAT(result.err, AllOf(HasSubstr("; reconnecting, 2 of 2\n"),
                                HasSubstr("the baseline is not finished: 8 of 9 tables are here")));
  ExpectError(result, {kUnreachable, "(gave up after 2 attempts to reconnect)", "again"});
  rotv.server().Start();
  Reconnect();
  EXPECT_THAT(rotv.LeftOnSource(), SizeIs(2));
  EXPECT_EQ(Json({"baseline"}).at("tables_kept"), kTables - 1);
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

// A baseline that goes on needs a second slot. What is here stays if there is none.
TEST_F(ResumeTest, ItSaysThatASecondSlotIsMissing) {
  rotv.server().Set("max_replication_slots", "1");
  Reconnect();
  const std::unique_ptr<Process> process = Halfway({"baseline"});
  link.Break();
  const Result result = process->Wait();
  Release();
  EXPECT_THAT(result.err, HasSubstr("the baseline is not finished: 8 of 9 tables are here"));
  ExpectError(result, {kRefused, "1 of 1 replication slots in use: none is free, and a baseline that goes on needs a",
                       "baseline --restart"});
  EXPECT_THAT(rotv.LeftOnSource(), SizeIs(2));
  rotv.MustSync({"baseline", "--restart"});
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  ExpectOneBaseline(rotv);
}

class ResumeSshTest : public ResumeTest {
 protected:
  ResumeSshTest() : ResumeTest(OverSlowLink(Way::kSshSocket)) {}
};

TEST_F(ResumeSshTest, AKilledRunIsGoneOnWithAndABrokenLinkMadeAgain) {
  KillHalfway();
  ChangeRows();
  const std::unique_ptr<Process> process = Halfway({"--json", "baseline"}, {});
  rotv.ssh().KillSessions();
  Release();
  const Result result = process->Wait();
  ASSERT_TRUE(result.ok()) << result.err;
  const nlohmann::json baseline = nlohmann::json::parse(result.out);
  EXPECT_EQ(baseline.at("tables_kept"), kTables - 1);
  EXPECT_EQ(baseline.at("reconnects"), 1);
  ExpectAGoodBaseline();
}

class VersionsResumeTest : public ResumeTest, public ::testing::WithParamInterface<int> {
 protected:
  VersionsResumeTest() : ResumeTest(OverSlowLink(Way::kDirect, {.version = GetParam()})) {}
};

TEST_P(VersionsResumeTest, AKilledRunIsGoneOnWithAndABrokenLinkMadeAgain) {
  KillHalfway();
  ChangeRows();
  Exec("ALTER TABLE retyped ALTER v TYPE text USING 'v' || v; DROP TABLE dropped; SELECT lo_put(4711, 2, 'LARGE')");
  const std::unique_ptr<Process> process = Halfway({"baseline"}, {"retyped"});
  link.Break();
  Release();
  const Result result = process->Wait();
  ASSERT_TRUE(result.ok()) << result.err;
  EXPECT_THAT(result.err, HasSubstr("; reconnecting, 1 of 8\n"));
  ExpectAGoodBaseline();
}

INSTANTIATE_TEST_SUITE_P(All, VersionsResumeTest, ::testing::Values(17, 18),
                         [](const auto& version) { return "PostgreSQL" + std::to_string(version.param); });

// Stops the command at any moment, with changes in between, until it has been stopped `kills` times.
void StopAtRandom(RotvHome& rotv, Connection& sql, int kills, Dice& dice) {
  for (int i = 0; i < kills;) {
    Process process(rotv.SyncCommand({"baseline", "--force"}));
    if (process.WaitFor(std::chrono::milliseconds(dice.Below(4000)))) {
      EXPECT_EQ(process.Wait().exit_status, 0) << process.Err();
      rotv.ExpectSeedIsDump({.import = Import::kNone});
    } else {
      process.Signal(dice.OneIn(4) ? SIGINT : SIGKILL);
      process.Wait();
      ++i;
    }
    sql.Exec(fmt::format(
        "UPDATE notes SET v = 'round {0}' WHERE id % 11 = {0} % 11; DELETE FROM equals WHERE ctid IN (SELECT "
        "min(ctid) FROM equals WHERE n = {0} % 7); INSERT INTO equals VALUES ({0} % 7, 'equal rows');"
        "INSERT INTO large SELECT 1 + max(id), 'new' FROM large; INSERT INTO loose VALUES ({0}, 'new')",
        dice.Below(1000)));
    if (dice.OneIn(3)) sql.Exec(fmt::format("ALTER TABLE notes ADD c{0} int DEFAULT {0}", dice.Below(1'000'000)));
    if (dice.OneIn(3)) sql.Exec("TRUNCATE emptied; INSERT INTO emptied SELECT n, 'x' FROM generate_series(1, 5) n");
  }
  rotv.MustSync({"baseline", "--force"});
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  ExpectOneBaseline(rotv);
}

TEST_F(ResumeTest, NothingIsLostOrRepeatedAfterAnyKill) {
  const auto seed = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  SCOPED_TRACE(seed);
  Dice dice(seed);
  StopAtRandom(rotv, *sql, 5, dice);
  rotv.MustSync({"verify"});
}

TEST_F(ResumeTest, SoakNothingIsLostOrRepeatedAfterManyKills) {
  const char* given = std::getenv("ROTV_SOAK_MINUTES");
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(given == nullptr ? 1 : std::atoi(given));
  const auto seed = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  SCOPED_TRACE(seed);
  Dice dice(seed);
  while (std::chrono::steady_clock::now() < end && !HasFailure()) StopAtRandom(rotv, *sql, 10, dice);
}

}  // namespace
}  // namespace rotv::testing
