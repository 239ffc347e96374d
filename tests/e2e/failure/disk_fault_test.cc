// The disk fails: each call with which a command writes, syncs, renames, opens, makes or removes a file fails once, or
// it fails and the disk is full from then on. The command ends with exit code 6 or does its work, the next one works,
// and nothing is lost, repeated or left.
//
// The default run takes a sample that is spread over all calls, another each time; `./dev soak` takes all of them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <random>

#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/failure/disk_fixture.h"
#include "tests/support/files/odd_disk.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;

struct Scenario {
  std::function<void()> prepare;  // Before each run of the command.
  std::function<Command()> command;
  std::function<void(const Result&)> check;  // After each, whether it failed or not. It calls EXPECT.
};

// The calls that fail in one run of a test, with what they fail.
class Faults {
 public:
  // `calls` are those of a run that nothing fails in.
  Faults(std::vector<std::string> calls, std::chrono::milliseconds time)
      : calls_(std::move(calls)), end_(std::chrono::steady_clock::now() + time) {}

  // Gives the next fault; nullopt if the time is over or all have been tried.
  std::optional<DiskFault> Next() {
    if (tried_ == 3 * calls_.size() || std::chrono::steady_clock::now() > end_) return std::nullopt;
    const size_t round = tried_ / calls_.size();
    const size_t at = (number_ + tried_ * step_) % calls_.size();
    ++tried_;
    return FaultAt(at, (at + round + number_) % 3);
  }
  size_t tried() const { return tried_; }
  size_t all() const { return 3 * calls_.size(); }
  const std::string& Call(const DiskFault& fault) const { return calls_[static_cast<size_t>(fault.at) - 1]; }

 private:
  DiskFault FaultAt(size_t call, size_t way) {
    DiskFault fault{.at = static_cast<long>(call) + 1, .error = ENOSPC, .full = way == 0};
    if (!fault.full) fault.error = way == 1 ? PlausibleError(calls_[call]) : 0;
    // What does not write cannot write a half.
    if (fault.error == 0 && calls_[call].find("write") == std::string::npos) fault.error = EIO;
    return fault;
  }

  int PlausibleError(const std::string& call) {
    const auto one_of = [&](std::vector<int> errors) { return errors[random_() % errors.size()]; };
    if (call.find("write") != std::string::npos) return one_of({ENOSPC, EDQUOT, EIO});
    if (call.starts_with("open") || call.starts_with("mk")) return one_of({EMFILE, EACCES, EIO, ENOSPC});
    if (call.find("sync") != std::string::npos) return one_of({EIO, ENOSPC});
    return one_of({EIO, EACCES, ENOSPC});
  }

  const std::vector<std::string> calls_;
  const std::chrono::steady_clock::time_point end_;
  const size_t step_ = StepOver(calls_.size());
  const unsigned number_ = std::random_device()();
  std::mt19937 random_{number_};
  size_t tried_ = 0;
};

std::string NameOf(const DiskFault& fault) {
  if (fault.error == 0) return "half a write";
  return std::string(strerror(fault.error)) + (fault.full ? ", from then on" : "");
}

void ExpectErrorOrSuccess(const Command& command, const Result& result, const DiskFault& fault) {
  const int code = fault.error == EMFILE ? kCannotStart : kDisk;
  EXPECT_FALSE(result.timed_out) << Describe(command, result);
  EXPECT_THAT(result.exit_status, AnyOf(0, code)) << Describe(command, result);
  if (result.exit_status == code) ExpectError(result, {code, "", ""});
}

// Further failures follow from those that there were.
constexpr int kMostFailures = 20;

int Failures() { return ::testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count(); }

