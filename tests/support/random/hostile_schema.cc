#include "tests/support/random/hostile_schema.h"

#include <algorithm>

namespace rotv::testing {
namespace {

// The statements of each attempt; MARKS is replaced by the directory.
constexpr const char* kAttempts = R"sql(
  $a$COPY (SELECT 1) TO PROGRAM 'touch MARKS/program'$a$,
  $a$COPY (SELECT 1) TO 'MARKS/copy'$a$,
  $a$COPY attack.gained FROM '/etc/passwd' (DELIMITER E'\x01', FORMAT csv)$a$,
  $a$SELECT pg_catalog.pg_read_file('/etc/passwd')$a$,
  $a$SELECT pg_catalog.pg_read_binary_file('PG_VERSION')$a$,
  $a$SELECT pg_catalog.pg_ls_dir('/')$a$,
  $a$SELECT pg_catalog.lo_import('/etc/passwd')$a$,
  $a$SELECT pg_catalog.lo_export(pg_catalog.lo_create(0), 'MARKS/lo')$a$,
  $a$SELECT pg_catalog.pg_reload_conf()$a$,
  $a$SELECT pg_catalog.set_config('session_replication_role', 'replica', true)$a$,
  $a$SELECT rolpassword FROM pg_catalog.pg_authid$a$,
  $a$UPDATE pg_catalog.pg_authid SET rolsuper = true$a$,
  $a$ALTER ROLE CURRENT_USER SUPERUSER$a$,
  $a$CREATE ROLE elevated SUPERUSER LOGIN$a$,
  $a$GRANT pg_execute_server_program, pg_write_server_files TO CURRENT_USER$a$,
  $a$GRANT rotv_superuser TO CURRENT_USER$a$,
  $a$SET ROLE rotv_superuser$a$,
  $a$SET SESSION AUTHORIZATION rotv_superuser$a$,
  $a$SET SESSION AUTHORIZATION postgres$a$,
  $a$LOAD 'auto_explain'$a$,
  $a$CREATE EXTENSION adminpack$a$,
  $a$CREATE EXTENSION file_fdw$a$,
  $a$CREATE EXTENSION plpython3u$a$,
  $a$CREATE FUNCTION attack.native() RETURNS int LANGUAGE internal AS 'pg_backend_pid'$a$,
  $a$CREATE FUNCTION attack.native() RETURNS int LANGUAGE c AS 'MARKS/library', 'start'$a$,
  $a$CREATE EVENT TRIGGER elevated ON ddl_command_end EXECUTE FUNCTION attack.on_event()$a$,
  $a$CREATE SUBSCRIPTION elevated CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)$a$,
  $a$SELECT public.dblink_exec('user=rotv_superuser dbname=postgres', 'CREATE ROLE elevated SUPERUSER')$a$,
  $a$SELECT public.dblink_exec('user=postgres dbname=postgres', 'CREATE ROLE elevated SUPERUSER')$a$
)sql";

// A function declared IMMUTABLE may call the VOLATILE one that makes the attempt.
constexpr const char* kFunctions = R"sql(
CREATE SCHEMA attack;
CREATE TABLE attack.gained (place text, attempt text);
CREATE TABLE attack.reached (place text);
CREATE FUNCTION attack.attempt(place text) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER AS $f$
DECLARE
  attempt text;
BEGIN
  INSERT INTO attack.reached VALUES (place);
  FOREACH attempt IN ARRAY ARRAY[ATTEMPTS] LOOP
    BEGIN
      EXECUTE attempt;
      INSERT INTO attack.gained VALUES (place, attempt);
    EXCEPTION WHEN OTHERS THEN
      NULL;
    END;
  END LOOP;
  RETURN true;
END $f$;
CREATE FUNCTION attack.pure(place text, value int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $f$
BEGIN
  PERFORM attack.attempt(place);
  RETURN value;
END $f$;
CREATE FUNCTION attack.on_row() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
  PERFORM attack.attempt(TG_ARGV[0]);
  RETURN NEW;
END $f$;
CREATE FUNCTION attack.on_event() RETURNS event_trigger LANGUAGE plpgsql AS $f$
BEGIN
  PERFORM attack.attempt('event trigger');
END $f$;
)sql";

