// Tables of which the rules keep only the rows that satisfy conditions.
//
// Labels: asan

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "storage/error.h"
#include "sync/mask/value_test.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RotvHomeOptions WhereOptions() {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  options.more_config = "[mask]\n";
  return options;
}

class MaskWhereTest : public FollowTest {
 protected:
  MaskWhereTest() : FollowTest(WhereOptions()) {}

  void SetRules(const std::string& rules) const {
    std::string text = ReadFile(rotv.config());
    WriteFile(rotv.config(), text.substr(0, text.find("[mask]")) + "[mask]\n" + rules);
  }
  std::string RowsOf(const std::string& table, const std::string& seed) const {
    const std::string text = ReadFile(rotv.Seed(seed));
    const size_t begin = text.find('\n', text.find("COPY public." + table + " (")) + 1;
    std::vector<std::string> rows;
    std::istringstream lines(text.substr(begin, text.find("\\.\n", begin) - begin));
    for (std::string line; std::getline(lines, line);) rows.push_back(line);
    std::sort(rows.begin(), rows.end());
    return fmt::format("{}", fmt::join(rows, "\n"));
  }
  // Returns the same from the source.
  std::string Wanted(const std::string& select) {
    std::vector<std::string> rows;
    for (const Row& row : rotv.server().Query(select, kSuperuser)) rows.push_back(*row[0]);
    std::sort(rows.begin(), rows.end());
    return fmt::format("{}", fmt::join(rows, "\n"));
  }
  void ExpectStreamedIsCopied() {
    const std::string streamed = ReadFile(rotv.Seed("streamed.sql"));
    rotv.MustSync({"baseline", "--force"});
    EXPECT_TRUE(DumpsAreEqual({"what was streamed", streamed}, {"what was copied", ReadFile(rotv.Seed("copied.sql"))}));
  }
};

