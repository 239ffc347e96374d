// A started database is like production's: it sorts, formats and finds what production does, or the start says where it
// does not.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/e2e/exit_codes.h"
#include "tests/e2e/start/start_fixture.h"
#include "tests/support/servers/oracle.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Only the database is started: production is a database of its own, made with the options under test.
class TwinTest : public StartTest {
 protected:
  explicit TwinTest(std::map<std::string, std::string> settings = {})
      : StartTest("local", TempDirName::kPlain,
                  {.settings = WithTablespaces(std::move(settings)), .environment = {{"LOCPATH", GermanLocales()}}}) {
    std::filesystem::remove(app() / "package.json");
  }

  static std::map<std::string, std::string> WithTablespaces(std::map<std::string, std::string> settings) {
    settings["allow_in_place_tablespaces"] = "on";
    return settings;
  }

  // `options` follow CREATE DATABASE prod TEMPLATE template0.
  void MakeProduction(const std::string& options, const std::string& sql) {
    rotv_.server().CreateDatabase("prod", "rotv", "TEMPLATE template0 " + options);
    rotv_.Configure({{"url", fmt::format("\"postgresql://rotv@127.0.0.1:{}/prod\"", rotv_.server().port())}});
    Production(sql);
  }
  void Production(const std::string& sql) { rotv_.server().Exec(sql, {"prod", "rotv"}); }
  void AsSuperuser(const std::string& sql) {
    Connection session = rotv_.server().NewConnection({"prod", "postgres"});
    session.Exec("SET default_transaction_read_only = off");
    session.Exec(sql);
  }
  void AddConfig(const std::string& lines) { std::ofstream(rotv_.config(), std::ios::app) << lines; }

  // Returns what the start says.
  std::string Start(const std::vector<std::string>& arguments = {"start"}) {
    const Result started = Rotv(arguments);
    EXPECT_TRUE(started.ok()) << started.out << started.err;
    return started.err;
  }
  std::string Here(const std::string& sql) const {
    std::string answer = MustRotv({"psql", "-XAtqc", sql});
    while (answer.ends_with('\n')) answer.pop_back();
    return answer;
  }
  std::string There(const std::string& sql) { return rotv_.server().Value(sql, {"prod", "rotv"}); }
};

TEST_F(TwinTest, ItSortsAsProduction) {
  MakeProduction("LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C.UTF-8'",
                 "CREATE TABLE t (name text, PRIMARY KEY (name)) PARTITION BY RANGE (name);"
                 "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('a') TO ('n');"
                 "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM ('n') TO ('zz');"
                 "INSERT INTO t VALUES ('alpha'), ('Bravo'), ('november'), ('Tango');"
                 "CREATE TYPE textrange AS RANGE (SUBTYPE = text); CREATE TABLE r (id int PRIMARY KEY, r textrange);"
                 "INSERT INTO r VALUES (1, '[a,B]');"
                 "CREATE TABLE s (name text); INSERT INTO s VALUES ('a'), ('B'), ('c'), ('Ä')");
  EXPECT_THAT(Start(), Not(HasSubstr("warning")));
  EXPECT_EQ(Here("SELECT string_agg(name, ',' ORDER BY name) FROM s"), "a,Ä,B,c");
  EXPECT_EQ(Here("SELECT count(*) FROM t1"), "2");
  EXPECT_EQ(MustRotv({"psql", "rotv_test", "-XAtqc", "SELECT 'B' > 'a'"}), "t\n") << "the database for tests";
}