constexpr const char* kPlaces = R"sql(
CREATE TABLE attack.checked (id int PRIMARY KEY CHECK (attack.attempt('CHECK')));
CREATE DOMAIN attack.tame AS int CHECK (attack.attempt('domain'));
CREATE TABLE attack.with_domain (id int PRIMARY KEY, a attack.tame);
CREATE TABLE attack.generated (id int PRIMARY KEY, b int GENERATED ALWAYS AS (attack.pure('generated column', id)) STORED);
CREATE TABLE attack.indexed (id int PRIMARY KEY);
CREATE INDEX ON attack.indexed (attack.pure('index', id)) WHERE attack.pure('index predicate', id) > 0;
CREATE TABLE attack.parted (id int) PARTITION BY LIST (attack.pure('partition key', id));
CREATE TABLE attack.part PARTITION OF attack.parted FOR VALUES IN (1);
CREATE TABLE attack.defaults (id int PRIMARY KEY, b int DEFAULT attack.pure('default', 1));
CREATE TABLE attack.triggered (id int PRIMARY KEY);
CREATE TRIGGER each_row BEFORE INSERT ON attack.triggered FOR EACH ROW EXECUTE FUNCTION attack.on_row('row trigger');
CREATE TRIGGER each_statement AFTER INSERT ON attack.triggered EXECUTE FUNCTION attack.on_row('statement trigger');
CREATE TABLE attack.ruled (id int PRIMARY KEY);
CREATE RULE also AS ON INSERT TO attack.ruled DO ALSO SELECT attack.attempt('rule');
CREATE TABLE attack.hidden (id int PRIMARY KEY);
ALTER TABLE attack.hidden ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON attack.hidden TO pg_execute_server_program USING (attack.attempt('policy'));
CREATE POLICY q ON attack.hidden USING (attack.attempt('policy'));
CREATE VIEW attack.seen AS SELECT attack.attempt('view');
CREATE MATERIALIZED VIEW attack.kept AS SELECT attack.attempt('materialized view');
CREATE FUNCTION public.count(text) RETURNS int LANGUAGE sql AS $$SELECT attack.pure('function named as a built-in', 1)$$;
CREATE FUNCTION public.text_is(text, text) RETURNS bool LANGUAGE sql AS $$SELECT attack.attempt('operator named as a built-in')$$;
CREATE OPERATOR public.= (FUNCTION = public.text_is, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION attack.comment() RETURNS int LANGUAGE sql AS $$
/*
--
-- Name: guard; Type: EVENT TRIGGER; Schema: -; Owner: -
--
\! touch MARKS/comment
COPY attack.reached (place) FROM stdin;
x
\.
*/
SELECT 1;
$$;
INSERT INTO attack.checked VALUES (1);
INSERT INTO attack.with_domain VALUES (1, 1);
INSERT INTO attack.generated VALUES (1);
INSERT INTO attack.indexed VALUES (1);
INSERT INTO attack.parted VALUES (1);
INSERT INTO attack.defaults VALUES (1);
INSERT INTO attack.hidden VALUES (1);
)sql";

// Statements that may change a setting by which psql finds the ends of literals.
constexpr const char* kConfusion = R"sql(
CREATE FUNCTION attack.confuse() RETURNS bool LANGUAGE plpgsql AS $f$
BEGIN
  PERFORM pg_catalog.set_config('standard_conforming_strings', 'off', false);
  RETURN true;
END $f$;
CREATE TABLE attack.confused (id int PRIMARY KEY CHECK (attack.confuse()));
INSERT INTO attack.confused VALUES (1);
SET standard_conforming_strings = on;
CREATE VIEW attack.literal AS SELECT '\'';
\! touch MARKS/psql
--' AS text;
COMMENT ON CONSTRAINT confused_pkey ON attack.confused IS '\'';
\! touch MARKS/psql
--';
)sql";

