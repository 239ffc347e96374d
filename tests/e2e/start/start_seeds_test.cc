// Seeds that somebody put into the home directory, or touched there: a start goes on with them, and says so.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/start/start_fixture.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class StartSeedsTest : public StartTest {
 protected:
  StartSeedsTest() { rotv_.server().Exec("CREATE ROLE reader", kSuperuser); }

  fs::path SeedFile() const { return rotv_.home() / "seed-data.sql"; }
  // A dump that somebody made elsewhere, with a policy, whose role an import needs.
  std::string OtherDump() {
    rotv_.server().Exec(
        "DELETE FROM places WHERE id > 42; ALTER TABLE places ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY p ON places FOR SELECT TO reader USING (id > 40)");
    return rotv_.server().Dump();
  }
  Result MustStart(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"start"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return MustRun(RotvCommand(arguments));
  }
  void NoSourceAnswers() { rotv_.Configure({{"url", "\"postgresql://rotv@127.0.0.1:1/rotv\""}}); }
  static void Touch(const fs::path& file, const std::string& when) { MustRun({.argv = {"touch", "-d", when, file}}); }
};

TEST_F(StartSeedsTest, ASeedThatWasTouchedIsStaleAndUsed) {
  MustRotv({"seed"});
  const std::string bytes = ReadFile(SeedFile());
  // Even where the store has newer data.
  rotv_.server().Exec("INSERT INTO places VALUES (1000, 'new')");
  rotv_.MustSync({"pull"});
  Touch(SeedFile(), "10 days ago");
  const Result started = MustStart();
  EXPECT_THAT(started.err, HasSubstr("rotv: warning: the data is 10 days old"));
  EXPECT_THAT(started.err, HasSubstr("seed-data.sql as it is there, since its time was set back; rotv start --pull"));
  EXPECT_EQ(Get("/count/places"), "100");
  EXPECT_EQ(ReadFile(SeedFile()), bytes);
  const Result restarted = MustRun(RotvCommand({"restart", "--pull"}));
  EXPECT_THAT(restarted.err, Not(HasSubstr("days old")));
  EXPECT_EQ(Get("/count/places"), "101");
  // A newer time, or a copy of the home, is no reason to keep old data.
  rotv_.server().Exec("INSERT INTO places VALUES (1001, 'newer')");
  rotv_.MustSync({"pull"});
  fs::copy_file(SeedFile(), rotv_.directory() / "copy");
  fs::remove(SeedFile());
  fs::copy_file(rotv_.directory() / "copy", SeedFile());
  MustRotv({"restart"});
  EXPECT_EQ(Get("/count/places"), "102");
}

TEST_F(StartSeedsTest, ASeedThatSomebodyPutThereIsUsedAndNeverLost) {
  MustRotv({"seed"});
  const std::string other = OtherDump();
  WriteFile(SeedFile(), other);
  const Result started = MustStart();
  EXPECT_THAT(started.err, HasSubstr("using " + SeedFile().native() + " as it is there, since rotv did not write it"));
  EXPECT_THAT(started.out, HasSubstr("the seed " + SeedFile().native() + " as it was there"));
  EXPECT_EQ(Get("/count/places"), "42");
  EXPECT_THAT(MustRotv({"status"}), HasSubstr(SeedFile().native()));
  EXPECT_EQ(ReadFile(SeedFile()), other);
  EXPECT_THAT(MustRun(RotvCommand({"start", "--snapshot", "head"})).out, HasSubstr("Already running"));

  // Where new data is asked for, it is kept.
  rotv_.server().Exec("DROP POLICY p ON places; INSERT INTO places VALUES (77, 'new')");
  const Result pulled = MustRun(RotvCommand({"restart", "--pull"}));
  EXPECT_THAT(pulled.err, HasSubstr("rotv did not write it: it is seed-data.kept.sql now"));
  EXPECT_EQ(Get("/count/places"), "43");
  EXPECT_EQ(ReadFile(rotv_.home() / "seed-data.kept.sql"), other);
  WriteFile(SeedFile(), "SELECT 1;\n");
  EXPECT_THAT(rotv_.Sync({"materialize"}).err, HasSubstr("it is seed-data.kept-2.sql now"));
  EXPECT_EQ(ReadFile(rotv_.home() / "seed-data.kept-2.sql"), "SELECT 1;\n");
  // What materialize writes is ours: a start after a pull does not go on with it.
  rotv_.server().Exec("INSERT INTO places VALUES (78, 'newer')");
  rotv_.MustSync({"pull"});
  EXPECT_THAT(MustRun(RotvCommand({"restart"})).err, Not(HasSubstr("as it is there")));
  EXPECT_EQ(Get("/count/places"), "44");
}

