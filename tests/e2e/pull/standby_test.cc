// Failovers with real standbys: nothing is taken from a new primary as if it were the former one, whatever comes first,
// and what is left on either of them is named.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "fmt/format.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFailoverTable =
    "CREATE TABLE t (id int PRIMARY KEY, text text); INSERT INTO t SELECT n, 'row ' || n FROM generate_series(1, 100) "
    "n";

std::string UrlOf(const PostgresServer& server) {
  return fmt::format("\"postgresql://rotv@127.0.0.1:{}/rotv\"", server.port());
}

std::string SlotsOf(const PostgresServer& server) {
  return server.Value(
      "SELECT coalesce(string_agg(slot_name, ' '), '') FROM pg_replication_slots WHERE slot_type = 'logical'",
      kSuperuser);
}

// --- Orders of promotion, checkpoint, baseline and pull.

struct FailoverOrder {
  const char* name;
  // What happens after the last pull from the former primary. P: the standby is promoted, and its checkpointer is held;
  // C: the first checkpoint ends. B: baseline --force, R: pull --rebaseline, L: a pull that follows, X: a pull that is
  // refused and changes nothing.
  const char* steps;
};

class VersionsFailoverTest : public ::testing::TestWithParam<int> {
 protected:
  VersionsFailoverTest()
      : rotv_({.binary = ROTV_SYNC_BINARY, .way = Way::kDirect, .postgres = {.version = GetParam()}}) {
    rotv_.server().Exec(kFailoverTable);
    rotv_.MustSync({"baseline"});
  }

  bool HasFailoverSlots() const { return PostgresServer::MajorVersion(GetParam()) >= 17; }
  PostgresServer& primary() { return standby_ == nullptr ? rotv_.server() : *standby_; }

  // From 17 on it gets our slot, as if somebody had made that a failover slot.
  std::unique_ptr<PostgresServer> NewStandby() {
    auto standby = std::make_unique<PostgresServer>(PostgresOptions{.version = GetParam(), .standby_of = &primary()});
    if (!HasFailoverSlots()) return standby;
    const std::string slot = SlotsOf(primary());
    Connection(primary().ConnectionString(kSuperuser) + " replication=database")
        .Exec(fmt::format("ALTER_REPLICATION_SLOT \"{}\" (FAILOVER true)", slot));
    const auto is_synced = [&] {
      // The slot comes once it needs no older WAL than the standby has; the server moves that at such a record.
      primary().Exec("SELECT pg_log_standby_snapshot()", kSuperuser);
      rotv_.MustSync({"pull"});
      standby->WaitForReplay(primary());
      standby->Exec("SELECT pg_sync_replication_slots()", kSuperuser);
      return standby->Value("SELECT count(*) FROM pg_replication_slots WHERE synced AND NOT temporary", kSuperuser) ==
             "1";
    };
    if (!WaitUntil(is_synced)) throw std::runtime_error("the slot is not synchronized:\n" + standby->log());
    return standby;
  }

  void HoldCheckpointer(int signal_number) {
    const std::string pid = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
    ASSERT_EQ(kill(std::stoi(primary().Value(pid, kSuperuser)), signal_number), 0);
  }

  void Fail(std::unique_ptr<PostgresServer> standby) {
    // These rows are on both, and not pulled; then each goes its own way.
    primary().Exec("INSERT INTO t SELECT max(id) + 1, 'on both' FROM t");
    standby->WaitForReplay(primary());
    standby->Set("primary_conninfo", "");
    const std::string former_only =
        "INSERT INTO t SELECT max(id) + 1, 'former' FROM t; DELETE FROM t WHERE id % 10 = 3";
    primary().Exec(former_only);
    rotv_.MustSync({"pull"});
    primary().Stop();
    standby_ = std::move(standby);
    HoldCheckpointer(SIGSTOP);
    standby_->Promote();
    rotv_.Configure({{"url", UrlOf(*standby_)}});
    standby_->Exec("INSERT INTO t SELECT max(id) + 2, 'new' FROM t; DELETE FROM t WHERE id % 10 = 7");
  }

  void EndCheckpoint() {
    HoldCheckpointer(SIGCONT);
    const std::string now = primary().Value("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)", kSuperuser);
    ASSERT_TRUE(WaitUntil([&] {
      primary().Exec("CHECKPOINT", kSuperuser);
      return primary().Value("SELECT lpad(to_hex(timeline_id), 8, '0') FROM pg_control_checkpoint()", kSuperuser) ==
             now;
    }));
  }

