-- A calendar: events as ranges with exclusion, repetition in a composite type, invitations, rooms, time zones.
CREATE EXTENSION btree_gist;
CREATE SCHEMA cal;
CREATE TYPE cal.frequency AS ENUM ('daily', 'weekly', 'monthly', 'yearly');
CREATE TYPE cal.repetition AS (frequency cal.frequency, every smallint, until date, days int[]);
CREATE TYPE cal.timerange AS RANGE (SUBTYPE = time);
CREATE DOMAIN cal.colour AS text CHECK (VALUE ~ '^#[0-9a-f]{6}$') DEFAULT '#aabbcc';
CREATE TABLE cal.calendars (id serial PRIMARY KEY, owner text NOT NULL, colour cal.colour NOT NULL, zone text NOT
  NULL DEFAULT 'UTC', hours cal.timerange,
  free datemultirange NOT NULL DEFAULT '{}');
CREATE TABLE cal.rooms (id serial PRIMARY KEY, name text NOT NULL UNIQUE, seats int CHECK (seats > 0));
CREATE TABLE cal.events (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), calendar int NOT NULL REFERENCES
  cal.calendars ON DELETE CASCADE, title text NOT NULL,
  during tstzrange NOT NULL, repeats cal.repetition, room int REFERENCES cal.rooms, cancelled boolean NOT NULL
    DEFAULT false, CHECK (NOT isempty(during)),
  CONSTRAINT room_is_free EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (NOT cancelled));
CREATE INDEX events_during ON cal.events USING gist (calendar, during);
CREATE TABLE cal.invitations (event uuid REFERENCES cal.events ON DELETE CASCADE, guest text, answer boolean,
  reminder interval day to minute, PRIMARY KEY (event, guest));
CREATE FUNCTION cal.length(r tstzrange) RETURNS interval LANGUAGE sql IMMUTABLE AS 'SELECT upper(r) - lower(r)';
CREATE OPERATOR cal.## (RIGHTARG = tstzrange, FUNCTION = cal.length);
CREATE AGGREGATE cal.total (tstzrange) (SFUNC = range_merge, STYPE = tstzrange);
CREATE VIEW cal.busy AS SELECT c.id, c.owner, count(e.id) AS events, max(upper(e.during)) AS until FROM cal.calendars
  c LEFT JOIN cal.events e ON e.calendar = c.id GROUP BY c.id;
INSERT INTO cal.calendars (owner, hours) SELECT 'o' || i, '[08:00,17:30)' FROM generate_series(1, 5) i;
INSERT INTO cal.rooms (name, seats) SELECT 'Room ' || i, i FROM generate_series(1, 4) i;
INSERT INTO cal.events (id, calendar, title, during, repeats, room) SELECT md5(i::text)::uuid, 1 + i % 5, 'Event ' ||
  i,
  tstzrange('2026-04-01 08:00+00'::timestamptz + i * '2 hours'::interval, '2026-04-01 09:00+00'::timestamptz + i *
    '2 hours'::interval),
  CASE WHEN i % 3 = 0 THEN ROW('weekly', 1, '2027-01-01', ARRAY[1, 3])::cal.repetition END, 1 + i % 4 FROM
    generate_series(1, 20) i;
INSERT INTO cal.invitations SELECT id, 'g' || g, g = 1, '00:15' FROM cal.events, generate_series(1, 2) g;
--- migration
ALTER TYPE cal.repetition ADD ATTRIBUTE count int;
ALTER TABLE cal.events ADD place text, ADD length interval GENERATED ALWAYS AS (cal.length(during)) STORED;
CREATE TABLE cal.holidays (day date PRIMARY KEY, name text NOT NULL, region char(2));
INSERT INTO cal.holidays SELECT '2026-01-01'::date + i * 30, 'Holiday ' || i, 'DE' FROM generate_series(0, 9) i;
--- migration
ALTER TYPE cal.frequency ADD VALUE 'hourly' BEFORE 'daily';
ALTER TABLE cal.calendars ALTER zone TYPE varchar(64), ALTER owner SET NOT NULL;
ALTER TABLE cal.events DROP CONSTRAINT room_is_free, ADD CONSTRAINT room_is_free EXCLUDE USING gist (room WITH =,
  during WITH &&) WHERE (NOT cancelled) DEFERRABLE;
