-- Measurements: devices that send, in partitions by month and by region; alarms, rollups, firmware.

CREATE SCHEMA telemetry;
CREATE TYPE telemetry.level AS ENUM ('info', 'warning', 'alarm');
CREATE TYPE telemetry.floatrange AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE DOMAIN telemetry.percent AS real CHECK (VALUE BETWEEN 0 AND 100);

CREATE TABLE telemetry.regions (code text PRIMARY KEY, name text NOT NULL, outline polygon);
CREATE TABLE telemetry.models (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, good telemetry.floatrange, manual text);
ALTER TABLE telemetry.models ALTER manual SET STORAGE EXTERNAL;
CREATE TABLE telemetry.devices (
  id bigint PRIMARY KEY, model int NOT NULL REFERENCES telemetry.models, region text REFERENCES telemetry.regions ON UPDATE CASCADE, address macaddr8 UNIQUE,
  at point, installed date, config jsonb NOT NULL DEFAULT '{}', network cidr
);
CREATE TABLE telemetry.samples (
  device bigint NOT NULL, at timestamptz NOT NULL, value double precision, quality telemetry.percent DEFAULT 100, raw bit varying,
  PRIMARY KEY (device, at)
) PARTITION BY RANGE (at);
CREATE TABLE telemetry.samples_2024_01 PARTITION OF telemetry.samples FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-02-01 00:00+00');
CREATE TABLE telemetry.samples_2024_02 PARTITION OF telemetry.samples FOR VALUES FROM ('2024-02-01 00:00+00') TO ('2024-03-01 00:00+00');
CREATE TABLE telemetry.samples_2024_03 PARTITION OF telemetry.samples FOR VALUES FROM ('2024-03-01 00:00+00') TO ('2024-04-01 00:00+00');
CREATE TABLE telemetry.samples_rest PARTITION OF telemetry.samples DEFAULT;
CREATE INDEX samples_at ON telemetry.samples USING brin (at);
CREATE TABLE telemetry.events (
  region text NOT NULL, at timestamptz NOT NULL, level telemetry.level NOT NULL, words text
) PARTITION BY LIST (region);
CREATE TABLE telemetry.events_north PARTITION OF telemetry.events FOR VALUES IN ('n', 'ne') PARTITION BY RANGE (at);
CREATE TABLE telemetry.events_north_old PARTITION OF telemetry.events_north FOR VALUES FROM (MINVALUE) TO ('2024-01-01 00:00+00');
CREATE TABLE telemetry.events_north_new PARTITION OF telemetry.events_north FOR VALUES FROM ('2024-01-01 00:00+00') TO (MAXVALUE);
CREATE TABLE telemetry.events_south PARTITION OF telemetry.events FOR VALUES IN ('s');
CREATE TABLE telemetry.events_other PARTITION OF telemetry.events DEFAULT;
ALTER TABLE telemetry.events_north_new REPLICA IDENTITY FULL;
ALTER TABLE telemetry.events_south REPLICA IDENTITY FULL;
CREATE TABLE telemetry.blobs (hash bytea, n int, data bytea, PRIMARY KEY (hash, n)) PARTITION BY HASH (hash);
CREATE TABLE telemetry.blobs_0 PARTITION OF telemetry.blobs FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE telemetry.blobs_1 PARTITION OF telemetry.blobs FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE telemetry.alarms (id bigserial PRIMARY KEY, device bigint REFERENCES telemetry.devices ON DELETE CASCADE, during tstzrange NOT NULL, peak float8, acknowledged_by text);
CREATE TABLE telemetry.hourly (device bigint, hour timestamptz, low float8, high float8, mean numeric, n int NOT NULL, PRIMARY KEY (hour, device));
CREATE TABLE telemetry.firmware (version int[] PRIMARY KEY, image bytea, notes text);
CREATE UNLOGGED TABLE telemetry.inbox (id bigserial PRIMARY KEY, line text);
CREATE TABLE telemetry.holidays (day date, EXCLUDE USING gist (daterange(day, day, '[]') WITH &&));

