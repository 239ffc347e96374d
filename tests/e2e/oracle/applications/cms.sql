-- A CMS: pages in versions and languages, blocks in jsonb, media, inheritance of content types, slugs.
CREATE EXTENSION pg_trgm;
CREATE SCHEMA cms;
CREATE TYPE cms.status AS ENUM ('draft', 'review', 'published', 'archived');
CREATE FUNCTION cms.slug(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN trim(BOTH '-' FROM
  regexp_replace(lower(t), '[^a-z0-9]+', '-', 'g'));
CREATE TABLE cms.languages (code varchar(8) PRIMARY KEY, name text NOT NULL, fallback varchar(8) REFERENCES
  cms.languages);
CREATE TABLE cms.content (id bigserial PRIMARY KEY, created timestamptz NOT NULL DEFAULT now(), status cms.status NOT
  NULL DEFAULT 'draft');
CREATE TABLE cms.pages (path text NOT NULL UNIQUE, template text NOT NULL DEFAULT 'plain', PRIMARY KEY (id)) INHERITS
  (cms.content);
CREATE TABLE cms.media (file oid, mime text NOT NULL, bytes bigint CHECK (bytes >= 0), checksum bytea, PRIMARY KEY
  (id)) INHERITS (cms.content);
CREATE TABLE cms.versions (page bigint NOT NULL REFERENCES cms.pages, language varchar(8) NOT NULL REFERENCES
  cms.languages, version int NOT NULL DEFAULT 1,
  title text NOT NULL, slug text GENERATED ALWAYS AS (cms.slug(title)) STORED, blocks jsonb NOT NULL DEFAULT '[]',
    publish_at timestamptz,
  PRIMARY KEY (page, language, version), CONSTRAINT blocks_are_a_list CHECK (jsonb_typeof(blocks) = 'array'));
CREATE INDEX versions_title ON cms.versions USING gin (title gin_trgm_ops);
CREATE INDEX versions_blocks ON cms.versions USING gin ((blocks -> 0));
CREATE TABLE cms.page_media (page bigint REFERENCES cms.pages ON DELETE CASCADE, media bigint REFERENCES cms.media ON
  DELETE CASCADE, place int NOT NULL,
  PRIMARY KEY (page, media), UNIQUE (page, place) DEFERRABLE INITIALLY DEFERRED);
CREATE VIEW cms.live AS SELECT DISTINCT ON (page, language) page, language, title, slug, blocks FROM cms.versions
  WHERE publish_at <= now() ORDER BY page, language, version DESC;
CREATE VIEW cms.page_list AS SELECT p.id, p.path, p.status, count(v.*) AS versions FROM cms.pages p LEFT JOIN
  cms.versions v ON v.page = p.id GROUP BY p.id;
ALTER VIEW cms.live ALTER language SET DEFAULT 'en';
INSERT INTO cms.languages VALUES ('en', 'English', NULL), ('de', 'Deutsch', 'en'), ('fr', 'Français', 'en');
INSERT INTO cms.pages (path) SELECT '/p/' || i FROM generate_series(1, 10) i;
INSERT INTO cms.media (mime, bytes, checksum) SELECT 'image/png', i * 100, sha256(i::text::bytea) FROM
  generate_series(1, 5) i;
INSERT INTO cms.versions (page, language, title, blocks, publish_at) SELECT p.id, l.code, 'Page ' || p.path || ' ' ||
  l.name, jsonb_build_array(jsonb_build_object('t', p.path)), '2026-03-01'
  FROM cms.pages p, cms.languages l;
INSERT INTO cms.page_media SELECT p.id, m.id, m.id FROM cms.pages p, cms.media m WHERE (p.id + m.id) % 3 = 0;
--- migration
ALTER TABLE cms.media ADD width int, ADD height int, ADD ratio numeric GENERATED ALWAYS AS (width::numeric /
  NULLIF(height, 0)) STORED;
CREATE TABLE cms.redirects (from_path text PRIMARY KEY, to_page bigint NOT NULL REFERENCES cms.pages, permanent
  boolean NOT NULL DEFAULT true);
INSERT INTO cms.redirects SELECT '/old' || path, id FROM cms.pages LIMIT 3;
--- migration
ALTER TABLE cms.versions ALTER blocks DROP DEFAULT, ADD author text NOT NULL DEFAULT 'import';
ALTER TABLE cms.versions ALTER author DROP DEFAULT;
CREATE MATERIALIZED VIEW cms.words AS SELECT word, ndoc FROM
  ts_stat('SELECT to_tsvector(''simple'', title) FROM cms.versions');
ALTER TABLE cms.page_media DROP CONSTRAINT page_media_page_place_key;
