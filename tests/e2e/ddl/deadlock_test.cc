// A migration on the source and our reading of the schema wait for each other's locks: our side gives way.
//
// Labels: tsan

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include "storage/handle.h"
#include "tests/e2e/ddl_fixture.h"

namespace rotv::testing {
namespace {

// pg_dump waits until the test releases it. By then the slot exists, whose creation would wait for the migration.
class HeldDump {
 public:
  HeldDump() {
    WriteFile(bin_ / "hold", "");
    WriteFile(bin_ / "pg_dump",
              fmt::format("#!/bin/sh\n"
                          "if test \"$*\" != --version; then : > '{0}/asked'; flock --shared '{0}/hold' true; fi\n"
                          "exec '{1}/pg_dump' \"$@\"\n",
                          bin_.path().native(), PostgresServer::BinDirectory().native()),
              0755);
  }
  void Hold() {
    std::filesystem::remove(bin_ / "asked");
    hold_ = FileDescriptor(open((bin_ / "hold").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(flock(hold_.get(), LOCK_EX), 0);
  }
  bool Asked() const { return std::filesystem::exists(bin_ / "asked"); }
  void ReleaseHold() { ASSERT_EQ(flock(hold_.get(), LOCK_UN), 0); }

  RotvHomeOptions Options() const {
    RotvHomeOptions options = FollowOptionsBySsh();
    options.ssh.path_prefix = {bin_.path()};
    return options;
  }

 private:
  TempDir bin_;
  FileDescriptor hold_;
};

class DeadlockTest : private HeldDump, public DdlTest {
 protected:
  DeadlockTest() : DdlTest(HeldDump::Options()) {
    Exec("CREATE TABLE first (id int PRIMARY KEY); CREATE TABLE second (id int PRIMARY KEY)");
  }

  // True if we hold a lock on the one table and have waited for the other for so long.
  bool WeWaitWithALockOn(const std::string& table, const std::string& so_long) {
    return rotv.server().Value(
               fmt::format("SELECT count(*) FROM pg_locks waiting JOIN pg_locks held USING (pid) "
                           "JOIN pg_stat_activity a USING (pid) WHERE a.application_name LIKE 'rotv-sync%' "
                           "AND NOT waiting.granted AND waiting.waitstart < clock_timestamp() - interval '{}' "
                           "AND held.granted AND held.relation = '{}'::regclass",
                           so_long, table),
               kSuperuser) != "0";
  }

  void ExpectDone(Process& ours) {
    const Result result = ours.Wait();
    EXPECT_EQ(result.exit_status, 0) << result.err;
    EXPECT_TRUE(PullIsCorrect(Copy::kAllowed));
    EXPECT_THAT(rotv.LeftOnSource(), ::testing::SizeIs(2));
  }

  void ExpectTheMigrationToWin(const std::string& subcommand) {
    Hold();
    Process ours(rotv.SyncCommand({"-v", subcommand}));
    ASSERT_TRUE(WaitUntil([&] { return Asked(); })) << ours.Err();
    Connection migration = rotv.server().NewConnection();
    migration.Exec("SET search_path = public; BEGIN; ALTER TABLE second ADD v int DEFAULT 2");
    ReleaseHold();
    // The server has checked for a deadlock: it does so once, a second after the wait began.
    ASSERT_TRUE(WaitUntil([&] { return WeWaitWithALockOn("public.first", "1.2 s"); })) << ours.Err();
    EXPECT_NO_THROW(migration.Exec("ALTER TABLE first ADD v int DEFAULT 3; COMMIT")) << ours.Err();
    ExpectDone(ours);
  }
};

TEST_F(DeadlockTest, ABaselineReadingTheSchemaGivesWay) { ExpectTheMigrationToWin("baseline"); }

TEST_F(DeadlockTest, APullReadingTheSchemaGivesWay) {
  rotv.MustSync({"baseline"});
  Exec("CREATE TABLE third (id int PRIMARY KEY)");
  ExpectTheMigrationToWin("pull");
}

TEST_F(DeadlockTest, CreatingThePublicationGivesWay) {
  Connection migration = rotv.server().NewConnection();
  migration.Exec("SET search_path = public; BEGIN; ALTER TABLE second ADD v int DEFAULT 2");
  Process ours(rotv.SyncCommand({"-v", "baseline"}));
  ASSERT_TRUE(WaitUntil([&] { return WeWaitWithALockOn("public.first", "0 s"); })) << ours.Err();
  EXPECT_NO_THROW(migration.Exec("ALTER TABLE first ADD v int DEFAULT 3; COMMIT")) << ours.Err();
  ExpectDone(ours);
}

}  // namespace
}  // namespace rotv::testing
