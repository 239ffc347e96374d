// The base of the tests in which the disk fails: a source, reached directly, and changes that must not be lost.

#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "storage/row_store.h"
#include "storage/workspace.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/verify/verify_fixture.h"
#include "tests/support/files/odd_disk.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {

// What a soak test may take.
inline std::chrono::milliseconds SoakTime() {
  const char* minutes = std::getenv("ROTV_SOAK_MINUTES");
  return std::chrono::minutes(minutes == nullptr ? 10 : std::atoi(minutes));
}

// Steps of the golden ratio spread over `calls` wherever they end; without a common divisor they take each once.
inline size_t StepOver(size_t calls) {
  auto step = static_cast<size_t>(0.618034 * static_cast<double>(calls)) + 1;
  while (std::gcd(step, calls) != 1) ++step;
  return step;
}

// Files that only a running command may have.
inline std::vector<std::string> UnexpectedFiles(const std::filesystem::path& directory) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (name.ends_with("tmp") || name == "unfinished") files.push_back(entry.path());
  }
  return files;
}

class DiskTest : public VerifyTest {
 protected:
  DiskTest() : VerifyTest(Direct()) {
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;"
        "INSERT INTO t SELECT n, 'row ' || n, CASE WHEN n < 20 THEN repeat(md5(n::text), 200) END "
        "FROM generate_series(1, 500) n;"
        "CREATE TABLE bag (v text); ALTER TABLE bag REPLICA IDENTITY FULL;"
        "INSERT INTO bag SELECT 'line ' || n % 7 FROM generate_series(1, 50) n");
  }

  static RotvHomeOptions Direct() {
    RotvHomeOptions options = FollowOptions();
    options.way = Way::kDirect;
    return options;
  }

  // Changes that cannot be applied twice; each fourth time the schema changes too.
  void Change() {
    const std::string n = std::to_string(++changes_);
    Exec("UPDATE t SET v = v || '.' WHERE id % 10 = " + n + " % 10; INSERT INTO t (id, v) VALUES (1000 + " + n +
         ", 'new'); DELETE FROM t WHERE id = " + n + "; INSERT INTO bag SELECT 'line ' || k % 7 FROM " +
         "generate_series(1, 10) k; DELETE FROM bag WHERE ctid IN (SELECT min(ctid) FROM bag GROUP BY v)");
    if (changes_ % 4 == 0) Exec("ALTER TABLE t ADD added_" + n + " int DEFAULT 7");
  }

  // So many runs that `compact` merges them. They hold nothing: deletions of a row that never was.
  void AddRuns() {
    Damage damage(rotv, "public.t");
    constexpr int kManyRuns = 36;  // The first ones go to deeper levels.
    for (int i = 0; i < kManyRuns; ++i) damage.Remove(IntegerKeyOf(-1));
  }

  // What the slot has confirmed is in the store.
  void ExpectNothingAcknowledgedIsMissing() {
    const std::optional<proto::CurrentStore> current = ReadCurrent(rotv.home(), "production");
    if (!current) return;
    const auto store = RowStore::Open(rotv::StorePath(rotv.home(), "production", *current), RowStore::Mode::kReadOnly);
    const std::string confirmed = rotv.server().Value(
        "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '" + store->manifest().slot() + "'",
        kSuperuser);
    EXPECT_LE(Lsn::Parse(confirmed).value(), store->state().durable_lsn()) << confirmed;
  }

  // After a command that has worked.
  void ExpectTidy() {
    ExpectOneBaseline(rotv);
    EXPECT_THAT(UnexpectedFiles(rotv.home()), ::testing::IsEmpty());
  }
  void ExpectPullIsDump() {
    ExpectNothingAcknowledgedIsMissing();
    PullIsDump();
    ExpectTidy();
  }

  std::string Seed(const std::vector<std::string>& arguments = {}) { return ReadFile(rotv.Seed("now.sql", arguments)); }

  OddDisk disk_{ROTV_ODD_DISK, rotv.home()};
  int changes_ = 0;
};

// A store that a program of format 2 wrote (tests/e2e/history/old_format_test.cc), which `snapshot create` brings to
// the present format.
class MigrationTest : public ::testing::Test {
 protected:
  Command Sync(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(),
                     {ROTV_SYNC_BINARY, "--home", home(), "--config", (directory_ / "rotv.toml").string()});
    return {.argv = arguments, .env = {{"HOME", directory_.path().string()}}, .unset_env = {"PG*"}};
  }
  Command Migrate() const { return Sync({"snapshot", "create", "later"}); }

  void Unpack() const {
    std::filesystem::remove_all(home());
    MustRun({.argv = {"tar", "-xzf", ROTV_SOURCE_DIR "/tests/e2e/history/store_of_format_2.tar.gz", "-C",
                      directory_.path().string()}});
  }
  // The seeds are those that the older program made of its points.
  void ExpectTheSameSeeds(const std::vector<std::string>& points) const {
    for (const std::string& name : points) {
      MustRun(Sync({"materialize", "--restrict", "never", "--snapshot", name, "--output", directory_ / "seed"}));
      EXPECT_EQ(ReadFile(directory_ / "seed"), ReadFile(directory_ / (name == "later" ? "head.sql" : name + ".sql")));
    }
  }
  void ExpectItIsMigrated() const {
    MustRun(Migrate());
    EXPECT_THAT(UnexpectedFiles(home()), ::testing::IsEmpty());
    ExpectTheSameSeeds({"head", "before", "later"});
  }
  std::filesystem::path home() const { return directory_ / "home"; }

  TempDir directory_;
  OddDisk disk_{ROTV_ODD_DISK, home()};
};

}  // namespace rotv::testing
