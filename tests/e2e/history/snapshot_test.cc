// Points of the history: by LSN, by time, by name; the oracle checks many of them.

#include <gmock/gmock.h>

#include <algorithm>
#include <regex>
#include <utility>

#include "tests/e2e/history/history_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

class SnapshotTest : public HistoryTest {
 protected:
  Result Refused(const std::vector<std::string>& arguments, int status = 2) const {
    Result result = rotv.Sync(arguments);
    EXPECT_EQ(result.exit_status, status) << result.out << result.err;
    return result;
  }
  // Counts the stores that are kept.
  size_t Stores() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(rotv.home() / "sources" / "production")) {
      if (entry.path().filename().native().starts_with("store-")) ++count;
    }
    return count;
  }
};

// Labels: slow
TEST_F(SnapshotTest, TwentyMomentsEqualTheirDumpsLater) {
  const std::vector<Moment> moments = TwentyMoments();
  for (size_t i = 0; i < moments.size(); ++i) {
    SCOPED_TRACE(i);
    ExpectDump(moments[i], {"--at", moments[i].lsn});
    if (HasName(i)) ExpectDump(moments[i], {"--snapshot", "moment-" + std::to_string(i)});
  }
  rotv.ExpectSeedIsDump();
}

TEST_F(SnapshotTest, NamesAreCreatedListedAndDeleted) {
  rotv.MustSync({"baseline"});
  EXPECT_THAT(rotv.MustSync({"snapshot", "list"}), HasSubstr("has no snapshots yet"));
  const Moment first = NowPulled();
  const nlohmann::json created = Json({"snapshot", "create", "first"});
  EXPECT_EQ(created.at("lsn"), first.lsn);
  EXPECT_EQ(created.at("rows"), 550);
  Exec("DELETE FROM t WHERE id > 100");
  rotv.MustSync({"pull"});
  rotv.MustSync({"snapshot", "create", "second.of_2-names"});
  // The same point again is no error; another point is.
  rotv.MustSync({"snapshot", "create", "first", "--at", first.lsn});
  EXPECT_THAT(Refused({"snapshot", "create", "first"}).err, HasSubstr("there is a snapshot first already"));

  const nlohmann::json list = Json({"snapshot", "list"}).at("snapshots");
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].at("name"), "first");
  EXPECT_EQ(list[1].at("name"), "second.of_2-names");
  EXPECT_EQ(list[1].at("rows"), 150);
  EXPECT_EQ(list[0].at("sole_bytes"), 0) << "the last days need the same rows";
  ExpectDump(first, {"--snapshot", "first"});

  rotv.MustSync({"snapshot", "delete", "first"});
  EXPECT_THAT(Refused({"snapshot", "delete", "first"}).err, HasSubstr("there is no snapshot named first"));
  EXPECT_THAT(Refused({"materialize", "--snapshot", "first"}).err, HasSubstr("hint: there are head, baseline, second"));
  ExpectDump(first, {"--at", first.lsn});  // Only the name is gone.
}

TEST_F(SnapshotTest, InvalidNamesAreRefused) {
  rotv.MustSync({"baseline"});
  for (const std::string name : {"", "head", "baseline", ".", "..", ".hidden", "a/b", "../up", "two words", "ümlaut"}) {
    Refused({"snapshot", "create", name});
    Refused({"snapshot", "delete", name});
  }
  Refused({"snapshot", "create", std::string(101, 'x')});
  rotv.MustSync({"snapshot", "create", std::string(100, 'x')});
  Refused({"snapshot", "create"});
  Refused({"snapshot"});
  Refused({"snapshot", "create", "x", "--at", ""});
  Refused({"snapshot", "create", "x", "--at", "FFFF/0"});
}

TEST_F(SnapshotTest, SnapshotsOutliveANewBaseline) {
  rotv.MustSync({"baseline"});
  const Moment old = NowPulled();
  rotv.MustSync({"snapshot", "create", "old"});
  rotv.MustSync({"snapshot", "create", "old-too"});
  Exec("DELETE FROM t WHERE id > 100");
  rotv.MustSync({"baseline", "--force"});
  rotv.MustSync({"snapshot", "create", "new"});
  ExpectDump(old, {"--snapshot", "old"});
  const nlohmann::json list = Json({"snapshot", "list"}).at("snapshots");
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].at("earlier_baseline"), true);
  EXPECT_EQ(list[2].at("earlier_baseline"), false);
  Refused({"snapshot", "create", "old"});
  rotv.MustSync({"pull"});
  rotv.MustSync({"baseline", "--force"});
  ExpectDump(old, {"--snapshot", "old-too"});

  EXPECT_EQ(Stores(), 3U);
  rotv.MustSync({"snapshot", "delete", "old"});
  EXPECT_EQ(Stores(), 3U);
  rotv.MustSync({"snapshot", "delete", "old-too"});
  EXPECT_EQ(Stores(), 2U);
  rotv.MustSync({"snapshot", "delete", "new"});
  EXPECT_EQ(Stores(), 1U);
  rotv.ExpectSeedIsDump();
}