TEST_F(TwinTest, ALocaleThatIsNotHereIsNamedAtEachStart) {
  MakeProduction("LOCALE 'de_DE.UTF-8'", "");
  AsSuperuser("CREATE COLLATION pg_catalog.\"de_DE\" (locale = 'de_DE.UTF-8')");
  Production(
      "CREATE COLLATION german (provider = libc, locale = 'de_DE.UTF-8');"
      "CREATE TABLE s (name text, system text COLLATE pg_catalog.\"de_DE\", own text COLLATE german);"
      "INSERT INTO s SELECT v, v, v FROM unnest('{a,B,Ä}'::text[]) v");
  const std::string sorted =
      "SELECT string_agg(name, '' ORDER BY name) || string_agg(system, '' ORDER BY system) || "
      "string_agg(own, '' ORDER BY own) FROM s";
  const std::string warnings = Start();
  EXPECT_THAT(warnings, HasSubstr("sorts by de_DE.UTF-8 of libc, which is not here"));
  EXPECT_THAT(warnings, HasSubstr("ORDER BY, comparisons, ranges and partitions of texts"));
  EXPECT_THAT(warnings, HasSubstr("the collation public.german needs the locale de_DE.UTF-8"));
  EXPECT_THAT(warnings, HasSubstr("the collation pg_catalog.de_DE needs the locale de_DE.UTF-8"));
  EXPECT_EQ(Here(sorted), "aÄBBaÄBaÄ") << "ICU's de-DE for the database, bytes for the collations";
  const std::string again = Start({"restart"});  // From the warm cluster.
  EXPECT_EQ(again.substr(again.find("rotv: warning")), warnings.substr(warnings.find("rotv: warning")));
}

TEST_F(TwinTest, MoneyIsReadInTheFormatInWhichItWasWritten) {
  MakeProduction("LOCALE 'C.UTF-8'", "CREATE TABLE m (id int PRIMARY KEY, v money DEFAULT 1.5)");
  AsSuperuser("ALTER DATABASE prod SET lc_monetary = 'de_DE.UTF-8'");
  Production("INSERT INTO m VALUES (1, 1234.56)");
  variables_["LOCPATH"] = GermanLocales();
  EXPECT_THAT(Start(), Not(HasSubstr("warning")));
  EXPECT_EQ(Here("SELECT v FROM m"), There("SELECT v FROM m"));
  EXPECT_EQ(Here("SELECT v::numeric FROM m"), "1234.56");
  MustRotv({"stop"});
  variables_.erase("LOCPATH");
  const Result failed = Rotv({"start"});
  EXPECT_EQ(failed.exit_status, kCannotStart);
  EXPECT_THAT(failed.err, HasSubstr("hint: amounts of money are in the format of de_DE.UTF-8 (lc_monetary)"));
}

