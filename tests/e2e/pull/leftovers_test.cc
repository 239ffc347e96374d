// Everything that was created on a source is removed there, or is reported with the statement that removes it.

#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kTable = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one')";

class LeftoversTest : public ::testing::Test {
 protected:
  LeftoversTest() : rotv({.binary = ROTV_SYNC_BINARY, .way = Way::kDirect}) {
    rotv.server().Exec(kTable);
    rotv.server().CreateDatabase("other");
    rotv.server().Exec(kTable, {"other", "rotv"});
  }

  // Follows this database as this role.
  void Follow(const std::string& database, const std::string& user = "rotv", const std::string& source = "production") {
    WriteFile(rotv.config(), "[sources." + source + "]\nurl = \"postgresql://" + user +
                                 "@127.0.0.1:" + std::to_string(rotv.server().port()) + "/" + database + "\"\n");
  }
  std::vector<std::string> PublicationsIn(const std::string& database) {
    std::vector<std::string> names;
    for (const Row& row : rotv.server().Query("SELECT pubname FROM pg_publication", {database, "postgres"})) {
      names.push_back(*row[0]);
    }
    return names;
  }
  std::string Slots() {
    return rotv.server().Value("SELECT count(*) FROM pg_replication_slots", {"postgres", "postgres"});
  }
  void ExpectNothingOfOurs(const std::vector<std::string>& databases) {
    EXPECT_EQ(Slots(), "0");
    for (const std::string& database : databases) EXPECT_THAT(PublicationsIn(database), IsEmpty()) << database;
  }
  void ExpectExit(const Result& result, int status) {
    EXPECT_EQ(result.exit_status, status) << result.out << result.err;
  }

  RotvHome rotv;
};

TEST_F(LeftoversTest, ANewDatabaseLeavesNothingInTheFormerOne) {
  rotv.MustSync({"baseline"});
  Follow("other");
  rotv.MustSync({"baseline", "--force"});
  EXPECT_THAT(PublicationsIn("rotv"), IsEmpty());
  EXPECT_THAT(PublicationsIn("other"), SizeIs(1));
  EXPECT_EQ(Slots(), "1");
  // The same if only detach comes after the change.
  Follow("rotv");
  EXPECT_THAT(rotv.MustSync({"detach"}), AllOf(HasSubstr("Removed replication slot"), HasSubstr("in database other")));
  ExpectNothingOfOurs({"rotv", "other"});
  EXPECT_EQ(rotv.MustSync({"detach"}), "production has no slot and no publication of ours.\n");
}

TEST_F(LeftoversTest, ARenamedDatabaseIsFoundAndADroppedOneIsForgotten) {
  rotv.MustSync({"baseline"});
  rotv.server().Exec("ALTER DATABASE rotv RENAME TO renamed", {"postgres", "postgres"});
  Follow("other");
  EXPECT_THAT(rotv.MustSync({"detach"}), HasSubstr("in database renamed"));
  ExpectNothingOfOurs({"renamed", "other"});
  rotv.MustSync({"baseline", "--force"});
  rotv.server().Exec("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots", {"other", "postgres"});
  rotv.server().Exec("DROP DATABASE other", {"postgres", "postgres"});
  Follow("renamed");
  EXPECT_EQ(rotv.MustSync({"detach"}), "production has no slot and no publication of ours.\n");
}

TEST_F(LeftoversTest, ObjectsThatMayNotBeRemovedStayRecordedAndAreReported) {
  rotv.MustSync({"baseline"});
  const std::string name = PublicationsIn("rotv").at(0);
  rotv.server().Exec("CREATE ROLE second LOGIN REPLICATION; ALTER ROLE rotv NOLOGIN", kSuperuser);
  Follow("rotv", "second");
  const Result first = rotv.Sync({"detach"});
  ExpectExit(first, kRefused);
  EXPECT_THAT(first.out, AllOf(HasSubstr("Removed replication slot " + name), HasSubstr("Left publication " + name),
                               HasSubstr("DROP PUBLICATION \"" + name + "\";"),
                               Not(HasSubstr("no slot and no publication of ours"))));
  const nlohmann::json status = nlohmann::json::parse(rotv.MustSync({"--json", "status"}));
  ASSERT_THAT(status.at("leftovers"), SizeIs(1)) << status;
  EXPECT_EQ(status.at("leftovers")[0].at("what"), "publication " + name);
  EXPECT_THAT(rotv.Sync({"doctor"}).out, HasSubstr("publication " + name));
  ExpectExit(rotv.Sync({"detach"}), kRefused);
  // The role that created it may log in again: that link is recorded.
  rotv.server().Exec("ALTER ROLE rotv LOGIN", kSuperuser);
  EXPECT_THAT(rotv.MustSync({"detach"}), HasSubstr("Removed publication " + name));
  ExpectNothingOfOurs({"rotv"});
}

