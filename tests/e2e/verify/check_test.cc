// Every file of a home is damaged in every way: check finds it, or it does no harm; and what check repairs equals the
// source again.

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "fmt/format.h"
#include "storage/row_store.h"
#include "storage/workspace.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/support/files/subprocess.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string Content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Overwrites the file, and keeps its inode and times, as bad memory or a bad disk would.
void Overwrite(const fs::path& path, const std::string& content) {
  struct stat before {};
  ASSERT_EQ(stat(path.c_str(), &before), 0);
  {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << content;
  }
  const timespec times[] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

void FlipBit(const fs::path& path, size_t at) {
  std::string content = Content(path);
  ASSERT_LT(at, content.size());
  content[at] = static_cast<char>(content[at] ^ 0x10);
  Overwrite(path, content);
}

void CopyTree(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  ASSERT_TRUE(RunCommand({.argv = {"cp", "-a", from, to}}).ok());
}

// A store with several tables, some pulls, a snapshot, and the store of an earlier baseline that is kept for one.
class CheckTest : public FollowTest {
 protected:
  CheckTest() {
    Exec(R"(
      CREATE TABLE t (id int PRIMARY KEY, v text);
      INSERT INTO t SELECT n, 'value ' || n || ' ' || md5(n::text) FROM generate_series(1, 20000) n;
      CREATE TABLE words (a text, b int, v text, PRIMARY KEY (a, b));
      INSERT INTO words SELECT E'w\t' || n % 700, n, NULLIF(n % 3, 0)::text FROM generate_series(1, 3000) n;
      CREATE TABLE bag (a int, v text); ALTER TABLE bag REPLICA IDENTITY FULL;
      INSERT INTO bag SELECT n % 10, 'v' FROM generate_series(1, 500) n;
      CREATE TABLE big (id int PRIMARY KEY, n int, v text);
      ALTER TABLE big ALTER v SET STORAGE EXTERNAL;
      INSERT INTO big SELECT n, 0, repeat(md5(n::text), 200) FROM generate_series(1, 20) n;
      SELECT lo_from_bytea(0, decode(repeat('00ff5c', 20000), 'hex')))");
    rotv.MustSync({"baseline"});
    rotv.MustSync({"snapshot", "create", "first"});
    rotv.MustSync({"baseline", "--force"});
    Exec("UPDATE t SET v = v || '.' WHERE id % 7 = 0; DELETE FROM words WHERE b < 50; UPDATE big SET n = 1");
    rotv.MustSync({"pull"});
    rotv.MustSync({"snapshot", "create", "second"});
    CopyTree(rotv.home(), rotv.directory() / "older");
    Exec("ALTER TABLE t ADD c int DEFAULT 5; INSERT INTO t VALUES (-1, 'new'); DELETE FROM bag WHERE a = 3");
    rotv.MustSync({"pull"});
    Exec("UPDATE t SET c = 6 WHERE id < 100; TRUNCATE words; INSERT INTO words VALUES ('a', 1)");
    rotv.MustSync({"pull"});
  }

  json Check(int status, std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"--json", "check"});
    const Command command = rotv.SyncCommand(arguments);
    const Result result = RunCommand(command);
    EXPECT_EQ(result.exit_status, status) << Describe(command, result);
    return result.out.empty() ? json() : json::parse(result.out);
  }

  fs::path Source() const { return rotv.home() / "sources" / "production"; }
  fs::path Store() const { return Source() / ReadCurrent(rotv.home(), "production").value().directory(); }

  // The largest file of rows of a table, of those that a baseline wrote.
  fs::path LargestFile() const {
    fs::path largest;
    for (const auto& entry : fs::directory_iterator(Store())) {
      if (entry.path().extension() != ".sst") continue;
      if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
    }
    return largest;
  }

  // The seeds of head and snapshots; of one that cannot be had, the exit status.
  std::vector<std::string> States() const {
    std::vector<std::string> states;
    for (const char* name : {"head", "second", "first", "baseline"}) {
      const fs::path seed = rotv.directory() / "state.sql";
      fs::remove(seed);
      const Result result = rotv.Sync({"materialize", "--restrict", "never", "--snapshot", name, "--output", seed});
      states.push_back(result.ok() ? Content(seed) : std::to_string(result.exit_status));
    }
    return states;
  }
};

