// The source's administrator runs doctor's advice unchanged: the check then passes, and no role gains more rights than
// it needs: our role becomes neither a superuser, nor a member of one, nor a role that reads passwords.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using ::testing::IsEmpty;

constexpr const char* kPrivilegedMemberships =
    "SELECT count(*) FROM pg_roles WHERE (rolsuper OR rolcreaterole OR rolname IN ('pg_execute_server_program', "
    "'pg_read_server_files', 'pg_write_server_files')) AND pg_has_role('the reader', oid, 'MEMBER')";

// Everything is missing: there is no grant, and tables belong to an ordinary owner, to a superuser and to a member of
// one.
constexpr const char* kSource = R"(
CREATE ROLE "the reader" LOGIN;
CREATE ROLE "Shop Owner"; CREATE ROLE admin SUPERUSER; CREATE ROLE deputy IN ROLE admin; CREATE ROLE maker CREATEROLE;
CREATE SCHEMA "Shop";
CREATE TABLE "Shop".t (id serial PRIMARY KEY, v text); ALTER TABLE "Shop".t OWNER TO "Shop Owner";
CREATE TABLE "Shop"."of admin" (id int PRIMARY KEY); ALTER TABLE "Shop"."of admin" OWNER TO admin;
CREATE TABLE "Shop".of_deputy (id int PRIMARY KEY); ALTER TABLE "Shop".of_deputy OWNER TO deputy;
CREATE TABLE "Shop".of_maker (id int PRIMARY KEY); ALTER TABLE "Shop".of_maker OWNER TO maker;
CREATE TABLE public.of_postgres (id int PRIMARY KEY); CREATE SEQUENCE public.numbers;
CREATE TABLE public.parted (id int) PARTITION BY LIST (id);
CREATE TABLE public.bag (v text); ALTER TABLE public.bag OWNER TO "Shop Owner";
CREATE TABLE public.secured (id int PRIMARY KEY); ALTER TABLE public.secured OWNER TO "Shop Owner";
ALTER TABLE public.secured ENABLE ROW LEVEL SECURITY; ALTER TABLE public.secured FORCE ROW LEVEL SECURITY;
CREATE TABLE public.nothing (id int PRIMARY KEY); ALTER TABLE public.nothing REPLICA IDENTITY NOTHING;
ALTER TABLE public.nothing OWNER TO "Shop Owner";
CREATE UNLOGGED TABLE public.unlogged (id int PRIMARY KEY); ALTER TABLE public.unlogged OWNER TO "Shop Owner";
INSERT INTO "Shop".t (v) VALUES ('one'); SELECT lo_from_bytea(0, 'bytes');
)";

TEST(AdviceTest, AllowsABaselineAndMakesNoRoleASuperuser) {
  RotvHome rotv({.binary = ROTV_SYNC_BINARY, .source_settings = {{"user", R"('the reader')"}}});
  const PostgresServer& server = rotv.server();
  server.Exec(kSource, kSuperuser);
  std::vector<std::string> followed;  // The checks that came with a statement.
  for (int round = 0; round < 20; ++round) {
    const nlohmann::json doctor = nlohmann::json::parse(rotv.Sync({"--json", "doctor"}).out);
    std::string problem, fix;
    for (const nlohmann::json& check : doctor.at("checks")) {
      if (check.at("outcome") != "problem" || !problem.empty()) continue;
      problem = check.at("name");
      fix = check.at("fix");
    }
    if (problem.empty()) break;
    ASSERT_EQ(std::count(followed.begin(), followed.end(), problem), 0)
        << problem << " is still a problem after its fix";
    followed.push_back(problem);
    server.Exec(fix, kSuperuser);
    EXPECT_EQ(server.Value(kPrivilegedMemberships, kSuperuser), "0") << fix;
    EXPECT_EQ(server.Value("SELECT has_table_privilege('the reader', 'pg_authid', 'SELECT')", kSuperuser), "f") << fix;
  }
  EXPECT_THAT(followed, ::testing::UnorderedElementsAre("replication", "publication", "ownership", "schemas", "reading",
                                                        "row security", "large objects"));
  // Hints on how to follow tables better are advice, too.
  const nlohmann::json doctor = nlohmann::json::parse(rotv.MustSync({"--json", "doctor"}));
  for (const nlohmann::json& table : doctor.at("tables")) {
    const std::string fix = table.at("fix");
    if (!fix.empty()) server.Exec(fix.substr(0, fix.find("; then")), kSuperuser);
  }
  for (const nlohmann::json& table : nlohmann::json::parse(rotv.MustSync({"--json", "doctor"})).at("tables")) {
    EXPECT_EQ(table.at("fix"), "") << table;
  }
  rotv.MustSync({"baseline"});
}

}  // namespace
}  // namespace rotv::testing