TEST_F(LeftoversTest, ARenamedSourceIsDetachedUnderItsFormerName) {
  rotv.MustSync({"baseline"});
  Follow("rotv", "rotv", "prod");
  for (const char* command : {"doctor", "status"}) {
    EXPECT_THAT(rotv.Sync({command}).out, HasSubstr("rotv-sync --source production detach")) << command;
  }
  ExpectExit(rotv.Sync({"--source", "production", "pull"}), 2);  // It has no rules.
  EXPECT_THAT(rotv.MustSync({"--source", "production", "detach"}), HasSubstr("Removed publication"));
  ExpectNothingOfOurs({"rotv"});
  ExpectExit(rotv.Sync({"--source", "nonsense", "detach"}), 2);
}

TEST_F(LeftoversTest, LeftoversOfALostHomeAreReportedAndOtherHomesAreLeftAlone) {
  rotv.MustSync({"baseline"});
  std::filesystem::remove_all(rotv.home());
  const std::string name = PublicationsIn("rotv").at(0);
  rotv.server().Exec("CREATE PUBLICATION rotv_elsewhere_somebody_production_0123abcd", {"other", "rotv"});
  const std::string doctor = rotv.Sync({"doctor"}).out;
  EXPECT_THAT(doctor, AllOf(HasSubstr("DROP PUBLICATION \"" + name), HasSubstr("pg_drop_replication_slot('" + name),
                            HasSubstr("rotv_elsewhere_somebody_production_0123abcd in database other"),
                            Not(HasSubstr("DROP PUBLICATION \"rotv_elsewhere"))));
  EXPECT_THAT(rotv.Sync({"status"}).out, HasSubstr("DROP PUBLICATION \"" + name));
  EXPECT_THAT(rotv.Sync({"detach"}).out, HasSubstr("DROP PUBLICATION \"" + name));
  EXPECT_THAT(PublicationsIn("other"), SizeIs(1));
}

// A restored copy of production has its system identifier and our publication, but not the slot.
TEST_F(LeftoversTest, ACopyOfTheServerIsRecognized) {
  rotv.MustSync({"baseline"});
  const std::string name = PublicationsIn("rotv").at(0);
  // The clusters of a test are copies of one, and so have one system identifier.
  PostgresServer copy;
  copy.Exec(std::string(kTable) + "; CREATE PUBLICATION " + name);
  ASSERT_EQ(copy.Value("SELECT system_identifier FROM pg_control_system()", kSuperuser),
            rotv.server().Value("SELECT system_identifier FROM pg_control_system()", kSuperuser));
  WriteFile(rotv.config(),
            "[sources.production]\nurl = \"postgresql://rotv@127.0.0.1:" + std::to_string(copy.port()) + "/rotv\"\n");
  rotv.server().Stop();
  const Result unreachable = rotv.Sync({"detach"});
  ExpectExit(unreachable, 4);
  EXPECT_THAT(unreachable.out, AllOf(HasSubstr("pg_drop_replication_slot('" + name),
                                     Not(HasSubstr("no slot and no publication of ours"))));
  rotv.server().Start();
  EXPECT_THAT(rotv.MustSync({"detach"}), HasSubstr("Removed replication slot " + name));
  ExpectNothingOfOurs({"rotv"});
}

// The kill comes at every step: the next run does what remains.
TEST_F(LeftoversTest, AKilledDetachIsFinishedByTheNext) {
  for (int step = 0; step < 4; ++step) {
    Follow("rotv");
    rotv.MustSync({"baseline", "--force"});
    Follow("other");
    Connection blocker = rotv.server().NewConnection(kSuperuser);
    // DROP PUBLICATION waits for a lock; or the slot is in use; or nothing blocks.
    if (step < 2) blocker.Exec("BEGIN; LOCK TABLE pg_publication IN ACCESS EXCLUSIVE MODE");
    Command command = rotv.SyncCommand({"detach"});
    Process detach(command);
    if (step < 2) {
      ASSERT_TRUE(rotv.server().WaitForBlocked("pg_publication"));
    }
    detach.Signal(SIGKILL);
    detach.Wait();
    if (step < 2) blocker.Exec("COMMIT");
    rotv.MustSync({"detach"});
    ExpectNothingOfOurs({"rotv", "other"});
  }
}

}  // namespace
}  // namespace rotv::testing