TEST_F(StartSeedsTest, ASeedAloneIsEnoughToStart) {
  const std::string other = OtherDump();
  fs::create_directory(rotv_.home());
  fs::permissions(rotv_.home(), fs::perms::owner_all);
  WriteFile(SeedFile(), other);
  Touch(SeedFile(), "20 days ago");
  NoSourceAnswers();
  const Result started = MustStart();
  EXPECT_THAT(started.err, HasSubstr("the data is 20 days old"));
  EXPECT_EQ(Get("/count/places"), "42");
  EXPECT_EQ(MustRotv({"psql", "-XAtc", "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'reader'"}), "f\n");
  MustRotv({"stop"});
  // Compressed, and with no source at all.
  MustRun({.argv = {"gzip", SeedFile()}});
  WriteFile(rotv_.config(), "[app]\ndirectory = \"app\"\nport = " + std::to_string(port_) + "\n");
  MustStart();
  EXPECT_EQ(Get("/count/places"), "42");
  MustRotv({"stop"});
  fs::remove(rotv_.home() / "seed-data.sql.gz");
  const Result none = Rotv({"start"});
  EXPECT_EQ(none.exit_status, kUsage);
  EXPECT_THAT(none.err, HasSubstr("has no [sources.NAME]"));
}

TEST_F(StartSeedsTest, OneStartAtATimePreparesASeed) {
  MustRotv({"seed"});
  const fs::path lock = rotv_.home() / "run/seeds.lock";
  Process holder({.argv = {"flock", lock, "sh", "-c", "echo held; exec sleep 600"}});
  ASSERT_TRUE(holder.WaitForOutput("held", std::chrono::seconds(30)));
  Process seed(RotvCommand({"seed"}));
  ASSERT_TRUE(seed.WaitForOutput("waiting for another start, which prepares a seed", std::chrono::seconds(30)));
  holder.SignalGroup(SIGKILL);
  EXPECT_EQ(seed.Wait().exit_status, 0) << seed.Err();
}

// Between the rename of a new seed and its note a run may be killed: the file is ours all the same.
TEST_F(StartSeedsTest, ASeedWithoutItsNewNoteIsWrittenAgain) {
  MustRotv({"seed"});
  const std::string note = ReadFile(rotv_.home() / "seed-data.sql.json");
  EXPECT_THAT(note, HasSubstr("\"replaced\": false"));
  // Stops at the disk while the seed is written: its old one stays, with a note that says so.
  rotv_.server().Exec("INSERT INTO places SELECT n, 'new' FROM generate_series(1000, 40000) n");
  rotv_.MustSync({"pull"});
  Command limited = RotvCommand({"seed"});
  limited.argv.insert(limited.argv.begin(), {"bash", "-c", "ulimit -f 100; exec \"$@\"", "bash"});
  EXPECT_EQ(RunCommand(limited).exit_status, kDisk);
  const std::string being_replaced = ReadFile(rotv_.home() / "seed-data.sql.json");
  EXPECT_THAT(being_replaced, HasSubstr("\"replaced\": true"));
  // The new seed, with the note of that moment.
  WriteFile(SeedFile(), "SELECT 1;\n");
  const Result written = MustRun(RotvCommand({"seed"}));
  EXPECT_THAT(written.out, HasSubstr("Wrote "));
  EXPECT_THAT(written.err, Not(HasSubstr("kept")));
  EXPECT_FALSE(fs::exists(rotv_.home() / "seed-data.kept.sql"));
}

}  // namespace
}  // namespace rotv::testing
