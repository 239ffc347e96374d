-- A small schema for which pg_dump writes its most inconvenient dump, for capture.sh.

CREATE TABLE plain (id int PRIMARY KEY, note text, CONSTRAINT plain_note CHECK (note <> ''));
COMMENT ON TABLE plain IS 'first
-- not a comment

\restrict abc
COPY x FROM stdin;
it''s the last \';

CREATE TABLE "we
ird -- name" ("col
umn" text, "COPY x FROM stdin;" int);

CREATE FUNCTION looks_like_a_dump() RETURNS text LANGUAGE sql AS $$
-- PostgreSQL database dump

-- Dumped from database version 15
SELECT 'x

COPY x FROM stdin;
2	b
1	a
\.
\restrict foo
SET default_tablespace = '''';

\unrestrict foo
--
-- PostgreSQL database dump complete
--
'
$$;

-- An SQL-standard body, and one that the primary key has to come before: pg_dump postpones it to post-data.
CREATE FUNCTION counted(int) RETURNS bigint LANGUAGE sql BEGIN ATOMIC
  SELECT count(*) FROM plain WHERE id = $1;
  SELECT count(*) FROM plain WHERE note = 'a;
-- b';
END;
CREATE FUNCTION grouped() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT note FROM plain GROUP BY id; END;
CREATE VIEW grouped_view AS SELECT id, note FROM plain GROUP BY id;
CREATE MATERIALIZED VIEW grouped_copy AS SELECT id, note FROM plain GROUP BY id;

-- A constraint that needs no tablespace and sorts before all that do.
ALTER TABLE plain ADD CONSTRAINT a_first CHECK (id > 0) NOT VALID;

CREATE TABLE range (id int, a int) PARTITION BY RANGE (id);
CREATE TABLE range_low PARTITION OF range FOR VALUES FROM (0) TO (10);
CREATE INDEX ON range (a);
CREATE TABLE child (id serial PRIMARY KEY, plain_id int REFERENCES plain);
CREATE TABLE no_columns ();

INSERT INTO plain VALUES (2, 'b'), (10, E'tab\tnewline\n\\.'), (1, NULL);
INSERT INTO "we
ird -- name" VALUES ('\.', 1), ('-- not a comment', 2), (E'\\restrict x', 3);
INSERT INTO range VALUES (1, 1);
INSERT INTO no_columns DEFAULT VALUES;
INSERT INTO no_columns DEFAULT VALUES;
