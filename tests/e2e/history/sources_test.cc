// The sources of a home are listed and removed, and what a home holds is shown and freed.

#include <gmock/gmock.h>

#include <set>
#include <string>

#include "tests/e2e/history/history_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SourcesTest : public HistoryTest {
 protected:
  // A command in a home without a config, in which snapshots are imported.
  Command Elsewhere(std::vector<std::string> arguments) const {
    Command command = rotv.SyncCommand({});
    command.argv = {ROTV_SYNC_BINARY, "--home", rotv.directory() / "colleague"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.directory = rotv.directory() / "elsewhere";
    std::filesystem::create_directories(command.directory);
    return command;
  }
  nlohmann::json ElsewhereJson(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "--json");
    return nlohmann::json::parse(MustRun(Elsewhere(arguments)).out);
  }
  void Fails(const Command& command, int status, const std::string& what) const {
    const Result result = RunCommand(command);
    EXPECT_EQ(result.exit_status, status) << Describe(command, result);
    EXPECT_THAT(result.err, HasSubstr(what));
  }

  // The bytes that `clean` shows for a kind.
  uint64_t BytesOf(const std::string& kind) const {
    uint64_t bytes = 0;
    const nlohmann::json content = Json({"clean"});
    for (const nlohmann::json& item : content.at("items")) {
      if (item.at("kind") == kind) bytes += static_cast<uint64_t>(item.at("bytes"));
    }
    return bytes;
  }
};

TEST_F(SourcesTest, SeveralImportedSourcesAreShownAndRemoved) {
  rotv.MustSync({"baseline"});
  const std::string file = rotv.directory() / "head.rotv";
  rotv.MustSync({"snapshot", "export", "head", file});
  for (const std::string name : {"monday", "tuesday"}) {
    MustRun(Elsewhere({"snapshot", "import", file, "--as", name}));
  }
  EXPECT_THAT(MustRun(Elsewhere({"status"})).out, AllOf(HasSubstr("monday"), HasSubstr("tuesday")));
  EXPECT_EQ(ElsewhereJson({"status"}).at("sources").size(), 2U);
  Fails(Elsewhere({"materialize"}), 2, "there are several sources");

  const nlohmann::json list = ElsewhereJson({"source", "list"}).at("sources");
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].at("source"), "monday");
  EXPECT_EQ(list[0].at("imported"), true);
  EXPECT_EQ(list[0].at("configured"), false);
  EXPECT_GT(list[0].at("bytes"), 0);
  EXPECT_THAT(MustRun(Elsewhere({"source", "list"})).out, HasSubstr("imported"));

  MustRun(Elsewhere({"--source", "monday", "materialize"}));
  MustRun(Elsewhere({"source", "remove", "monday"}));
  EXPECT_FALSE(std::filesystem::exists(rotv.directory() / "colleague/sources/monday"));
  Fails(Elsewhere({"source", "remove", "monday"}), 2, "nothing is stored of a source monday");
  EXPECT_EQ(ElsewhereJson({"status"}).at("source"), "tuesday");
}

TEST_F(SourcesTest, ASourceIsRemovedOnceNothingOfItIsOnItsServer) {
  rotv.MustSync({"baseline"});
  const nlohmann::json list = Json({"source", "list"}).at("sources");
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].at("on_server"), true);
  EXPECT_EQ(list[0].at("head").at("lsn"), Head());
  Fails(rotv.SyncCommand({"source", "remove", "production"}), 2, "may still have a slot");
  rotv.MustSync({"detach"});
  rotv.MustSync({"source", "remove", "production"});
  EXPECT_FALSE(std::filesystem::exists(rotv.home() / "sources/production"));
  EXPECT_THAT(rotv.MustSync({"source", "list"}), HasSubstr("no baseline yet"));

  rotv.MustSync({"baseline"});
  const Command forced = rotv.SyncCommand({"source", "remove", "production", "--force"});
  const Result result = MustRun(forced);
  EXPECT_THAT(result.err, HasSubstr("pg_drop_replication_slot"));
  EXPECT_FALSE(rotv.LeftOnSource().empty());
}

TEST_F(SourcesTest, FailedImportsLeaveNothing) {
  rotv.MustSync({"baseline"});
  const std::string file = rotv.directory() / "head.rotv";
  rotv.MustSync({"snapshot", "export", "head", file});
  const std::string cut = rotv.directory() / "cut.rotv";
  std::filesystem::copy_file(file, cut);
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) - 40);
  Fails(Elsewhere({"snapshot", "import", cut, "--as", "x"}), 7, "damaged");
  EXPECT_FALSE(std::filesystem::exists(rotv.directory() / "colleague/sources/x"));
  MustRun(Elsewhere({"snapshot", "import", file, "--as", "x"}));
  const auto entries = [&] {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(rotv.directory() / "colleague/sources/x")) {
      names.insert(entry.path().filename());
    }
    return names;
  };
  const std::set<std::string> before = entries();
  Fails(Elsewhere({"snapshot", "import", cut, "--as", "x"}), 7, "damaged");
  EXPECT_EQ(entries(), before);
  MustRun(Elsewhere({"materialize"}));
}

