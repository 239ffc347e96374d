// Base of the tests of the history: real dumps of the source at many moments are compared with the store's seeds later.

#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {

struct Moment {
  std::string lsn;
  std::string dump;
};

// Kills commands at random moments of the time that such a command takes.
class RandomKills {
 public:
  explicit RandomKills(std::chrono::milliseconds whole) : whole_(whole), random_(number_) {}

  // Returns a description for a failure message.
  std::string Kill(const Command& command) {
    const std::chrono::milliseconds moment(random_() % static_cast<unsigned>(whole_.count() + 1));
    Process process(command);
    process.WaitFor(moment);
    process.Signal(SIGKILL);
    process.Wait();
    return command.argv[0] + " killed after " + std::to_string(moment.count()) + " ms, random number " +
           std::to_string(number_);
  }

 private:
  std::chrono::milliseconds whole_;
  const unsigned number_ = std::random_device()();
  std::mt19937 random_;
};

// Measures how long `action` takes, for RandomKills.
template <typename Action>
std::chrono::milliseconds TimeOf(Action action) {
  const auto began = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
}

inline RotvHomeOptions HistoryOptions() {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  return options;
}

class HistoryTest : public FollowTest {
 protected:
  HistoryTest() : FollowTest(HistoryOptions()) {
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;"
        "INSERT INTO t SELECT n, 'row ' || n, CASE WHEN n < 20 THEN repeat(md5(n::text), 200) END FROM "
        "generate_series(1, 500) n;"
        "CREATE TABLE bag (v text); ALTER TABLE bag REPLICA IDENTITY FULL;"
        "INSERT INTO bag SELECT 'line ' || n % 7 FROM generate_series(1, 50) n");
  }

  nlohmann::json Json(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "--json");
    return nlohmann::json::parse(rotv.MustSync(arguments));
  }
  std::string Head() const { return Json({"status", "--offline"}).at("head").at("lsn"); }

  // The present state of the source, which must be at rest until the return.
  Moment Now() { return {rotv.server().Value("SELECT pg_current_wal_insert_lsn()"), rotv.server().Dump()}; }
  Moment NowPulled() {
    rotv.MustSync({"pull"});
    return {Head(), rotv.server().Dump()};
  }

  // Moments of a workload with schema changes: some at the end of a pull, some between two. HasName() says which are
  // the snapshots moment-0, moment-1 and so on. At the end everything is pulled.
  std::vector<Moment> TwentyMoments() {
    rotv.MustSync({"baseline"});
    const std::vector<std::string> ddl = {
        "ALTER TABLE t ADD added int DEFAULT 7",
        "CREATE TABLE later (id int PRIMARY KEY, v text); INSERT INTO later SELECT n, 'x' FROM generate_series(1, 40) "
        "n",
        "ALTER TABLE t ALTER v TYPE varchar(300) USING v || '!'; CREATE INDEX t_v ON t (v)",
        "ALTER TABLE bag RENAME TO sack; ALTER TABLE sack ADD n int",
        "DROP TABLE later; CREATE VIEW seen AS SELECT id FROM t; ALTER TABLE t DROP added",
    };
    std::vector<Moment> moments;
    for (int i = 0; i < 20; ++i) {
      const std::string n = std::to_string(i);
      // The first of each four changes the schema, so that its point is the end of a pull; the others are in between.
      if (i % 4 == 0) {
        rotv.MustSync({"pull"});
        Exec(ddl.at(static_cast<size_t>(i / 4)));
      }
      const std::string bag = i >= 12 ? "sack" : "bag";
      Exec("UPDATE t SET v = 'at " + n + "' WHERE id % 20 = " + n + "; DELETE FROM t WHERE id = 100 + " + n +
           "; INSERT INTO t (id, v, big) VALUES (1000 + " + n + ", 'new', repeat('b', 9000)); UPDATE t SET id = -id " +
           "WHERE id = 200 + " + n + "; DELETE FROM " + bag + " WHERE ctid = (SELECT min(ctid) FROM " + bag +
           "); INSERT INTO " + bag + " (v) VALUES ('line 1'), ('line " + n + "')");
      if (i == 10) Exec("TRUNCATE " + bag + "; INSERT INTO " + bag + " (v) VALUES ('after')");
      moments.push_back(i % 4 == 0 ? NowPulled() : Now());
      if (i % 4 == 2) rotv.MustSync({"pull"});
      // Half of them get a name: some at once, some from the past.
      if (i % 4 == 0) rotv.MustSync({"snapshot", "create", "moment-" + n, "--at", moments.back().lsn});
    }
    rotv.MustSync({"pull"});
    for (int i = 1; i < 20; i += 4) {
      rotv.MustSync({"snapshot", "create", "moment-" + std::to_string(i), "--at", moments[static_cast<size_t>(i)].lsn});
    }
    return moments;
  }
  static bool HasName(size_t i) { return i % 4 < 2; }

  // Keeps a copy of the home directory, and restores it.
  void KeepHome() const { CopyTree(rotv.home(), rotv.directory() / "kept"); }
  void RestoreHome() const { CopyTree(rotv.directory() / "kept", rotv.home()); }

  std::string SeedText(const std::vector<std::string>& which) const { return ReadFile(rotv.Seed("at.sql", which)); }
  // Checks that the seed of a moment, named by an option of materialize, equals its dump.
  void ExpectDump(const Moment& moment, const std::vector<std::string>& which) const {
    EXPECT_TRUE(DumpsAreEqual({"the seed " + which.back(), SeedText(which)}, {"the dump", moment.dump}));
  }

 private:
  static void CopyTree(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
  }
};

}  // namespace rotv::testing