constexpr const char* kNeedsASuperuser = R"sql(
CREATE FUNCTION public.guard() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN NULL; END$$;
CREATE EVENT TRIGGER guard ON ddl_command_end EXECUTE FUNCTION public.guard();
ALTER EVENT TRIGGER guard ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER guard IS 'a guard';
CREATE FUNCTION public.native(int) RETURNS int LANGUAGE internal AS 'int4abs';
COMMENT ON FUNCTION public.native(int) IS 'native';
CREATE FUNCTION public.on_native() RETURNS trigger LANGUAGE c AS '$libdir/refint', 'check_primary_key';
CREATE TRIGGER uses_native BEFORE INSERT ON public.places FOR EACH ROW EXECUTE FUNCTION public.on_native();
CREATE FUNCTION public.handle_plfree() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE LANGUAGE plfree HANDLER public.handle_plfree;
CREATE FUNCTION public.free() RETURNS int LANGUAGE plfree AS 'BEGIN RETURN 1; END';
CREATE EXTENSION postgres_fdw;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'localhost');
CREATE USER MAPPING FOR rotv SERVER elsewhere;
CREATE FOREIGN TABLE public.far (a int) SERVER elsewhere;
COMMENT ON FOREIGN TABLE public.far IS 'far away';
CREATE CAST (text AS json) WITHOUT FUNCTION;
CREATE TYPE public.point3;
CREATE OPERATOR CLASS public.odd FOR TYPE int USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int);
)sql";

std::string Replaced(std::string text, const std::string& word, const std::string& by) {
  for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size())
    text.replace(at, word.size(), by);
  return text;
}

}  // namespace

HostileSchema::HostileSchema(std::filesystem::path marks) : marks_(std::move(marks)) {
  std::filesystem::create_directories(marks_);
  std::filesystem::permissions(marks_, std::filesystem::perms::all);
}

void HostileSchema::Install(const PostgresServer& source) const {
  source.Exec("GRANT CREATE ON DATABASE rotv TO rotv; GRANT CREATE ON SCHEMA public TO rotv; CREATE EXTENSION dblink",
              kSuperuser);
  const std::string functions = Replaced(kFunctions, "ATTEMPTS", kAttempts);
  for (const std::string& text : {functions, std::string(kPlaces), std::string(kConfusion)}) {
    source.Exec(Replaced(text, "MARKS", marks_.native()));
  }
  source.Exec(
      "CREATE FUNCTION attack.as_superuser() RETURNS bool LANGUAGE sql SECURITY DEFINER AS "
      "$$SELECT attack.attempt('SECURITY DEFINER of a superuser')$$;"
      "CREATE EVENT TRIGGER attack ON ddl_command_end EXECUTE FUNCTION attack.on_event()",
      kSuperuser);
  source.Exec("DELETE FROM attack.reached");
}

void HostileSchema::InstallWhatNeedsASuperuser(const PostgresServer& source) {
  source.Exec(kNeedsASuperuser, kSuperuser);
}

std::vector<std::string> HostileSchema::Marks() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(marks_)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

const std::string& HostileSchema::UseEverything() {
  static const std::string kSql =
      "INSERT INTO attack.checked VALUES (2); INSERT INTO attack.with_domain VALUES (2, 2);"
      "INSERT INTO attack.generated VALUES (2); INSERT INTO attack.indexed VALUES (2);"
      "INSERT INTO attack.defaults VALUES (2); INSERT INTO attack.triggered VALUES (2);"
      "INSERT INTO attack.ruled VALUES (2); SELECT * FROM attack.seen; REFRESH MATERIALIZED VIEW attack.kept;"
      "SELECT attack.as_superuser(); SELECT public.count('x'); SELECT 'a'::text OPERATOR(public.=) 'b'::text;"
      "ANALYZE attack.indexed; CREATE TABLE attack.one_more (id int)";
  return kSql;
}

}  // namespace rotv::testing
