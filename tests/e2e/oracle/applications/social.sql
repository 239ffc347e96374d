-- A social network: people, a graph of follows and blocks, posts with mentions, feeds.
CREATE EXTENSION intarray;
CREATE TYPE visibility AS ENUM ('public', 'followers', 'private');
CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, handle varchar(32) NOT NULL, display_name
  text, born date, country char(2), city text,
  interests int[] NOT NULL DEFAULT '{}', joined timestamptz NOT NULL DEFAULT now(), CONSTRAINT handle_form CHECK
    (handle ~ '^[a-z0-9_]+$'), CONSTRAINT handle_key UNIQUE (handle));
CREATE STATISTICS where_people_are (ndistinct, dependencies) ON country, city FROM people;
CREATE STATISTICS birthdays ON (extract(month FROM born)), country FROM people;
CREATE INDEX people_interests ON people USING gin (interests gin__int_ops);
CREATE TABLE follows (follower bigint REFERENCES people ON DELETE CASCADE, followed bigint REFERENCES people ON
  DELETE CASCADE, since timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (follower, followed), CHECK (follower <> followed));
CREATE INDEX followed_by ON follows (followed, follower);
CREATE TABLE blocks (blocker bigint NOT NULL REFERENCES people ON DELETE CASCADE, blocked bigint NOT NULL REFERENCES
  people ON DELETE
  CASCADE, EXCLUDE USING btree (blocker WITH =, blocked WITH =));
CREATE TABLE posts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, author bigint NOT NULL REFERENCES people ON
  DELETE CASCADE, text varchar(500), visibility visibility NOT NULL DEFAULT 'public',
  repost_of bigint REFERENCES posts ON DELETE SET NULL, at timestamptz NOT NULL DEFAULT now(), tags text[] GENERATED
    ALWAYS AS (regexp_split_to_array(lower(text), '\s+')) STORED);
CREATE INDEX posts_by ON posts (author, at DESC) WHERE visibility <> 'private';
CREATE TABLE likes (person bigint REFERENCES people ON DELETE CASCADE, post bigint REFERENCES posts ON DELETE
  CASCADE, PRIMARY KEY (person, post));
CREATE TABLE mentions (post bigint REFERENCES posts ON DELETE CASCADE, person bigint REFERENCES people ON DELETE
  CASCADE, UNIQUE (post, person));
ALTER TABLE mentions ALTER post SET NOT NULL, ALTER person SET NOT NULL;
ALTER TABLE mentions REPLICA IDENTITY USING INDEX mentions_post_person_key;
CREATE VIEW profile AS SELECT p.*, count(f.*) AS followers FROM people p LEFT JOIN follows f ON f.followed = p.id
  GROUP BY p.id;
CREATE VIEW mutual AS SELECT a.follower, a.followed FROM follows a JOIN follows b ON a.follower = b.followed AND
  a.followed = b.follower;
CREATE MATERIALIZED VIEW suggestions AS SELECT a.follower AS person, b.followed AS suggested, count(*) AS ways FROM
  follows a JOIN follows b ON a.followed = b.follower
  WHERE a.follower <> b.followed GROUP BY 1, 2;
INSERT INTO people (handle, born, country, interests) SELECT 'h_' || i, '1990-01-01'::date + i * 100, 'DE', ARRAY[i,
  i + 1] FROM generate_series(1, 20) i;
INSERT INTO follows (follower, followed) SELECT i, 1 + (i * 7 + j) % 20 FROM generate_series(1, 20) i,
  generate_series(1, 3) j WHERE i <> 1 + (i * 7 + j) % 20;
INSERT INTO blocks VALUES (1, 2), (3, 4), (5, 1);
INSERT INTO posts (author, text) SELECT 1 + i % 20, 'Some words ' || i FROM generate_series(1, 30) i;
INSERT INTO likes SELECT 1 + i % 20, 1 + i * 3 % 30 FROM generate_series(1, 25) i ON CONFLICT DO NOTHING;
INSERT INTO mentions SELECT i, i FROM generate_series(1, 9) i;
--- migration
ALTER TABLE posts ADD language char(2) DEFAULT 'en', ADD poll jsonb;
CREATE TABLE lists (owner bigint REFERENCES people ON DELETE CASCADE, name text, members bigint[] NOT NULL, PRIMARY
  KEY (owner, name));
INSERT INTO lists SELECT id, 'close', ARRAY[id] FROM people WHERE id % 4 = 0;
ALTER STATISTICS where_people_are SET STATISTICS 200;
--- migration
ALTER TABLE blocks DROP CONSTRAINT blocks_blocker_blocked_excl, ADD PRIMARY KEY (blocker, blocked);
DROP MATERIALIZED VIEW suggestions;
DROP VIEW profile;
ALTER TABLE people ALTER handle TYPE text, DROP interests, ADD avatar bytea;
CREATE VIEW profile AS SELECT p.id, p.handle, p.joined, count(f.*) AS followers FROM people p LEFT JOIN follows f ON
  f.followed = p.id GROUP BY p.id;
