-- Tickets for events: halls with seats, reservations that end, prices by time, orders, scans at the door.
CREATE EXTENSION btree_gist;
CREATE TYPE ticket_state AS ENUM ('reserved', 'sold', 'scanned', 'void');
CREATE TABLE halls (id serial PRIMARY KEY, name text NOT NULL UNIQUE, plan polygon);
CREATE TABLE seats (hall int REFERENCES halls ON DELETE CASCADE, "row" char(1), number int, category smallint NOT
  NULL DEFAULT 1, position point, PRIMARY KEY (hall, "row", number));
CREATE TABLE shows (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, hall int NOT NULL REFERENCES halls, title text
  NOT NULL, during tsrange NOT NULL,
  doors time without time zone NOT NULL DEFAULT '19:00', EXCLUDE USING gist (hall WITH =, during WITH &&), UNIQUE
    (id, hall));
CREATE TABLE prices (show int REFERENCES shows ON DELETE CASCADE, category smallint, valid tstzrange NOT NULL DEFAULT
  tstzrange(NULL, NULL), amount numeric(8, 2) NOT NULL,
  EXCLUDE USING gist (show WITH =, category WITH =, valid WITH &&) DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE prices REPLICA IDENTITY FULL;
CREATE TABLE buyers (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL, phone text, CONSTRAINT
  email_key UNIQUE (email) INCLUDE (phone));
CREATE TABLE tickets (code char(12) PRIMARY KEY, show int NOT NULL, hall int NOT NULL, "row" char(1) NOT NULL, number
  int NOT NULL, buyer uuid REFERENCES buyers ON DELETE SET NULL,
  state ticket_state NOT NULL DEFAULT 'reserved', until timestamptz, paid numeric(8, 2), FOREIGN KEY (show, hall)
    REFERENCES shows (id, hall) ON DELETE CASCADE,
  FOREIGN KEY (hall, "row", number) REFERENCES seats, CONSTRAINT paid_if_sold CHECK (state NOT IN ('sold', 'scanned')
    OR paid IS NOT NULL));
CREATE UNIQUE INDEX one_ticket_a_seat ON tickets (show, hall, "row", number) WHERE state <> 'void';
CREATE TABLE scans (ticket char(12) REFERENCES tickets, gate int, at timestamptz(0) NOT NULL DEFAULT now());
CREATE FUNCTION only_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM public.scans WHERE ticket = new.ticket) THEN new.gate = -1; END IF;
  RETURN new;
END $$;
CREATE TRIGGER only_once BEFORE INSERT ON scans FOR EACH ROW EXECUTE FUNCTION only_once();
CREATE VIEW sold AS SELECT s.id, s.title, s.during, count(t.code) FILTER (WHERE t.state = 'sold') AS sold,
  sum(t.paid) AS income FROM shows s LEFT JOIN tickets t ON t.show = s.id GROUP BY s.id;
INSERT INTO halls (name, plan) VALUES ('Large', '((0,0),(0,10),(10,10))'), ('Small', NULL);
INSERT INTO seats SELECT h, r, n, 1 + n % 2, point(n, h) FROM generate_series(1, 2) h, unnest(ARRAY['A', 'B']) r,
  generate_series(1, 8) n;
INSERT INTO shows (hall, title, during) SELECT 1 + i % 2, 'Show ' || i, tsrange('2026-05-01 20:00'::timestamp + i *
  '1 day'::interval, '2026-05-01 22:00'::timestamp + i * '1 day'::interval) FROM generate_series(1, 6) i;
INSERT INTO prices (show, category, amount) SELECT s.id, c, c * 15 FROM shows s, generate_series(1, 2) c;
INSERT INTO buyers (id, email) SELECT md5('b' || i)::uuid, 'b' || i || '@example.org' FROM generate_series(1, 9) i;
INSERT INTO tickets SELECT lpad((s.id * 100 + e.number)::text, 12, '0'), s.id, s.hall, 'A', e.number, md5('b' ||
  e.number)::uuid, 'sold', NULL, 15 FROM shows s JOIN seats e ON e.hall = s.hall AND e."row" = 'A';
INSERT INTO scans (ticket, gate) SELECT code, 1 FROM tickets LIMIT 10;
--- migration
ALTER TABLE scans ADD id bigserial;
ALTER TABLE scans ADD CONSTRAINT scans_key PRIMARY KEY (id);
CREATE TABLE vouchers (code text PRIMARY KEY, worth numeric(8, 2) NOT NULL CHECK (worth > 0), used_by char(12) UNIQUE
  REFERENCES tickets ON DELETE SET NULL);
INSERT INTO vouchers SELECT 'V' || i, i FROM generate_series(1, 5) i;
--- migration
ALTER TABLE shows ADD cancelled boolean NOT NULL DEFAULT false, ADD CONSTRAINT in_the_evening CHECK (doors > '12:00')
  NO INHERIT;
DROP VIEW sold;
ALTER TABLE tickets ALTER code TYPE varchar(16);
ALTER TABLE tickets DROP CONSTRAINT paid_if_sold;
ALTER TABLE halls DROP plan, ADD seats int;
UPDATE halls h SET seats = (SELECT count(*) FROM seats s WHERE s.hall = h.id);
