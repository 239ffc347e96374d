-- An hour in production, after the baseline. psql runs this outside of a transaction: each statement, and each COMMIT
-- in the DO block, is a transaction of its own.

\set ON_ERROR_STOP on
SET client_min_messages = warning;

-- Visitors look around: many small transactions.
DO $$
BEGIN
    FOR n IN 1 .. 2000 LOOP
        INSERT INTO page_views (at, path, stayed) VALUES (clock_timestamp(), '/places/' || 1 + n % 240, n * interval '10 ms');
        COMMIT;
    END LOOP;
END
$$;

-- A place with a cover picture is renamed. The picture is not sent again: the stream marks it as unchanged TOAST.
UPDATE places SET name = 'Hale Depot', slug = 'hale-depot' WHERE id = 42;

-- A new place with a picture is inserted; another is deleted, with its pictures and hours.
INSERT INTO places (slug, name, kind, location, elevation_m, description, cover)
SELECT 'mill-race-bridge', 'Mill Race Bridge', 'covered bridge', point(-81.5583, 41.2031), 231.5,
       E'Rebuilt after the flood.\nThe planks are the third set; the roof is still the first.',
       string_agg(decode(md5('mill race ' || n), 'hex'), ''::bytea ORDER BY n) FROM generate_series(1, 4096) n;
DELETE FROM events WHERE place_id = 77;
DELETE FROM places WHERE id = 77;

-- One evening's work is one transaction: it inserts, changes and deletes the same row, and swaps two unique values.
BEGIN;
INSERT INTO news (slug, title, body, tags) VALUES ('draft', 'Draft', 'To be written', '{}');
UPDATE news SET title = E'Caf\u00e9 at the station opens', body = E'Back\\slash, tab\there, and \\. too.' WHERE slug = 'draft';
UPDATE news SET slug = 'cafe-at-the-station', tags = '{railway,"food, drink",NULL}', published_at = now() WHERE slug = 'draft';
INSERT INTO news (slug, title, body) VALUES ('mistake', 'Mistake', '');
DELETE FROM news WHERE slug = 'mistake';
UPDATE users SET email = 'away@example.org' WHERE id = md5('user 1')::uuid;
UPDATE users SET email = 'tala.novak1@example.org' WHERE id = md5('user 2')::uuid;
UPDATE users SET email = 'sven.kowalski2@example.org' WHERE id = md5('user 1')::uuid;
COMMIT;

-- Changes that are rolled back are not streamed.
BEGIN;
DELETE FROM registrations;
SAVEPOINT before_regret;
UPDATE events SET price = 1000000 - 1;
ROLLBACK TO before_regret;
ROLLBACK;

-- Housekeeping at night: large transactions.
DELETE FROM sessions WHERE started_at < timestamptz '2025-04-01 00:00+00';
UPDATE events SET price = round(price * 1.1, 2), status = 'open' WHERE status = 'planned';
UPDATE users SET settings = settings || '{"digest": "weekly"}' WHERE settings @> '{"newsletter": true}';
UPDATE opening_hours SET closes = time '16:00' WHERE weekday IN (6, 7);
-- A key changes.
UPDATE registrations SET event_id = 2999 WHERE event_id = 38 AND user_id = (SELECT min(user_id::text)::uuid FROM registrations WHERE event_id = 38);
