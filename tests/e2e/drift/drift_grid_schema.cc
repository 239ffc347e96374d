#include "tests/e2e/drift/drift_grid.h"

namespace rotv::testing {

const char* const kGridObjects = R"(
CREATE EXTENSION citext;
CREATE EXTENSION unaccent;
CREATE SCHEMA app;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN zip AS text CHECK (VALUE ~ '^[0-9]{5}$');
CREATE TYPE pair AS (a integer, b text);
CREATE SEQUENCE ticket START 100;
CREATE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT 2 * a $$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.updated = now(); -- always
    RETURN new;
END
$$;
CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE PROCEDURE tidy() LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$;
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
CREATE TABLE author (id serial PRIMARY KEY, email citext UNIQUE, name text NOT NULL DEFAULT 'nobody');
CREATE TABLE book (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author_id integer REFERENCES author (id),
    title varchar(80) NOT NULL,
    pages integer DEFAULT 0 CHECK (pages >= 0),
    mood mood,
    twice integer GENERATED ALWAYS AS (pages * 2) STORED,
    updated timestamptz
);
CREATE INDEX book_title ON book (title);
CREATE TABLE "Odd name" ("a ""b" text);
CREATE TABLE log (at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE log_2026 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TRIGGER book_touch BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW long_book AS SELECT id, title FROM book WHERE pages > 500;
CREATE MATERIALIZED VIEW book_count AS SELECT author_id, count(*) AS n FROM book GROUP BY author_id;
CREATE UNIQUE INDEX ON book_count (author_id);
CREATE POLICY own ON book USING (pages > 1);
CREATE RULE keep AS ON DELETE TO author DO INSTEAD NOTHING;
CREATE STATISTICS book_stat ON author_id, pages FROM book;
)";

const char* const kGridClauses = R"(-- What pg_dump writes of objects beside their being there.
CREATE SCHEMA grid;
CREATE TYPE grid.shell;
CREATE TYPE grid.token;
CREATE FUNCTION grid.token_in(cstring) RETURNS grid.token LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION grid.token_out(grid.token) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE grid.token (INPUT = grid.token_in, OUTPUT = grid.token_out, INTERNALLENGTH = 4, PASSEDBYVALUE,
  ALIGNMENT = int4, CATEGORY = 'X', DELIMITER = ';', DEFAULT = '0');
CREATE CAST (grid.token AS integer) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE TYPE grid.pair AS (a integer, b text COLLATE "C", c text);
CREATE TYPE grid.triple AS (a integer, b text COLLATE "C", c text);
CREATE TYPE grid.span AS RANGE (SUBTYPE = text, COLLATION = "C", SUBTYPE_OPCLASS = text_pattern_ops,
  MULTIRANGE_TYPE_NAME = grid.spans);
CREATE DOMAIN grid.code AS varchar(9) COLLATE "C" DEFAULT 'x' NOT NULL CONSTRAINT upper CHECK (VALUE = upper(VALUE));
CREATE FUNCTION grid.same(integer, integer) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4eq';
CREATE FUNCTION grid.other(integer, integer) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4ne';
CREATE OPERATOR grid.=== (FUNCTION = grid.same, LEFTARG = integer, RIGHTARG = integer, COMMUTATOR = OPERATOR(grid.===),
  NEGATOR = OPERATOR(grid.!==), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR grid.!== (FUNCTION = grid.other, LEFTARG = integer, RIGHTARG = integer, NEGATOR = OPERATOR(grid.===));
CREATE OPERATOR FAMILY grid.ints USING btree;
ALTER OPERATOR FAMILY grid.ints USING btree ADD OPERATOR 1 < (bigint, bigint), FUNCTION 1 (bigint, bigint) btint8cmp;
CREATE OPERATOR CLASS grid.ints FOR TYPE integer USING btree FAMILY grid.ints AS OPERATOR 1 <, OPERATOR 3 =,
  FUNCTION 1 btint4cmp(integer, integer);
CREATE COLLATION grid.german (PROVIDER = icu, LOCALE = 'de', DETERMINISTIC = false);
CREATE CONVERSION grid.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH DICTIONARY grid.words (TEMPLATE = simple, STOPWORDS = english, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION grid.search (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION grid.search ADD MAPPING FOR asciiword, email WITH grid.words, simple;
CREATE TEXT SEARCH PARSER grid.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
  LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH TEMPLATE grid.template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE FUNCTION grid.call() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION grid.inline(internal) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION grid.validate(oid) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE TRUSTED LANGUAGE mine HANDLER grid.call INLINE grid.inline VALIDATOR grid.validate;
CREATE FUNCTION grid.from_sql(internal) RETURNS internal LANGUAGE internal IMMUTABLE AS 'dsimple_init';
CREATE FUNCTION grid.to_sql(internal) RETURNS date LANGUAGE internal IMMUTABLE AS 'date_in';
CREATE TRANSFORM FOR date LANGUAGE mine (FROM SQL WITH FUNCTION grid.from_sql(internal),
  TO SQL WITH FUNCTION grid.to_sql(internal));
CREATE FOREIGN DATA WRAPPER far OPTIONS (debug 'on');
CREATE SERVER there TYPE 'kind' VERSION '1' FOREIGN DATA WRAPPER far OPTIONS (host 'h', port '1');
CREATE USER MAPPING FOR rotv SERVER there OPTIONS (user 'u', password 'p');
CREATE FOREIGN TABLE grid.away (id integer OPTIONS (column_name 'x') NOT NULL, v text) SERVER there
  OPTIONS (table_name 't', schema_name 's');
CREATE FUNCTION grid.rows(a integer, b integer DEFAULT 2) RETURNS SETOF integer LANGUAGE sql STABLE STRICT LEAKPROOF
  PARALLEL SAFE COST 10 ROWS 5 SECURITY DEFINER SET search_path = pg_catalog AS 'SELECT a';
CREATE FUNCTION grid.number() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number';
CREATE AGGREGATE grid.sum(integer) (SFUNC = int4_sum, STYPE = bigint, SSPACE = 8, COMBINEFUNC = int8pl, INITCOND = '0',
  MSFUNC = int4_avg_accum, MINVFUNC = int4_avg_accum_inv, MSTYPE = bigint[], MFINALFUNC = int2int4_sum,
  MINITCOND = '{0,0}', MSSPACE = 16, PARALLEL = SAFE);
CREATE AGGREGATE grid.best(integer) (SFUNC = int4larger, STYPE = integer, SORTOP = >);
CREATE SEQUENCE grid.loose AS integer INCREMENT 2 MINVALUE 3 MAXVALUE 999 START 5 CACHE 7 CYCLE;
CREATE TABLE grid.typed OF grid.pair;
CREATE TABLE grid.stored (id integer PRIMARY KEY WITH (fillfactor = 80), v text, w text NOT NULL, n integer, m integer,
  CONSTRAINT stored_n UNIQUE (n) INCLUDE (m) DEFERRABLE INITIALLY DEFERRED, CHECK (n > 0) NO INHERIT)
  WITH (fillfactor = 60, toast.autovacuum_enabled = off);
ALTER TABLE grid.stored ALTER v SET STORAGE EXTERNAL, ALTER w SET COMPRESSION pglz, ALTER n SET STATISTICS 50,
  ALTER n SET (n_distinct = 5);
ALTER TABLE grid.stored ADD CONSTRAINT later CHECK (m > 0) NOT VALID, ADD CONSTRAINT itself FOREIGN KEY (m) REFERENCES
  grid.stored ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE;
CREATE SEQUENCE grid.owned OWNED BY grid.stored.n;
CREATE INDEX stored_v ON grid.stored USING btree (lower(v) COLLATE "C" text_pattern_ops DESC NULLS LAST) INCLUDE (w)
  WITH (fillfactor = 50) WHERE n > 1;
ALTER INDEX grid.stored_v ALTER COLUMN 1 SET STATISTICS 200;
CREATE UNIQUE INDEX stored_w ON grid.stored (w);
ALTER TABLE grid.stored CLUSTER ON stored_w;
ALTER TABLE grid.stored REPLICA IDENTITY USING INDEX stored_w;
CREATE STATISTICS grid.stored_stat (ndistinct, mcv) ON n, m FROM grid.stored;
ALTER STATISTICS grid.stored_stat SET STATISTICS 60;
CREATE FUNCTION grid.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER touch AFTER UPDATE ON grid.stored REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
  EXECUTE FUNCTION grid.touch('a');
CREATE CONSTRAINT TRIGGER checked AFTER INSERT ON grid.stored DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (new.n > 1) EXECUTE FUNCTION grid.touch();
ALTER TABLE grid.stored DISABLE TRIGGER checked;
CREATE TABLE grid.loosely (n integer);
CREATE RULE seen AS ON INSERT TO grid.stored WHERE new.n > 5 DO ALSO INSERT INTO grid.loosely VALUES (new.n);
ALTER TABLE grid.stored ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY narrow ON grid.stored AS RESTRICTIVE FOR UPDATE TO rotv USING (n > 1) WITH CHECK (n > 2);
CREATE TABLE grid.counted (id integer GENERATED BY DEFAULT AS IDENTITY
  (START WITH 10 INCREMENT BY 2 MINVALUE 4 MAXVALUE 900 CACHE 3 CYCLE), v text);
CREATE TABLE grid.parts (k integer NOT NULL, at date, v text DEFAULT 'p', PRIMARY KEY (k)) PARTITION BY LIST (k);
CREATE TABLE grid.parts_1 PARTITION OF grid.parts FOR VALUES IN (1);
CREATE TABLE grid.parts_2 PARTITION OF grid.parts (v DEFAULT 'q', CHECK (at > '2000-01-01')) FOR VALUES IN (2)
  WITH (fillfactor = 75);
CREATE TABLE grid.parts_rest PARTITION OF grid.parts DEFAULT;
CREATE INDEX parts_at ON grid.parts (at);
CREATE INDEX parts_v ON ONLY grid.parts (v);
CREATE INDEX parts_1_v ON grid.parts_1 (v);
ALTER INDEX grid.parts_v ATTACH PARTITION grid.parts_1_v;
CREATE TRIGGER each_part AFTER INSERT ON grid.parts FOR EACH ROW EXECUTE FUNCTION grid.touch();
ALTER TABLE grid.parts_2 DISABLE TRIGGER each_part;
CREATE TABLE grid.mother (id integer, v text DEFAULT 'm' CHECK (v <> ''));
CREATE TABLE grid.child (own integer) INHERITS (grid.mother);
ALTER TABLE grid.child ALTER id SET DEFAULT 7, ALTER id SET NOT NULL;
CREATE VIEW grid.seen WITH (security_barrier = true, check_option = local) AS SELECT id, v, n FROM grid.stored;
ALTER VIEW grid.seen ALTER n SET DEFAULT 3;
CREATE MATERIALIZED VIEW grid.kept WITH (fillfactor = 70) AS SELECT id, v FROM grid.stored WITH NO DATA;
ALTER MATERIALIZED VIEW grid.kept ALTER v SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX ON grid.kept (id);
CREATE EVENT TRIGGER seen ON ddl_command_end WHEN TAG IN ('DROP TABLE', 'ALTER TABLE') EXECUTE FUNCTION seen();
ALTER EVENT TRIGGER seen DISABLE;
ALTER FUNCTION grid.touch() DEPENDS ON EXTENSION citext;
)";

}  // namespace rotv::testing
