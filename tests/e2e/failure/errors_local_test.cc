// Errors of this machine: output, disk, config, lock, and stores that cannot be used. Each has its exit code, a message
// in the user's words, and a hint; complete results from before stay.

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "storage/row_store.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTable =
    "CREATE TABLE t (id int PRIMARY KEY, text text); INSERT INTO t SELECT n, 'row ' || n FROM generate_series(1, 2000) "
    "n";

// A disk that is soon full. If nothing may be mounted, a limit on a file's size takes its place: writes fail in the
// same way.
class SmallDisk {
 public:
  SmallDisk() {
    mounted_ = IsRoot() && mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=3m,mode=0700") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(directory_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  fs::path operator/(const std::string& name) const { return directory_ / name; }

  // The command, limited like the disk.
  Command Limited(Command command) const {
    if (mounted_) return command;
    std::vector<std::string> argv = {"sh", "-c", "trap '' XFSZ; ulimit -f 3000; exec \"$@\"", "sh"};
    argv.insert(argv.end(), command.argv.begin(), command.argv.end());
    command.argv = argv;
    return command;
  }

  void MakeLarge() {
    if (mounted_) {
      ASSERT_EQ(mount("tmpfs", directory_.path().c_str(), "tmpfs", MS_REMOUNT, "size=300m"), 0);
    }
  }
  bool mounted() const { return mounted_; }
  std::string hint() const { return mounted_ ? "free space on the disk that holds" : ""; }

 private:
  TempDir directory_;
  bool mounted_ = false;
};

// The rows do not compress below 3 MB.
constexpr const char* kMuch =
    "INSERT INTO t SELECT 10000 + n, (SELECT string_agg(md5(n::text || i), '') FROM generate_series(1, 16) i) "
    "FROM generate_series(1, 30000) n";

TEST(OutputErrorsTest, AnOutputThatCannotBeWrittenIsReportedAndTheOldFileStays) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Exec(kTable);
  rotv.MustSync({"baseline"});
  const fs::path seed = rotv.Seed();
  const std::string content = ReadFile(seed);
  const auto materialize = [&](const fs::path& path) {
    return rotv.Sync({"materialize", "--restrict", "never", "--output", path});
  };

  ExpectError(materialize(rotv.directory() / "missing/seed.sql"),
              {kDisk, "missing/seed.sql: No such file or directory",
               "create the directory " + (rotv.directory() / "missing").string()});
  EXPECT_FALSE(fs::exists(rotv.directory() / "missing"));
  ExpectError(materialize(rotv.directory()), {kDisk, "Is a directory", "name a file"});
  ExpectError(materialize(seed / "seed.sql"), {kDisk, "Not a directory", "choose another place"});
  if (!IsRoot()) {
    fs::create_directory(rotv.directory() / "locked");
    fs::permissions(rotv.directory() / "locked", fs::perms::owner_read | fs::perms::owner_exec);
    ExpectError(materialize(rotv.directory() / "locked/seed.sql"), {kDisk, "Permission denied", "writable for you"});
  } else {
    ExpectError(materialize("/proc/seed.sql"), {kDisk, "cannot write /proc/seed.sql", "choose another place"});
  }
  ExpectJsonError(rotv.Sync({"--json", "materialize", "--output", rotv.directory() / "missing/seed.sql"}),
                  {kDisk, "No such file or directory", "create the directory"});
  ExpectError(rotv.Sync({"materialize", "--output", ""}), {kUsage, "--output is empty", "give a path"});
  ExpectError(materialize("/dev/full"), {kDisk, "No space left on device", "free space"});
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_EQ(ReadFile(seed), content);

  // A special file takes the seed and stays a special file; a link stays a link.
  EXPECT_TRUE(materialize("/dev/null").ok());
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  fs::create_symlink("target.sql", rotv.directory() / "link.sql");
  EXPECT_TRUE(materialize(rotv.directory() / "link.sql").ok());
  EXPECT_TRUE(fs::is_symlink(rotv.directory() / "link.sql"));
  EXPECT_EQ(ReadFile(rotv.directory() / "target.sql"), content);
  // No other file is left in the directory.
  for (const auto& entry : fs::directory_iterator(rotv.directory())) {
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
  }
}

