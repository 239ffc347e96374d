// Objects other than tables change between two pulls. Most of them are only text of the schema; types and names also
// show in rows.

#include <gtest/gtest.h>

#include "tests/e2e/ddl_fixture.h"

namespace rotv::testing {
namespace {

class DdlObjectsTest : public DdlTest {
 protected:
  DdlObjectsTest() {
    ExecAsSuperuser("GRANT CREATE ON DATABASE rotv TO rotv; ALTER ROLE rotv SUPERUSER");
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;"
        "INSERT INTO t SELECT n, 'row ' || n, CASE WHEN n < 9 THEN repeat(md5(n::text), 200) END "
        "FROM generate_series(1, 2000) n");
    usual_change =
        "INSERT INTO t SELECT max(id) + 1, 'new', repeat('n', 9000) FROM t; UPDATE t SET v = v || '+' WHERE id < 20;"
        "DELETE FROM t WHERE id = (SELECT max(id) - 1 FROM t)";
  }
};

// Labels: slow
TEST_F(DdlObjectsTest, EnumsAreFollowed) {
  Exec(
      "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE m (id int PRIMARY KEY, mood mood, moods mood[]);"
      "CREATE TABLE by_mood (mood mood PRIMARY KEY, v text); CREATE TABLE bag (mood mood, v text);"
      "ALTER TABLE bag REPLICA IDENTITY FULL; CREATE TYPE holds AS (mood mood, n int);"
      "CREATE DOMAIN nice AS mood CHECK (VALUE <> 'bad'); CREATE TABLE deep (id int PRIMARY KEY, h holds, n nice);"
      "INSERT INTO m SELECT n, 'good', '{good,bad}' FROM generate_series(1, 50) n; INSERT INTO by_mood VALUES ('good'),"
      "('bad'); INSERT INTO bag VALUES ('good', 'a'), ('good', 'a'), ('bad', 'b');"
      "INSERT INTO deep VALUES (1, '(bad,1)', 'good'), (2, '(good,2)', NULL)");
  rotv.MustSync({"baseline"});
  usual_change =
      "UPDATE m SET moods = moods || mood WHERE id % 9 = 0; UPDATE bag SET v = v || '+' WHERE ctid = (SELECT min(ctid) "
      "FROM bag); UPDATE by_mood SET v = 'x'; INSERT INTO m SELECT max(id) + 1, (SELECT max(mood) FROM by_mood) FROM m;"
      "UPDATE deep SET h = ROW((h).mood, 7) WHERE id = 2; DELETE FROM m WHERE id = (SELECT min(id) FROM m)";
  FollowAll({
      {"ALTER TYPE mood ADD VALUE 'so so' BEFORE 'bad'"},
      {"INSERT INTO by_mood VALUES ('so so'); INSERT INTO bag VALUES ('so so', 'c')"},
      {"ALTER TYPE mood RENAME VALUE 'good' TO 'fine'", Copy::kAllowed},
      {"ALTER TYPE mood RENAME VALUE 'bad' TO E'not\\t\\\\ fine, \"at\" all'", Copy::kAllowed},
      {"BEGIN; ALTER TYPE mood RENAME VALUE 'fine' TO 'tmp'; ALTER TYPE mood RENAME VALUE 'so so' TO 'fine'; ALTER "
       "TYPE "
       "mood RENAME VALUE 'tmp' TO 'so so'; COMMIT",
       Copy::kAllowed},
      {"DELETE FROM by_mood WHERE mood = 'fine'; ALTER TYPE mood RENAME VALUE 'fine' TO 'good'", Copy::kAllowed,
       "DELETE FROM by_mood; DELETE FROM bag WHERE mood = 'good'; INSERT INTO by_mood VALUES ('good', 'again')"},
      {"ALTER TYPE mood RENAME TO feeling"},
      {"ALTER TYPE feeling RENAME VALUE 'good' TO 'well'", Copy::kAllowed},
      {"ALTER TABLE bag ALTER mood TYPE text", Copy::kAllowed},
  });
}

// Labels: slow
TEST_F(DdlObjectsTest, TypesAndDomainsAreFollowed) {
  Exec(R"sql(
    CREATE TYPE point3 AS (x int, y int); CREATE TABLE c (id int PRIMARY KEY, p point3, ps point3[]);
    CREATE TABLE by_type (p point3 PRIMARY KEY, v text); CREATE TABLE bag (p point3);
    ALTER TABLE bag REPLICA IDENTITY FULL; CREATE TYPE span AS RANGE (subtype = int4); CREATE TYPE outer_type AS (p point3, s span);
    CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TABLE d (id int PRIMARY KEY, n positive, s span, o outer_type);
    INSERT INTO c SELECT n, ROW(n, -n)::point3, ARRAY[ROW(1, 2)::point3] FROM generate_series(1, 30) n;
    INSERT INTO by_type VALUES ('(1,2)', 'a'), ('(3,4)', 'b'); INSERT INTO bag VALUES ('(1,2)'), ('(1,2)'), ('(3,)');
    INSERT INTO d SELECT n, n, '[1,5)', '("(1,2)",)' FROM generate_series(1, 30) n)sql");
  rotv.MustSync({"baseline"});
  usual_change =
      "INSERT INTO c (id) SELECT max(id) + 1 FROM c; UPDATE c SET ps = ps || p WHERE id % 5 = 0; DELETE FROM bag WHERE "
      "ctid = (SELECT min(ctid) FROM bag); INSERT INTO bag SELECT p FROM c WHERE id IN (3, 4); UPDATE by_type SET v = "
      "v "
      "|| '+'; UPDATE d SET n = n + 1 WHERE id < 4; UPDATE d SET o.p = (SELECT p FROM c WHERE id = 5) WHERE id = 9";
  FollowAll({
      {"ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 1000) NOT VALID; ALTER DOMAIN positive SET DEFAULT "
       "4"},
      {"ALTER DOMAIN positive VALIDATE CONSTRAINT small; ALTER DOMAIN positive RENAME TO small_positive"},
      {"ALTER DOMAIN small_positive DROP CONSTRAINT small; COMMENT ON DOMAIN small_positive IS 'no more'"},
      {"CREATE TYPE alone AS (a int); CREATE TYPE shell; CREATE DOMAIN lonely AS text; DROP TYPE shell"},
      {"ALTER TYPE alone ADD ATTRIBUTE b text; ALTER TYPE alone DROP ATTRIBUTE a; DROP DOMAIN lonely"},
      {"ALTER TYPE point3 RENAME ATTRIBUTE x TO xx; ALTER TYPE point3 RENAME TO point2"},
      {"ALTER TYPE span RENAME TO \"a span\"; ALTER TYPE \"a span\" SET SCHEMA public"},
      {"ALTER TYPE outer_type ADD ATTRIBUTE z text", Copy::kAllowed},
      {"ALTER TYPE outer_type DROP ATTRIBUTE s", Copy::kAllowed},
      // A composite type that is part of a key.
      {"ALTER TYPE point2 ADD ATTRIBUTE z int", Copy::kAllowed},
      {"ALTER TYPE point2 DROP ATTRIBUTE y", Copy::kAllowed},
      {"DROP TABLE by_type, bag; ALTER TYPE alone SET SCHEMA pg_catalog", Copy::kNever, "SELECT 1"},
  });
}

// Labels: slow
TEST_F(DdlObjectsTest, CodeAndViewsAreFollowed) {
  rotv.MustSync({"baseline"});
  FollowAll({
      {"CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1'; CREATE PROCEDURE p() LANGUAGE "
       "plpgsql AS $$ BEGIN NULL; END $$"},
      {"CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT $1 + 2'; COMMENT ON FUNCTION f IS "
       "E'it''s\\n'"},
      {"CREATE AGGREGATE total (int) (sfunc = int4pl, stype = int); DROP PROCEDURE p; ALTER FUNCTION f(int) COST 7"},
      {"CREATE VIEW w AS SELECT id, v FROM t; CREATE MATERIALIZED VIEW mat AS SELECT id, v FROM t WHERE id < 10"},
      {"REFRESH MATERIALIZED VIEW mat"},
      {"CREATE OR REPLACE VIEW w AS SELECT id, v, f(id) AS more FROM t; ALTER VIEW w RENAME TO ww; CREATE UNIQUE INDEX "
       "ON "
       "mat (id)"},
      {"REFRESH MATERIALIZED VIEW CONCURRENTLY mat"},
      {"CREATE MATERIALIZED VIEW empty AS SELECT count(*) FROM t WITH NO DATA"},
      {"REFRESH MATERIALIZED VIEW empty; REFRESH MATERIALIZED VIEW mat WITH NO DATA"},
      {"ALTER TABLE t RENAME v TO v1; ALTER TABLE t RENAME v1 TO v; DROP MATERIALIZED VIEW mat"},
      {"CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := NEW.v || '!'; RETURN NEW; END $$;"
       "CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch()"},
      {"ALTER TABLE t DISABLE TRIGGER touch; ALTER TRIGGER touch ON t RENAME TO touched"},
      {"ALTER TABLE t ENABLE REPLICA TRIGGER touched; COMMENT ON TRIGGER touched ON t IS 'c'"},
      {"CREATE RULE nothing AS ON DELETE TO t WHERE OLD.id = 1000000 DO INSTEAD NOTHING"},
      {"DROP RULE nothing ON t; DROP TRIGGER touched ON t; DROP FUNCTION touch()"},
      {"CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$; CREATE EVENT TRIGGER "
       "e "
       "ON ddl_command_end EXECUTE FUNCTION on_ddl()"},
      {"ALTER EVENT TRIGGER e DISABLE"},
      {"DROP EVENT TRIGGER e; DROP VIEW ww; DROP FUNCTION f(int)"},
  });
}

// Labels: slow
TEST_F(DdlObjectsTest, PoliciesAndPrivilegesAreFollowed) {
  rotv.MustSync({"baseline"});
  FollowAll({
      {"ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (id > 5)"},
      {"ALTER TABLE t FORCE ROW LEVEL SECURITY; ALTER POLICY p ON t USING (id > 6) WITH CHECK (id > 7)"},
      {"ALTER POLICY p ON t RENAME TO q; COMMENT ON POLICY q ON t IS 'c'"},
      {"DROP POLICY q ON t; ALTER TABLE t NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY"},
      // Objects that are not in a dump without owners and privileges.
      {"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; GRANT SELECT ON t TO PUBLIC"},
      {"CREATE ROLE somebody; GRANT UPDATE (v) ON t TO somebody; ALTER TABLE t OWNER TO somebody"},
      {"ALTER TABLE t OWNER TO rotv; DROP OWNED BY somebody; DROP ROLE somebody"},
      {"CREATE ROLE p1; CREATE POLICY p ON t TO p1 USING (true); ALTER ROLE p1 RENAME TO p2"},
  });
}

// Labels: slow
TEST_F(DdlObjectsTest, OtherObjectsAreFollowed) {
  rotv.MustSync({"baseline"});
  FollowAll({
      {"CREATE SCHEMA \"s 1\"; COMMENT ON SCHEMA \"s 1\" IS 'a schema'; CREATE TABLE \"s 1\".x (id int PRIMARY KEY)",
       Copy::kAllowed},
      {"ALTER SCHEMA \"s 1\" RENAME TO s2; CREATE SCHEMA s3 CREATE VIEW w AS SELECT * FROM public.t"},
      {"CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE INDEX ON t (v "
       "COLLATE ci)"},
      {"ALTER COLLATION ci RENAME TO cj"},
      {"CREATE FUNCTION eq(t, t) RETURNS bool LANGUAGE sql AS 'SELECT $1.id = $2.id'; CREATE OPERATOR === (LEFTARG = "
       "t, "
       "RIGHTARG = t, FUNCTION = eq); CREATE FUNCTION cast_t(t) RETURNS int LANGUAGE sql AS 'SELECT $1.id'; CREATE "
       "CAST "
       "(t AS int) WITH FUNCTION cast_t(t)"},
      {"DROP CAST (t AS int); DROP OPERATOR === (t, t); CREATE CONVERSION conv FOR 'LATIN1' TO 'UTF8' FROM "
       "iso8859_1_to_utf8"},
      {"CREATE OPERATOR FAMILY fam USING btree; CREATE OPERATOR CLASS cls FOR TYPE int USING btree FAMILY fam AS "
       "OPERATOR "
       "1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(int, int)"},
      {"CREATE STATISTICS st (mcv) ON id, v FROM t; ALTER STATISTICS st SET STATISTICS 50"},
      {"ALTER STATISTICS st RENAME TO st2; CREATE STATISTICS st3 ON (id * 2), (v || 'x') FROM t"},
      {"CREATE TEXT SEARCH CONFIGURATION ts (COPY = simple); CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = simple);"
       "ALTER TEXT SEARCH CONFIGURATION ts ALTER MAPPING FOR word WITH dict"},
      {"ALTER TEXT SEARCH CONFIGURATION ts DROP MAPPING FOR word; COMMENT ON TEXT SEARCH CONFIGURATION ts IS 'c'"},
      {"CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE f (id int) "
       "SERVER "
       "far"},
      {"ALTER FOREIGN TABLE f ADD v text; ALTER SERVER far OPTIONS (ADD x 'y'); CREATE USER MAPPING FOR rotv SERVER "
       "far"},
      {"DROP SERVER far CASCADE; DROP FOREIGN DATA WRAPPER w"},
      {"CREATE SEQUENCE q INCREMENT -2; SELECT nextval('q'), nextval('q')"},
      {"ALTER SEQUENCE q RENAME TO r; ALTER SEQUENCE r INCREMENT 5 CYCLE MAXVALUE 7; ALTER SEQUENCE r RESTART WITH 3"},
      {"ALTER SEQUENCE r OWNED BY t.id; SELECT setval('r', 5, false)"},
      {"ALTER SEQUENCE r AS smallint OWNED BY NONE; ALTER SEQUENCE r SET SCHEMA s3"},
      {"DROP SEQUENCE s3.r; DROP SCHEMA s2 CASCADE; DROP SCHEMA s3 CASCADE; DROP COLLATION cj CASCADE"},
      {"COMMENT ON TABLE t IS 'a table'; COMMENT ON INDEX t_pkey IS 'an index'; COMMENT ON CONSTRAINT t_pkey ON t IS "
       "'k'"},
      {"COMMENT ON TABLE t IS NULL"},
      {"CREATE PUBLICATION somebody_elses FOR TABLE t; DROP PUBLICATION somebody_elses"},
  });
}

// Each change comes alone: another change at the same time would hide that one is not noticed.
// Labels: slow
TEST_F(DdlObjectsTest, ChangesOfASingleCatalogueColumnAreFollowed) {
  Exec(
      "CREATE MATERIALIZED VIEW mat AS SELECT 1 AS x WITH NO DATA; CREATE TYPE of AS (id int, v text); CREATE TABLE o "
      "(id int, v text); CREATE INDEX twice ON t ((id * 2)); CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN "
      "DATA WRAPPER w; SELECT lo_from_bytea(5000, 'x'), lo_from_bytea(700000, 'y'); CREATE EXTENSION citext; CREATE "
      "TYPE alone AS ENUM ('a'); CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END "
      "$$; CREATE TRIGGER touch BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch(); CREATE SEQUENCE owned OWNED "
      "BY t.id");
  rotv.MustSync({"baseline"});
  for (const char* statement : {
           "REFRESH MATERIALIZED VIEW mat",
           "REFRESH MATERIALIZED VIEW mat WITH NO DATA",
           "ALTER TABLE t SET (toast.autovacuum_enabled = false)",
           "ALTER TABLE t RESET (toast.autovacuum_enabled)",
           "ALTER TABLE o OF of",
           "ALTER TABLE o NOT OF",
           "ALTER INDEX twice ALTER COLUMN 1 SET STATISTICS 77",
           "CREATE USER MAPPING FOR rotv SERVER far OPTIONS (a 'b')",
           "ALTER USER MAPPING FOR rotv SERVER far OPTIONS (SET a 'c')",
           "DROP USER MAPPING FOR rotv SERVER far",
           "COMMENT ON LARGE OBJECT 5000 IS 'its number is as low as those of the catalogue'",
           "COMMENT ON LARGE OBJECT 5000 IS NULL",
           "COMMENT ON LARGE OBJECT 700000 IS 'c'",
           "ALTER SEQUENCE owned OWNED BY o.id",
           "ALTER SEQUENCE owned OWNED BY o.v",
           "ALTER TRIGGER touch ON t DEPENDS ON EXTENSION citext",
           "ALTER TRIGGER touch ON t NO DEPENDS ON EXTENSION citext",
           "ALTER EXTENSION citext ADD TYPE alone",
           "ALTER EXTENSION citext DROP TYPE alone",
           "ALTER DATABASE rotv SET standard_conforming_strings = off",
           "ALTER DATABASE rotv RESET standard_conforming_strings",
       }) {
    SCOPED_TRACE(statement);
    Exec(statement);
    PullIsCorrect(Copy::kNever);
  }
}

// Labels: slow
TEST_F(DdlObjectsTest, ExtensionsAreFollowed) {
  rotv.MustSync({"baseline"});
  FollowAll({
      {"CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE TABLE h (id int PRIMARY KEY, h hstore, c citext);"
       "INSERT INTO h VALUES (1, 'a=>1', 'Aa')",
       Copy::kAllowed, "INSERT INTO h VALUES (2, 'b=>\"\\t\"', 'b'); UPDATE h SET c = upper(c::text)"},
      {"CREATE EXTENSION ltree SCHEMA public; CREATE EXTENSION cube; CREATE TABLE l (p ltree PRIMARY KEY, c cube);"
       "INSERT INTO l VALUES ('a.b', '(1,2),(3,4)')",
       Copy::kAllowed,
       "INSERT INTO l VALUES ('a.c', NULL); UPDATE l SET p = p || 'x'; DELETE FROM l WHERE p ~ 'a.b.*'"},
      {"CREATE EXTENSION pg_trgm; CREATE INDEX t_trgm ON t USING gin (v gin_trgm_ops)"},
      {"ALTER TABLE t ALTER v TYPE citext", Copy::kAllowed},
      {"ALTER TABLE t ALTER v TYPE text", Copy::kAllowed},
      {"DROP TABLE l; DROP EXTENSION ltree; COMMENT ON EXTENSION hstore IS 'mine'"},
      // The catalogue says only that another function writes the type's values.
      {"CREATE SCHEMA ext; ALTER EXTENSION hstore SET SCHEMA ext", Copy::kAllowed, "UPDATE h SET h = 'c=>3'"},
      {"DROP EXTENSION hstore CASCADE; DROP EXTENSION pg_trgm CASCADE; DROP EXTENSION cube"},
      // A table of ours becomes an extension's member, and ours again.
      {"ALTER EXTENSION citext ADD TABLE t", Copy::kAllowed},
      {"ALTER EXTENSION citext DROP TABLE t", Copy::kAllowed},
  });
}

// Such values are stored as numbers and printed as names.
// Labels: slow
TEST_F(DdlObjectsTest, ChangedNamesInRowsAreFollowed) {
  import_ = Import::kNone;  // A regproc whose name has two functions is written, but cannot be read.
  Exec(
      "CREATE ROLE \"first\"; CREATE SCHEMA s; CREATE TABLE s.named (id int PRIMARY KEY); CREATE FUNCTION fun() "
      "RETURNS "
      "int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE typ AS ENUM (); CREATE TEXT SEARCH CONFIGURATION ts (COPY = simple);"
      "CREATE COLLATION co FROM \"C\";"
      "CREATE TABLE r (id int PRIMARY KEY, role regrole, class regclass, proc regproc, procedure regprocedure, type "
      "regtype, namespace regnamespace, config regconfig, acl aclitem, classes regclass[], coll regcollation);"
      "CREATE TABLE by_class (class regclass PRIMARY KEY, v text); CREATE TABLE bag (class regclass, v text);"
      "ALTER TABLE bag REPLICA IDENTITY FULL; INSERT INTO by_class VALUES ('s.named', 'a'), ('t', 'b');"
      "INSERT INTO bag VALUES ('s.named', 'a'), ('s.named', 'a');"
      "INSERT INTO r SELECT n, 'first', 's.named', 'fun', 'fun()', 'typ', 's', 'ts', 'first=r/rotv', '{s.named,t}', "
      "'co' "
      "FROM generate_series(1, 5) n");
  rotv.MustSync({"baseline"});
  usual_change =
      "INSERT INTO r (id, class) SELECT max(id) + 1, (SELECT min(class) FROM by_class) FROM r; UPDATE r SET role = "
      "'rotv' WHERE id = 2; UPDATE by_class SET v = v || '+'; UPDATE bag SET v = v || '+' WHERE ctid = (SELECT "
      "min(ctid) "
      "FROM bag); DELETE FROM r WHERE id = (SELECT max(id) - 1 FROM r)";
  FollowAll({
      {"ALTER ROLE \"first\" RENAME TO \"second one\"", Copy::kAllowed},
      {"ALTER TABLE s.named RENAME TO renamed", Copy::kAllowed},
      {"ALTER SCHEMA s RENAME TO \"S\"", Copy::kAllowed},
      {"ALTER FUNCTION fun() RENAME TO fan; ALTER TYPE typ RENAME TO tup", Copy::kAllowed},
      {"ALTER TEXT SEARCH CONFIGURATION ts RENAME TO tt; ALTER COLLATION co RENAME TO cu", Copy::kAllowed},
      {"CREATE FUNCTION fan(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
       Copy::kAllowed},  // The name is no longer unique.
      {"ALTER TABLE \"S\".renamed SET SCHEMA public", Copy::kAllowed},
      {"DROP TABLE renamed", Copy::kAllowed, "UPDATE by_class SET v = 'a number now'; DELETE FROM bag"},
      {"DROP FUNCTION fan(); DROP TYPE tup", Copy::kAllowed},
  });
}

}  // namespace
}  // namespace rotv::testing