TEST_F(SnapshotTest, AKilledDeletionIsAtomic) {
  Exec("INSERT INTO t SELECT n, md5(n::text) FROM generate_series(2000, 60000) n");
  rotv.MustSync({"baseline"});
  const Moment old = NowPulled();
  rotv.MustSync({"snapshot", "create", "old"});
  Exec("DELETE FROM t WHERE id > 100");
  // The whole store of the previous baseline is deleted with its last name.
  rotv.MustSync({"baseline", "--force"});
  const Moment now = NowPulled();
  KeepHome();
  RandomKills kills(TimeOf([&] { rotv.MustSync({"snapshot", "delete", "old"}); }));
  for (int round = 0; round < 8; ++round) {
    RestoreHome();
    SCOPED_TRACE(kills.Kill(rotv.SyncCommand({"snapshot", "delete", "old"})));
    ExpectDump(now, {"--snapshot", "head"});
    if (!Json({"snapshot", "list"}).at("snapshots").empty()) {
      ExpectDump(old, {"--snapshot", "old"});
      rotv.MustSync({"snapshot", "delete", "old"});
    }
    Refused({"materialize", "--snapshot", "old"});
    rotv.MustSync({"status"});  // Commands that only read remove nothing.
    EXPECT_EQ(Stores(), 1U);
  }
}

TEST_F(SnapshotTest, ATimeMeansTheLastCommitBeforeIt) {
  rotv.MustSync({"baseline"});
  Exec("UPDATE t SET v = 'first' WHERE id = 1");
  const Moment first = Now();
  const std::string between = rotv.server().Value("SELECT to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS.US')");
  Exec("UPDATE t SET v = 'second' WHERE id = 1");
  const Moment second = NowPulled();
  ExpectDump(first, {"--at", between + "Z"});
  ExpectDump(first, {"--at", between});
  EXPECT_THAT(Refused({"materialize", "--at", "2 hours ago"}).err, HasSubstr("hint: points exist from "));
  EXPECT_THAT(Refused({"materialize", "--at", "yesterday 18:00"}).err, HasSubstr("hint: points exist from "));
  EXPECT_THAT(Refused({"materialize", "--at", "soon"}).err, HasSubstr("\"2 hours ago\""));
  ExpectDump(second, {"--at", second.lsn});
}

TEST_F(SnapshotTest, AnLsnHasOneTimeInEveryCommand) {
  rotv.MustSync({"baseline"});
  std::vector<std::pair<std::string, std::string>> known;  // LSNs, and the time that each had when it was the head.
  for (int i = 0; i < 3; ++i) {
    Exec("UPDATE t SET v = 'time " + std::to_string(i) + "' WHERE id = 1");
    rotv.MustSync({"pull"});
    const nlohmann::json head = Json({"status", "--offline"}).at("head");
    known.emplace_back(head.at("lsn"), head.at("time"));
    const std::string name = "s" + std::to_string(i);
    EXPECT_EQ(Json({"snapshot", "create", name}).at("source_time"), head.at("time"));
  }
  const auto expect_times = [&] {
    const nlohmann::json list = Json({"snapshot", "list"}).at("snapshots");
    for (size_t i = 0; i < known.size(); ++i) {
      SCOPED_TRACE(i);
      const auto& [lsn, time] = known[i];
      const std::string name = "s" + std::to_string(i);
      EXPECT_EQ(list.at(i).at("source_time"), time);
      for (const std::string& point : {lsn, name, time}) {
        const nlohmann::json seed = Json({"materialize", "--at", point, "--output", rotv.directory() / "x.sql"});
        EXPECT_EQ(seed.at("source_time"), time) << point;
        EXPECT_EQ(seed.at("lsn"), lsn) << point;
      }
      const nlohmann::json diff = Json({"snapshot", "diff", lsn, name});
      EXPECT_EQ(diff.at("before").at("source_time"), time);
      EXPECT_EQ(diff.at("after").at("source_time"), time);
    }
  };
  expect_times();
  rotv.MustSync({"gc", "--keep-days", "0"});
  expect_times();
}

