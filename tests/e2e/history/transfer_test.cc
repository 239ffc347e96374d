// A snapshot is exported to a file and imported elsewhere: it gives the same dump.

#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "tests/e2e/history/history_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

class TransferTest : public HistoryTest {
 protected:
  std::filesystem::path file() const { return rotv.directory() / "a snapshot.rotv"; }

  // A command on the machine of a colleague, who has neither a config nor access.
  Command Colleague(std::vector<std::string> arguments) const {
    Command command = rotv.SyncCommand({});
    command.argv = {ROTV_SYNC_BINARY, "--home", rotv.directory() / "colleague"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.directory = rotv.directory() / "elsewhere";
    std::filesystem::create_directories(command.directory);
    return command;
  }
  Result Fails(std::vector<std::string> arguments, int status) const {
    const Command command = Colleague(std::move(arguments));
    const Result result = RunCommand(command);
    EXPECT_EQ(result.exit_status, status) << Describe(command, result);
    return result;
  }
  void ExpectColleagueHas(const Moment& moment, const std::vector<std::string>& source = {}) const {
    std::vector<std::string> arguments = source;
    arguments.insert(arguments.end(), {"materialize", "--output", rotv.directory() / "theirs.sql"});
    MustRun(Colleague(arguments));
    EXPECT_TRUE(
        DumpsAreEqual({"the colleague's seed", ReadFile(rotv.directory() / "theirs.sql")}, {"the dump", moment.dump}));
  }
  // Changes one byte of the file, or truncates it.
  void Damage(size_t at, bool cut) const {
    std::filesystem::copy_file(file(), rotv.directory() / "damaged.rotv",
                               std::filesystem::copy_options::overwrite_existing);
    if (cut) return std::filesystem::resize_file(rotv.directory() / "damaged.rotv", at);
    std::fstream stream(rotv.directory() / "damaged.rotv", std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(stream.get());
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(static_cast<char>(byte ^ 0x40));
  }
};

// Labels: slow
TEST_F(TransferTest, EveryImportedSnapshotEqualsItsDump) {
  Exec("SELECT lo_from_bytea(4711, 'large'::bytea)");
  const std::vector<Moment> moments = TwentyMoments();
  for (size_t i = 0; i < moments.size(); ++i) {
    if (!HasName(i)) continue;
    SCOPED_TRACE(i);
    const std::string name = "moment-" + std::to_string(i);
    rotv.MustSync({"snapshot", "export", name, file()});
    const std::string output = MustRun(Colleague({"snapshot", "import", file()})).out;
    EXPECT_THAT(output, HasSubstr("rotv start --source production-" + name));
    ExpectColleagueHas(moments[i], {"--source", "production-" + name});
  }
  const nlohmann::json list =
      nlohmann::json::parse(MustRun(Colleague({"--json", "--source", "production-moment-0", "snapshot", "diff",
                                               "production-moment-0:head", "production-moment-4:head"}))
                                .out);
  EXPECT_GT(list.at("tables").size(), 0U);
  MustRun(Colleague({"check", "--read-data"}));
}

TEST_F(TransferTest, AnImportedSourceIsTheDefaultAndCannotBePulled) {
  rotv.MustSync({"baseline"});
  const Moment moment = NowPulled();
  const nlohmann::json exported = Json({"snapshot", "export", "head", file()});
  EXPECT_EQ(exported.at("rows"), 550);
  EXPECT_EQ(exported.at("bytes"), std::filesystem::file_size(file()));
  MustRun({.argv = {"zstd", "-tq", file()}});
  MustRun(Colleague({"snapshot", "import", file(), "--as", "today"}));
  ExpectColleagueHas(moment);
  EXPECT_THAT(MustRun(Colleague({"status"})).out, HasSubstr("imported"));
  for (const std::string command : {"pull", "baseline", "doctor", "verify", "detach"}) {
    Fails({command}, 2);
  }
  EXPECT_THAT(Fails({"pull"}, 2).err, HasSubstr("today was imported from a file"));
  // Another snapshot takes its place; the old one is deleted when the new one is complete.
  Exec("DELETE FROM t WHERE id > 10");
  const Moment later = NowPulled();
  rotv.MustSync({"snapshot", "export", "head", file()});
  MustRun(Colleague({"snapshot", "import", file(), "--as", "today"}));
  ExpectColleagueHas(later);
  size_t stores = 0;
  for (const auto& entry : std::filesystem::directory_iterator(rotv.directory() / "colleague/sources/today")) {
    if (entry.path().filename().native().starts_with("store-")) ++stores;
  }
  EXPECT_EQ(stores, 1U);
}

TEST_F(TransferTest, FilesThatCannotBeImportedAreReported) {
  rotv.MustSync({"baseline"});
  rotv.MustSync({"snapshot", "export", "head", file()});
  EXPECT_THAT(Fails({"snapshot", "import", "not there"}, 2).err, HasSubstr("not there cannot be read"));
  std::ofstream(rotv.directory() / "elsewhere/text") << "not a snapshot file";
  EXPECT_THAT(Fails({"snapshot", "import", "text"}, 2).err, HasSubstr("text is no snapshot"));
  std::ofstream(rotv.directory() / "elsewhere/empty");
  EXPECT_THAT(Fails({"snapshot", "import", "empty"}, 2).err, HasSubstr("empty is no snapshot"));
  Fails({"snapshot", "import", file(), "--as", "../up"}, 2);
  // A name that is in the config, or that was pulled under.
  const Result taken = rotv.Sync({"snapshot", "import", file(), "--as", "production"});
  EXPECT_EQ(taken.exit_status, 2);
  EXPECT_THAT(taken.err, HasSubstr("there is a source production already"));
  EXPECT_EQ(rotv.Sync({"snapshot", "export", "monday", file()}).exit_status, 2);
  EXPECT_EQ(rotv.Sync({"snapshot", "export", "head", "/nowhere/file"}).exit_status, 6);

  const size_t size = std::filesystem::file_size(file());
  std::mt19937 random(5);
  for (int round = 0; round < 40; ++round) {
    const size_t at = random() % size;
    const bool cut = round % 2 == 0;
    Damage(at, cut);
    SCOPED_TRACE((cut ? "cut off at " : "changed at ") + std::to_string(at));
    const Command import = Colleague({"snapshot", "import", rotv.directory() / "damaged.rotv", "--as", "x"});
    const Result result = RunCommand(import);
    if (result.ok() && !cut) {  // zstd has bits that mean nothing: all that was unpacked is as it was.
      const Result seed = MustRun(Colleague({"--source", "x", "materialize", "--restrict", "never", "--output", "-"}));
      EXPECT_EQ(seed.out, ReadFile(rotv.Seed()));
      MustRun(Colleague({"source", "remove", "x"}));
      continue;
    }
    // The first bytes decide whether it is a snapshot file at all.
    EXPECT_TRUE(result.exit_status == 7 || result.exit_status == 2) << Describe(import, result);
    EXPECT_FALSE(std::filesystem::exists(rotv.directory() / "colleague/sources/x"));
  }
}

TEST_F(TransferTest, TheOldSnapshotSurvivesAKilledImport) {
  Exec("INSERT INTO t SELECT n, md5(n::text) FROM generate_series(2000, 60000) n");
  rotv.MustSync({"baseline"});
  const Moment first = NowPulled();
  RandomKills export_kills(TimeOf([&] { rotv.MustSync({"snapshot", "export", "head", file()}); }));
  RandomKills import_kills(TimeOf([&] { MustRun(Colleague({"snapshot", "import", file(), "--as", "x"})); }));
  Exec("UPDATE t SET v = 'later'");
  const Moment second = NowPulled();
  const std::filesystem::path kept = rotv.directory() / "kept.rotv";
  std::filesystem::copy_file(file(), kept);
  for (int round = 0; round < 8; ++round) {
    SCOPED_TRACE(round % 2 == 0 ? import_kills.Kill(Colleague({"snapshot", "import", kept, "--as", "x"}))
                                : export_kills.Kill(rotv.SyncCommand({"snapshot", "export", "head", file()})));
    ExpectColleagueHas(first, {"--source", "x"});
    MustRun(Colleague({"snapshot", "import", file(), "--as", "y"}));  // The old file, or the new one.
  }
  rotv.MustSync({"snapshot", "export", "head", file()});
  MustRun(Colleague({"snapshot", "import", file(), "--as", "x"}));
  ExpectColleagueHas(second, {"--source", "x"});
}

}  // namespace
}  // namespace rotv::testing
