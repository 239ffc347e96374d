-- A search engine: documents with weighted vectors, an own configuration of text search, trigrams, synonyms, rankings.
CREATE EXTENSION unaccent;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gin;
CREATE SCHEMA search;
CREATE TEXT SEARCH DICTIONARY search.plain (TEMPLATE = simple, STOPWORDS = english, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION search.folded (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION search.folded ALTER MAPPING FOR hword, hword_part, word WITH public.unaccent,
  english_stem;
ALTER TEXT SEARCH CONFIGURATION search.folded DROP MAPPING FOR email, url;
CREATE FUNCTION search.fold(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT
  public.unaccent('public.unaccent', lower(t)) $$;
CREATE TABLE search.sites (host text PRIMARY KEY, rank real NOT NULL DEFAULT 0.5 CHECK (rank BETWEEN 0 AND 1),
  crawled timestamptz);
CREATE TABLE search.documents (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, host text NOT NULL REFERENCES
  search.sites ON UPDATE CASCADE, path text NOT NULL, title text, body text, language regconfig NOT NULL DEFAULT
  'english',
  length int GENERATED ALWAYS AS (length(body)) STORED, vector tsvector, UNIQUE (host, path));
CREATE FUNCTION search.make_vector() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  new.vector = setweight(to_tsvector(new.language, coalesce(new.title, '')), 'A') ||
    setweight(to_tsvector('search.folded', coalesce(new.body, '')), 'D');
  RETURN new;
END $$;
CREATE TRIGGER make_vector BEFORE INSERT OR UPDATE OF title, body, language ON search.documents FOR EACH ROW EXECUTE
  FUNCTION search.make_vector();
CREATE INDEX documents_vector ON search.documents USING gin (vector);
CREATE INDEX documents_title ON search.documents USING gist (title gist_trgm_ops (siglen = 32));
CREATE INDEX documents_folded ON search.documents (search.fold(title) text_pattern_ops);
ALTER INDEX search.documents_folded ALTER COLUMN 1 SET STATISTICS 300;
CREATE TABLE search.links (source bigint REFERENCES search.documents ON DELETE CASCADE, target bigint REFERENCES
  search.documents ON DELETE CASCADE, anchor text COLLATE "C", PRIMARY KEY (source, target));
CREATE TABLE search.queries (text text NOT NULL, query tsquery, at timestamptz NOT NULL DEFAULT now(), hits int,
  clicked bigint);
CREATE INDEX queries_gin ON search.queries USING gin (text gin_trgm_ops, hits);
CREATE TABLE search.synonyms (word text PRIMARY KEY, same text[] NOT NULL CHECK (cardinality(same) > 0));
CREATE VIEW search.in_links AS SELECT d.id, d.title, d.host, count(l.source) AS links FROM search.documents d LEFT
  JOIN search.links l ON l.target = d.id GROUP BY d.id;
CREATE MATERIALIZED VIEW search.top_queries AS SELECT search.fold(text) AS text, count(*) AS n FROM search.queries
  GROUP BY 1;
INSERT INTO search.sites (host) VALUES ('a.example'), ('b.example'), ('c.example');
INSERT INTO search.documents (host, path, title, body) SELECT (ARRAY['a', 'b', 'c'])[1 + i % 3] || '.example', '/' ||
  i, 'Título ' || i, 'Some words about the number ' || i || ' and café' FROM generate_series(1, 20) i;
INSERT INTO search.links SELECT i, 1 + i * 7 % 20, 'anchor' FROM generate_series(1, 20) i;
INSERT INTO search.queries (text, query, hits) SELECT 'words ' || i % 4, to_tsquery('english', 'words & ' || i % 4),
  i FROM generate_series(1, 12) i;
INSERT INTO search.synonyms VALUES ('car', '{auto,vehicle}'), ('house', '{home}');
--- migration
ALTER TABLE search.documents ADD fetched timestamptz, ADD score real NOT NULL DEFAULT 0;
ALTER TEXT SEARCH CONFIGURATION search.folded ADD MAPPING FOR email WITH simple;
CREATE INDEX ON search.documents (score DESC NULLS LAST) INCLUDE (title) WHERE score > 0;
UPDATE search.documents SET score = id / 10.0 WHERE id % 2 = 0;
--- migration
ALTER TABLE search.queries ADD id bigserial PRIMARY KEY;
ALTER TEXT SEARCH DICTIONARY search.plain (ACCEPT = true);
ALTER TABLE search.documents DROP COLUMN length, ALTER body SET COMPRESSION pglz;
DROP MATERIALIZED VIEW search.top_queries;
