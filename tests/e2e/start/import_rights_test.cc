// The rights of the source's code in the databases made from its seed, and objects that need more.

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/start/start_fixture.h"
#include "tests/support/random/hostile_schema.h"

namespace rotv::testing {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ImportRightsTest : public StartTest {
 protected:
  std::string Ask(const std::string& sql) const { return MustRotv({"psql", "-Atqc", sql}); }

  std::string ConnectionString(const std::string& user) const {
    return "host=" + Json::parse(Get("/env/PGHOST")).get<std::string>() +
           " port=" + Json::parse(Get("/env/PGPORT")).get<std::string>() + " user=" + user + " dbname=rotv";
  }

  void ExpectDatabaseIsTheSources() {
    Command dump = rotv_.server().DumpCommand();
    dump.argv.back() = ConnectionString("rotv");
    EXPECT_TRUE(DumpsAreEqual({"the started database", MustRun(dump).out}, {"the source", rotv_.server().Dump()}));
  }

  // Checks the running application's role.
  void ExpectOrdinaryRole() const {
    EXPECT_EQ(Ask("SELECT rolsuper, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = current_user"),
              "f|f|f\n");
    EXPECT_EQ(Ask("SELECT count(*) FROM pg_roles WHERE rolname ~ '^pg_|superuser' AND rolname <> 'pg_database_owner' "
                  "AND pg_has_role(current_user, oid, 'MEMBER')"),
              "0\n");
    EXPECT_EQ(Ask("SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database "
                  "WHERE pg_get_userbyid(datdba) = current_user"),
              "rotv,rotv_test\n");
    Result refused = RunCommand({.argv = {"psql", "-X", "-d", ConnectionString("rotv_superuser"), "-c", "SELECT 1"}});
    EXPECT_NE(refused.exit_status, 0);
    // The role that people expect is an ordinary one, too.
    EXPECT_EQ(MustRun({.argv = {"psql", "-XAt", "-d", ConnectionString("postgres"), "-c",
                                "SELECT rolsuper, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = "
                                "current_user"}})
                  .out,
              "f|f|f\n");
  }

  // The environments of the server's processes.
  std::string Environments() const {
    std::string all;
    for (pid_t process : Processes()) {
      std::vector<std::string> words = os::CommandLineOf(process);
      if (words.empty() || words.front().find("postgres") == std::string::npos) continue;
      std::ifstream file("/proc/" + std::to_string(process) + "/environ");
      all.append(std::istreambuf_iterator<char>(file), {}).append("\n");
    }
    std::replace(all.begin(), all.end(), '\0', '\n');
    return all;
  }
};

TEST_F(ImportRightsTest, AnOwnerOfTablesGainsNothing) {
  HostileSchema hostile(rotv_.directory() / "marks");
  HostileSchema::InstallWhatNeedsASuperuser(rotv_.server());
  hostile.Install(rotv_.server());
  WriteApp("migrations/1.sql", "CREATE TABLE places (id int PRIMARY KEY, name text NOT NULL);");
  WriteApp(".env", "SECRET=not-for-the-server\n");
  variables_["PGPASSWORD"] = "not-for-the-server";
  variables_["SSH_AUTH_SOCK"] = "/not-for-the-server";
  rotv_.MustSync({"baseline"});

  Result compared = Rotv({"validate-schema"});
  EXPECT_EQ(compared.exit_status, kDiffer) << compared.err;
  EXPECT_THAT(hostile.Marks(), IsEmpty());

  Result started = Rotv({"start"});
  ASSERT_TRUE(started.ok()) << started.err;
  EXPECT_THAT(
      started.err,
      AllOf(HasSubstr("warning: left out, because it would run with the rights of the database's superuser"),
            HasSubstr("EVENT TRIGGER attack, EVENT TRIGGER guard, FOREIGN TABLE public.far, FUNCTION public.free, "
                      "FUNCTION public.handle_plfree, FUNCTION public.native, FUNCTION public.on_native, "
                      "LANGUAGE plfree, "),
            HasSubstr("SERVER elsewhere, TRIGGER uses_native, TYPE public.point3, USER MAPPING FOR rotv "),
            HasSubstr("trust = true in [sources.NAME] of rotv.toml")));
  EXPECT_EQ(Get("/count/places"), "100");
  EXPECT_THAT(Environments(), AllOf(HasSubstr("PATH="), Not(HasSubstr("not-for-the-server"))));
  EXPECT_EQ(Ask(HostileSchema::kReached), "7\n") << "by the import";
  MustRotv({"psql", "-qc", HostileSchema::UseEverything()});
  EXPECT_EQ(Ask(HostileSchema::kReached), "15\n") << "by the application";
  EXPECT_EQ(Ask(HostileSchema::kGained), "");
  EXPECT_THAT(hostile.Marks(), IsEmpty());
  ExpectOrdinaryRole();
  // The text is the source's, whatever psql made of it.
  EXPECT_EQ(Ask("SELECT length(text) FROM attack.literal"),
            rotv_.server().Value("SELECT length(text) FROM attack.literal") + "\n");
}

TEST_F(ImportRightsTest, ATrustedSourceKeepsObjectsThatNeedASuperuser) {
  HostileSchema::InstallWhatNeedsASuperuser(rotv_.server());
  rotv_.Configure({{"trust", "true"}});
  Result started = Rotv({"start"});
  ASSERT_TRUE(started.ok()) << started.err;
  EXPECT_THAT(started.err, Not(HasSubstr("left out")));
  ExpectDatabaseIsTheSources();
  ExpectOrdinaryRole();
  // A warm cluster of a trusted source is not used once the source is no longer trusted.
  rotv_.Configure({{"trust", ""}});
  EXPECT_THAT(Rotv({"restart"}).err, HasSubstr("EVENT TRIGGER guard"));
  EXPECT_EQ(Ask("SELECT count(*) FROM pg_event_trigger"), "0\n");
}

TEST_F(ImportRightsTest, DependentsOfOmittedObjectsAreExplained) {
  HostileSchema::InstallWhatNeedsASuperuser(rotv_.server());
  rotv_.server().Exec("CREATE VIEW uses_native AS SELECT native(1)", kSuperuser);
  Result started = Rotv({"start"});
  EXPECT_EQ(started.exit_status, kCannotStart) << started.out;
  EXPECT_THAT(started.err,
              AllOf(HasSubstr("the seed cannot be imported: line "),
                    HasSubstr("function public.native(integer) does not exist"), HasSubstr("left out before: "),
                    HasSubstr("hint: what is missing may have been left out")));
}

// Objects that applications have, most of which an owner of tables may create; extensions, trusted ones and others.
constexpr const char* kRichSchema = R"sql(
CREATE SCHEMA "odd ""schema";
CREATE SCHEMA tools;
CREATE EXTENSION hstore SCHEMA "odd ""schema";
CREATE EXTENSION citext SCHEMA tools;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION intarray;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION pg_stat_statements;
COMMENT ON EXTENSION postgres_fdw IS E'ours; it''s\ttwo\nlines, and a \\';
COMMENT ON SCHEMA public IS 'ours';
ALTER SCHEMA tools OWNER TO rotv;
GRANT CREATE ON SCHEMA public TO rotv;
)sql";
constexpr const char* kRichSchemaOfOwner = R"sql(
CREATE TYPE tools.status AS ENUM ('open', 'it''s; \ done');
CREATE TYPE tools.pair AS (a int, b text);
CREATE DOMAIN tools.positive AS int CHECK (VALUE > 0);
CREATE TYPE tools.span AS RANGE (subtype = int4);
CREATE TABLE tools.orders (id int PRIMARY KEY, s tools.status, c tools.citext, p tools.positive,
  kept int GENERATED ALWAYS AS (p * 2) STORED);
