-- Maps: geometries of several kinds and systems, spatial indexes, generated points, tracks.
--- superuser
CREATE EXTENSION postgis;
GRANT SELECT ON spatial_ref_sys TO rotv;
--- schema
CREATE SCHEMA geo;
CREATE TYPE geo.surface AS ENUM ('paved', 'gravel', 'path');
CREATE TABLE geo.regions (id serial PRIMARY KEY, name text NOT NULL, parent int REFERENCES geo.regions, border
  geometry(MultiPolygon, 4326) NOT NULL,
  area double precision GENERATED ALWAYS AS (ST_Area(border)) STORED);
CREATE INDEX regions_border ON geo.regions USING gist (border);
CREATE TABLE geo.places (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, region int
  REFERENCES geo.regions,
  at geography(Point, 4326) NOT NULL, height real, tags jsonb NOT NULL DEFAULT '{}');
CREATE INDEX places_at ON geo.places USING gist (at);
CREATE INDEX places_tags ON geo.places USING gin (tags);
CREATE TABLE geo.roads (id serial PRIMARY KEY, surface geo.surface NOT NULL DEFAULT 'paved', line
  geometry(LineString, 3857) NOT NULL,
  CHECK (ST_NumPoints(line) >= 2));
CREATE TABLE geo.tracks (device text, at timestamptz, point geometry(PointZ, 4326), PRIMARY KEY (device, at))
  PARTITION BY RANGE (at);
CREATE TABLE geo.tracks_2025 PARTITION OF geo.tracks FOR VALUES FROM ('2025-01-01 00:00+00') TO
  ('2026-01-01 00:00+00');
CREATE TABLE geo.tracks_2026 PARTITION OF geo.tracks FOR VALUES FROM ('2026-01-01 00:00+00') TO
  ('2027-01-01 00:00+00');
CREATE INDEX ON geo.tracks USING gist (point);
CREATE VIEW geo.region_places AS SELECT r.id, r.name, count(p.id) AS places FROM geo.regions r LEFT JOIN geo.places p
  ON p.region = r.id GROUP BY r.id;
INSERT INTO geo.regions (name, border) SELECT 'R' || i, ST_Multi(ST_MakeEnvelope(i, i, i + 1, i + 1, 4326)) FROM
  generate_series(1, 5) i;
INSERT INTO geo.places (name, region, at, height) SELECT 'P' || i, 1 + i % 5, ST_MakePoint(i * 0.37, i *
  0.11)::geography, i / 3.0 FROM generate_series(1, 20) i;
INSERT INTO geo.roads (line) SELECT ST_MakeLine(ST_SetSRID(ST_MakePoint(i, 1), 3857), ST_SetSRID(ST_MakePoint(i,
  9.5), 3857)) FROM generate_series(1, 8) i;
INSERT INTO geo.tracks SELECT 'd' || i % 3, '2025-12-31 12:00+00'::timestamptz + i * '1 hour'::interval,
  ST_SetSRID(ST_MakePoint(i, i, i), 4326)
  FROM generate_series(1, 24) i;
--- migration
ALTER TABLE geo.places ADD footprint geometry(Polygon, 4326), ADD accuracy numeric(6, 2);
CREATE TABLE geo.tracks_2027 PARTITION OF geo.tracks FOR VALUES FROM ('2027-01-01 00:00+00') TO
  ('2028-01-01 00:00+00');
ALTER TYPE geo.surface ADD VALUE 'water' AFTER 'gravel';
--- migration
ALTER TABLE geo.roads ALTER line TYPE geometry(LineString, 4326) USING ST_Transform(line, 4326);
CREATE INDEX roads_line ON geo.roads USING gist (line);
ALTER TABLE geo.regions ADD CONSTRAINT border_is_valid CHECK (ST_IsValid(border)) NOT VALID;
