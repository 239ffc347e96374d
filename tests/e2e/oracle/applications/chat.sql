-- A chat: rooms and direct conversations, messages with reactions in jsonb, presence that is not logged.
CREATE TYPE room_kind AS ENUM ('direct', 'group', 'channel');
CREATE TABLE members (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), handle text NOT NULL UNIQUE, settings jsonb NOT
  NULL DEFAULT '{"sound": true}',
  last_ip inet, devices macaddr[]);
CREATE TABLE rooms (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), kind room_kind NOT NULL DEFAULT 'group', topic
  text, created timestamptz NOT NULL DEFAULT now(),
  CHECK (kind <> 'channel' OR topic IS NOT NULL));
CREATE TABLE memberships (room uuid REFERENCES rooms ON DELETE CASCADE, member uuid REFERENCES members ON DELETE
  CASCADE, read_until bigint NOT NULL DEFAULT 0,
  muted boolean NOT NULL DEFAULT false, PRIMARY KEY (room, member)) WITH (fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX memberships_of ON memberships (member) INCLUDE (read_until);
CREATE TABLE messages (room uuid NOT NULL REFERENCES rooms ON DELETE CASCADE, id bigint GENERATED ALWAYS AS IDENTITY
  (CACHE 20), author uuid REFERENCES members ON DELETE SET NULL,
  body text, reactions jsonb NOT NULL DEFAULT '{}', attachments bytea[], sent timestamptz NOT NULL DEFAULT
    clock_timestamp(),
  deleted boolean NOT NULL DEFAULT false, PRIMARY KEY (room, id), CHECK (deleted = (body IS NULL)));
ALTER TABLE messages ALTER body SET COMPRESSION lz4;
CREATE UNLOGGED TABLE presence (member uuid PRIMARY KEY, seen timestamptz NOT NULL DEFAULT now(), place point);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('room', new.room::text); RETURN
  NULL; END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE OF body ON messages FOR EACH ROW WHEN (NOT new.deleted) EXECUTE FUNCTION
  tell();
CREATE VIEW unread WITH (security_invoker = true) AS SELECT s.room, s.member, count(m.id) AS n FROM memberships s
  LEFT JOIN messages m ON m.room = s.room AND m.id > s.read_until
  GROUP BY s.room, s.member;
INSERT INTO members (id, handle, last_ip) SELECT md5('m' || i)::uuid, 'h' || i, '10.0.0.0'::inet + i FROM
  generate_series(1, 12) i;
INSERT INTO rooms (id, topic) SELECT md5('r' || i)::uuid, 'Topic ' || i FROM generate_series(1, 4) i;
INSERT INTO memberships (room, member) SELECT r.id, m.id FROM rooms r, members m WHERE r.id < m.id;
INSERT INTO messages (room, author, body) SELECT md5('r' || 1 + i % 4)::uuid, md5('m' || 1 + i % 12)::uuid, 'Hello '
  || i || chr(128512) FROM generate_series(1, 30) i;
INSERT INTO presence SELECT id FROM members;
--- migration
ALTER TABLE messages ADD thread bigint, ADD FOREIGN KEY (room, thread) REFERENCES messages (room, id);
CREATE INDEX direct ON rooms (topic) WHERE kind = 'direct';
ALTER TABLE presence SET LOGGED;
--- migration
CREATE TABLE attachments (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), room uuid NOT NULL, message bigint NOT NULL,
  data bytea NOT NULL,
  FOREIGN KEY (room, message) REFERENCES messages ON DELETE CASCADE);
INSERT INTO attachments (room, message, data) SELECT room, id, sha256(body::bytea) FROM messages WHERE NOT deleted
  LIMIT 7;
ALTER TABLE messages DROP attachments;
ALTER TYPE room_kind RENAME VALUE 'channel' TO 'broadcast';