// What damages a file; false if that is not possible with this one.
struct Damage {
  const char* name;
  std::function<bool(const fs::path& file, const fs::path& older, const fs::path& other)> make;
};

const std::vector<Damage> kDamages = {
    {"flipped near its begin", [](auto& file, auto&, auto&) { return FlipBit(file, fs::file_size(file) / 10), true; }},
    {"flipped near its middle", [](auto& file, auto&, auto&) { return FlipBit(file, fs::file_size(file) / 2), true; }},
    {"flipped near its end",
     [](auto& file, auto&, auto&) { return FlipBit(file, fs::file_size(file) - 1 - fs::file_size(file) / 50), true; }},
    {"cut to half",
     [](auto& file, auto&, auto&) {
       const std::string content = Content(file);
       return Overwrite(file, content.substr(0, content.size() / 2)), true;
     }},
    {"empty", [](auto& file, auto&, auto&) { return Overwrite(file, ""), true; }},
    {"missing", [](auto& file, auto&, auto&) { return fs::remove(file), true; }},
    {"as it was before",
     [](auto& file, auto& older, auto&) {
       if (!fs::exists(older) || Content(older) == Content(file)) return false;
       return Overwrite(file, Content(older)), true;
     }},
    {"another one",
     [](auto& file, auto&, auto& other) {
       if (other.empty()) return false;
       return Overwrite(file, Content(other)), true;
     }},
};

// Files that hold nothing of a store: RocksDB and we do without them.
bool IsOfNoUse(const fs::path& file) {
  const std::string name = file.filename();
  return name.starts_with("OPTIONS-") || name == "IDENTITY" || name == "LOCK" || name == "lock";
}

class EveryDamageTest : public CheckTest {
 protected:
  // Makes one damage of so many, beginning at random.
  void Run(size_t every);
};

void EveryDamageTest::Run(size_t every) {
  const std::vector<std::string> sound = States();
  for (const std::string& state : sound) ASSERT_GT(state.size(), 1000U);
  EXPECT_EQ(Check(0, {"--read-data"})["sound"], true);
  const fs::path whole = rotv.directory() / "whole";
  CopyTree(rotv.home(), whole);
  std::vector<fs::path> files;
  int kept_tables = 0;
  for (const auto& entry : fs::recursive_directory_iterator(whole / "sources")) {
    if (!entry.is_regular_file() || entry.file_size() == 0) continue;
    // Two tables of the store that is kept stand for all of them.
    const bool is_kept = entry.path().parent_path().filename() != Store().filename();
    if (is_kept && entry.path().extension() == ".sst" && ++kept_tables > 2) continue;
    files.push_back(entry.path().lexically_relative(whole));
  }
  size_t next = std::random_device()() % every;
  SCOPED_TRACE(fmt::format("the {}th of each {}", next, every));
  int found = 0, found_quickly = 0, made = 0;
  for (const fs::path& file : files) {
    for (const Damage& damage : kDamages) {
      if (next++ % every != 0) continue;
      fs::path other;
      for (const fs::path& candidate : files) {
        if (candidate != file && candidate.extension() == file.extension() && !IsOfNoUse(candidate)) other = candidate;
      }
      CopyTree(whole / file, rotv.home() / file);
      if (!damage.make(rotv.home() / file, rotv.directory() / "older" / file, other.empty() ? other : whole / other)) {
        continue;
      }
      ++made;
      SCOPED_TRACE(fmt::format("{} {}", file.string(), damage.name));
      const Result all = rotv.Sync({"check", "--read-data"});
      const Result quick = file.extension() == ".sst" ? rotv.Sync({"check"}) : all;
      EXPECT_TRUE(quick.exit_status == 0 || quick.exit_status == 7) << quick.exit_status << quick.err;
      EXPECT_TRUE(all.exit_status == 0 || all.exit_status == 7) << all.exit_status << all.err;
      if (quick.exit_status == 7) {
        EXPECT_EQ(all.exit_status, 7);
      }
      found_quickly += quick.exit_status == 7;
      found += all.exit_status == 7;
      if (all.exit_status == 7 || IsOfNoUse(file)) CopyTree(whole / file, rotv.home() / file);
      if (all.exit_status == 7) {
        EXPECT_NE(all.out.find("hint: "), std::string::npos) << all.out;
        if (IsOfNoUse(file)) ADD_FAILURE() << all.out;
        continue;
      }
      if (IsOfNoUse(file)) continue;
      // A damage that no read notices may not change what is read.
      EXPECT_TRUE(States() == sound) << "not found";
      CopyTree(whole / file, rotv.home() / file);
    }
  }
  std::cout << fmt::format("{} damages of {} files: {} found, {} of them without --read-data\n", made, files.size(),
                           found, found_quickly);
  EXPECT_GT(2 * found, made);
}