TEST_F(TwinTest, SettingsOfProductionComeAlong) {
  MakeProduction("",
                 "CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY); INSERT INTO app.t VALUES (1);"
                 "ALTER DATABASE prod SET search_path = app, public, \"odd, one\";"
                 "ALTER DATABASE prod SET timezone = 'America/New_York'");
  AsSuperuser(
      "ALTER DATABASE prod SET app.tenant = '42';"
      "ALTER DATABASE prod SET \"app.odd\" = E'it''s $(touch x) \\\\ \"two\"\\nlines\\t;';"
      "ALTER ROLE rotv SET datestyle = 'German'; ALTER ROLE rotv IN DATABASE prod SET app.tenant = '43';"
      "ALTER ROLE postgres SET datestyle = 'SQL'; ALTER DATABASE prod SET lc_messages = 'C';"
      "ALTER DATABASE prod SET session_preload_libraries = 'auto_explain';"
      "ALTER DATABASE prod SET default_transaction_read_only = on");
  const std::string warnings = Start();
  EXPECT_THAT(warnings, HasSubstr("session_preload_libraries = auto_explain cannot be had here"));
  EXPECT_THAT(warnings, HasSubstr("settings = { session_preload_libraries"));
  EXPECT_EQ(Here("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(Here("SHOW search_path"), "app, public, \"odd, one\"");
  EXPECT_EQ(Here("SHOW timezone"), "America/New_York");
  EXPECT_EQ(Here("SHOW datestyle"), "German, DMY");
  EXPECT_EQ(Here("SHOW app.tenant"), "43");
  EXPECT_EQ(Here("SHOW default_transaction_read_only"), "on");
  EXPECT_EQ(Here("SELECT current_setting('app.odd') = E'it''s $(touch x) \\\\ \"two\"\\nlines\\t;'"), "t");
  EXPECT_EQ(MustRotv({"psql", "rotv_test", "-XAtqc", "SHOW app.tenant"}), "43\n");

  // A change is followed, and there is no leftover of a warm cluster. The config has another role, and settings of
  // its own.
  AsSuperuser("ALTER DATABASE prod RESET default_transaction_read_only; ALTER ROLE rotv RESET datestyle");
  MustRotv({"stop"});
  AsSuperuser("CREATE EXTENSION hstore; CREATE EXTENSION pg_stat_statements");
  AddConfig(
      "role = \"nobody\"\nskip_extensions = [\"hstore\"]\n"
      "settings = { \"app.odd\" = \"even\", work_mem = \"7MB\", shared_preload_libraries = \"pg_stat_statements\" }\n");
  EXPECT_THAT(Start({"start", "--pull"}), HasSubstr("skip_extensions in [app] of rotv.toml leaves out: hstore"));
  EXPECT_EQ(Here("SELECT string_agg(extname, ',' ORDER BY extname) FROM pg_extension"), "pg_stat_statements,plpgsql");
  EXPECT_EQ(Here("SELECT count(*) >= 0 FROM pg_stat_statements"), "t") << "works only if it was preloaded";
  EXPECT_EQ(Here("SHOW default_transaction_read_only"), "off");
  EXPECT_EQ(Here("SHOW datestyle"), There("SHOW datestyle"));
  EXPECT_EQ(Here("SHOW app.tenant"), "42");
  EXPECT_EQ(Here("SHOW app.odd"), "even");
  EXPECT_EQ(Here("SHOW work_mem"), "7MB");
}

TEST_F(TwinTest, TablespacesAreMadeInPlaceAndRolesWithoutALogin) {
  MakeProduction("ENCODING 'LATIN1' LOCALE 'C'", "CREATE TABLE l (v text); INSERT INTO l VALUES (U&'\\00e4')");
  AsSuperuser("CREATE TABLESPACE \"fast \"\"disk\" LOCATION ''");
  AsSuperuser("GRANT CREATE ON TABLESPACE \"fast \"\"disk\" TO rotv");
  Production(
      "CREATE TABLE t (id int PRIMARY KEY, v text) TABLESPACE \"fast \"\"disk\"; INSERT INTO t VALUES (1, 'x');"
      "CREATE INDEX i ON t (v) TABLESPACE \"fast \"\"disk\"");
  AsSuperuser(
      "CREATE ROLE \"Owner\\ one\" LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE later; CREATE ROLE stranger;"
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f() OWNER TO \"Owner\\ one\";"
      "GRANT SELECT ON t TO reader; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO later");
  EXPECT_THAT(Start(), Not(HasSubstr("warning")));
  EXPECT_EQ(Here("SHOW server_encoding"), "LATIN1");
  EXPECT_EQ(Here("SELECT octet_length(v) FROM l"), "1");
  EXPECT_EQ(Here("SELECT tablespace FROM pg_tables WHERE tablename = 't'"), "fast \"disk");
  EXPECT_EQ(Here("SELECT tablespace FROM pg_indexes WHERE indexname = 'i'"), "fast \"disk");
  Here("CREATE TABLE more (id int) TABLESPACE \"fast \"\"disk\"");
  EXPECT_EQ(Here("SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles WHERE NOT rolcanlogin AND "
                 "rolname !~ '^pg_'"),
            "Owner\\ one,later,reader");
  EXPECT_EQ(Here("GRANT SELECT ON t TO reader; SET ROLE reader; SELECT count(*) FROM t"), "1");
  rotv_.Seed("seed.sql", {"--check"});
}

TEST_F(TwinTest, ValuesMayNameAnyRole) {
  MakeProduction("",
                 "CREATE DOMAIN who AS regrole; CREATE TYPE member AS (who who[]);"
                 "CREATE TABLE members (m member, rights aclitem[]);"
                 "INSERT INTO members VALUES (ROW('{rotv,postgres}'::who[]), acldefault('r', 10))");
  rotv_.MustSync({"baseline"});
  AsSuperuser("CREATE ROLE \"named only\" LOGIN");
  Production("INSERT INTO members VALUES (ROW(ARRAY['\"named only\"'::who]), NULL)");
  rotv_.MustSync({"pull"});
  EXPECT_THAT(Start(), Not(HasSubstr("warning")));
  const std::string members = "SELECT string_agg(format('%s %s', m, rights), ' ' ORDER BY m::text) FROM members";
  EXPECT_EQ(Here(members), There(members));
}

TEST_F(TwinTest, OwnersAndPrivilegesAreWrittenIfAskedFor) {
  MakeProduction("",
                 "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE INDEX i ON t (v); INSERT INTO t VALUES (1, 'x');"
                 "CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t; CREATE SEQUENCE s");
  AsSuperuser(
      "CREATE ROLE keeper; CREATE ROLE reader; ALTER SEQUENCE s OWNER TO keeper; GRANT SELECT ON s TO rotv; GRANT "
      "SELECT ON t TO reader;"
      "GRANT UPDATE (v) ON t TO reader WITH GRANT OPTION; REVOKE EXECUTE ON FUNCTION pg_sleep(float8) FROM PUBLIC;"
      "ALTER DEFAULT PRIVILEGES FOR ROLE rotv GRANT SELECT ON TABLES TO reader");
  rotv_.MustSync({"baseline"});
  const auto dump = [&] {
    // Without what DumpCommand() leaves out.
    Command command = rotv_.server().DumpCommand("prod");
    std::erase_if(command.argv, [](const std::string& word) { return word == "--no-owner" || word == "--no-acl"; });
    return MustRun(command).out;
  };
  const auto seed = [&](const std::vector<std::string>& arguments) {
    return ReadFile(rotv_.Seed("seed.sql", arguments));
  };
  EXPECT_TRUE(DumpsAreEqual({"the seed", seed({"--owner", "--acl"})}, {"pg_dump", dump()}));
  EXPECT_THAT(seed({"--owner"}),
              ::testing::AllOf(HasSubstr("ALTER TABLE public.s OWNER TO keeper"), Not(HasSubstr("GRANT "))));
  EXPECT_THAT(seed({"--acl"}),
              ::testing::AllOf(Not(HasSubstr("OWNER TO")), HasSubstr("GRANT SELECT ON TABLE public.t")));

  const auto refusal = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"materialize", "--output", rotv_.directory() / "other.sql"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Result refused = rotv_.Sync(all);
    EXPECT_EQ(refused.exit_status, kUsage) << refused.out << refused.err;
    EXPECT_FALSE(std::filesystem::exists(rotv_.directory() / "other.sql"));
    return refused.err;
  };
  // A privilege that was granted after the head is not the head's.
  for (const char* change :
       {"REVOKE SELECT ON t FROM reader", "ALTER DEFAULT PRIVILEGES FOR ROLE rotv REVOKE SELECT ON TABLES FROM reader",
        "GRANT SELECT (id) ON t TO reader", "CREATE TABLE u (id int PRIMARY KEY); ALTER TABLE u OWNER TO rotv"}) {
    AsSuperuser(change);
    EXPECT_THAT(refusal({"--acl"}), HasSubstr("have changed since\nhint: rotv-sync pull, then the same command"))
        << change;
    rotv_.MustSync({"pull"});
    EXPECT_TRUE(DumpsAreEqual({"the seed", seed({"--owner", "--acl"})}, {"pg_dump", dump()})) << change;
  }
  EXPECT_THAT(refusal({"--acl", "--snapshot", "baseline"}), HasSubstr("known for the head alone"));
  AsSuperuser(
      "GRANT EXECUTE ON FUNCTION pg_sleep(float8) TO PUBLIC; DROP OWNED BY reader, keeper; DROP ROLE reader, keeper");
}

