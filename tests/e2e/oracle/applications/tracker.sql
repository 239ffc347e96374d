-- An issue tracker: numbers by project, states with allowed transitions, labels, sprints that do not overlap.
CREATE EXTENSION btree_gist;
CREATE SCHEMA tracker;
CREATE TYPE tracker.priority AS ENUM ('low', 'normal', 'high', 'urgent');
CREATE DOMAIN tracker.project_key AS varchar(10) CHECK (VALUE ~ '^[A-Z][A-Z0-9]*$');
CREATE TABLE tracker.people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, login text NOT NULL UNIQUE, boss int);
ALTER TABLE tracker.people ADD FOREIGN KEY (boss) REFERENCES tracker.people DEFERRABLE;
CREATE TABLE tracker.projects (key tracker.project_key PRIMARY KEY, name text NOT NULL, lead int NOT NULL REFERENCES
  tracker.people,
  next_number int NOT NULL DEFAULT 1);
CREATE TABLE tracker.issues (project tracker.project_key REFERENCES tracker.projects ON UPDATE CASCADE, number int,
  title text NOT NULL, priority tracker.priority NOT NULL DEFAULT 'normal', state text NOT NULL DEFAULT 'open',
  reporter int REFERENCES tracker.people, assignee int REFERENCES tracker.people, estimate interval, due date,
  custom jsonb, parent_number int, created timestamptz NOT NULL DEFAULT now(),
  slug text GENERATED ALWAYS AS (project || '-' || number) STORED,
  PRIMARY KEY (project, number), FOREIGN KEY (project, parent_number) REFERENCES tracker.issues (project, number));
CREATE INDEX issues_open ON tracker.issues (assignee, priority DESC) WHERE state <> 'done';
CREATE INDEX issues_custom ON tracker.issues USING gin (custom jsonb_path_ops);
CREATE STATISTICS tracker.issue_states (dependencies, mcv) ON project, state FROM tracker.issues;
CREATE TABLE tracker.transitions (from_state text, to_state text, PRIMARY KEY (from_state, to_state));
CREATE TABLE tracker.labels (project tracker.project_key, number int, label text, PRIMARY KEY (project, number,
  label),
  FOREIGN KEY (project, number) REFERENCES tracker.issues ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE tracker.sprints (id serial PRIMARY KEY, project tracker.project_key NOT NULL REFERENCES tracker.projects
  ON UPDATE CASCADE,
  during daterange NOT NULL, EXCLUDE USING gist (project WITH =, during WITH &&));
CREATE FUNCTION tracker.take_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF new.number IS NULL THEN
    UPDATE tracker.projects SET next_number = next_number + 1 WHERE key = new.project RETURNING next_number - 1 INTO
      new.number;
  END IF;
  RETURN new;
END $$;
CREATE TRIGGER take_number BEFORE INSERT ON tracker.issues FOR EACH ROW EXECUTE FUNCTION tracker.take_number();
CREATE VIEW tracker.load AS SELECT p.id, p.login, count(i.number) AS issues, sum(i.estimate) AS work
  FROM tracker.people p LEFT JOIN tracker.issues i ON i.assignee = p.id GROUP BY p.id;
INSERT INTO tracker.people (login, boss) SELECT 'p' || i, NULLIF(i / 3, 0) FROM generate_series(1, 9) i;
INSERT INTO tracker.projects VALUES ('WEB', 'The web', 1), ('API', 'The interface', 2);
INSERT INTO tracker.issues (project, title, reporter, assignee, estimate, custom) SELECT CASE WHEN i % 3 = 0 THEN
  'API' ELSE 'WEB' END,
  'Issue ' || i, 1 + i % 9, 1 + i % 4, i * '1 hour'::interval, jsonb_build_object('n', i) FROM generate_series(1, 25)
    i;
INSERT INTO tracker.transitions VALUES ('open', 'doing'), ('doing', 'done'), ('done', 'open');
INSERT INTO tracker.labels SELECT project, number, 'l' || number % 3 FROM tracker.issues;
INSERT INTO tracker.sprints (project, during) SELECT 'WEB', daterange('2026-01-01'::date + 14 * i, '2026-01-01'::date
  + 14 * i + 14)
  FROM generate_series(1, 4) i;
--- migration
CREATE TABLE tracker.comments (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, project tracker.project_key NOT
  NULL, number int NOT NULL,
  author int REFERENCES tracker.people, body text NOT NULL, FOREIGN KEY (project, number) REFERENCES tracker.issues
    ON UPDATE CASCADE ON DELETE CASCADE);
INSERT INTO tracker.comments (project, number, author, body) SELECT project, number, 1, 'moved' FROM tracker.issues;
ALTER TABLE tracker.issues ADD FOREIGN KEY (state, state) REFERENCES tracker.transitions (from_state, to_state) NOT
  VALID;
ALTER TABLE tracker.issues DROP CONSTRAINT issues_state_state_fkey;
--- migration
ALTER TABLE tracker.sprints ADD goal text, ALTER id TYPE bigint;
ALTER TABLE tracker.projects RENAME COLUMN lead TO owner;
ALTER TABLE tracker.people ADD UNIQUE (login, boss) DEFERRABLE INITIALLY DEFERRED;
ALTER DOMAIN tracker.project_key ADD CHECK (length(VALUE) > 1) NOT VALID;
CREATE VIEW tracker.board AS SELECT i.project, i.number, i.state, array_agg(l.label ORDER BY l.label) AS labels
  FROM tracker.issues i LEFT JOIN tracker.labels l USING (project, number) GROUP BY i.project, i.number;
