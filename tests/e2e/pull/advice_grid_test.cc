// doctor's advice, applied word for word, then asked for again: over tables, identities, kinds of roles and versions of
// the server. It is right the first time, and what it says is true: the baseline and the next pull stream the tables.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using nlohmann::json;

std::string GridVersionName(const ::testing::TestParamInfo<int>& version) {
  return version.param == kOwnVersion ? "Own" : "PostgreSQL" + std::to_string(version.param);
}

json DoctorOf(const RotvHome& rotv) { return json::parse(rotv.Sync({"--json", "doctor"}).out); }

// --- Tables.

struct TableShape {
  const char* name;
  const char* columns;
  const char* after = "";  // Statements after CREATE TABLE; {} is the table's name.
  int since = 0;
  bool can_be_streamed = true;  // By some identity, on every version.
  bool can_be_streamed_since_18 = true;
  const char* rows = "INSERT INTO {} (a, b) VALUES (1, 1), (2, 2)";
};

constexpr TableShape kShapes[] = {
    {.name = "keyed", .columns = "a int PRIMARY KEY, b int"},
    {.name = "deferrable", .columns = "a int PRIMARY KEY DEFERRABLE, b int"},
    {.name = "keyless", .columns = "a int, b int"},
    {.name = "uniq", .columns = "a int NOT NULL UNIQUE, b int"},
    {.name = "uniq_null", .columns = "a int UNIQUE, b int"},
    {.name = "partly", .columns = "a int NOT NULL, b int", .after = "CREATE UNIQUE INDEX ON {} (a) WHERE b > 0"},
    {.name = "by_expression", .columns = "a int NOT NULL, b int", .after = "CREATE UNIQUE INDEX ON {} (abs(a))"},
    {.name = "including", .columns = "a int NOT NULL, b int", .after = "CREATE UNIQUE INDEX ON {} (a) INCLUDE (b)"},
    {.name = "computed", .columns = "a int PRIMARY KEY, b int, c int GENERATED ALWAYS AS (a + 1) STORED"},
    {.name = "computed_keyless",
     .columns = "a int, b int, c int GENERATED ALWAYS AS (a + 1) STORED",
     .can_be_streamed_since_18 = false},
    {.name = "computed_key",
     .columns = "a int, b int, c int GENERATED ALWAYS AS (a + 1) STORED PRIMARY KEY",
     .can_be_streamed_since_18 = false},
    {.name = "computed_uniq",
     .columns = "a int NOT NULL UNIQUE, b int, c int GENERATED ALWAYS AS (a + 1) STORED PRIMARY KEY"},
    {.name = "virtual_keyless",
     .columns = "a int, b int, c int GENERATED ALWAYS AS (a + 1) VIRTUAL",
     .since = 18,
     .can_be_streamed_since_18 = false},
    {.name = "not_valid",
     .columns = "a int, b int",
     .after = "INSERT INTO {} VALUES (NULL, 7), (NULL, 8); ALTER TABLE {} ADD CONSTRAINT nn NOT NULL a NOT VALID; "
              "CREATE UNIQUE INDEX {}_a ON {} (a)",
     .since = 18},
};

// Replica identities that a table may have before; {} is its name.
const std::map<std::string, std::string> kIdentities = {
    {"as_is", ""},
    {"nothing", "ALTER TABLE {} REPLICA IDENTITY NOTHING"},
    {"full", "ALTER TABLE {} REPLICA IDENTITY FULL"},
    {"by_index",
     "DO $$ BEGIN EXECUTE 'ALTER TABLE {} REPLICA IDENTITY USING INDEX ' || (SELECT min(indexrelid::regclass::"
     "text) FROM pg_index WHERE indrelid = '{}'::regclass); EXCEPTION WHEN OTHERS THEN NULL; END $$"},
    {"dropped_index",
     "CREATE UNIQUE INDEX {}_gone ON {} (b); ALTER TABLE {} ALTER b SET NOT NULL; ALTER TABLE {} REPLICA "
     "IDENTITY USING INDEX {}_gone; DROP INDEX {}_gone; ALTER TABLE {} ALTER b DROP NOT NULL"},
    {"unlogged", "ALTER TABLE {} SET UNLOGGED"},
};

std::string For(std::string sql, const std::string& table) {
  for (size_t at = 0; (at = sql.find("{}", at)) != std::string::npos;) sql.replace(at, 2, table);
  return sql;
}

class VersionsAdviceTest : public FollowTest, public ::testing::WithParamInterface<int> {
 protected:
  VersionsAdviceTest() : FollowTest(FollowOptions({.version = GetParam()})) {}

  int Major() const { return PostgresServer::MajorVersion(GetParam()); }

  // Runs each table's statements. "…; then its changes are streamed" is no part of them.
  void ApplyTableAdvice(const json& doctor) {
    for (const json& table : doctor.at("tables")) {
      const std::string fix = table.at("fix");
      if (fix.empty()) continue;
      EXPECT_EQ(table.at("outcome"), "warning");
      SCOPED_TRACE(table.at("name").get<std::string>() + ": " + fix);
      ASSERT_NO_THROW(Exec(fix.substr(0, fix.find("; then its changes"))));
    }
  }
};

