-- A new catalogue: kinds are renamed, sizes get a unit, last year's tickets are archived.
ALTER TYPE "Collection"."Kind of thing" RENAME VALUE 'it''s unknown' TO 'unknown';
ALTER TYPE "Collection"."Kind of thing" RENAME TO kind;
ALTER TYPE "Collection"."kind" ADD VALUE 'drawing' BEFORE 'print';
ALTER TYPE "Collection".size RENAME ATTRIBUTE "depth (cm)" TO depth;
ALTER TYPE "Collection".size ADD ATTRIBUTE unit text;
ALTER DOMAIN "Collection".year ADD CONSTRAINT not_zero CHECK (VALUE <> 0);
ALTER TABLE visits.tickets DETACH PARTITION visits.tickets_2023;
ALTER TABLE visits.tickets_2023 RENAME TO old_tickets;
CREATE TABLE visits.tickets_2025 PARTITION OF visits.tickets FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE visits.tickets_2022 (LIKE visits.tickets INCLUDING ALL);
INSERT INTO visits.tickets_2022 VALUES ('2022-05-05', 1, 'full', NULL);
ALTER TABLE visits.tickets ATTACH PARTITION visits.tickets_2022 FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
ALTER TABLE "Collection"."Things" ADD seen timestamptz DEFAULT '2024-07-02 00:00+00', ADD score int;
ALTER TABLE "Collection".prints NO INHERIT "Collection"."Things";
ALTER TABLE "Collection"."People" ALTER biography TYPE text USING biography::text;
ALTER TABLE "Collection".condition_reports ADD PRIMARY KEY (thing, at);
ALTER TABLE "Collection"."Provenance" ADD id int GENERATED ALWAYS AS IDENTITY;
ALTER TABLE "Collection"."Provenance" ADD PRIMARY KEY (id);
ALTER TABLE "Collection"."Provenance" REPLICA IDENTITY DEFAULT;
ALTER TABLE visits.guides DROP battery, ADD battery numeric(4, 1) DEFAULT 99.5;
ALTER TABLE visits.exhibitions ALTER rooms TYPE text USING rooms::text;
DROP TABLE visits.shown;
CREATE TABLE visits.shown (thing text, exhibition int REFERENCES visits.exhibitions, PRIMARY KEY (thing, exhibition));
INSERT INTO visits.shown SELECT 'S' || n, 1 FROM generate_series(1, 20) n;
ALTER SCHEMA visits RENAME TO public_life;
CREATE OR REPLACE FUNCTION public_life.next_ticket() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
  NEW.number := coalesce(NEW.number, (SELECT coalesce(max(number), 0) + 1 FROM public_life.tickets WHERE day = NEW.day));
  RETURN NEW;
END $f$;
CLUSTER "Collection".pictures USING pictures_pkey;
DROP RULE never_delete ON public_life.guest_book;
ALTER TABLE public_life.guest_book ADD id serial PRIMARY KEY;