void FailCalls(const OddDisk& disk, const Scenario& scenario, std::chrono::milliseconds time) {
  scenario.prepare();
  const Result whole = MustRun(disk.Noting(scenario.command()));
  Faults faults(disk.Calls(), time);
  scenario.check(whole);
  int failures = Failures();
  while (const std::optional<DiskFault> fault = faults.Next()) {
    SCOPED_TRACE("call " + std::to_string(fault->at) + ", " + faults.Call(*fault) + ": " + NameOf(*fault));
    scenario.prepare();
    const Command command = disk.Failing(scenario.command(), *fault);
    const Result result = RunCommand(command);
    ExpectErrorOrSuccess(command, result, *fault);
    try {
      scenario.check(result);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what() << result.err;  // With the fault, which the exception does not know.
      throw;
    }
    if (Failures() == failures) continue;
    const std::vector<std::string> calls = disk.Calls();
    const auto at = static_cast<size_t>(fault->at) - 1;
    ADD_FAILURE() << (at < calls.size() ? "it was " + calls[at] : "it was not reached") << "\n" << result.err;
    failures = Failures();
    if (failures >= kMostFailures) return;
  }
  std::printf("%zu of %zu failures tried\n", faults.tried(), faults.all());
}

class DiskFaultTest : public DiskTest {
 protected:
  Scenario Of(const std::vector<std::string>& arguments, std::function<void()> prepare,
              std::function<void(const Result&)> check) {
    return {std::move(prepare), [this, arguments] { return rotv.SyncCommand(arguments); }, std::move(check)};
  }
  // One that could not be read when it was replaced stays.
  void RemoveOldStore() {
    const std::string current = ReadCurrent(rotv.home(), "production").value().directory();
    for (const std::string& store : Stores(rotv)) {
      if (store != current) fs::remove_all(rotv.home() / "sources/production" / store);
    }
  }
};

class BaselineFaultTest : public DiskFaultTest {
 protected:
  void Run(std::chrono::milliseconds time) {
    const auto prepare = [] {};
    const auto check = [this](const Result&) {
      if (!HasCurrentStore(rotv)) rotv.MustSync({"baseline"});
      rotv.MustSync({"status"});
      ExpectPullIsDump();
      rotv.MustSync({"detach"});
      EXPECT_THAT(rotv.LeftOnSource(), ::testing::IsEmpty());
      fs::remove_all(rotv.home());
    };
    FailCalls(disk_, Of({"baseline"}, prepare, check), time);
  }
  void RunForced(std::chrono::milliseconds time) {
    rotv.MustSync({"baseline"});
    const auto prepare = [this] { Change(); };
    const auto check = [this](const Result& result) {
      Seed();
      rotv.MustSync({"status"});
      if (result.err.find("was not deleted") != std::string::npos) RemoveOldStore();
      ExpectOneBaseline(rotv);
      ExpectPullIsDump();
    };
    FailCalls(disk_, Of({"baseline", "--force"}, prepare, check), time);
  }
};

class PullFaultTest : public DiskFaultTest {
 protected:
  void Run(std::chrono::milliseconds time) {
    rotv.MustSync({"baseline"});
    const auto check = [this](const Result& result) {
      if (result.ok()) rotv.ExpectSeedIsDump({.import = Import::kNone});
      ExpectPullIsDump();
    };
    FailCalls(disk_,
              Of(
                  {"pull"}, [this] { Change(); }, check),
              time);
  }
  void RunMerge(std::chrono::milliseconds time) {
    rotv.MustSync({"baseline"});
    const auto check = [this](const Result&) {
      rotv.MustSync({"compact"});  // A pull would begin it beside what comes next.
      Change();
      ExpectPullIsDump();
    };
    FailCalls(disk_,
              Of(
                  {"compact"}, [this] { AddRuns(); }, check),
              time);
  }
  void RunRepair(std::chrono::milliseconds time) {
    rotv.MustSync({"baseline"});
    const auto prepare = [this] {
      Damage damage(rotv, "public.t");
      damage.Remove(IntegerKeyOf(300));
      damage.Write(IntegerKeyOf(-1), "-1\tnot there\t\\N");
    };
    const auto check = [this](const Result&) {
      ExpectNothingAcknowledgedIsMissing();
      rotv.MustSync({"verify", "--repair"});
      ExpectPullIsDump();
    };
    FailCalls(disk_, Of({"verify", "--repair"}, prepare, check), time);
  }
};