TEST_F(SourcesTest, CleanShowsAllAndFreesOnlyWhatIsAskedForAndNotNeeded) {
  rotv.MustSync({"baseline"});
  rotv.MustSync({"snapshot", "create", "kept"});
  rotv.MustSync({"baseline", "--force"});
  const std::string dump = rotv.server().Dump();
  MustRun(rotv.ProgramCommand(ROTV_BINARY, {"seed"}));
  WriteFile(rotv.home() / "seed-data-mine.sql", "SELECT 1;\n");
  std::filesystem::create_directories(rotv.home() / "sources/production/store-of-somebody");
  WriteFile(rotv.home() / "sources/production/store-of-somebody/file", std::string(1000, 'x'));
  // One project's place, and another one's.
  for (const std::filesystem::path& place : {rotv.home(), rotv.home() / "apps/other"}) {
    std::filesystem::create_directories(place / "prepared");
    WriteFile(place / "prepared/empty.tar", std::string(1000, 'x'));  // Of an older program.
    std::filesystem::create_directories(place / "pgdata");
    WriteFile(place / "pgdata/PG_VERSION", "15\n");
  }

  std::filesystem::create_directories(rotv.home() / "warm/0123456789ab/cluster");
  WriteFile(rotv.home() / "warm/0123456789ab/cluster/PG_VERSION", std::string(1000, 'x'));

  uint64_t shown = 0, there = 0;
  const nlohmann::json content = Json({"clean"});
  for (const nlohmann::json& item : content.at("items")) shown += static_cast<uint64_t>(item.at("bytes"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(rotv.home())) {
    if (entry.is_regular_file()) there += entry.file_size();
  }
  EXPECT_LE(shown, there);
  EXPECT_GT(shown, there - there / 50);  // The records beside the stores are not shown.
  for (const char* kind : {"stores", "kept", "seeds", "unknown", "clusters", "data"})
    EXPECT_GT(BytesOf(kind), 0U) << kind;
  EXPECT_EQ(BytesOf("data"), 6U);
  EXPECT_THAT(rotv.MustSync({"clean"}), AllOf(HasSubstr("--what seeds frees"), HasSubstr("--what clusters frees"),
                                              Not(HasSubstr("--what kept"))));

  EXPECT_EQ(Json({"clean", "--what", "clusters", "--what", "unknown"}).at("bytes"), 4000);
  for (const char* cluster : {"prepared", "apps/other/prepared", "warm/0123456789ab"}) {
    EXPECT_FALSE(std::filesystem::exists(rotv.home() / cluster));
  }
  EXPECT_FALSE(std::filesystem::exists(rotv.home() / "sources/production/store-of-somebody"));
  EXPECT_TRUE(std::filesystem::exists(rotv.home() / "seed-data.sql"));
  const std::string left = rotv.MustSync({"clean", "--what", "seeds"});
  EXPECT_FALSE(std::filesystem::exists(rotv.home() / "seed-data.sql"));
  EXPECT_TRUE(std::filesystem::exists(rotv.home() / "seed-data-mine.sql"));
  EXPECT_THAT(left, HasSubstr("seed-data-mine.sql: rotv start did not write it"));
  EXPECT_TRUE(std::filesystem::exists(rotv.home() / "pgdata/PG_VERSION"));
  EXPECT_TRUE(std::filesystem::exists(rotv.home() / "apps/other/pgdata/PG_VERSION"));
  for (const char* kind : {"stores", "kept", "data", "nonsense"}) {
    EXPECT_EQ(rotv.Sync({"clean", "--what", kind}).exit_status, 2) << kind;
  }
  for (const char* point : {"head", "kept"}) {
    EXPECT_TRUE(DumpsAreEqual({point, SeedText({"--snapshot", point})}, {"the dump", dump}));
  }
}

TEST_F(SourcesTest, ASeedWhoseStateIsGoneIsNotFreed) {
  rotv.MustSync({"baseline"});
  MustRun(rotv.ProgramCommand(ROTV_BINARY, {"seed"}));
  rotv.MustSync({"detach"});
  std::filesystem::remove_all(rotv.home() / "sources/production");
  EXPECT_THAT(rotv.MustSync({"clean", "--what", "seeds"}), HasSubstr("could not be written again"));
  EXPECT_TRUE(std::filesystem::exists(rotv.home() / "seed-data.sql"));
}

}  // namespace
}  // namespace rotv::testing