TEST(OutputErrorsTest, AFullDiskLeavesTheOldSeed) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Exec(kTable);
  rotv.MustSync({"baseline"});
  SmallDisk disk;
  const Command command = rotv.SyncCommand({"materialize", "--output", disk / "seed.sql"});
  MustRun(disk.Limited(command));
  const std::string old_seed = ReadFile(disk / "seed.sql");
  rotv.server().Exec(kMuch);
  rotv.MustSync({"pull"});
  const Result full = RunCommand(disk.Limited(command));
  ExpectError(full, {kDisk, "cannot write " + (disk / "seed.sql").string(), disk.hint()});
  EXPECT_EQ(ReadFile(disk / "seed.sql"), old_seed);
  for (const auto& entry : fs::directory_iterator(disk / "")) EXPECT_NE(entry.path().extension(), ".tmp");
  Command compressed = command;
  compressed.argv.insert(compressed.argv.end(), {"--compress", "gzip"});
  if (disk.mounted()) {
    EXPECT_EQ(RunCommand(disk.Limited(compressed)).exit_status, kDisk);
  }
  EXPECT_EQ(ReadFile(disk / "seed.sql"), old_seed);
  disk.MakeLarge();
  MustRun(command);
  ExpectSeedEqualsDump(rotv.server(), disk / "seed.sql");
}

// The store itself: a baseline and a pull that do not fit end with a clear message, and work once there is room.
TEST(DiskFullTest, BaselineAndPullFailClearlyAndTheStoreStaysUsable) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Exec(kTable);
  SmallDisk disk;
  const auto command = [&](const std::vector<std::string>& arguments) {
    Command result = rotv.SyncCommand(arguments);
    result.argv[2] = disk / "home";  // The argument of --home.
    return result;
  };
  rotv.server().Exec(std::string("BEGIN; ") + kMuch + "; COMMIT");
  ExpectError(RunCommand(disk.Limited(command({"baseline"}))), {kDisk, "", disk.hint()});
  EXPECT_TRUE(rotv.LeftOnSource().empty());
  EXPECT_EQ(RunCommand(command({"materialize"})).exit_status, kUsage);  // There is no store.

  rotv.server().Exec("DELETE FROM t WHERE id > 10000");
  MustRun(disk.Limited(command({"baseline"})));
  const fs::path seed = rotv.directory() / "seed.sql";
  MustRun(disk.Limited(command({"materialize", "--restrict", "never", "--output", seed})));
  const std::string old_seed = ReadFile(seed);

  rotv.server().Exec(kMuch);
  rotv.server().Exec("UPDATE t SET text = 'small again' WHERE id = 1");
  for (int i = 0; i < 2; ++i) {
    ExpectError(RunCommand(disk.Limited(command({"pull"}))), {kDisk, "", disk.hint()});
  }
  disk.MakeLarge();
  MustRun(command({"materialize", "--restrict", "never", "--output", seed}));
  EXPECT_EQ(ReadFile(seed), old_seed);
  MustRun(command({"pull"}));
  MustRun(command({"materialize", "--output", seed}));
  ExpectSeedEqualsDump(rotv.server(), seed);
}

TEST(ConfigErrorsTest, AConfigThatCannotBeReadIsReportedWithFileAndLine) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  const std::string file = rotv.config().string();
  const auto expect = [&](const std::string& text, const ExpectedError& expected) {
    WriteFile(rotv.config(), text);
    ExpectError(rotv.Sync({"baseline"}), expected);
    ExpectJsonError(rotv.Sync({"--json", "status"}), expected);
    EXPECT_FALSE(fs::exists(rotv.home()));  // Nothing was started.
  };
  expect("[sources.production]\nssh = \"a@b\n", {kUsage, file + ":2:", "docs/configuration.md"});
  expect("[sources.production]\nurl = \"postgresql://a@b/c\"\n\nssh = \"a@b\"\n",
         {kUsage, file + ":4: \"ssh\" and \"url\" exclude each other", "or only url"});
  expect("[sources.production]\nssh = \"a@b\"\ndatabse = \"c\"\n",
         {kUsage, file + ":3: unknown key \"databse\"", "database"});
  expect("[sources.production]\nssh = \"a@b\"\npassword = \"c\"\n", {kUsage, file + ":3:", "PGPASSWORD"});
  expect("[sources.production]\nssh = \"a@b\"\nport = 70000\n", {kUsage, file + ":3: port 70000", "65535"});
  fs::remove(rotv.config());
  ExpectError(rotv.Sync({"pull"}), {kUsage, "there is no config file " + file, "--config"});
  fs::create_directory(rotv.config());
  EXPECT_THAT(rotv.Sync({"pull"}).exit_status, ::testing::AnyOf(kUsage, kDisk));
}