// RocksDB removes a file that it has taken over if it cannot sync its record in the MANIFEST, though that may be there.
TEST_F(PullFaultTest, ARecordOfANewFileThatCannotBeSyncedLeavesAStoreThatOpens) {
  rotv.MustSync({"baseline"});
  Change();
  const Command command = disk_.FailingLike(rotv.SyncCommand({"pull"}), "fdatasync*/MANIFEST-*", EIO, "link*.sst");
  ExpectError(RunCommand(command), {kDisk, "MANIFEST", "check this machine's disk"});
  ExpectPullIsDump();
}

class HistoryFaultTest : public DiskFaultTest {
 protected:
  HistoryFaultTest() {
    rotv.MustSync({"baseline"});
    Change();
    rotv.MustSync({"pull"});
  }

  void RunGc(std::chrono::milliseconds time) {
    const auto prepare = [this] {
      Change();
      rotv.MustSync({"pull"});
      head_ = Seed();
    };
    const auto check = [this](const Result&) {
      EXPECT_EQ(Seed(), head_);
      rotv.MustSync({"gc", "--keep-days", "0"});
      EXPECT_EQ(Seed(), head_);
      ExpectTidy();
    };
    FailCalls(disk_, Of({"gc", "--keep-days", "0"}, prepare, check), time);
    ExpectPullIsDump();
  }

  void RunSnapshots(std::chrono::milliseconds time) {
    head_ = Seed();
    const auto named = [this] { return rotv.MustSync({"snapshot", "list"}).find("named") != std::string::npos; };
    const auto check_created = [&](const Result& result) {
      EXPECT_EQ(Seed(), head_);
      if (result.ok()) {
        EXPECT_EQ(Seed({"--snapshot", "named"}), head_);
      }
      rotv.MustSync({"snapshot", "create", "named"});
      EXPECT_EQ(Seed({"--snapshot", "named"}), head_);
      rotv.MustSync({"snapshot", "delete", "named"});
      ExpectTidy();
    };
    FailCalls(disk_,
              Of(
                  {"snapshot", "create", "named"}, [] {}, check_created),
              time / 3);
    const auto check_deleted = [&](const Result& result) {
      EXPECT_TRUE(!result.ok() || !named());
      if (named()) rotv.MustSync({"snapshot", "delete", "named"});
      EXPECT_EQ(Seed(), head_);
      rotv.MustSync({"status"});  // It removes what the command could not.
      ExpectTidy();
    };
    FailCalls(disk_,
              Of(
                  {"snapshot", "delete", "named"},
                  [this] {
                    rotv.MustSync({"snapshot", "create", "named"});
                  },
                  check_deleted),
              time / 3);
    // The last snapshot of a store that is kept for it.
    const auto prepare_kept = [&] {
      rotv.MustSync({"snapshot", "create", "named"});
      rotv.MustSync({"baseline", "--force"});
    };
    FailCalls(disk_, Of({"snapshot", "delete", "named"}, prepare_kept, check_deleted), time / 3);
    ExpectPullIsDump();
  }

  void RunTransfer(std::chrono::milliseconds time) {
    const fs::path file = rotv.home() / "here.rotv";
    const fs::path kept = rotv.home() / "kept.rotv";
    rotv.MustSync({"snapshot", "export", "head", kept});
    const std::string head = Seed();
    const auto import = [this](const fs::path& from) {
      rotv.MustSync({"snapshot", "import", from, "--as", "copy"});
      rotv.MustSync({"--source", "copy", "materialize", "--restrict", "never", "--output", rotv.directory() / "c.sql"});
      EXPECT_THAT(UnexpectedFiles(rotv.home()), ::testing::IsEmpty());
      fs::remove_all(rotv.home() / "sources/copy");
      return ReadFile(rotv.directory() / "c.sql");
    };
    const auto check_exported = [&](const Result& result) {
      EXPECT_TRUE(!result.ok() || fs::exists(file));
      // What has the file's name is complete.
      if (fs::exists(file)) {
        EXPECT_EQ(import(file), head);
      }
      rotv.MustSync({"snapshot", "export", "head", file});
      EXPECT_EQ(import(file), head);
      fs::remove(file);
    };
    FailCalls(disk_,
              Of(
                  {"snapshot", "export", "head", file}, [] {}, check_exported),
              time / 2);
    FailCalls(
        disk_,
        Of(
            {"snapshot", "import", kept, "--as", "copy"}, [] {}, [&](const Result&) { EXPECT_EQ(import(kept), head); }),
        time / 2);
  }

