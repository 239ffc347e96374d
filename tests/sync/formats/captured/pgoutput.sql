-- Produces one of every message of pgoutput, for capture.sh. Each statement is one transaction.
CREATE TABLE kv (id int PRIMARY KEY, note text, amount numeric(10, 2));
CREATE TABLE whole (id int, note text);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE by_index (id int PRIMARY KEY, code text NOT NULL UNIQUE);
ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_code_key;
CREATE TABLE picture (id int PRIMARY KEY, name text, bytes text);
ALTER TABLE picture ALTER bytes SET STORAGE EXTERNAL;
CREATE TABLE whole_picture (id int, name text, bytes text);
ALTER TABLE whole_picture ALTER bytes SET STORAGE EXTERNAL;
ALTER TABLE whole_picture REPLICA IDENTITY FULL;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE "od
d ""name" ("co	l" int PRIMARY KEY, m mood);
CREATE TABLE parent (id serial PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent);
CREATE TABLE no_columns ();
ALTER TABLE no_columns REPLICA IDENTITY FULL;
CREATE PUBLICATION p FOR TABLE kv, whole, by_index, picture, whole_picture, "od
d ""name", parent, child, no_columns;
SELECT pg_create_logical_replication_slot('rotv_capture', 'pgoutput') \g /dev/null

INSERT INTO kv VALUES (1, 'one', 1.5), (2, NULL, NULL), (3, '', 0);
UPDATE kv SET note = E'u\tn\\o\n' WHERE id = 1;
UPDATE kv SET id = 10 WHERE id = 1;
DELETE FROM kv WHERE id = 2;
INSERT INTO whole VALUES (1, 'a'), (1, NULL);
UPDATE whole SET note = 'b' WHERE note = 'a';
DELETE FROM whole WHERE note IS NULL;
INSERT INTO by_index VALUES (1, 'x');
UPDATE by_index SET code = 'y';
DELETE FROM by_index;
INSERT INTO picture VALUES (1, 'cat', repeat('x', 3000));
UPDATE picture SET name = 'dog';
UPDATE picture SET id = 2;
INSERT INTO whole_picture VALUES (1, 'cat', repeat('y', 3000));
UPDATE whole_picture SET name = 'dog';
INSERT INTO "od
d ""name" VALUES (7, 'ok');
INSERT INTO no_columns DEFAULT VALUES;
TRUNCATE kv;
TRUNCATE parent RESTART IDENTITY CASCADE;
SELECT pg_logical_emit_message(true, 'in a transaction', 'content') \g /dev/null
SELECT pg_logical_emit_message(false, 'on its own', E'') \g /dev/null
SELECT pg_replication_origin_create('elsewhere') \g /dev/null
SELECT pg_replication_origin_session_setup('elsewhere') \g /dev/null
BEGIN;
SELECT pg_replication_origin_xact_setup('16/B374D848', '2020-01-01 00:00:00+00') \g /dev/null
INSERT INTO kv VALUES (4, 'replicated', -0.01);
COMMIT;
SELECT pg_replication_origin_session_reset() \g /dev/null

-- The LSN, the transaction, its commit time in Unix microseconds (0 without one) and the message. A Commit's LSN is the
-- end of its record.
SELECT lsn, xid, CASE WHEN xid = '0' THEN 0 ELSE (extract(epoch FROM pg_xact_commit_timestamp(xid)) * 1000000)::bigint END,
       encode(data, 'hex')
FROM pg_logical_slot_peek_binary_changes('rotv_capture', NULL, NULL,
  'proto_version', '1', 'publication_names', 'p', 'messages', 'true');
SELECT pg_drop_replication_slot('rotv_capture'), pg_replication_origin_drop('elsewhere') \g /dev/null
