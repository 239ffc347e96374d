-- An audit trail: a generic trigger on several tables, the trail in children by year, an event trigger.
--- superuser
CREATE FUNCTION public.note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE DEBUG 'ddl: %', tg_tag;
  END $$;
CREATE EVENT TRIGGER note_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION
  public.note_ddl();
--- schema
CREATE SCHEMA app; CREATE SCHEMA trail;
CREATE TABLE app.patients (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, born date, blood
  char(3), insured boolean NOT NULL DEFAULT true);
CREATE TABLE app.visits (id serial PRIMARY KEY, patient int NOT NULL REFERENCES app.patients ON DELETE CASCADE, at
  timestamptz NOT NULL DEFAULT now(), findings text, codes varchar(8)[] NOT NULL DEFAULT '{}');
CREATE TABLE app.prescriptions (visit int REFERENCES app.visits ON DELETE CASCADE, drug text, dose numeric, PRIMARY
  KEY (visit, drug));
CREATE TABLE trail.changes (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL DEFAULT
  clock_timestamp(), who name NOT NULL DEFAULT current_user, relation text NOT NULL, action "char" NOT NULL,
  old_row jsonb, new_row jsonb, transaction xid8 NOT NULL DEFAULT pg_current_xact_id(), PRIMARY KEY (id));
CREATE TABLE trail.changes_old (CHECK (at < '2026-01-01 00:00+00') NO INHERIT, PRIMARY KEY (id)) INHERITS
  (trail.changes);
CREATE INDEX changes_relation ON trail.changes (relation, at) WITH (deduplicate_items = off);
CREATE FUNCTION trail.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog,
  pg_temp AS $$
BEGIN
  INSERT INTO trail.changes (relation, action, old_row, new_row)
    VALUES (tg_table_schema || '.' || tg_table_name, left(tg_op, 1)::"char", CASE WHEN tg_op <> 'INSERT' THEN
      to_jsonb(old) END, CASE WHEN tg_op <> 'DELETE' THEN to_jsonb(new) END);
  RETURN NULL;
END $$;
CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON app.patients FOR EACH ROW EXECUTE FUNCTION trail.record();
CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON app.visits FOR EACH ROW EXECUTE FUNCTION trail.record();
CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON app.prescriptions FOR EACH ROW EXECUTE FUNCTION
  trail.record();
CREATE FUNCTION trail.count_rows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE DEBUG '% rows', (SELECT
  count(*) FROM changed); RETURN NULL; END $$;
CREATE TRIGGER count_rows AFTER UPDATE ON app.visits REFERENCING OLD TABLE AS was NEW TABLE AS changed FOR EACH
  STATEMENT EXECUTE FUNCTION trail.count_rows();
CREATE RULE changes_stay AS ON DELETE TO trail.changes DO INSTEAD NOTHING;
CREATE VIEW app.patient_visits AS SELECT p.id, p.name, p.born, count(v.id) AS visits, max(v.at) AS last FROM
  app.patients p LEFT JOIN app.visits v ON v.patient = p.id GROUP BY p.id;
INSERT INTO app.patients (name, born) SELECT 'P' || i, '1950-01-01'::date + i * 400 FROM generate_series(1, 12) i;
INSERT INTO app.visits (patient, findings, codes) SELECT 1 + i % 12, 'f' || i, ARRAY['C' || i] FROM
  generate_series(1, 24) i;
INSERT INTO app.prescriptions SELECT id, 'drug ' || id % 3, 0.5 FROM app.visits;
UPDATE app.patients SET insured = false WHERE id % 5 = 0;
--- migration
ALTER TABLE app.visits ADD doctor text DEFAULT 'unknown', ADD CONSTRAINT codes_few CHECK (cardinality(codes) < 20);
CREATE TABLE app.consents (patient int PRIMARY KEY REFERENCES app.patients ON DELETE CASCADE, given timestamptz,
  document bytea);
CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON app.consents FOR EACH ROW EXECUTE FUNCTION trail.record();
INSERT INTO app.consents SELECT id, '2026-03-01', decode('00ff', 'hex') FROM app.patients WHERE insured;
--- migration
ALTER TABLE app.patients DISABLE TRIGGER record;
ALTER TABLE app.patients RENAME COLUMN blood TO blood_group;
UPDATE app.patients SET blood_group = 'A+';
ALTER TABLE app.patients ENABLE TRIGGER record;
ALTER TABLE app.visits DISABLE TRIGGER count_rows;
ALTER TABLE trail.changes DISABLE RULE changes_stay;
ALTER TABLE app.prescriptions ALTER dose SET DEFAULT 1;
