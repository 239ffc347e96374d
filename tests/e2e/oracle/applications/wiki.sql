-- A wiki: pages with all their revisions, links between them, a rule, locks, a diff kept as text.
CREATE EXTENSION pgcrypto;
CREATE TABLE authors (id serial PRIMARY KEY, name text NOT NULL UNIQUE, trusted boolean NOT NULL DEFAULT false);
CREATE TABLE pages (title text COLLATE "C" PRIMARY KEY, current_revision bigint, locked_by int REFERENCES authors,
  views bigint NOT NULL DEFAULT 0);
CREATE TABLE revisions (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text COLLATE "C" NOT NULL
  REFERENCES pages ON UPDATE CASCADE ON DELETE CASCADE,
  author int REFERENCES authors, parent bigint REFERENCES revisions, body text NOT NULL, summary varchar(200), at
    timestamp(3) with time zone NOT NULL DEFAULT now(),
  hash bytea GENERATED ALWAYS AS (digest(body, 'sha256')) STORED, minor boolean);
ALTER TABLE pages ADD CONSTRAINT has_current FOREIGN KEY (current_revision) REFERENCES revisions DEFERRABLE INITIALLY
  DEFERRED;
CREATE INDEX revisions_hash ON revisions USING hash (hash);
CREATE INDEX revisions_at ON revisions (title, at DESC);
CLUSTER revisions USING revisions_at;
CREATE TABLE links (from_title text COLLATE "C" NOT NULL, to_title text COLLATE "C" NOT NULL, UNIQUE (from_title,
  to_title));
ALTER TABLE links REPLICA IDENTITY FULL;
CREATE TABLE searches (what text, at timestamptz DEFAULT now());
CREATE RULE count_views AS ON UPDATE TO pages WHERE new.views < old.views DO INSTEAD NOTHING;
CREATE FUNCTION set_current() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE public.pages SET current_revision = new.id WHERE title = new.title;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER set_current AFTER INSERT ON revisions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE
  FUNCTION set_current();
CREATE RECURSIVE VIEW lineage (id, depth) AS SELECT id, 0 FROM revisions WHERE parent IS NULL UNION ALL SELECT r.id,
  l.depth + 1 FROM revisions r JOIN lineage l ON l.id = r.parent;
CREATE VIEW page_history AS SELECT p.title, p.views, count(r.id) AS revisions, max(r.at) AS last FROM pages p LEFT
  JOIN revisions r ON r.title = p.title GROUP BY p.title;
INSERT INTO authors (name) SELECT 'Author ' || i FROM generate_series(1, 6) i;
INSERT INTO pages (title) SELECT 'Page_' || i FROM generate_series(1, 12) i;
INSERT INTO revisions (title, author, body) SELECT 'Page_' || 1 + i % 12, 1 + i % 6, repeat('Line ' || i ||
  E'\n\ttab \\ and "quotes"\n', 1 + i) FROM generate_series(1, 30) i;
INSERT INTO links SELECT 'Page_' || i, 'Page_' || i + 1 FROM generate_series(1, 11) i;
INSERT INTO searches SELECT 'word ' || i % 3 FROM generate_series(1, 9) i;
--- migration
ALTER TABLE revisions ADD tags text[], ADD comment text DEFAULT 'none';
CREATE INDEX ON revisions USING gin (tags);
ALTER TABLE searches ADD COLUMN hits int;
--- migration
ALTER TABLE links ADD id bigserial PRIMARY KEY;
ALTER TABLE links REPLICA IDENTITY DEFAULT;
DROP RULE count_views ON pages;
ALTER TABLE authors RENAME TO users;
DROP VIEW page_history;
ALTER TABLE pages ALTER views TYPE int, SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