// What an application can see of its database; each is a text.
struct Probe {
  const char* sql;
  const char* named;  // If the answers differ, a warning says this.
};
constexpr const char* kLocale = "which is not here";
constexpr Probe kProbes[] = {
    {"SHOW server_encoding", kLocale},
    {"SELECT datlocprovider FROM pg_database WHERE datname = current_database()", kLocale},
    {"SELECT datcollate FROM pg_database WHERE datname = current_database()", kLocale},
    {"SELECT datctype FROM pg_database WHERE datname = current_database()", kLocale},
    {"SELECT string_agg(v, ',' ORDER BY v) FROM words", kLocale},
    {"SELECT string_agg(v, ',' ORDER BY v COLLATE german) FROM words", "the collation public.german"},
    {"SELECT string_agg(v, ',' ORDER BY v COLLATE \"de-x-icu\") FROM words", ""},
    {"SELECT 'a' < 'B'", kLocale},
    {"SELECT upper('straße äöü é') || lower('ÄÖÜ É İ') || initcap('öl und éclair')", kLocale},
    {"SELECT 'Ä' ~ '^[[:alpha:]]$'", kLocale},
    {"SELECT v FROM words WHERE v BETWEEN 'a' AND 'b' ORDER BY v LIMIT 1", kLocale},
    {"SELECT r @> 'b'::text FROM ranges", kLocale},
    {"SELECT string_agg(tableoid::regclass::text, ',' ORDER BY tableoid::regclass::text) FROM parts", kLocale},
    {"SELECT max(v) FROM words", kLocale},
    {"SHOW TimeZone", "timezone"},
    {"SELECT timestamptz '2026-07-01 12:00+00'::text", "timezone"},
    {"SHOW DateStyle", "datestyle"},
    {"SELECT date '2026-02-01'::text", "datestyle"},
    {"SELECT date('03/04/2026')::text", "datestyle"},
    {"SHOW IntervalStyle", "intervalstyle"},
    {"SELECT interval '1 mon 2 days 3:04'::text", "intervalstyle"},
    {"SHOW lc_monetary", "lc_monetary"},
    {"SELECT 1234.5::money::text", "lc_monetary"},
    {"SHOW lc_time", "lc_time"},
    {"SELECT to_char(date '2026-05-01', 'TMMonth TMDy')", "lc_time"},
    {"SHOW lc_numeric", "lc_numeric"},
    {"SELECT to_char(1234.5, '9G999D9')", "lc_numeric"},
    {"SHOW search_path", "search_path"},
    {"SELECT count(*) FROM only_in_app", "search_path"},
    {"SELECT current_setting('app.tenant')", "app.tenant"},
    {"SHOW default_text_search_config", "default_text_search_config"},
    {"SELECT to_tsvector('Die Häuser der Läufer')::text", "default_text_search_config"},
    {"SHOW bytea_output", "bytea_output"},
    {"SELECT bytea '\\x00ff'::text", "bytea_output"},
    {"SHOW extra_float_digits", "extra_float_digits"},
    {"SELECT (0.1::float8 + 0.2::float8)::text", "extra_float_digits"},
    {"SHOW statement_timeout", "statement_timeout"},
    {"SHOW default_transaction_isolation", "default_transaction_isolation"},
    {"SHOW xmlbinary", "xmlbinary"},
    {"SHOW array_nulls", "array_nulls"},
    {"SHOW max_prepared_transactions", "max_prepared_transactions"},
    {"SHOW work_mem", "work_mem"},
    {"SELECT tablespace FROM pg_tables WHERE tablename = 'words'", "tablespace"},
    {"SELECT string_agg(extname, ',' ORDER BY extname) FROM pg_extension", "extension"},
};

