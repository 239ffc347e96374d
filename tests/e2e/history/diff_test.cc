// Differences between two points, compared with those that SQL finds between two databases imported from their seeds.
//
// Labels: asan

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <set>

#include "tests/e2e/history/history_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The expected differences of one table.
struct Expected {
  std::set<std::string> added, removed, changed;  // Keys; for a table without one the rows, with their number.
};

class DiffTest : public HistoryTest {
 protected:
  DiffTest() {
    Exec(
        "CREATE TABLE named (name text PRIMARY KEY, n numeric, at timestamptz);"
        "INSERT INTO named SELECT E'na\\tme ' || n, n, '2026-01-31' FROM generate_series(1, 300) n;"
        "CREATE TABLE pairs (a int, b text, c jsonb, PRIMARY KEY (b, a));"
        "INSERT INTO pairs SELECT n, 'b' || n % 10, NULL FROM generate_series(1, 300) n;"
        "CREATE TABLE calm (id int PRIMARY KEY); INSERT INTO calm SELECT generate_series(1, 50)");
  }

  // Creates the databases `before` and `after` from the seeds of the two points.
  void Import(const std::string& before, const std::string& after) {
    for (const auto& [database, lsn] : {std::pair{std::string("before"), before}, {"after", after}}) {
      rotv.server().CreateDatabase(database);
      const Result psql = rotv.server().Psql(rotv.Seed("import.sql", {"--at", lsn}), {database, "postgres"});
      ASSERT_TRUE(psql.ok()) << psql.err;
    }
  }
  // Returns key and text of each row from SQL.
  std::multimap<std::string, std::string> RowsOf(const std::string& database, const std::string& key,
                                                 const std::string& row, const std::string& table) {
    std::multimap<std::string, std::string> rows;
    const std::string select = "SELECT " + key + ", " + row + " FROM " + table;
    for (const Row& found : rotv.server().Query(select, {database, "postgres"})) rows.emplace(*found[0], *found[1]);
    return rows;
  }
  Expected ExpectedOf(const std::string& table, const std::string& key, const std::string& row = "r::text") {
    Expected expected;
    const auto before = RowsOf("before", key, row, table + " r");
    const auto after = RowsOf("after", key, row, table + " r");
    std::set<std::string> keys;
    for (const auto* rows : {&before, &after}) {
      for (const auto& [k, text] : *rows) keys.insert(k);
    }
    for (const std::string& k : keys) {
      const size_t was = before.count(k), is = after.count(k);
      for (size_t i = is; i < was; ++i) expected.removed.insert(k + "#" + std::to_string(i));
      for (size_t i = was; i < is; ++i) expected.added.insert(k + "#" + std::to_string(i));
      if (was == 1 && is == 1 && before.find(k)->second != after.find(k)->second) expected.changed.insert(k);
    }
    return expected;
  }

  static nlohmann::json TableOf(const nlohmann::json& diff, const std::string& name) {
    for (const nlohmann::json& table : diff.at("tables")) {
      if (table.at("table") == name) return table;
    }
    return {{"added", 0}, {"removed", 0}, {"changed", 0}};
  }
  static void ExpectCounts(const nlohmann::json& diff, const std::string& name, const Expected& expected) {
    const nlohmann::json table = TableOf(diff, name);
    EXPECT_EQ(table.at("added"), expected.added.size()) << name;
    EXPECT_EQ(table.at("removed"), expected.removed.size()) << name;
    EXPECT_EQ(table.at("changed"), expected.changed.size()) << name;
  }
  // Returns the rows of --rows, each by one of its columns.
  static std::set<std::string> KeysOf(const nlohmann::json& diff, const std::string& table, const std::string& kind,
                                      const std::string& column) {
    std::set<std::string> keys;
    for (const nlohmann::json& row : diff.at("rows")) {
      if (row.at("table") != table || row.at("kind") != kind) continue;
      keys.insert(row.at(kind == "removed" ? "before" : "after").at(column).get<std::string>());
    }
    return keys;
  }
  void ExpectAll(const nlohmann::json& diff) {
    ExpectCounts(diff, "public.t", ExpectedOf("t", "id"));
    ExpectCounts(diff, "public.named", ExpectedOf("named", "name"));
    ExpectCounts(diff, "public.pairs", ExpectedOf("pairs", "(b, a)"));
    ExpectCounts(diff, "public.bag", ExpectedOf("bag", "r::text"));
    ExpectCounts(diff, "public.calm", ExpectedOf("calm", "id"));
  }
  void Change(int round = 0) {
    const std::string n = std::to_string(round);
    Exec(
        "UPDATE t SET v = 'changed' WHERE id % 7 = 0; UPDATE t SET v = v WHERE id % 11 = 0;"
        "UPDATE t SET v = 'to and fro' WHERE id = 3; UPDATE t SET v = 'row 3' WHERE id = 3;"
        "DELETE FROM t WHERE id BETWEEN 40 AND 60; INSERT INTO t (id, v) VALUES (50, 'came back'), (45, 'row 45'),"
        "(500" +
        n + ", 'new'), (6000, 'passing'); DELETE FROM t WHERE id = 6000; UPDATE t SET id = -id WHERE id = 7" + n +
        ";"
        "INSERT INTO named VALUES ('it''s \"new\"\\ " +
        n +
        "', NULL, NULL); DELETE FROM named WHERE n > 290;"
        "UPDATE named SET n = n + 1 WHERE n < 10; UPDATE pairs SET c = '{\"a\": [1]}' WHERE a < 20;"
        "UPDATE pairs SET b = 'c' WHERE a = 100; INSERT INTO bag VALUES ('line 1'), ('line 1'), ('other');"
        "DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag WHERE v = 'line 2' LIMIT 3)");
  }
};