TEST_F(MaskWhereTest, ConditionsMatchTheServersEvaluation) {
  struct Values {
    const char* type;
    const char* base;  // pg_type's name.
    std::vector<std::string> values;
    bool ordered = true;
  };
  const std::vector<Values> all = {
      {"integer", "int4", {"-2147483648", "-1", "0", "7", "10", "2147483647"}},
      {"bigint", "int8", {"-9223372036854775808", "9", "10", "9223372036854775807"}},
      {"numeric",
       "numeric",
       {"-Infinity", "-100.5", "-12.50", "-12.5", "-0.5", "0", "0.00", "0.05", "0.5", "1", "1.10", "1.1", "9.99", "10",
        "100000000000000000000000000000000000000000.1", "Infinity", "NaN"}},
      {"double precision", "float8", {"-Infinity", "-1.5", "0", "-0", "1e-300", "2.5", "1e300", "Infinity", "NaN"}},
      {"real", "float4", {"-1.5", "0.1", "2.5"}},
      {"date",
       "date",
       {"-infinity", "4713-01-01 BC", "0044-03-15 BC", "0001-01-01", "1969-12-31", "1970-01-01", "2026-11-28",
        "10000-01-01", "5874897-12-31", "infinity"}},
      {"timestamp",
       "timestamp",
       {"-infinity", "0044-03-15 12:00:00 BC", "1969-12-31 23:59:59.999999", "1970-01-01 00:00:00",
        "2026-11-28 01:02:03.5", "2026-11-28 01:02:03.45", "2026-11-28 01:02:03.050001", "294276-12-31 23:59:59"}},
      {"timestamptz", "timestamptz", {"2026-11-28 01:02:03+00", "2026-11-28 01:02:03.5+00", "infinity"}},
      {"text", "text", {"", "a", "A", "it''s", "ä"}, false},
      {"char(4)", "bpchar", {"a", "a  ", "abcd"}, false},
      {"boolean", "bool", {"t", "f"}, false},
      {"uuid", "uuid", {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, false},
      {"inet", "inet", {"10.0.0.1", "10.0.0.0/8"}, false},
  };
  Connection connection = rotv.server().NewConnection();
  connection.Exec("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET standard_conforming_strings = on");
  for (const Values& values : all) {
    for (const std::string& bound : values.values) {
      for (const char* comparison : {"=", "<>", "<", "<=", ">", ">="}) {
        if (!values.ordered && comparison[0] != '=' && std::string(comparison) != "<>") continue;
        const std::string text = fmt::format("\"a \"\"column\" {} '{}'", comparison, bound);
        SCOPED_TRACE(text + " of " + values.type);
        const std::optional<RowCondition> condition = ParseRowCondition(text);
        ASSERT_TRUE(condition);
        EXPECT_EQ(condition->column, "a \"column");
        const auto test = mask::MakeValueTest(*condition, values.base);
        for (const std::string& value : values.values) {
          const Row row = connection
                              .Query(fmt::format("SELECT '{0}'::{1}, '{0}'::{1} {2} '{3}'::{1}", value, values.type,
                                                 comparison, bound))
                              .at(0);
          EXPECT_EQ(test->Holds(*row[0]), row[1] == "t") << *row[0];
        }
      }
    }
  }
}

TEST_F(MaskWhereTest, InvalidConditionsAreReported) {
  for (const char* text : {"", "a", "a =", "= 5", "a ~ 5", "a = 'x", "a = 'x' y", "a is", "\"a = 5", "a is not"}) {
    EXPECT_FALSE(ParseRowCondition(text)) << text;
  }
  for (const auto& [text, type] : {std::pair{"a > x", "int4"},
                                   {"a > 2026-13-01", "date"},
                                   {"a > 2026-01-01 25:00", "timestamp"},
                                   {"a > 5", "text"},
                                   {"a = maybe", "bool"},
                                   {"a > 1.", "float4x"}}) {
    EXPECT_THROW(mask::MakeValueTest(*ParseRowCondition(text), type), Error) << text;
  }
}

TEST_F(MaskWhereTest, RowsAppearAndDisappearAsTheyChange) {
  Exec(
      "CREATE TABLE events (id int PRIMARY KEY, at date, kind text, big text, mail text);"
      "ALTER TABLE events ALTER big SET STORAGE EXTERNAL;"
      "INSERT INTO events SELECT n, date '2026-01-01' + n, CASE n % 3 WHEN 0 THEN 'draft' END, repeat('b', 5000), "
      "'planted' || n FROM generate_series(1, 200) n;"
      "CREATE TABLE lines (n int, v text); ALTER TABLE lines REPLICA IDENTITY FULL;"
      "INSERT INTO lines SELECT n % 10, 'v' FROM generate_series(1, 100) n");
  SetRules(
      "\"public.events\" = { rule = \"where\", all = [\"at >= 2026-03-01\", \"kind is null\"] }\n"
      "\"public.events.mail\" = \"email\"\n"
      "\"public.lines\" = { rule = \"where\", all = [\"n > 4\"] }\n");
  rotv.MustSync({"baseline"});
  const std::string events =
      "SELECT id || E'\\t' || at || E'\\t\\\\N\\t' || big FROM events WHERE at >= '2026-03-01' "
      "AND kind IS NULL";
  const std::string lines = "SELECT n || E'\\t' || v FROM lines WHERE n > 4";
  auto without_mail = [&] {
    std::string rows = RowsOf("events", "seed.sql"), all;
    std::istringstream in(rows);
    for (std::string line; std::getline(in, line);) all += (all.empty() ? "" : "\n") + line.substr(0, line.rfind('\t'));
    return all;
  };
  auto expect_as_wanted = [&] {
    EXPECT_EQ(without_mail(), Wanted(events));
    EXPECT_EQ(RowsOf("lines", "seed.sql"), Wanted(lines));
    EXPECT_THAT(ReadFile(rotv.Seed()), Not(HasSubstr("planted")));
  };
  expect_as_wanted();

  // Rows begin and cease to satisfy it, and their large values are not sent: a row that newly satisfies it causes a
  // resync.
  Exec("UPDATE events SET kind = 'draft' WHERE id % 5 = 0");
  nlohmann::json pulled = nlohmann::json::parse(rotv.MustSync({"--json", "pull"}));
  EXPECT_EQ(pulled["copied"].size(), 0U) << "rows only leave";
  expect_as_wanted();
  Exec("UPDATE events SET kind = NULL, at = at + 100 WHERE id % 7 = 0");
  pulled = nlohmann::json::parse(rotv.MustSync({"--json", "pull"}));
  EXPECT_EQ(pulled["copied"].size(), 1U);
  expect_as_wanted();

  // Without unsent large values, there is no resync.
  Exec(
      "UPDATE events SET big = 'small'; INSERT INTO events SELECT n, '2026-05-05', NULL, 'new', 'planted' FROM "
      "generate_series(301, 400) n");
  rotv.MustSync({"pull"});
  Exec(
      "UPDATE events SET at = at - 80 WHERE id % 4 = 0; UPDATE events SET at = at + 200 WHERE id % 6 = 0;"
      "UPDATE events SET id = id + 1000 WHERE id % 9 = 0; DELETE FROM events WHERE id % 11 = 0;"
      "UPDATE events SET id = id + 2000, kind = 'gone' WHERE id % 13 = 0;"
      "UPDATE events SET id = id + 3000, kind = NULL, at = 'infinity' WHERE id % 17 = 0;"
      "BEGIN; UPDATE events SET kind = 'x'; UPDATE events SET kind = NULL WHERE id % 2 = 0; DELETE FROM events WHERE "
      "id "
      "% 10 = 0; INSERT INTO events SELECT n, NULL, NULL, 'again' FROM generate_series(10, 20, 10) n; COMMIT;"
      "UPDATE lines SET n = n + 1; DELETE FROM lines WHERE n = 3; UPDATE lines SET v = 'v' WHERE n = 7;"
      "INSERT INTO lines VALUES (5, 'x'), (4, 'x')");
  pulled = nlohmann::json::parse(rotv.MustSync({"--json", "pull"}));
  EXPECT_EQ(pulled["copied"].size(), 0U);
  expect_as_wanted();
  ExpectStreamedIsCopied();
  EXPECT_EQ(rotv.Sync({"mask", "check"}).exit_status, 0);
}

// Rows are inserted, updated and deleted at random, and keys move.
TEST_F(MaskWhereTest, ARandomLoadIsFollowed) {
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, n numeric, b bool, v text);"
      "CREATE TABLE f (id int, n numeric, b bool, v text); ALTER TABLE f REPLICA IDENTITY FULL;"
      "INSERT INTO t SELECT i, i % 20, i % 3 = 0, 'v' FROM generate_series(1, 300) i; INSERT INTO f SELECT * FROM t");
  SetRules(
      "\"public.t\" = { rule = \"where\", all = [\"n >= 5.5\", \"b <> true\"] }\n"
      "\"public.f\" = { rule = \"where\", all = [\"n < 10\", \"b is not null\"] }\n"
      "\"public.*.v\" = \"text\"\n");
  rotv.MustSync({"baseline"});
  std::mt19937 dice(20261128);
  auto any = [&](int below) { return static_cast<int>(dice() % static_cast<unsigned>(below)); };
  int number = 300, moves = 0;
  for (int round = 0; round < 6; ++round) {
    Connection connection = rotv.server().NewConnection();
    for (int i = 0; i < 60; ++i) {
      const char* table = any(2) == 0 ? "t" : "f";
      const std::string where = fmt::format(" WHERE id % {} = {}", 3 + any(20), any(3));
      if (i % 7 == 0) connection.Exec(any(5) == 0 ? "BEGIN; SAVEPOINT s" : "BEGIN");
      switch (any(5)) {
        case 0:
          connection.Exec(fmt::format("INSERT INTO {} VALUES ({}, {}, {}, 'new')", table, ++number, any(20),
                                      any(3) == 0 ? "NULL" : "false"));
          break;
        case 1:
          connection.Exec(fmt::format("UPDATE {} SET n = n + {}{}", table, any(9) - 4, where));
          break;
        case 2:
          connection.Exec(fmt::format("UPDATE {} SET b = NOT b, v = v || 'x'{}", table, where));
          break;
        case 3:
          // Keys move to a range of their own; the remainder keeps the old key.
          connection.Exec(fmt::format("UPDATE {} SET id = {} + id % 1000000, b = {}{}", table, ++moves * 1'000'000,
                                      any(2) == 0, where));
          break;
        default:
          if (any(3) == 0) connection.Exec(fmt::format("DELETE FROM {}{}", table, where));
      }
      if (i % 7 == 6) connection.Exec("COMMIT");
    }
    connection.Exec("COMMIT");
    rotv.MustSync({"pull"});
    for (const auto& [table, condition] :
         {std::pair{"t", "n >= 5.5 AND b <> true"}, {"f", "n < 10 AND b IS NOT NULL"}}) {
      std::istringstream rows(RowsOf(table, "seed.sql"));
      EXPECT_EQ(std::count(std::istreambuf_iterator<char>(rows), {}, '\n') + 1,
                std::stoll(rotv.server().Value(
                    fmt::format("SELECT greatest(count(*), 1) FROM {} WHERE {}", table, condition))));
    }
  }
  ExpectStreamedIsCopied();
}

