// Every column rule on every type, with the values at the type's ends: masked, passed, or refused by a sentence that
// names the column and the way out. What is accepted goes through a baseline, an update of every value, a pull and an
// import.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "storage/error.h"
#include "sync/context/mask_rule_table.h"
#include "sync/mask/fit.h"
#include "sync/mask/mask_plan.h"
#include "sync/mask/read_mask_facts.h"
#include "sync/mask/secret.h"
#include "sync/postgres/catalog.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/integration/direct_source.h"
#include "tests/support/no_progress.h"
#include "tests/support/random/mask_values.h"

namespace rotv::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

struct ExtremeType {
  std::string name;                       // In SQL.
  std::string base;                       // In pg_type, domains resolved.
  std::vector<std::string> values;        // The first one serves as a constant.
  std::vector<std::string> misfits = {};  // Rules that take the type, and not this column.
};

std::string RepeatedText(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

const std::vector<std::string> kExtremeTexts = {"x",          "",
                                                " ",          "A",
                                                "ß",          "İıſς",
                                                "漢字 ABC 7", "a\\b\tc\nd",
                                                "\\N",        "\\.",
                                                "e\u0301",    "👩‍👧 Anna",
                                                "\u200b",     std::string(200, '9')};

std::vector<ExtremeType> ExtremeTypes() {
  std::vector<std::string> texts = kExtremeTexts;
  texts.push_back(RepeatedText("Анна Müller 4711, ", 60'000));
  std::vector<std::string> fitting = kExtremeTexts;
  for (const size_t length : {1U, 70U}) fitting.push_back(RepeatedText("Ж", length));
  fitting.erase(std::find(fitting.begin(), fitting.end(), std::string(200, '9')));
  const std::vector<std::string> few = {"x", "", "Ж", "é7", "     ", "abcde", "漢字漢字漢"};
  const std::vector<std::string> names = {"name", "first_name", "last_name", "address"};
  std::vector<std::string> too_long = {"email", "ip", "url", "uuid", "hash"};
  too_long.insert(too_long.end(), names.begin(), names.end());
  const std::vector<std::string> numerics = {"0",
                                             "NaN",
                                             "Infinity",
                                             "-Infinity",
                                             "-0.00",
                                             std::string(131'072, '9'),
                                             "-" + std::string(131'072, '9') + "." + std::string(16'383, '3'),
                                             "0." + std::string(16'382, '0') + "1",
                                             "0.0000000000000000000033333333333333333333",
                                             "1" + std::string(37, '0')};
  const std::vector<std::string> days = {"2024-02-29", "4714-11-24 BC", "4713-01-01 BC", "0001-12-31 BC",
                                         "0001-01-01", "5874897-12-31", "infinity",      "-infinity"};
  const std::vector<std::string> moments = {"2024-02-29 23:59:59.999999",
                                            "4714-11-24 00:00 BC",
                                            "0044-03-15 12:00:00.5 BC",
                                            "294276-12-31 23:59:59.999999",
                                            "infinity",
                                            "-infinity"};
  return {
      {"text", "text", texts},
      {"varchar", "varchar", texts},
      {"varchar(70)", "varchar", fitting},
      {"varchar(5)", "varchar", few, too_long},
      {"char(70)", "bpchar", fitting},
      {"char(5)", "bpchar", few, too_long},
      {"bpchar", "bpchar", texts},
      {"citext", "citext", texts},
      {"name", "name", {"x", "", RepeatedText("é", 31), "漢字", std::string(63, '-')}},
      {"\"char\"", "char", {"x", "", "\\377"}},
      {"bytea", "bytea", {"\\x00", "\\x", "\\xff5c6e", "\\x" + std::string(200'000, 'f')}},
      {"bool", "bool", {"t", "f"}},
      {"int2", "int2", {"0", "-1", "32767", "-32768"}},
      {"int4", "int4", {"0", "-1", "2147483647", "-2147483648"}},
      {"int8", "int8", {"0", "-1", "9223372036854775807", "-9223372036854775808"}},
      {"oid", "oid", {"0", "4294967295"}},
      {"numeric", "numeric", numerics},
      {"numeric(10,2)", "numeric", {"0", "-0.01", "99999999.99", "-99999999.99", "NaN"}},
      {"numeric(1000,500)",
       "numeric",
       {"0", std::string(500, '9') + "." + std::string(500, '9'), "-0." + std::string(499, '0') + "1"}},
      {"numeric(3,5)", "numeric", {"0", "0.00999", "-0.00001"}},
      {"numeric(5,-2)", "numeric", {"0", "9999900", "-100"}, {"number"}},
      {"float4",
       "float4",
       {"0", "-0", "3.4028235e38", "-3.4028235e38", "1e-45", "1.1754942e-38", "NaN", "Infinity", "-Infinity"}},
      {"float8",
       "float8",
       {"0", "-0", "1.7976931348623157e308", "-1.7976931348623157e308", "5e-324", "2.2250738585072011e-308", "NaN",
        "-Infinity"}},
      {"money", "money", {"0", "92233720368547758.07", "-92233720368547758.08"}},
      {"date", "date", days},
      {"time", "time", {"00:00", "24:00:00", "23:59:59.999999"}},
      {"timetz", "timetz", {"00:00+00", "24:00:00-15:59:59", "00:00:00+15:59:59"}},
      {"timestamp", "timestamp", moments},
      {"timestamp(0)",
       "timestamp",
       {"2024-02-29 23:59:59", "4714-11-24 00:00 BC", "294276-12-31 23:59:59", "infinity"}},
      {"timestamptz",
       "timestamptz",
       {"2024-02-29 00:00+14", "4714-11-24 00:00+00 BC", "294276-12-31 23:59:59.999999+00", "-infinity"}},
      {"interval", "interval", {"0", "178000000 years", "-178000000 years", "2147483647 days", "-00:00:00.000001"}},
      {"interval year to month", "interval", {"0", "-178956970 years -8 months"}},
      {"uuid", "uuid", {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"}},
      {"inet",
       "inet",
       {"0.0.0.0", "0.0.0.0/0", "255.255.255.255/1", "::", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127",
        "::ffff:1.2.3.4"}},
      {"cidr", "cidr", {"0.0.0.0/0", "255.255.255.255/32", "::/0", "ffff::1/128", "fe80::/10"}},
      {"macaddr", "macaddr", {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}},
      {"macaddr8", "macaddr8", {"00:00:00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff:ff:ff"}},
      {"bit(3)", "bit", {"000", "111"}},
      {"bit varying(5)", "varbit", {"0", "", "11111"}},
      {"bit varying", "varbit", {"1", "", std::string(10'000, '1')}},
      {"json",
       "json",
       {"{}", "null", "[1, 1e300, -0, \"x\"]", "{\"a\": \"Anna\", \"a\": 1}",
        RepeatedText("[", 500) + RepeatedText("]", 500), "\"\\u00e9\""}},
      {"jsonb",
       "jsonb",
       {"{}", "null", "[1, 1e300, -0.00, \"x\"]", "{\"a\": {\"a\": \"x\"}, \"b\": 1.50}", std::string(2000, '9')}},
      {"jsonpath", "jsonpath", {"$", "$.\"a b\"[*] ? (@ > 1)"}},
      {"xml", "xml", {"<a/>", "", "<a>&#233;</a>", "text only"}},
      {"point", "point", {"(0,0)", "(1e308,-1e308)", "(NaN,Infinity)"}},
      {"path", "path", {"[(0,0),(1,1)]", "((0,0))"}},
      {"circle", "circle", {"<(0,0),0>", "<(1e300,1),1e300>"}},
      {"tsvector", "tsvector", {"'a'", "", "'a':1A,16383 'b c':2"}},
      {"tsquery", "tsquery", {"'a'", "", "'a' & !'b' <-> 'c':*A"}},
      {"int4range", "int4range", {"empty", "(,)", "[-2147483648,2147483647)"}},
      {"numrange", "numrange", {"empty", "[-Infinity,Infinity]", "(0.1,]"}},
      {"tstzrange", "tstzrange", {"empty", "[-infinity,infinity]", "[\"4714-11-24 00:00:00+00 BC\",)"}},
      {"int8multirange", "int8multirange", {"{}", "{(,)}", "{[1,3),[5,9223372036854775807)}"}},
      {"text[]", "_text", {"{}", "{NULL,\"NULL\",\"\",\"a\\\\\\\"b,{}\"}", "{{a,b},{c,d}}", "[-2:-1]={x,y}"}},
      {"varchar(5)[]", "_varchar", {"{}", "{abcde,NULL}"}},
      {"numeric[]", "_numeric", {"{}", "{NaN,-Infinity,1e100}"}},
      {"date[]", "_date", {"{infinity}", "{\"4714-11-24 BC\",5874897-12-31}"}},
      {"mood", "mood", {"glad", "sad"}},
      {"word", "text", {"x", "", "漢字", "a@b.c"}},
      {"few", "varchar", few, too_long},
      {"cents", "int4", {"0", "-2147483648", "2147483647"}},
      {"price", "numeric", {"0", "9999.99", "-9999.99"}},
      {"born", "date", {"2000-02-29", "4714-11-24 BC", "infinity"}},
      {"words", "_text", {"{}", "{\"\"}"}},
      {"pair", "pair", {"(1,x)", "(,)", "(-2147483648,\"a\"\"b,\")"}},
      {"pg_lsn", "pg_lsn", {"0/0", "FFFFFFFF/FFFFFFFF"}},
      {"xid8", "xid8", {"0", "18446744073709551615"}},
  };
}

RotvHomeOptions TypesOptions() {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  return options;
}

std::vector<MaskRule> ColumnRules(const ExtremeType& type, const std::string& table) {
  std::vector<MaskRule> rules;
  for (const MaskRuleRow& row : MaskRuleTable()) {
    if (row.what == MaskRuleRow::For::kTables || row.kind == MaskKind::kKeep) continue;
    MaskRule rule = SuggestedRule(row.kind);
    if (row.Takes("value")) rule.value = type.values.front();
    if (row.kind == MaskKind::kJson) {
      rule.paths = {{"$..a", SuggestedRule(MaskKind::kText)}, {"$..b", SuggestedRule(MaskKind::kNumber)}};
    }
    rule.parts = {"public", table, rule.name};
    rule.pattern = fmt::format("public.{}.{}", table, rule.name);
    rules.push_back(std::move(rule));
  }
  return rules;
}

class MaskTypesTest : public FollowTest {
 protected:
  MaskTypesTest() : FollowTest(TypesOptions()) {
    ExecAsSuperuser(
        "CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE DOMAIN word AS text; CREATE DOMAIN "
        "few "
        "AS varchar(5); CREATE DOMAIN cents AS int4; CREATE DOMAIN price AS numeric(6,2); CREATE DOMAIN born AS date; "
        "CREATE DOMAIN words AS text[]; CREATE TYPE pair AS (n int, t text)");
  }

  static std::string TableOf(size_t type) { return fmt::format("t{}", type); }

  // A table for each type: a column for each rule, and one without, with all values in all of them.
  void Create() {
    for (size_t i = 0; i < types_.size(); ++i) {
      const ExtremeType& type = types_[i];
      std::string columns = fmt::format("id int PRIMARY KEY, plain {}", type.name), same = "v";
      for (const MaskRule& rule : ColumnRules(type, TableOf(i))) {
        columns += fmt::format(", {} {}", SqlName(rule.name), type.name);
        same += ", v";
      }
      Exec(fmt::format("CREATE TABLE {} ({})", TableOf(i), columns));
      for (size_t row = 0; row < type.values.size(); ++row) {
        Exec(fmt::format("INSERT INTO {} SELECT {}, {} FROM (SELECT {}::{}) x (v)", TableOf(i), row, same,
                         SqlLiteral(type.values[row]), type.name));
      }
    }
  }

  // Every row gets the values of another one; a copy of it comes as well.
  void Change() {
    for (size_t i = 0; i < types_.size(); ++i) {
      std::string set = "plain = o.plain", list = "plain";
      for (const MaskRule& rule : ColumnRules(types_[i], TableOf(i))) {
        set += fmt::format(", {0} = o.{0}", SqlName(rule.name));
        list += ", " + SqlName(rule.name);
      }
      Exec(
          fmt::format("UPDATE {0} t SET {1} FROM {0} o WHERE o.id = (t.id + 1) % {2}; INSERT INTO {0} (id, {3}) SELECT "
                      "id + 1000, {3} FROM {0}",
                      TableOf(i), set, types_[i].values.size(), list));
    }
  }

  // Returns what is wrong with the rule for its column; empty if nothing is.
  std::string Problem(postgres::PgConnection& connection, const mask::MaskFacts& facts, const postgres::Catalog& all,
                      const MaskRule& rule) {
    SourceConfig source;
    source.mask = {.declared = true, .rules = {rule}, .unknown = MaskUnknown::kKeep};
    NoProgress progress;
    const Interrupt interrupt;
    const Context context{.source = source, .home = rotv.home(), .progress = progress, .interrupt = interrupt};
    postgres::Catalog catalog = all;
    std::erase_if(catalog.tables, [&](const auto& table) { return table.name != rule.parts[1]; });
    try {
      mask::ApplyMaskRules(source, mask::MaskSecretOf(context), facts, mask::MaskLineage(), &catalog);
      mask::RequireFit(connection, context, catalog);
      return "";
    } catch (const Error& error) {
      return fmt::format("{} / {}", error.what(), error.hint());
    }
  }

  // Returns the rules that are accepted. Checks the sentence by which any other is refused.
  std::vector<MaskRule> Accepted() {
    std::filesystem::create_directories(rotv.home());
    DirectSource direct(rotv.server());
    const postgres::Catalog catalog = postgres::ReadCatalog(direct.connection());
    const mask::MaskFacts facts = mask::ReadMaskFacts(direct.connection());
    std::vector<MaskRule> accepted;
    for (size_t i = 0; i < types_.size(); ++i) {
      for (const MaskRule& rule : ColumnRules(types_[i], TableOf(i))) {
        const ExtremeType& type = types_[i];
        const bool misfit = std::count(type.misfits.begin(), type.misfits.end(), rule.name) > 0;
        const std::string problem = Problem(direct.connection(), facts, catalog, rule);
        SCOPED_TRACE(fmt::format("{} for {}: {}", rule.name, type.name, problem));
        EXPECT_EQ(problem.empty(), RowOf(rule.kind).types.Has(type.base) && !misfit);
        if (problem.empty()) {
          accepted.push_back(rule);
        } else {
          EXPECT_THAT(problem, HasSubstr(rule.pattern));
          EXPECT_THAT(problem, AnyOf(HasSubstr("\"null\""), HasSubstr("\"text\""), HasSubstr("\"constant\"")));
        }
      }
    }
    return accepted;
  }

  void ExpectImported(const std::vector<MaskRule>& accepted) {
    const std::filesystem::path seed = rotv.Seed();
    rotv.server().CreateDatabase("masked");
    const Result psql = rotv.server().Psql(seed, {"masked", "postgres"}, {"--single-transaction"});
    ASSERT_TRUE(psql.ok()) << psql.err;
    for (size_t i = 0; i < types_.size(); ++i) {
      const std::string rows =
          fmt::format("SELECT md5(string_agg(format('%s %s', id, plain), ',' ORDER BY id)) FROM public.{}", TableOf(i));
      EXPECT_EQ(rotv.server().Value(rows, {"masked", "postgres"}), rotv.server().Value(rows, kSuperuser))
          << types_[i].name;
    }
    for (const MaskRule& rule : accepted) {
      // What is not NULL stays so, but for "null"; and a value is masked the same, whichever way it came.
      const std::string counts = rotv.server().Value(
          fmt::format(
              "SELECT format('%s %s', count(*) - count({0}), count(*) FILTER (WHERE a.{0}::text IS DISTINCT FROM "
              "(SELECT b.{0}::text FROM public.{1} b WHERE b.id = a.id + 1000) AND a.id < 1000)) FROM public.{1} a",
              SqlName(rule.name), rule.parts[1]),
          {"masked", "postgres"});
      const std::string nulls = rotv.server().Value("SELECT count(*) FROM " + rule.parts[1], kSuperuser);
      EXPECT_EQ(counts, (rule.kind == MaskKind::kNull ? nulls : "0") + " 0") << rule.pattern;
    }
    rotv.server().DropDatabase("masked");
  }

  const std::vector<ExtremeType> types_ = ExtremeTypes();
};

// Labels: slow
TEST_F(MaskTypesTest, EveryRuleMasksOrRefusesEveryType) {
  Create();
  const std::vector<MaskRule> accepted = Accepted();
  EXPECT_GT(accepted.size(), 250U);
  std::string config = ReadFile(rotv.config()) + "[mask]\nmask_unknown = \"keep\"\n";
  for (const MaskRule& rule : accepted) config += fmt::format("\"{}\" = {}\n", rule.pattern, AsToml(rule));
  WriteFile(rotv.config(), config);
  EXPECT_EQ(rotv.Sync({"doctor"}).exit_status, 0);
  rotv.MustSync({"baseline"});
  Change();
  rotv.MustSync({"pull"});
  ExpectImported(accepted);
}

}  // namespace
}  // namespace rotv::testing