TEST_F(DiffTest, CountsAndRowsMatchSql) {
  rotv.MustSync({"baseline"});
  Change();
  const Moment before = NowPulled();
  rotv.MustSync({"snapshot", "create", "before"});
  Change(1);
  Exec("UPDATE t SET v = 'last' WHERE id % 5 = 0; DELETE FROM named WHERE n < 5");
  const Moment after = NowPulled();
  Import(before.lsn, after.lsn);

  const nlohmann::json diff = Json({"snapshot", "diff", "before", "head", "--rows", "--limit", "100000"});
  EXPECT_EQ(diff.at("one_history"), true);
  ExpectAll(diff);
  EXPECT_EQ(KeysOf(diff, "public.t", "changed", "id"), ExpectedOf("t", "id").changed);
  EXPECT_EQ(KeysOf(diff, "public.named", "changed", "name"), ExpectedOf("named", "name").changed);
  EXPECT_EQ(KeysOf(diff, "public.t", "removed", "id").size(), ExpectedOf("t", "id").removed.size());
  EXPECT_EQ(TableOf(diff, "public.calm").at("changed"), 0);
  EXPECT_THAT(TableOf(diff, "public.t").at("changed_columns").dump(), HasSubstr("\"v\":"));
  EXPECT_EQ(diff.at("schema").size(), 0U);
  // The timeline has every change, including those that cancelled out.
  uint64_t transactions = 0;
  for (const nlohmann::json& step : diff.at("timeline")) transactions += step.at("transactions").get<uint64_t>();
  EXPECT_EQ(transactions, diff.at("transactions"));
  EXPECT_GT(transactions, 1U);

  // Exchanged points give exchanged differences, and no point differs from itself.
  const nlohmann::json back = Json({"snapshot", "diff", "head", "before"});
  for (const nlohmann::json& table : diff.at("tables")) {
    const nlohmann::json other = TableOf(back, table.at("table"));
    EXPECT_EQ(other.at("added"), table.at("removed"));
    EXPECT_EQ(other.at("removed"), table.at("added"));
    EXPECT_EQ(other.at("changed"), table.at("changed"));
  }
  EXPECT_EQ(Json({"snapshot", "diff", "head", "head"}).at("tables").size(), 0U);
  EXPECT_THAT(rotv.MustSync({"snapshot", "diff", "head", after.lsn}), HasSubstr("No row differs."));

  // One table with its rows, as text.
  const std::string text = rotv.MustSync({"snapshot", "diff", "before", "head", "--table", "t", "--rows"});
  EXPECT_THAT(text, HasSubstr("public.t"));
  EXPECT_THAT(text, HasSubstr("v=changed → last"));
  EXPECT_THAT(text, Not(HasSubstr("public.named")));
  EXPECT_THAT(rotv.MustSync({"snapshot", "diff", "before", "head", "--rows", "--limit", "1"}), HasSubstr("more rows"));
}

TEST_F(DiffTest, TruncatedAndResyncedTablesAreReadCompletely) {
  rotv.MustSync({"baseline"});
  const Moment before = NowPulled();
  Change();
  Exec(
      "CREATE TABLE t_copy AS TABLE t; TRUNCATE t; INSERT INTO t SELECT * FROM t_copy WHERE id % 3 > 0; DROP TABLE "
      "t_copy; ALTER TABLE pairs ALTER c TYPE text USING c::text || ' '; TRUNCATE bag; INSERT INTO bag VALUES "
      "('line 1'), ('line 1'), ('new')");
  const Moment after = NowPulled();
  Import(before.lsn, after.lsn);
  ExpectAll(Json({"snapshot", "diff", "baseline", "head"}));
}