  void RunMaterialize(std::chrono::milliseconds time) {
    for (const std::string compression : {"none", "zstd"}) {
      const fs::path file = rotv.home() / "seed";
      const std::vector<std::string> arguments = {"materialize", "--restrict", "never", "--compress",
                                                  compression,   "--output",   file};
      rotv.MustSync(arguments);
      const std::string complete = ReadFile(file);
      const auto check = [&](const Result& result) {
        const std::string now = ReadFile(file);
        EXPECT_TRUE(now == complete || (now == "old" && !result.ok()));
        rotv.MustSync(arguments);
        EXPECT_EQ(ReadFile(file), complete);
        EXPECT_THAT(UnexpectedFiles(rotv.home()), ::testing::IsEmpty());
      };
      FailCalls(disk_,
                Of(
                    arguments, [&] { WriteFile(file, "old"); }, check),
                time / 2);
    }
  }

  std::string head_;
};

class DetachFaultTest : public DiskFaultTest {
 protected:
  void Run(std::chrono::milliseconds time) {
    const auto prepare = [this] { rotv.MustSync({"baseline"}); };
    const auto check = [this](const Result& result) {
      if (!result.ok()) rotv.Sync({"detach"});
      EXPECT_THAT(rotv.LeftOnSource(), ::testing::IsEmpty());
      fs::remove_all(rotv.home());
    };
    FailCalls(disk_, Of({"detach"}, prepare, check), time);
  }
};

// The damage is found and mended by the run that nothing fails in, or by the next one.
class CheckFaultTest : public DiskFaultTest {
 protected:
  void Run(std::chrono::milliseconds time) {
    rotv.MustSync({"baseline"});
    const auto prepare = [this] { fs::remove(LargestFileOfRows()); };
    const auto check = [this](const Result&) {
      rotv.MustSync({"check", "--repair"});
      rotv.MustSync({"check", "--read-data"});
      // The damaged one is left beside the new one.
      const std::vector<fs::path> damaged = DamagedStores();
      EXPECT_THAT(damaged, ::testing::SizeIs(1));
      for (const fs::path& store : damaged) fs::remove_all(store);
      Change();
      ExpectPullIsDump();
    };
    FailCalls(disk_, Of({"check", "--repair"}, prepare, check), time);
  }

 private:
  std::vector<fs::path> DamagedStores() {
    std::vector<fs::path> stores;
    for (const auto& entry : fs::directory_iterator(rotv.home() / "sources/production")) {
      if (entry.path().filename().string().starts_with("damaged-")) stores.push_back(entry.path());
    }
    return stores;
  }
  fs::path LargestFileOfRows() {
    const fs::path store = rotv::StorePath(rotv.home(), "production", ReadCurrent(rotv.home(), "production").value());
    fs::path largest;
    for (const DataFile& file : RowStore::Open(store, RowStore::Mode::kReadOnly)->DataFiles()) {
      if (file.content != DataFile::Content::kRows) continue;
      if (largest.empty() || fs::file_size(store / file.name) > fs::file_size(largest)) largest = store / file.name;
    }
    return largest;
  }
};

class MigrationFaultTest : public MigrationTest {
 protected:
  void Run(std::chrono::milliseconds time) {
    const auto check = [this](const Result&) { ExpectItIsMigrated(); };
    FailCalls(disk_, {[this] { Unpack(); }, [this] { return Migrate(); }, check}, time);
  }
};

// A state with a number and no seal would be taken for damage.
TEST_F(MigrationFaultTest, AStoreWhoseFirstSealFailsStaysUsable) {
  for (const char* call : {"rename*/seal", "pwrite*/seal", "fdatasync*/seal"}) {
    Unpack();
    ExpectError(RunCommand(disk_.FailingLike(Migrate(), call, EIO)), {kDisk, "/seal: Input/output error", ""});
    ExpectTheSameSeeds({"head", "before"});
    ExpectItIsMigrated();
  }
}