CREATE TABLE tools.items (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, o int REFERENCES tools.orders,
  name text DEFAULT E'a\\b;\n\\! no');
CREATE VIEW tools.totals AS SELECT o.id, o.s, count(i.id) AS n FROM tools.orders o LEFT JOIN tools.items i ON i.o = o.id
  GROUP BY o.id;
CREATE MATERIALIZED VIEW tools.sums AS SELECT count(*) FROM tools.orders;
CREATE FUNCTION tools.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.name := NEW.name || ''; RETURN NEW; END$$;
CREATE FUNCTION tools.body(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC
  SELECT CASE WHEN a > 0 THEN 1 ELSE 2 END;
  SELECT a;
END;
CREATE PROCEDURE tools.nothing() LANGUAGE sql AS 'SELECT 1; --''';
CREATE TRIGGER touch BEFORE INSERT ON tools.items FOR EACH ROW EXECUTE FUNCTION tools.touch();
ALTER TABLE tools.items DISABLE TRIGGER touch;
CREATE RULE nothing AS ON DELETE TO tools.items DO INSTEAD NOTHING;
CREATE INDEX ON tools.items USING gin (name public.gin_trgm_ops);
CREATE STATISTICS tools.s ON o, name FROM tools.items;
ALTER TABLE tools.orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON tools.orders TO reader, pg_monitor USING (id < 2);
CREATE TABLE tools.days (d date, n int) PARTITION BY RANGE (d);
CREATE TABLE tools.day PARTITION OF tools.days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE AGGREGATE tools.total(int) (SFUNC = int4pl, STYPE = int);
CREATE OPERATOR tools.<+> (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int);
CREATE COLLATION tools.c (provider = libc, locale = 'C');
CREATE TEXT SEARCH CONFIGURATION tools.words (COPY = simple);
CREATE SEQUENCE tools.numbers START 5;
COMMENT ON COLUMN tools.items.name IS 'back\slash''s
-- Name: x; Type: EVENT TRIGGER; Schema: -; Owner: -
two';
INSERT INTO tools.orders SELECT i, 'open', 'X', 1 FROM generate_series(1, 3) i;
INSERT INTO tools.items (o, name) VALUES (1, E'\\! no'), (2, E'\\.\\.');
INSERT INTO tools.days VALUES ('2026-05-05', 1);
REFRESH MATERIALIZED VIEW tools.sums;
SELECT nextval('tools.numbers');
SELECT lo_from_bytea(4711, 'large \000 object');
)sql";

TEST_F(ImportRightsTest, ARichSchemaIsImportedByAnOrdinaryRole) {
  rotv_.server().Exec("CREATE ROLE reader", kSuperuser);
  rotv_.server().Exec(kRichSchema, kSuperuser);
  rotv_.server().Exec(kRichSchemaOfOwner);
  Result started = Rotv({"start"});
  ASSERT_TRUE(started.ok()) << started.err;
  EXPECT_THAT(started.err, Not(HasSubstr("left out")));
  ExpectDatabaseIsTheSources();
  ExpectOrdinaryRole();
  EXPECT_EQ(Ask("SET ROLE reader; SELECT session_user"), "rotv\n");
  EXPECT_EQ(Ask("CREATE DATABASE more"), "");
  EXPECT_EQ(Ask("SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'postgres_fdw'"),
            "ours; it's\ttwo\nlines, and a \\\n");

  std::ofstream(rotv_.config(), std::ios::app) << "superuser = true\n";
  MustRotv({"restart"});
  EXPECT_EQ(Ask("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"), "t\n");
}

}  // namespace
}  // namespace rotv::testing