TEST_F(DiffTest, SchemaChangesAreListed) {
  rotv.MustSync({"baseline"});
  Exec(
      "ALTER TABLE t ADD added int DEFAULT 7; UPDATE t SET added = 8 WHERE id = 5; ALTER TABLE named RENAME TO called;"
      "UPDATE called SET n = 0 WHERE n = 1; CREATE TABLE later (id int PRIMARY KEY); INSERT INTO later VALUES (1), (2);"
      "DROP TABLE calm; CREATE INDEX t_v ON t (v); ALTER TABLE bag ADD n int; INSERT INTO bag VALUES ('line 1', 5)");
  rotv.MustSync({"pull"});
  const nlohmann::json diff = Json({"snapshot", "diff", "baseline", "head", "--rows"});
  EXPECT_EQ(TableOf(diff, "public.t").at("changed"), 1);
  EXPECT_EQ(TableOf(diff, "public.t").at("changed_columns"), nlohmann::json({{"added", 1}}));
  EXPECT_EQ(TableOf(diff, "public.called").at("renamed_from"), "public.named");
  EXPECT_EQ(TableOf(diff, "public.called").at("changed"), 1);
  EXPECT_EQ(TableOf(diff, "public.later").at("state"), "new");
  EXPECT_EQ(TableOf(diff, "public.later").at("added"), 2);
  EXPECT_EQ(TableOf(diff, "public.calm").at("state"), "gone");
  EXPECT_EQ(TableOf(diff, "public.calm").at("removed"), 50);
  EXPECT_EQ(TableOf(diff, "public.bag").at("added"), 1);
  EXPECT_EQ(TableOf(diff, "public.bag").at("removed"), 0);
  std::map<std::string, std::string> objects;
  for (const nlohmann::json& change : diff.at("schema")) objects[change.at("object")] = change.at("kind");
  EXPECT_EQ(objects["TABLE public.t"], "changed");
  EXPECT_EQ(objects["TABLE public.later"], "added");
  EXPECT_EQ(objects["TABLE public.calm"], "removed");
  EXPECT_EQ(objects["INDEX public.t_v"], "added");
  EXPECT_EQ(objects["CONSTRAINT public.calm calm_pkey"], "removed");
  EXPECT_EQ(objects.count("TABLE public.pairs"), 0U);
}

TEST_F(DiffTest, TwoSourcesAreComparedByTableNames) {
  rotv.server().CreateDatabase("staging");
  std::ofstream(rotv.config(), std::ios::app)
      << "\n[sources.staging]\nurl = \""
      << "postgresql://rotv@127.0.0.1:" << rotv.server().port() << "/staging\"\n";
  const Result psql = [&] {
    rotv.MustSync({"--source", "production", "baseline"});
    return rotv.server().Psql(rotv.Seed("staging.sql"), {"staging", "postgres"});
  }();
  ASSERT_TRUE(psql.ok()) << psql.err;
  rotv.server().Exec(
      "ALTER TABLE t OWNER TO rotv; ALTER TABLE named OWNER TO rotv; ALTER TABLE pairs OWNER TO rotv;"
      "ALTER TABLE bag OWNER TO rotv; ALTER TABLE calm OWNER TO rotv;",
      {"staging", "postgres"});
  rotv.server().Exec(
      "UPDATE t SET v = 'staged' WHERE id < 10; DELETE FROM pairs WHERE a > 290; ALTER TABLE calm ADD "
      "later text; INSERT INTO calm VALUES (51, 'x'); INSERT INTO bag VALUES ('line 1')",
      {"staging", "postgres"});
  rotv.MustSync({"--source", "staging", "baseline"});
  const nlohmann::json diff = Json({"snapshot", "diff", "production:head", "staging:head"});
  EXPECT_EQ(diff.at("one_history"), false);
  EXPECT_EQ(TableOf(diff, "public.t").at("changed"), 9);
  EXPECT_EQ(TableOf(diff, "public.pairs").at("removed"), 10);
  EXPECT_EQ(TableOf(diff, "public.calm").at("added"), 1);
  EXPECT_EQ(TableOf(diff, "public.calm").at("changed"), 0);
  EXPECT_EQ(TableOf(diff, "public.bag").at("added"), 1);
  EXPECT_EQ(TableOf(diff, "public.named").at("changed"), 0);
  ASSERT_EQ(diff.at("schema").size(), 1U);
  EXPECT_EQ(diff.at("schema")[0].at("object"), "TABLE public.calm");
}

TEST_F(DiffTest, MissingPointsAndTablesAreReported) {
  rotv.MustSync({"baseline"});
  auto refused = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"snapshot", "diff"});
    const Result result = rotv.Sync(arguments);
    EXPECT_EQ(result.exit_status, 2) << result.out;
    return result.err;
  };
  EXPECT_THAT(refused({"head", "monday"}), HasSubstr("there is no snapshot named monday\nhint: there are head"));
  EXPECT_THAT(refused({"head", "FFFF/0"}), HasSubstr("hint: points exist from"));
  EXPECT_THAT(refused({"baseline", "head", "--table", "nowhere"}), HasSubstr("rows of a table nowhere"));
  refused({"head"});
}

}  // namespace
}  // namespace rotv::testing