// Labels: slow
TEST_F(EveryDamageTest, IsFoundOrHarmless) { Run(4); }

TEST_F(EveryDamageTest, SoakOfAllOfThem) { Run(1); }

TEST_F(CheckTest, AFlippedBitInARowIsFoundByReadingAndCopiedFromTheSource) {
  const fs::path file = LargestFile();
  FlipBit(file, fs::file_size(file) / 2);
  EXPECT_EQ(Check(0)["sound"], true);
  const json report = Check(7, {"--read-data"});
  ASSERT_EQ(report["damages"], 1);
  const json finding = report["sources"][0]["stores"][0]["findings"][0];
  EXPECT_EQ(finding["file"], file.string());
  // A file can have rows of what the same worker has copied before.
  EXPECT_NE(finding["tables"].dump().find("\"public.t\""), std::string::npos) << finding.dump(2);
  EXPECT_EQ(finding["states"], json::array({"head", "baseline", "snapshot second"}));
  EXPECT_EQ(finding["command"], "rotv-sync --source production check --repair");

  // Whoever meets it without a check is told of it, and of the file that stays.
  const Result met = rotv.Sync({"materialize", "--output", "-"});
  EXPECT_EQ(met.exit_status, 7);
  EXPECT_NE(met.err.find(file.filename().string()), std::string::npos) << met.err;
  EXPECT_EQ(met.err.find("/readers/"), std::string::npos) << met.err;
  EXPECT_NE(met.err.find("check --repair"), std::string::npos) << met.err;

  const Result repair = rotv.Sync({"check", "--read-data", "--repair"});
  EXPECT_EQ(repair.exit_status, 0) << repair.out << repair.err;
  EXPECT_NE(repair.out.find("Copied from the source: "), std::string::npos) << repair.out;
  rotv.ExpectSeedIsDump({.import = Import::kEmpty});
  const json after = Check(0, {"--read-data"});
  EXPECT_EQ(after["sources"][0]["orphans"].size(), 1U) << after.dump(2);
  EXPECT_EQ(after["sources"][0]["stores"][0]["lost"].size(), 2U) << after.dump(2);
  // A state without all of its rows is refused, not written; one of another store is as it was.
  const Result lost = rotv.Sync({"materialize", "--snapshot", "second", "--output", "-"});
  EXPECT_EQ(lost.exit_status, 7) << lost.err;
  EXPECT_NE(lost.err.find("does not have the rows of public.t"), std::string::npos) << lost.err;
  rotv.MustSync({"materialize", "--snapshot", "first", "--output", rotv.directory() / "first.sql"});
  TransactionIsFollowed("UPDATE t SET v = 'again' WHERE id < 50; DELETE FROM words");
  rotv.MustSync({"gc", "--keep-days", "0"});
  rotv.MustSync({"snapshot", "list"});
  Check(0, {"--read-data"});
}

TEST_F(CheckTest, MissingFilesAreDoneWithout) {
  std::vector<fs::path> tables;
  for (const DataFile& file : RowStore::Open(Store(), RowStore::Mode::kReadOnly)->DataFiles()) {
    if (file.content == DataFile::Content::kRows || file.content == DataFile::Content::kChangeLog) {
      tables.push_back(Store() / file.name);
    }
  }
  for (const fs::path& file : tables) fs::remove(file);
  EXPECT_EQ(rotv.Sync({"materialize", "--output", "-"}).exit_status, 7);
  const json report = Check(7);
  EXPECT_EQ(report["damages"], tables.size());
  const json repaired = Check(0, {"--repair"});
  EXPECT_EQ(repaired["sources"][0]["repaired"][0]["log_lost"], true) << repaired.dump(2);
  rotv.ExpectSeedIsDump({.import = Import::kNone});
  PullIsDump();
}

