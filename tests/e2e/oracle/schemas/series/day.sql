-- A day's samples and their consequences.
INSERT INTO telemetry.samples SELECT 1 + n % 60, timestamptz '2024-03-20 00:00+00' + n * interval '29 seconds', (n * 41) % 1000, 99.5
  FROM generate_series(1, 1500) n;
SELECT telemetry.roll_up('2024-03-20 00:00+00');
BEGIN;
UPDATE telemetry.samples SET at = at + interval '1 month' WHERE device = 5 AND at < '2024-01-10 00:00+00';
DELETE FROM telemetry.samples WHERE value = 'NaN';
UPDATE telemetry.alarms SET during = tstzrange(lower(during), 'infinity'), acknowledged_by = E'a\tb' WHERE device % 2 = 0;
COMMIT;
INSERT INTO telemetry.events VALUES ('s', '2024-03-20 00:00+00', 'alarm', NULL), ('n', '2024-03-20 00:00+00', 'info', '\.'), ('new', '2024-03-20 00:00+00', 'info', '');
UPDATE telemetry.events_south SET words = 'south ' || words WHERE level = 'warning';
DELETE FROM telemetry.events_north_new WHERE words = 'event3';
UPDATE telemetry.regions SET code = 'no' WHERE code = 'n';
UPDATE telemetry.devices SET config = config || '{"on": true}', at = NULL WHERE id % 5 = 0;
UPDATE telemetry.models SET good = '[0.1,0.30000000000000004)' WHERE id = 2;
UPDATE telemetry.blobs SET n = n + 100 WHERE n % 8 = 0;
DELETE FROM telemetry.devices WHERE id = 60;
TRUNCATE telemetry.samples_2024_01;
INSERT INTO telemetry.firmware VALUES ('[0:1]={2,0}', '\x', 'new');
INSERT INTO telemetry.inbox (line) VALUES ('unlogged');