TEST_P(VersionsAdviceTest, AfterItEachTableIsStreamed) {
  std::map<std::string, bool> streamed;  // Whether each table can be.
  for (const TableShape& shape : kShapes) {
    if (Major() < shape.since) continue;
    for (const auto& [identity, statement] : kIdentities) {
      const std::string table = fmt::format("{}_{}", shape.name, identity);
      Exec(fmt::format("CREATE TABLE {} ({}); {}; {}; {}", table, shape.columns, For(shape.after, table),
                       For(shape.rows, table), For(statement, table)));
      streamed["public." + table] = shape.can_be_streamed && (Major() < 18 || shape.can_be_streamed_since_18);
    }
  }
  // Unlogged tables that reference each other: the order of SET LOGGED matters.
  Exec(
      "CREATE UNLOGGED TABLE z_first (a int PRIMARY KEY, b int); CREATE UNLOGGED TABLE y_second (a int PRIMARY KEY, b "
      "int "
      "REFERENCES z_first); CREATE UNLOGGED TABLE x_third (a int PRIMARY KEY REFERENCES y_second, b int REFERENCES "
      "x_third)");
  for (const char* table : {"public.z_first", "public.y_second", "public.x_third"}) streamed[table] = true;

  ApplyTableAdvice(DoctorOf(rotv));
  const json after = DoctorOf(rotv);
  EXPECT_EQ(after.at("ready"), true) << after;
  for (const json& table : after.at("tables")) {
    const std::string name = table.at("name");
    EXPECT_EQ(table.at("fix"), "") << table;
    const bool is_streamed = table.at("follow").get<std::string>().starts_with("streamed");
    EXPECT_EQ(is_streamed, streamed.at(name)) << table;
    if (!is_streamed) {
      EXPECT_THAT(table.at("reason").get<std::string>(), ::testing::HasSubstr("what it needs is a primary key"));
    }
  }
  // And so they are.
  BaselineIsDump({.import = Import::kNone});
  std::string changes;
  for (const auto& [table, can_be] : streamed) {
    changes += For("UPDATE {} SET b = 20 WHERE b = 2; DELETE FROM {} WHERE b IN (1, 7); ", table);
    if (can_be) changes += For("INSERT INTO {} (a, b) SELECT 3, NULL WHERE '{}' !~ '_(first|second|third)$'; ", table);
  }
  Exec(changes);
  const json pulled = json::parse(rotv.MustSync({"--json", "pull"}));
  for (const json& table : pulled.at("copied")) {
    EXPECT_FALSE(streamed.at(table.get<std::string>())) << table << " was read again";
  }
  rotv.ExpectSeedIsDump({.import = Import::kNone});
}

// --- Roles. Everything is missing: all statements of one doctor are applied, in their order, and the next one is
// ready.

struct RoleShape {
  const char* name;
  const char* sql;
  int since = 0;
};

constexpr RoleShape kRoles[] = {
    {.name = "plain", .sql = "CREATE ROLE reader LOGIN"},
    {.name = "noinherit", .sql = "CREATE ROLE reader LOGIN NOINHERIT"},
    {.name = "noinherit_member", .sql = "CREATE ROLE reader LOGIN NOINHERIT; GRANT owner TO reader"},
    {.name = "member_without_inherit",
     .sql = "CREATE ROLE reader LOGIN; GRANT owner TO reader WITH INHERIT FALSE",
     .since = 16},
    {.name = "member_through_another",
     .sql =
         "CREATE ROLE reader LOGIN; CREATE ROLE between; GRANT owner TO between WITH INHERIT FALSE; GRANT between TO "
         "reader",
     .since = 16},
    {.name = "member_without_set",
     .sql = "CREATE ROLE reader LOGIN; GRANT owner TO reader WITH INHERIT TRUE, SET FALSE",
     .since = 16},
};

TEST_P(VersionsAdviceTest, AfterItEachRoleCanTakeABaseline) {
  for (const RoleShape& role : kRoles) {
    if (Major() < role.since) continue;
    SCOPED_TRACE(role.name);
    const std::string database = role.name;
    rotv.server().CreateDatabase(database, "postgres");
    const Login login{database, "postgres"};
    rotv.server().Exec(
        fmt::format(
            "CREATE ROLE owner; {}; CREATE SCHEMA shop; CREATE TABLE shop.t (id serial PRIMARY KEY, v text); "
            "ALTER TABLE shop.t OWNER TO owner; CREATE TABLE shop.bag (v text); ALTER TABLE shop.bag OWNER TO "
            "owner; CREATE TABLE shop.mine (id int PRIMARY KEY); CREATE TABLE shop.secured (id int PRIMARY KEY); "
            "ALTER TABLE shop.secured OWNER TO owner; ALTER TABLE shop.secured ENABLE ROW LEVEL SECURITY; "
            "ALTER TABLE shop.secured FORCE ROW LEVEL SECURITY",
            role.sql),
        login);
    rotv.Configure({{"url", fmt::format("\"postgresql://reader@127.0.0.1:{}/{}\"", rotv.server().port(), database)}});
    const json before = DoctorOf(rotv);
    for (const json& check : before.at("checks")) {
      if (check.at("outcome") != "problem") continue;
      SCOPED_TRACE(check.at("fix").get<std::string>());
      ASSERT_NO_THROW(rotv.server().Exec(check.at("fix"), login));
    }
    const json after = DoctorOf(rotv);
    EXPECT_EQ(after.at("ready"), true) << after.at("checks");
    if (database == "noinherit_member") {  // That a ready source gives a baseline, other tests show.
      rotv.MustSync({"baseline"});
      rotv.MustSync({"detach"});
    }
    std::filesystem::remove_all(rotv.home());
    rotv.server().Exec("REASSIGN OWNED BY owner, reader TO postgres; DROP OWNED BY owner, reader CASCADE", login);
    rotv.server().DropDatabase(database);
    rotv.server().Exec("DROP ROLE owner, reader; DROP ROLE IF EXISTS between", kSuperuser);
  }
}

INSTANTIATE_TEST_SUITE_P(All, VersionsAdviceTest, ::testing::Values(kOwnVersion, 17, 18), GridVersionName);

}  // namespace
}  // namespace rotv::testing