  void ExpectSeedIsDump() {
    primary().Exec("UPDATE t SET text = text || '.' WHERE id % 5 = 0");
    rotv_.MustSync({"pull"});
    ExpectSeedEqualsDump(primary(), rotv_.Seed(), {.import = Import::kNone});
  }

  void Do(char step) {
    const std::string before = step == 'X' ? ReadFile(rotv_.Seed()) : "";
    switch (step) {
      case 'C':
        return EndCheckpoint();
      case 'B':
        rotv_.MustSync({"baseline", "--force"});
        return ExpectSeedIsDump();
      case 'R':
        rotv_.MustSync({"pull", "--rebaseline"});
        return ExpectSeedIsDump();
      case 'L':
        return ExpectSeedIsDump();
      default:
        ExpectError(rotv_.Sync({"pull"}), {kNewBaselineNeeded, "there was a failover or a restore", "--rebaseline"});
        EXPECT_THAT(rotv_.MustSync({"status"}), HasSubstr("a pull needs a new baseline: rotv-sync pull --rebaseline"));
        EXPECT_EQ(ReadFile(rotv_.Seed()), before);
    }
  }

  RotvHome rotv_;
  std::unique_ptr<PostgresServer> standby_;
};

TEST_P(VersionsFailoverTest, EveryOrderIsFollowedOrRefused) {
  for (const FailoverOrder& order : {FailoverOrder{"refused before and after the checkpoint", "XCXRL"},
                                     FailoverOrder{"a baseline before the checkpoint", "BCL"},
                                     FailoverOrder{"a pull that takes a baseline before the checkpoint", "RCL"}}) {
    SCOPED_TRACE(order.name);
    // Once is enough for what does not depend on the version.
    if (order.steps[0] == 'R' && GetParam() != 17) continue;
    Fail(NewStandby());
    for (const char* step = order.steps; *step != '\0'; ++step) Do(*step);
  }
  // Once more, on the server that has been in use all the time.
  EXPECT_EQ(SlotsOf(primary()).find(' '), std::string::npos) << SlotsOf(primary());
}

INSTANTIATE_TEST_SUITE_P(All, VersionsFailoverTest, ::testing::Values(kOwnVersion, 17, 18), [](const auto& version) {
  return version.param == kOwnVersion ? "Own" : fmt::format("PostgreSQL{}", version.param);
});

// --- A slot that was invalidated for another reason than its WAL (18 has a limit for idle ones).

TEST(VersionsLostSlotTest, SaysWhyItWasInvalidated) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY,
                 .way = Way::kDirect,
                 .postgres = {.version = 18, .settings = {{"idle_replication_slot_timeout", "1s"}}}});
  PostgresServer& server = rotv.server();
  server.Exec(kFailoverTable);
  rotv.MustSync({"baseline"});
  ASSERT_TRUE(WaitUntil([&] {
    server.Exec("CHECKPOINT", kSuperuser);
    return server.Value("SELECT wal_status FROM pg_replication_slots", kSuperuser) == "lost";
  }));
  const char* why = "it was unused for longer than the source's idle_replication_slot_timeout";
  ExpectError(rotv.Sync({"pull"}), {kNewBaselineNeeded, why, "--rebaseline"});
  EXPECT_THAT(rotv.MustSync({"status"}), HasSubstr(why));
}

// --- A former primary that has become a standby.

class StandbyTest : public ::testing::Test {
 protected:
  StandbyTest() {
    former().Exec(kFailoverTable);
    rotv_.MustSync({"baseline"});
    slot_ = SlotsOf(former());
    new_ = std::make_unique<PostgresServer>(PostgresOptions{.standby_of = &former()});
    new_->WaitForReplay(former());
    former().Stop();
    new_->Promote();
    former().StartAsStandbyOf(*new_);
  }

  PostgresServer& former() { return rotv_.server(); }

  RotvHome rotv_{{.binary = ROTV_SYNC_BINARY, .way = Way::kDirect, .more_config = "[mask]\nmask_unknown = \"keep\"\n"}};
  std::unique_ptr<PostgresServer> new_;
  std::string slot_;
};

