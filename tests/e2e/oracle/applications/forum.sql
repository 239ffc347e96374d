-- A forum: boards in a tree, threads, posts with counters kept by triggers, votes, moderators.
CREATE EXTENSION ltree;
CREATE TYPE vote AS ENUM ('up', 'down');
CREATE TABLE users (id serial PRIMARY KEY, nick varchar(30) NOT NULL, bio text, signed_up date NOT NULL DEFAULT
  '2026-01-01',
  banned_until timestamptz);
CREATE UNIQUE INDEX users_nick ON users (lower(nick));
CREATE TABLE boards (path ltree PRIMARY KEY, title text NOT NULL, description text);
CREATE INDEX ON boards USING gist (path);
CREATE TABLE threads (id serial PRIMARY KEY, board ltree NOT NULL REFERENCES boards ON UPDATE CASCADE, title text NOT
  NULL,
  starter int REFERENCES users ON DELETE SET NULL, posts int NOT NULL DEFAULT 0, pinned boolean DEFAULT false,
  last_post int);
CREATE TABLE posts (id bigserial PRIMARY KEY, thread_id int NOT NULL REFERENCES threads ON DELETE CASCADE,
  author int REFERENCES users ON DELETE SET NULL, answer_to bigint REFERENCES posts ON DELETE SET NULL,
  body text NOT NULL CHECK (length(body) < 20000), at timestamptz NOT NULL DEFAULT now(), edited timestamptz);
ALTER TABLE threads ADD FOREIGN KEY (last_post) REFERENCES posts ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED NOT
  VALID;
ALTER TABLE posts ALTER body SET STORAGE EXTERNAL;
CREATE INDEX posts_of_thread ON posts (thread_id, at DESC NULLS LAST) INCLUDE (author);
CREATE TABLE votes (post_id bigint REFERENCES posts ON DELETE CASCADE, user_id int REFERENCES users ON DELETE CASCADE,
  vote vote NOT NULL, PRIMARY KEY (post_id, user_id));
CREATE FUNCTION count_posts() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN UPDATE threads SET posts = posts + 1, last_post = new.id WHERE id = new.thread_id;
  ELSE UPDATE threads SET posts = posts - 1 WHERE id = old.thread_id; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER count_posts AFTER INSERT OR DELETE ON posts FOR EACH ROW EXECUTE FUNCTION count_posts();
CREATE VIEW thread_list AS SELECT t.id, t.title, t.board, t.pinned, count(p.id) AS answers, max(p.at) AS last
  FROM threads t LEFT JOIN posts p ON p.thread_id = t.id GROUP BY t.id;
CREATE VIEW top_posts AS SELECT p.*, count(v.*) FILTER (WHERE v.vote = 'up') AS ups FROM posts p LEFT JOIN votes v
  ON v.post_id = p.id GROUP BY p.id;
CREATE RULE no_deletion AS ON DELETE TO boards DO INSTEAD NOTHING;
INSERT INTO users (nick) SELECT 'nick_' || i FROM generate_series(1, 15) i;
INSERT INTO boards SELECT ('root.b' || i)::ltree, 'Board ' || i FROM generate_series(1, 4) i;
INSERT INTO threads (board, title, starter) SELECT ('root.b' || 1 + i % 4)::ltree, 'Thread ' || i, 1 + i % 15 FROM
  generate_series(1, 10) i;
INSERT INTO posts (thread_id, author, body) SELECT 1 + i % 10, 1 + i % 15, repeat('words ', i) FROM
  generate_series(1, 40) i;
INSERT INTO votes SELECT i, 1 + i % 15, 'up' FROM generate_series(1, 20) i;
--- migration
CREATE TABLE moderators (board ltree REFERENCES boards, user_id int REFERENCES users, PRIMARY KEY (user_id, board));
INSERT INTO moderators VALUES ('root.b1', 1), ('root.b2', 2);
ALTER TABLE posts ADD likes int NOT NULL DEFAULT 0;
UPDATE posts p SET likes = (SELECT count(*) FROM votes v WHERE v.post_id = p.id);
ALTER TYPE vote ADD VALUE 'flag' BEFORE 'down';
--- migration
ALTER TABLE threads VALIDATE CONSTRAINT threads_last_post_fkey;
DROP TRIGGER count_posts ON posts;
DROP VIEW thread_list;
ALTER TABLE threads DROP posts;
ALTER TABLE users ALTER nick TYPE text, ADD CONSTRAINT nick_length CHECK (length(nick) <= 30) NOT VALID;
CREATE INDEX flagged ON votes (post_id) WHERE vote = 'flag';