TEST_F(CheckTest, WithoutItsSourceADamagedStoreIsStillRepairedForTheNextPull) {
  const fs::path file = LargestFile();
  fs::remove(file);
  const auto url = [](int port) { return fmt::format("\"postgresql://rotv@127.0.0.1:{}/rotv\"", port); };
  rotv.Configure({{"url", url(1)}});
  const json report = Check(7, {"--repair"});
  EXPECT_NE(report["sources"][0]["not_copied"], json()) << report.dump(2);
  EXPECT_EQ(rotv.Sync({"materialize", "--output", "-"}).exit_status, 7);
  EXPECT_EQ(rotv.Sync({"materialize", "--snapshot", "first", "--output", "-"}).exit_status, 0);
  EXPECT_EQ(Check(7)["sources"][0]["stores"][0]["findings"][0]["command"], "rotv-sync --source production pull");
  rotv.Configure({{"url", url(rotv.server().port())}});
  PullIsDump();
  Check(0, {"--read-data"});
}

TEST_F(CheckTest, AStoreThatCannotBeUsedIsLeftForANewBaseline) {
  const fs::path store = Store();
  fs::remove(store / "CURRENT");
  const Result result = rotv.Sync({"check", "--repair"});
  EXPECT_EQ(result.exit_status, 7) << result.out;
  EXPECT_NE(result.out.find("it has no file CURRENT"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("hint: rotv-sync --source production baseline --force"), std::string::npos) << result.out;
  rotv.MustSync({"baseline", "--force"});
  const json after = Check(0);
  ASSERT_EQ(after["sources"][0]["orphans"].size(), 1U);
  EXPECT_EQ(after["sources"][0]["orphans"][0]["path"], store.string());
  EXPECT_GT(after["sources"][0]["orphans"][0]["bytes"], 100000);
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

TEST_F(CheckTest, ARowThatIsNotWhatWasWrittenIsFound) {
  {
    const std::unique_ptr<RowStore> store = RowStore::Open(Store(), RowStore::Mode::kReadWrite);
    const Lsn head(store->manifest().head_lsn());
    const proto::SchemaVersion schema = store->SchemaAt(head);
    VersionBuffer buffer(VersionBuffer::Index::kNewest);
    std::string key(8, '\xF0');
    for (const proto::Table& table : schema.tables()) {
      if (table.quoted_name() != "public.t") continue;
      buffer.Put({.table = table.id(), .epoch = 1, .row_key = key, .commit_lsn = Lsn(head.value() - 1)},
                 {.shape = table.shape(), .text = "1\tanother row\t5"});
    }
    store->Write(buffer);
  }
  const json report = Check(7, {"--read-data"});
  ASSERT_EQ(report["damages"], 1);
  const std::string problem = report["sources"][0]["stores"][0]["findings"][0]["problem"];
  EXPECT_NE(problem.find("1 of its 1 entries are not what was written"), std::string::npos) << problem;
  EXPECT_NE(problem.find("a row under another row's key"), std::string::npos) << problem;
  EXPECT_EQ(problem.find("another row\t"), std::string::npos) << "a value is shown";
  Check(0, {"--read-data", "--repair"});
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

TEST_F(CheckTest, AShareOfTheFilesIsRead) {
  const json all = Check(0, {"--read-data"})["sources"][0]["stores"][0];
  const json share = Check(0, {"--read-data=10%"})["sources"][0]["stores"][0];
  EXPECT_EQ(all["files_read"], all["files"]);
  EXPECT_GE(share["files_read"], 1);
  EXPECT_LT(share["files_read"], all["files"]);
  for (const char* wrong : {"--read-data=0", "--read-data=101%", "--read-data=x"})
    ExpectExit(rotv, {"check", wrong}, 2);
  ExpectExit(rotv, {"--source", "nobody", "check"}, 2);
}

TEST_F(CheckTest, ASourceInUseIsCheckedButNotRepaired) {
  const Workspace held(rotv.home(), "production", "test");
  ExpectExit(rotv, {"check", "--read-data"}, 0);
  ExpectExit(rotv, {"--source", "production", "check", "--repair"}, 10);
}

}  // namespace
}  // namespace rotv::testing