TEST_F(SnapshotTest, TimesThatHintsNameLeadWhereTheySay) {
  rotv.MustSync({"baseline"});
  Exec("UPDATE t SET v = 'before' WHERE id = 1");
  rotv.MustSync({"pull"});
  Exec("UPDATE t SET v = 'within' WHERE id = 1");
  const std::string within = rotv.server().Value("SELECT pg_current_wal_insert_lsn()");
  Exec("ALTER TABLE t ADD added int; UPDATE t SET v = 'after' WHERE id = 2");
  rotv.MustSync({"pull"});
  Exec("UPDATE t SET v = 'later' WHERE id = 1");
  rotv.MustSync({"pull"});
  for (const std::string& refused : {within, std::string("0/1"), std::string("2 hours ago")}) {
    const std::string err = Refused({"materialize", "--at", refused}).err;
    const std::regex form(R"(([0-9A-F]+/[0-9A-F]+) \(([^)]+)\))");
    int times = 0;
    const std::string hint = err.substr(err.find("hint: "));
    for (std::sregex_iterator match(hint.begin(), hint.end(), form), end; match != end; ++match, ++times) {
      const std::string there = SeedText({"--at", (*match)[1]});
      EXPECT_EQ(SeedText({"--at", (*match)[2]}), there) << hint;
    }
    EXPECT_EQ(times, 2) << err;
  }
}

TEST_F(SnapshotTest, APointIsWrittenInTheSameWaysEverywhere) {
  rotv.MustSync({"baseline"});
  const Moment before = NowPulled();
  rotv.MustSync({"snapshot", "create", "before"});
  Exec("UPDATE t SET v = 'after' WHERE id = 1");
  const Moment after = NowPulled();
  ExpectDump(before, {"--at", "before"});
  ExpectDump(before, {"--snapshot", before.lsn});
  ExpectDump(after, {"--at", "now"});
  ExpectDump(after, {"--snapshot", "now"});
  EXPECT_THAT(Refused({"materialize", "--at", "0s ago"}).err, HasSubstr("; a pull brings later ones"));
  EXPECT_EQ(Json({"snapshot", "create", "same", "--at", "before"}).at("lsn"), before.lsn);
  EXPECT_EQ(Json({"snapshot", "diff", "before", "now"}).at("transactions"), 1);
  const std::string file = rotv.directory() / "now.rotv";
  EXPECT_EQ(Json({"snapshot", "export", "now", file}).at("lsn"), after.lsn);
  EXPECT_EQ(Json({"log", "--since", "before"}).at("transactions").size(), 1U);
  EXPECT_THAT(Refused({"log", "--since", "nothing"}).err, HasSubstr("there is no snapshot named nothing"));
}

TEST_F(SnapshotTest, ANameThatCouldBeATimeIsRefused) {
  rotv.MustSync({"baseline"});
  for (const std::string name : {"2026-01-31", "now", "today", "yesterday"}) {
    EXPECT_THAT(Refused({"snapshot", "create", name}).err, HasSubstr("it is a time\nhint: choose another name"));
    EXPECT_THAT(Refused({"snapshot", "delete", name}).err, HasSubstr("there is no snapshot named"));
  }
  rotv.MustSync({"snapshot", "create", "day-2026-01-31"});
}

TEST_F(SnapshotTest, EachPointHasASeedOfItsOwn) {
  rotv.MustSync({"baseline"});
  rotv.MustSync({"snapshot", "create", "monday"});
  const std::string then = Head();
  Exec("UPDATE t SET v = 'later' WHERE id = 1");
  rotv.MustSync({"pull"});
  const auto written = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"materialize", "--restrict", "never"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return std::filesystem::path(std::string(Json(all).at("path")));
  };
  std::string lsn = then;
  std::replace(lsn.begin(), lsn.end(), '/', '-');
  EXPECT_EQ(written({}), rotv.home() / "seed-data.sql");
  EXPECT_EQ(written({"--snapshot", "monday"}), rotv.home() / "seed-data-monday.sql");
  EXPECT_EQ(written({"--at", then}), rotv.home() / ("seed-data+" + lsn + ".sql"));
  EXPECT_EQ(written({"--snapshot", "baseline", "--compress", "gzip"}), rotv.home() / "seed-data-baseline.sql.gz");
  EXPECT_EQ(written({"--at", "now"}).string().substr(0, (rotv.home() / "seed-data+").string().size()),
            (rotv.home() / "seed-data+").string());
  EXPECT_EQ(ReadFile(rotv.home() / "seed-data.sql"), SeedText({"--snapshot", "head"}));
  EXPECT_EQ(ReadFile(rotv.home() / "seed-data-monday.sql"), SeedText({"--snapshot", "monday"}));

  const std::string file = rotv.directory() / "x.sql";
  const std::string plain = ReadFile(written({"--output", file}));
  EXPECT_EQ(MustRun({.argv = {"zstd", "-dc", written({"--output", file + ".zst"})}}).out, plain);
  EXPECT_EQ(MustRun({.argv = {"gzip", "-dc", written({"--output", file + ".gz"})}}).out, plain);
  EXPECT_EQ(ReadFile(written({"--output", file + ".zst", "--compress", "none"})), plain);
}

}  // namespace
}  // namespace rotv::testing
