// A secret in a column of each type, under each rule that takes the type, is never written, whatever happens to its
// row.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <csignal>

#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

struct Type {
  const char* name;    // The type in SQL.
  const char* value;   // A literal; {} is replaced by two digits of the column.
  const char* needle;  // The part of it that must not be found.
  std::vector<const char*> rules;
};

constexpr const char* kHash = "{ rule = \"hash\", length = 24 }";
constexpr const char* kNumber = "{ rule = \"number\", by = 100000 }";
constexpr const char* kDate = "{ rule = \"date\", days = 4000 }";
constexpr const char* kPassword = "{ rule = \"password\", value = \"known\" }";
constexpr const char* kConstant = "{ rule = \"constant\", value = \"7\" }";
constexpr const char* kJson = "{ rule = \"json\", paths = { \"$..s\" = \"text\", \"$.n\" = \"null\" } }";
constexpr const char* kEmailRule = "\"email\"";
constexpr const char* kNull = "\"null\"";
constexpr const char* kText = "\"text\"";

const std::vector<const char*> kTextRules = {kEmailRule,  "\"name\"",    "\"first_name\"", "\"last_name\"",
                                             "\"phone\"", "\"address\"", "\"url\"",        kText,
                                             kHash,       kPassword,     kConstant,        kNull};

const std::vector<Type> kMaskedTypes = {
    {"text", "'planted{}@secret.example'", "planted{}@", kTextRules},
    {"varchar(70)", "'planted{}@secret.example'", "planted{}@", kTextRules},
    {"char(70)", "'planted{}@secret.example'", "planted{}@", kTextRules},
    {"citext", "'planted{}@secret.example'", "planted{}@", kTextRules},
    {"plain_text", "'planted{}@secret.example'", "planted{}@", kTextRules},  // A domain.
    {"json", "'{{\"s\": \"planted{}@\", \"n\": {{\"s\": [\"planted{}@\"]}}}}'", "planted{}@", {kJson, kNull}},
    {"jsonb", "'{{\"s\": \"planted{}@\", \"n\": {{\"s\": [\"planted{}@\"]}}}}'", "planted{}@", {kJson, kNull}},
    {"bytea", "'\\xfeedfacecafe{}fe'", "feedfacecafe{}fe", {kHash, kNull}},
    {"uuid", "'deadbeef-0000-4000-8000-1000000000{}'", "8000-1000000000{}", {"\"uuid\"", kNull}},
    {"inet", "'203.0.113.{}'", "203.0.113.{}", {"\"ip\"", kNull}},
    {"cidr", "'198.51.{}.0/24'", "198.51.{}.0", {"\"ip\"", kNull}},
    {"integer", "770012{}", "770012{}", {kNumber, kConstant, kNull}},
    {"bigint", "88002200110012{}", "88002200110012{}", {kNumber, kConstant, kNull}},
    {"numeric(14,2)", "99003300{}.25", "99003300{}.25", {kNumber, kConstant, kNull}},
    {"double precision", "66004400{}.5", "66004400{}.5", {kNumber, kConstant, kNull}},
    {"date", "'15{}-07-07'", "15{}-07-07", {kDate, kNull}},
    {"timestamp", "'14{}-07-07 01:02:03'", "14{}-07-07", {kDate, kNull}},
    {"timestamptz", "'13{}-07-07 01:02:03+00'", "13{}-07-07", {kDate, kNull}},
    {"text[]", "'{{planted{}@}}'", "planted{}@", {kNull}},
    {"colour", "'planted_red{}'", "planted_red{}", {kNull}},  // An enum, whose labels are in the schema.
};

struct Column {
  std::string name, type, rule, value, other_value;
  std::vector<std::string> needles;
};

// Two digits distinguish the columns. An enum's labels are in every schema: they are searched in rows only.
std::vector<Column> Columns() {
  std::vector<Column> columns;
  for (const Type& type : kMaskedTypes) {
    for (const char* rule : type.rules) {
      const auto number = static_cast<int>(columns.size());
      auto with = [&](const char* text, int own) { return fmt::format(fmt::runtime(text), own, own); };
      Column column{.name = fmt::format("c{}", number), .type = type.name, .rule = rule};
      column.value = with(type.value, 10 + number % 45);
      column.other_value = with(type.value, 55 + number % 45);
      column.needles = {with(type.needle, 10 + number % 45), with(type.needle, 55 + number % 45)};
      if (column.type == "colour") {
        column.value = "'planted_red'", column.other_value = "'planted_blue'";
        column.needles = {"\tplanted_red", "\tplanted_blue"};
      }
      columns.push_back(std::move(column));
    }
  }
  return columns;
}

RotvHomeOptions GridOptions() {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  options.more_config =
      "[mask]\n\"public.rows.secret\" = \"text\"\n\"public.rows\" = { rule = \"where\", all = [\"kept = true\"] }\n";
  for (const Column& column : Columns()) {
    for (const char* table : {"keyed", "bag", "unlogged"}) {
      options.more_config += fmt::format("\"public.{}.{}\" = {}\n", table, column.name, column.rule);
    }
  }
  return options;
}