TEST(LocalErrorsTest, TheHintNamesTheCommandWithoutABaselineAndWithOne) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Exec(kTable);
  ExpectError(rotv.Sync({"materialize"}), {kUsage, "there is no baseline of source production yet", "baseline"});
  rotv.MustSync({"baseline"});
  const std::vector<std::string> there = rotv.LeftOnSource();
  rotv.server().Exec("INSERT INTO t VALUES (5000, 'new')");
  ExpectError(rotv.Sync({"baseline"}), {kUsage, "there is a baseline of production already", "baseline --force"});
  EXPECT_EQ(rotv.LeftOnSource(), there);
  rotv.MustSync({"baseline", "--force"});
  EXPECT_NE(rotv.LeftOnSource(), there);
  ExpectOneBaseline(rotv);
  rotv.ExpectSeedIsDump();
  // An LSN that the store does not have.
  const Result ahead = rotv.Sync({"materialize", "--at", "FFFF/0", "--output", "-"});
  EXPECT_EQ(ahead.exit_status, kUsage) << ahead.err;
  PrintedErrorOf(ahead);
}

TEST(LocalErrorsTest, ASecondProcessIsRefusedAndNamesTheFirst) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Exec(kTable);
  rotv.MustSync({"baseline"});
  // The server accepts nobody, so that the first one waits with the lock.
  pid_t postmaster = 0;
  std::ifstream(rotv.server().data_directory() / "postmaster.pid") >> postmaster;
  kill(postmaster, SIGSTOP);
  Process first(rotv.SyncCommand({"pull"}));
  const std::string holder = "rotv-sync pull (process " + std::to_string(first.pid()) + ")";
  ASSERT_TRUE(
      WaitUntil([&] { return !first.Running() || ReadFile(rotv.home() / "sources/production/lock") == holder; }));
  first.Signal(SIGSTOP);
  kill(postmaster, SIGCONT);
  ASSERT_TRUE(first.Running());
  for (const char* command : {"pull", "gc", "detach"}) {
    ExpectError(rotv.Sync({command}), {kInUse, "in use by another run: " + holder, "wait until it has ended"});
  }
  for (const char* command : {"materialize", "status", "log", "check"}) {
    EXPECT_EQ(rotv.Sync({command}).exit_status, 0) << command;  // What only reads does not wait.
  }
  ExpectError(rotv.Sync({"baseline", "--force"}), {kInUse, holder, "wait"});
  ExpectJsonError(rotv.Sync({"--json", "pull"}), {kInUse, holder, "wait"});
  first.Signal(SIGCONT);
  EXPECT_EQ(first.Wait().exit_status, 0);
  rotv.MustSync({"pull"});
  ExpectOneBaseline(rotv);
}

TEST(LocalErrorsTest, ANewerStoreIsRefusedAndADamagedOneIsReported) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY});
  rotv.server().Exec(kTable);
  rotv.MustSync({"baseline"});
  const fs::path path = rotv.home() / "sources/production" / Stores(rotv).at(0);
  proto::Manifest manifest;
  {
    const auto store = RowStore::Open(path, RowStore::Mode::kReadWrite);
    manifest = store->manifest();
    manifest.set_format_version(kFormatVersion + 1);
    store->Publish(StoreState::FromStored(manifest), {});
  }
  const std::string formats =
      "has format " + std::to_string(kFormatVersion + 1) + ", this program knows " + std::to_string(kFormatVersion);
  for (const char* command : {"pull", "materialize", "status"}) {
    ExpectError(rotv.Sync({command}), {kDisk, formats, "use the newer rotv-sync"});
  }
  ExpectOneBaseline(rotv);  // Untouched: the newer program can still use it.
  const Result forced = rotv.Sync({"baseline", "--force"});
  EXPECT_EQ(forced.exit_status, 0) << forced.err;
  EXPECT_THAT(forced.err, ::testing::HasSubstr("was not deleted: " + path.string()));
  rotv.MustSync({"pull"});
  EXPECT_TRUE(fs::exists(path));  // Nothing uses it, and nothing removes it.
  fs::remove_all(path);
  ExpectOneBaseline(rotv);
  rotv.ExpectSeedIsDump();

  // One byte of the rows is changed.
  const std::string old_seed = ReadFile(rotv.Seed());
  for (const auto& entry : fs::directory_iterator(rotv.home() / "sources/production" / Stores(rotv).at(0))) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(100);
    const char byte = static_cast<char>(file.get());
    file.seekp(100);
    file.put(static_cast<char>(byte ^ 1));
  }
  ExpectError(rotv.Sync({"materialize", "--output", rotv.directory() / "seed.sql"}),
              {kCorrupt, "the store", "rotv-sync baseline --force"});
  EXPECT_EQ(ReadFile(rotv.directory() / "seed.sql"), old_seed);
  rotv.MustSync({"baseline", "--force"});
  rotv.ExpectSeedIsDump();
}

}  // namespace
}  // namespace rotv::testing
