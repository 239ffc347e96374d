// What tests of the history do: real dumps of the source at many moments, against what the store makes of them later.

#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {

struct Moment {
  std::string lsn;
  std::string dump;
};

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

  // The source as it is now, where nothing happens until the return.
  Moment Now() { return {rotv.server().Value("SELECT pg_current_wal_insert_lsn()"), rotv.server().Dump()}; }
  Moment NowPulled() {
    rotv.MustSync({"pull"});
    return {Head(), rotv.server().Dump()};
  }

  std::string SeedText(const std::vector<std::string>& which) const { return ReadFile(rotv.Seed("at.sql", which)); }
  // What the store makes of a moment, named by an option of materialize, is its dump.
  void ExpectDump(const Moment& moment, const std::vector<std::string>& which) const {
    EXPECT_TRUE(DumpsAreEqual({"the seed " + which.back(), SeedText(which)}, {"the dump", moment.dump}));
  }
};

}  // namespace rotv::testing