class MaskGridTest : public FollowTest {
 protected:
  MaskGridTest() : FollowTest(GridOptions()) {
    Superuser(
        "CREATE EXTENSION citext; CREATE DOMAIN plain_text AS text; CREATE TYPE colour AS ENUM ('planted_red', "
        "'planted_blue')");
    std::string list, values;
    for (const Column& column : columns_) {
      list += fmt::format(", {} {}", column.name, column.type);
      values += fmt::format(", {}", column.value);
    }
    Superuser(fmt::format(
        "CREATE TABLE keyed (id int PRIMARY KEY{0}); CREATE TABLE bag (id int{0}); CREATE UNLOGGED TABLE "
        "unlogged (id int PRIMARY KEY{0}); ALTER TABLE bag REPLICA IDENTITY FULL;"
        "CREATE TABLE rows (id int PRIMARY KEY, kept bool, plain text, secret text);"
        "ALTER TABLE keyed OWNER TO rotv; ALTER TABLE bag OWNER TO rotv; ALTER TABLE unlogged OWNER TO rotv; "
        "ALTER TABLE rows OWNER TO rotv",
        list));
    for (const char* table : {"keyed", "bag", "unlogged"}) {
      Superuser(fmt::format("INSERT INTO {} SELECT n{} FROM generate_series(1, 6) n", table, values));
    }
    // Secrets in rows that are not kept are in a column without a rule.
    Superuser(
        "INSERT INTO rows SELECT n, n % 2 = 0, CASE WHEN n % 2 = 0 THEN 'fine' ELSE 'planted-left-out' END, "
        "'planted-secret' FROM generate_series(1, 20) n");
  }

  void Superuser(const std::string& statements) { rotv.server().Exec(statements, kSuperuser); }

  void Run(const std::vector<std::string>& arguments) {
    const Result result = rotv.Sync(arguments);
    EXPECT_TRUE(result.ok()) << result.err;
    written_ += result.out + result.err;
  }
  // The store is compressed: a seed shows the rows, log and diff their history.
  void Show() {
    Run({"materialize", "--output", rotv.home() / "seed.sql"});
    Run({"log"});
    Run({"snapshot", "diff", "baseline", "head", "--rows", "--limit", "100000"});
    Run({"--json", "snapshot", "diff", "baseline", "head", "--rows", "--limit", "100000"});
  }

  void ExpectNothingPlanted(const std::string& when) {
    SCOPED_TRACE(when);
    std::set<std::string> needles = {"planted-left-out", "planted-secret"};
    for (const Column& column : columns_) needles.insert(column.needles.begin(), column.needles.end());
    auto look = [&](const std::string& bytes, const std::string& where) {
      for (const std::string& needle : needles) {
        const size_t at = bytes.find(needle);
        EXPECT_EQ(at, std::string::npos) << needle << " in " << where << ": "
                                         << bytes.substr(at - std::min<size_t>(at, 60), 150);
      }
    };
    for (const auto& entry : std::filesystem::recursive_directory_iterator(rotv.home())) {
      if (entry.is_regular_file()) look(ReadFile(entry.path()), entry.path());
    }
    look(written_, "what was written");
  }

  const std::vector<Column> columns_ = Columns();
  std::string written_;
};

TEST_F(MaskGridTest, NoRuleLeavesASecretOfAnyType) {
  ASSERT_GT(columns_.size(), 80U);
  Run({"baseline"});
  Show();
  ExpectNothingPlanted("after the baseline");

  std::string others;
  for (const Column& column : columns_)
    others += fmt::format("{}{} = {}", others.empty() ? "" : ", ", column.name, column.other_value);
  for (const char* table : {"keyed", "bag", "unlogged"}) {
    Superuser(
        fmt::format("UPDATE {0} SET {1} WHERE id IN (1, 2); UPDATE {0} SET id = id + 100 WHERE id = 3;"
                    "DELETE FROM {0} WHERE id = 4; INSERT INTO {0} SELECT * FROM {0} WHERE id = 5 AND '{0}' = 'bag'",
                    table, others));
  }
  Superuser("UPDATE rows SET kept = NOT kept, plain = CASE WHEN kept THEN 'planted-left-out' ELSE 'fine' END");
  Run({"pull"});
  Show();
  ExpectNothingPlanted("after a pull");

  // All tables are resynced, with a kill in the middle.
  Superuser(
      "ALTER TABLE keyed ALTER id TYPE bigint; ALTER TABLE bag ALTER id TYPE bigint; ALTER TABLE rows ALTER id TYPE "
      "bigint");
  for (int round = 0; round < 3; ++round) {
    Process pull(rotv.SyncCommand({"-v", "pull"}));
    pull.WaitFor(std::chrono::milliseconds(40 * (round + 1)));
    pull.Signal(SIGKILL);
    pull.Wait();
    written_ += pull.Err();
    ExpectNothingPlanted("after a kill");
  }
  Run({"-v", "pull"});
  Show();
  Run({"snapshot", "create", "all"});
  Run({"snapshot", "export", "all", rotv.home() / "all.rotv"});
  Run({"mask", "check"});
  ExpectNothingPlanted("in the end");

  // The secrets that are searched for do exist in the source.
  EXPECT_THAT(rotv.server().Dump(), HasSubstr(columns_[0].needles[1]));
  EXPECT_THAT(rotv.server().Dump(), HasSubstr("planted-left-out"));
}

}  // namespace
}  // namespace rotv::testing