class TwinProbesTest : public TwinTest {
 protected:
  TwinProbesTest()
      : TwinTest({{"timezone", "America/New_York"},
                  {"datestyle", "SQL, DMY"},
                  {"intervalstyle", "sql_standard"},
                  {"bytea_output", "escape"},
                  {"extra_float_digits", "0"},
                  {"statement_timeout", "300000"},
                  {"lc_time", "de_DE.UTF-8"},
                  {"xmlbinary", "hex"},
                  {"default_transaction_isolation", "repeatable read"},
                  {"max_prepared_transactions", "7"}}) {}

  // The answers that differ are named in `warnings`; returns how many do.
  int Compare(const std::string& warnings) {
    std::vector<std::string> arguments = {"psql", "-XAtq"};
    for (const Probe& probe : kProbes) arguments.insert(arguments.end(), {"-c", probe.sql});
    std::istringstream here(MustRotv(arguments));
    Connection there = rotv_.server().NewConnection({"prod", "rotv"});
    int different = 0;
    for (const Probe& probe : kProbes) {
      std::string answer;
      std::getline(here, answer);
      const std::string expected = there.Query(probe.sql)[0][0].value_or("");
      if (answer == expected) continue;
      ++different;
      EXPECT_THAT(warnings, HasSubstr(probe.named))
          << probe.sql << ": here " << answer << ", on production " << expected;
      EXPECT_STRNE(probe.named, "") << probe.sql << ": here " << answer << ", on production " << expected;
    }
    return different;
  }
};