TEST_F(StandbyTest, EveryCommandSaysSoAndChangesNothing) {
  const std::string seed = ReadFile(rotv_.Seed());
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{"pull"},
                                                                                       {"pull", "--rebaseline"},
                                                                                       {"baseline", "--force"},
                                                                                       {"verify"},
                                                                                       {"log", "--follow"},
                                                                                       {"mask", "suggest"},
                                                                                       {"mask", "check"}}) {
    ExpectError(rotv_.Sync(command), {kRefused, "the server is a standby", "name the primary in rotv.toml"});
  }
  ExpectJsonError(rotv_.Sync({"--json", "pull"}),
                  {kRefused, "the server is a standby", "name the primary in rotv.toml"});
  const Result doctor = rotv_.Sync({"doctor"});
  EXPECT_EQ(doctor.exit_status, kRefused) << doctor.out;
  EXPECT_THAT(doctor.out, HasSubstr("the server is a standby"));
  EXPECT_THAT(doctor.out, HasSubstr("name the primary in rotv.toml"));
  const std::string status = rotv_.MustSync({"status"});
  EXPECT_THAT(status, HasSubstr("is a standby, which cannot be pulled"));
  EXPECT_THAT(status, HasSubstr("name the primary in rotv.toml"));
  // The slot of the time when it was the primary.
  EXPECT_THAT(status, HasSubstr("SELECT pg_drop_replication_slot('" + slot_ + "');\n"));
  EXPECT_THAT(status, Not(HasSubstr("DROP PUBLICATION")));
  const nlohmann::json document = nlohmann::json::parse(rotv_.MustSync({"--json", "status"}));
  EXPECT_EQ(document["standby"], true);
  EXPECT_EQ(document["unreachable"], "");
  EXPECT_EQ(ReadFile(rotv_.Seed()), seed);
  EXPECT_THAT(Stores(rotv_), ::testing::SizeIs(1));
}

TEST_F(StandbyTest, DetachNamesWhatIsLeftAndRemovesItFromTheNewPrimary) {
  const Result detached = rotv_.Sync({"detach"});
  EXPECT_EQ(detached.exit_status, kRefused) << detached.out << detached.err;
  EXPECT_THAT(detached.out, HasSubstr("Removed replication slot " + slot_));
  EXPECT_THAT(detached.out, HasSubstr("is a standby: run it on its primary, or name that in rotv.toml"));
  EXPECT_THAT(detached.out, HasSubstr("DROP PUBLICATION \"" + slot_ + "\";"));
  EXPECT_EQ(SlotsOf(former()), "");

  rotv_.Configure({{"url", UrlOf(*new_)}});
  EXPECT_THAT(rotv_.MustSync({"detach"}), HasSubstr("Removed publication " + slot_));
  EXPECT_EQ(new_->Value("SELECT count(*) FROM pg_publication"), "0");
  EXPECT_THAT(rotv_.MustSync({"detach"}), HasSubstr("no slot and no publication of ours"));
  rotv_.MustSync({"baseline", "--force"});
  ExpectSeedEqualsDump(*new_, rotv_.Seed(), {.import = Import::kNone});
}

TEST_F(StandbyTest, ANewBaselineOfTheNewPrimaryCleansTheFormerOne) {
  new_->Exec("INSERT INTO t VALUES (-1, 'new')");
  rotv_.Configure({{"url", UrlOf(*new_)}});
  ExpectError(rotv_.Sync({"pull"}), {kNewBaselineNeeded, "there was a failover or a restore", "--rebaseline"});
  rotv_.MustSync({"pull", "--rebaseline"});
  ExpectSeedEqualsDump(*new_, rotv_.Seed(), {.import = Import::kNone});
  EXPECT_EQ(SlotsOf(former()), "");
  EXPECT_NE(SlotsOf(*new_), slot_);
  EXPECT_EQ(new_->Value("SELECT count(*) FROM pg_publication"), "1");
}

// The address is the same as before, such as a name that follows the primary.
TEST_F(StandbyTest, DetachAfterAPromotionNamesTheFormerPrimary) {
  former().Promote();
  const Result detached = rotv_.Sync({"detach"});
  EXPECT_EQ(detached.exit_status, 0) << detached.out << detached.err;
  EXPECT_THAT(detached.err, HasSubstr("the source was promoted since the baseline"));
  EXPECT_THAT(detached.err, HasSubstr("SELECT pg_drop_replication_slot('" + slot_ + "');"));
}

}  // namespace
}  // namespace rotv::testing