TEST_F(MaskWhereTest, ChangedConditionsResyncTheTableAndInvalidOnesAreRefused) {
  Exec(
      "CREATE TABLE a (id int PRIMARY KEY, n int, s text, twice int GENERATED ALWAYS AS (n * 2) STORED);"
      "INSERT INTO a SELECT n, n, 's' FROM generate_series(1, 10) n;"
      "CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a)");
  auto refused = [&](const std::string& rule) {
    SetRules("\"public.a\" = { rule = \"where\", all = [\"" + rule + "\"] }\n");
    const Result result = rotv.Sync({"baseline"});
    EXPECT_EQ(result.exit_status, 2) << rule;
    return result.err;
  };
  EXPECT_THAT(refused("nothing > 5"), HasSubstr("\"nothing > 5\" names no stored column of public.a"));
  EXPECT_THAT(refused("twice > 5"), HasSubstr("names no stored column of public.a"));
  EXPECT_THAT(refused("n > many"), HasSubstr("n: \"many\" is no int4"));
  EXPECT_THAT(refused("s > 5"), HasSubstr("s: a text is only compared by = and <>"));
  EXPECT_THAT(refused("n > 5"),
              HasSubstr("public.b (a_id) references public.a, of which a masking rule keeps the rows of a condition"));
  EXPECT_THAT(refused("n ~ 5"), HasSubstr("\"n ~ 5\" is not a condition"));

  Exec("DROP TABLE b");
  SetRules("\"public.a\" = { rule = \"where\", all = [\"n > 5\"] }\n");
  rotv.MustSync({"baseline"});
  EXPECT_EQ(RowsOf("a", "seed.sql"), Wanted("SELECT id || E'\\t' || n || E'\\t' || s FROM a WHERE n > 5"));
  SetRules("\"public.a\" = { rule = \"where\", all = [\"n > 8\"] }\n");
  EXPECT_THAT(rotv.MustSync({"pull"}), HasSubstr("Resynced (2 rows): public.a."));
  EXPECT_EQ(RowsOf("a", "seed.sql"), Wanted("SELECT id || E'\\t' || n || E'\\t' || s FROM a WHERE n > 8"));

  // The condition's column is added after the rows, and dropped again.
  Exec("ALTER TABLE a ADD later int DEFAULT 3; UPDATE a SET later = 4 WHERE id = 10; INSERT INTO a VALUES (11, 11)");
  SetRules("\"public.a\" = { rule = \"where\", all = [\"later = 3\"] }\n");
  rotv.MustSync({"pull"});
  EXPECT_EQ(RowsOf("a", "seed.sql"), Wanted("SELECT id || E'\\t' || n || E'\\t' || coalesce(s, E'\\\\N') || E'\\t' || "
                                            "later FROM a WHERE later = 3"));
  Exec("ALTER TABLE a DROP later");
  EXPECT_THAT(rotv.Sync({"pull"}).err, HasSubstr("names no stored column of public.a"));
}

}  // namespace
}  // namespace rotv::testing