TEST_F(TwinProbesTest, FortyAnswersAreProductionsOrWarnedOf) {
  static_assert(std::size(kProbes) >= 40);
  MakeProduction("LOCALE 'de_DE.UTF-8'", "");
  AsSuperuser("CREATE TABLESPACE fast LOCATION ''");
  AsSuperuser(
      "GRANT CREATE ON TABLESPACE fast TO rotv; CREATE EXTENSION hstore;"
      "ALTER DATABASE prod SET lc_monetary = 'de_DE.UTF-8'; ALTER DATABASE prod SET lc_numeric = 'de_DE.UTF-8';"
      "ALTER DATABASE prod SET search_path = app, public; ALTER DATABASE prod SET app.tenant = '42';"
      "ALTER DATABASE prod SET default_text_search_config = german; ALTER ROLE rotv SET work_mem = '9MB';"
      "ALTER ROLE rotv IN DATABASE prod SET array_nulls = off");
  rotv_.server().Exec(
      "SET search_path = public; SET datestyle = ISO; CREATE SCHEMA app; CREATE TABLE app.only_in_app (id int);"
      "CREATE COLLATION german (provider = libc, locale = 'de_DE.UTF-8');"
      "CREATE TABLE words (v text) TABLESPACE fast;"
      "INSERT INTO words SELECT unnest('{a,B,c,Ä,ß,ss,z,-x,x y,_u,É,e}'::text[]);"
      "CREATE TYPE textrange AS RANGE (SUBTYPE = text); CREATE TABLE ranges (r textrange);"
      "INSERT INTO ranges VALUES ('[a,C]'); CREATE TABLE parts (v text) PARTITION BY RANGE (v);"
      "CREATE TABLE low PARTITION OF parts FOR VALUES FROM ('a') TO ('n');"
      "CREATE TABLE high PARTITION OF parts FOR VALUES FROM ('n') TO ('zz');"
      "INSERT INTO parts VALUES ('alpha'), ('Bravo'), ('Ökonom')",
      {"prod", "rotv"});
  variables_["LOCPATH"] = GermanLocales();
  std::string warnings = Start();
  EXPECT_THAT(warnings, Not(HasSubstr("warning")));
  EXPECT_EQ(Compare(warnings), 0);
  EXPECT_EQ(Here("SELECT string_agg(v, ',' ORDER BY v) FROM parts"), "alpha,Bravo,Ökonom");

  // The warm clusters are of a machine that had the locale.
  variables_.erase("LOCPATH");
  warnings = Start({"restart"});
  EXPECT_THAT(Compare(warnings), ::testing::AllOf(::testing::Ge(5), ::testing::Le(15))) << warnings;
}

}  // namespace
}  // namespace rotv::testing
