-- A learning platform: courses of lessons, enrolments, exercises with answers in several shapes, grades, row security.
CREATE EXTENSION hstore;
CREATE SCHEMA learn;
CREATE TYPE learn.kind AS ENUM ('text', 'video', 'quiz');
CREATE TYPE learn.answer AS (option int, words text, points numeric);
CREATE DOMAIN learn.grade AS numeric(3, 1) CHECK (VALUE BETWEEN 1 AND 6);
CREATE TABLE learn.users (id serial PRIMARY KEY, name text NOT NULL, role text NOT NULL DEFAULT 'student' CHECK (role
  IN ('student', 'teacher')), settings hstore NOT NULL DEFAULT '');
CREATE TABLE learn.courses (id serial PRIMARY KEY, title text NOT NULL, teacher int REFERENCES learn.users, runs
  daterange, price numeric(8, 2));
CREATE TABLE learn.lessons (course int REFERENCES learn.courses ON DELETE CASCADE, place int, kind learn.kind NOT
  NULL, title text NOT NULL, content xml, minutes interval minute,
  PRIMARY KEY (course, place) DEFERRABLE INITIALLY IMMEDIATE);
ALTER TABLE learn.lessons REPLICA IDENTITY FULL;
CREATE TABLE learn.enrolments (student int REFERENCES learn.users, course int REFERENCES learn.courses, since date
  NOT NULL DEFAULT '2026-01-01', progress real[] NOT NULL DEFAULT '{}', PRIMARY KEY (student, course));
CREATE TABLE learn.answers (id bigserial PRIMARY KEY, student int NOT NULL, course int NOT NULL, exercise text NOT
  NULL, given learn.answer, tries smallint NOT NULL DEFAULT 1,
  FOREIGN KEY (student, course) REFERENCES learn.enrolments ON DELETE CASCADE);
CREATE INDEX best_answers ON learn.answers (student, ((given).points) DESC);
CREATE TABLE learn.grades (student int, course int, grade learn.grade, note text, PRIMARY KEY (student, course),
  FOREIGN KEY (student, course) REFERENCES learn.enrolments ON DELETE CASCADE);
ALTER TABLE learn.grades ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON learn.grades FOR SELECT USING (student = current_setting('learn.user', true)::int);
CREATE POLICY teachers ON learn.grades AS RESTRICTIVE USING (EXISTS (SELECT FROM learn.users u WHERE u.role =
  'teacher'));
CREATE FUNCTION learn.worst(a learn.grade, b learn.grade) RETURNS learn.grade LANGUAGE sql IMMUTABLE AS
  'SELECT greatest(a, b)';
CREATE AGGREGATE learn.worst (learn.grade) (SFUNC = learn.worst, STYPE = learn.grade, PARALLEL = SAFE);
CREATE VIEW learn.course_list AS SELECT c.id, c.title, c.price, count(e.student) AS students FROM learn.courses c
  LEFT JOIN learn.enrolments e ON e.course = c.id GROUP BY c.id;
CREATE VIEW learn.students AS SELECT id, name FROM learn.users WHERE role = 'student' WITH LOCAL CHECK OPTION;
INSERT INTO learn.users (name, role, settings) SELECT 'U' || i, CASE WHEN i < 3 THEN 'teacher' ELSE 'student' END,
  hstore('n', i::text) FROM generate_series(1, 14) i;
INSERT INTO learn.courses (title, teacher) SELECT 'Course ' || i, 1 + i % 2 FROM generate_series(1, 4) i;
INSERT INTO learn.lessons SELECT c, p, 'video', 'Lesson ' || p, '<p>text</p>', '20 min' FROM generate_series(1, 4) c,
  generate_series(1, 5) p;
INSERT INTO learn.enrolments (student, course) SELECT u, 1 + u % 4 FROM generate_series(3, 14) u;
INSERT INTO learn.answers (student, course, exercise, given) SELECT student, course, 'e' || g, ROW(g, 'because', g /
  2.0)::learn.answer FROM learn.enrolments, generate_series(1, 2) g;
INSERT INTO learn.grades SELECT student, course, 1 + student % 5 FROM learn.enrolments;
--- migration
ALTER TABLE learn.courses ADD syllabus jsonb, ADD CONSTRAINT runs_at_all CHECK (NOT isempty(runs));
CREATE TABLE learn.certificates (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), student int NOT NULL, course int NOT
  NULL, issued timestamptz NOT NULL DEFAULT now(), FOREIGN KEY (student, course) REFERENCES learn.grades);
INSERT INTO learn.certificates (student, course) SELECT student, course FROM learn.grades WHERE grade < 3;
--- migration
ALTER TYPE learn.kind ADD VALUE 'live';
DROP INDEX learn.best_answers;
ALTER TYPE learn.answer RENAME ATTRIBUTE words TO text;
ALTER TABLE learn.grades FORCE ROW LEVEL SECURITY;
ALTER POLICY own ON learn.grades USING (student = 1);