CREATE FUNCTION telemetry.roll_up(since timestamptz) RETURNS void LANGUAGE sql AS $$
  INSERT INTO telemetry.hourly SELECT device, date_trunc('hour', at, 'UTC'), min(value), max(value), avg(value::numeric), count(*)
  FROM telemetry.samples WHERE at >= since AND value < 'Infinity' GROUP BY 1, 2
  ON CONFLICT (hour, device) DO UPDATE SET low = excluded.low, high = excluded.high, mean = excluded.mean, n = excluded.n
$$;
CREATE FUNCTION telemetry.raise_alarm() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
  INSERT INTO telemetry.alarms (device, during, peak) SELECT NEW.device, tstzrange(NEW.at, NULL), NEW.value
    WHERE EXISTS (SELECT FROM telemetry.devices WHERE id = NEW.device);
  RETURN NEW;
END $f$;
CREATE TRIGGER too_high BEFORE INSERT ON telemetry.samples FOR EACH ROW WHEN (NEW.value > 990) EXECUTE FUNCTION telemetry.raise_alarm();
CREATE VIEW telemetry.latest AS SELECT DISTINCT ON (device) device, at, value FROM telemetry.samples ORDER BY device, at DESC;
CREATE VIEW telemetry.open_alarms AS SELECT * FROM telemetry.alarms WHERE upper_inf(during);
CREATE MATERIALIZED VIEW telemetry.daily AS SELECT device, date_trunc('day', hour, 'UTC') AS day, sum(n) AS n FROM telemetry.hourly GROUP BY 1, 2;
COMMENT ON MATERIALIZED VIEW telemetry.daily IS 'Refreshed at night';

INSERT INTO telemetry.regions VALUES ('n', 'North', '((0,0),(1,1),(2,0))'), ('ne', 'North''east', NULL), ('s', 'Süd', NULL), ('x', E'\\x', NULL);
INSERT INTO telemetry.models (name, good, manual) SELECT 'Model ' || n, telemetry.floatrange(-n, n * 0.1), repeat('page ', n * 500) FROM generate_series(1, 6) n;
INSERT INTO telemetry.devices SELECT n, 1 + n % 6, (ARRAY['n', 'ne', 's', 'x'])[1 + n % 4], ('08:00:2b:01:02:03:04:' || lpad(to_hex(n), 2, '0'))::macaddr8,
  point(n, n / 3.0), date '2023-01-01' + n::int, jsonb_build_object('rate', n), ('10.' || n || '.0.0/16')::cidr FROM generate_series(1, 60) n;
INSERT INTO telemetry.samples SELECT 1 + n % 60, timestamptz '2023-12-30 00:00+00' + n * interval '50 minutes', (n * 37) % 1000 + 0.1, n % 100, B'101'
  FROM generate_series(1, 3000) n;
INSERT INTO telemetry.samples VALUES (1, '2024-01-05 00:00:00.000001+00', 'NaN'), (2, 'infinity', 'Infinity'), (3, '2024-02-29 12:00+00', '-0');
INSERT INTO telemetry.events SELECT (ARRAY['n', 'ne', 's', 'x'])[1 + n % 4], timestamptz '2023-12-01 00:00+00' + n * interval '3 hours', (ARRAY['info', 'warning', 'alarm'])[1 + n % 3]::telemetry.level,
  'event' || n % 7 FROM generate_series(1, 600) n;
INSERT INTO telemetry.blobs SELECT decode(md5((n % 9)::text), 'hex'), n, decode(repeat(md5(n::text), 300), 'hex') FROM generate_series(1, 40) n;
SELECT telemetry.roll_up('2023-01-01 00:00+00');
INSERT INTO telemetry.firmware SELECT ARRAY[1, n], decode(repeat('00ff', 2000), 'hex'), NULL FROM generate_series(1, 5) n;
INSERT INTO telemetry.inbox (line) SELECT 'line ' || n FROM generate_series(1, 30) n;
INSERT INTO telemetry.holidays VALUES ('2024-01-01'), ('2024-05-01');
REFRESH MATERIALIZED VIEW telemetry.daily;