// What the removal of the replaced store does wrong does not concern the new one.
TEST_F(BaselineFaultTest, AnOldStoreThatCannotBeDeletedIsToldAndDeletedLater) {
  rotv.MustSync({"baseline"});
  const std::string old = Stores(rotv).at(0);
  Change();
  const Command command =
      disk_.FailingLike(rotv.SyncCommand({"baseline", "--force"}), "unlinkat*/" + old + "/CURRENT", EACCES);
  const Result result = RunCommand(command);
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("an obsolete store cannot be removed"));
  EXPECT_NE(ReadCurrent(rotv.home(), "production").value().directory(), old);
  EXPECT_THAT(Stores(rotv), ::testing::SizeIs(2));
  EXPECT_THAT(rotv.LeftOnSource(), ::testing::SizeIs(2));
  rotv.MustSync({"status"});
  ExpectOneBaseline(rotv);
  ExpectPullIsDump();
}

TEST_F(BaselineFaultTest, AFailedSyncAfterTheRenameOfCurrentKeepsTheNewStore) {
  rotv.MustSync({"baseline"});
  const std::string old = Stores(rotv).at(0);
  Change();
  const Command command = disk_.FailingLike(rotv.SyncCommand({"baseline", "--force"}), "fsync*/sources/production", EIO,
                                            "rename*/sources/production/current");
  ExpectError(RunCommand(command), {kDisk, "cannot sync", "check this machine's disk"});
  const std::string now = ReadCurrent(rotv.home(), "production").value().directory();
  EXPECT_NE(now, old);
  EXPECT_THAT(Stores(rotv), ::testing::Contains(now));
  const std::string seed = Seed();
  rotv.MustSync({"status"});
  ExpectTidy();
  EXPECT_EQ(Seed(), seed);
  ExpectPullIsDump();
}

constexpr std::chrono::milliseconds kFaultSample{3000};

TEST_F(BaselineFaultTest, AFirstBaseline) { Run(kFaultSample); }
TEST_F(BaselineFaultTest, ABaselineThatReplacesOne) { RunForced(kFaultSample); }
TEST_F(PullFaultTest, APull) { Run(kFaultSample * 2); }
TEST_F(PullFaultTest, AMerge) { RunMerge(kFaultSample); }
TEST_F(PullFaultTest, ARepair) { RunRepair(kFaultSample); }
TEST_F(HistoryFaultTest, GarbageCollection) { RunGc(kFaultSample); }
TEST_F(HistoryFaultTest, Snapshots) { RunSnapshots(kFaultSample * 2); }
TEST_F(HistoryFaultTest, ExportAndImport) { RunTransfer(kFaultSample); }
TEST_F(HistoryFaultTest, ASeed) { RunMaterialize(kFaultSample); }
TEST_F(MigrationFaultTest, AStoreOfAnOlderFormat) { Run(kFaultSample); }
TEST_F(DetachFaultTest, ADetach) { Run(kFaultSample); }
TEST_F(CheckFaultTest, ARepairOfADamagedStore) { Run(kFaultSample); }

TEST_F(BaselineFaultTest, SoakAFirstBaseline) { Run(SoakTime()); }
TEST_F(BaselineFaultTest, SoakABaselineThatReplacesOne) { RunForced(SoakTime()); }
TEST_F(PullFaultTest, SoakAPull) { Run(SoakTime()); }
TEST_F(PullFaultTest, SoakAMerge) { RunMerge(SoakTime()); }
TEST_F(PullFaultTest, SoakARepair) { RunRepair(SoakTime()); }
TEST_F(HistoryFaultTest, SoakGarbageCollection) { RunGc(SoakTime()); }
TEST_F(HistoryFaultTest, SoakSnapshots) { RunSnapshots(SoakTime()); }
TEST_F(HistoryFaultTest, SoakExportAndImport) { RunTransfer(SoakTime()); }
TEST_F(HistoryFaultTest, SoakASeed) { RunMaterialize(SoakTime()); }
TEST_F(MigrationFaultTest, SoakAStoreOfAnOlderFormat) { Run(SoakTime()); }
TEST_F(DetachFaultTest, SoakADetach) { Run(SoakTime()); }
TEST_F(CheckFaultTest, SoakARepairOfADamagedStore) { Run(SoakTime()); }

}  // namespace
}  // namespace rotv::testing
