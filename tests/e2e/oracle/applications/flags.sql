-- Feature flags: environments, flags with rules in jsonb, segments, changes announced by triggers, overrides by user.
CREATE SCHEMA flags;
CREATE TYPE flags.value_type AS ENUM ('boolean', 'string', 'number', 'json');
CREATE TABLE flags.environments (name text PRIMARY KEY CHECK (name ~ '^[a-z-]+$'), key uuid NOT NULL DEFAULT
  gen_random_uuid() UNIQUE, production boolean NOT NULL DEFAULT false);
CREATE UNIQUE INDEX one_production ON flags.environments ((true)) WHERE production;
CREATE TABLE flags.flags (name text COLLATE "C" PRIMARY KEY, type flags.value_type NOT NULL DEFAULT 'boolean',
  description text, created timestamptz NOT NULL DEFAULT now(), archived timestamptz);
CREATE TABLE flags.settings (flag text COLLATE "C" REFERENCES flags.flags ON UPDATE CASCADE ON DELETE CASCADE,
  environment text REFERENCES flags.environments ON UPDATE CASCADE ON DELETE CASCADE,
  enabled boolean NOT NULL DEFAULT false, rollout smallint NOT NULL DEFAULT 100 CHECK (rollout BETWEEN 0 AND 100),
    rules jsonb NOT NULL DEFAULT '[]', version int NOT NULL DEFAULT 1,
  off_value jsonb, PRIMARY KEY (flag, environment));
ALTER TABLE flags.settings ALTER rules SET STORAGE EXTERNAL, ALTER rules SET (n_distinct = -0.5);
CREATE TABLE flags.segments (id serial PRIMARY KEY, name text NOT NULL, keys text[] NOT NULL, condition jsonpath,
  UNIQUE (name));
CREATE TABLE flags.overrides (flag text COLLATE "C" NOT NULL REFERENCES flags.flags ON UPDATE CASCADE ON DELETE
  CASCADE, user_key text NOT NULL, value jsonb, expires timestamptz);
CREATE UNIQUE INDEX overrides_key ON flags.overrides (flag, user_key);
ALTER TABLE flags.overrides REPLICA IDENTITY USING INDEX overrides_key;
CREATE FUNCTION flags.next_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  new.version = old.version + 1;
  PERFORM pg_notify('flags', new.flag);
  RETURN new;
END $$;
CREATE TRIGGER next_version BEFORE UPDATE ON flags.settings FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE
  FUNCTION flags.next_version();
CREATE FUNCTION flags.is_on(f text, e text, VARIADIC keys text[] DEFAULT '{}') RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = flags, pg_temp COST 50
  AS $$ SELECT enabled AND rollout > 0 FROM settings WHERE flag = f AND environment = e $$;
CREATE VIEW flags.overview AS SELECT f.name, f.type, f.archived, count(*) FILTER (WHERE s.enabled) AS enabled_in FROM
  flags.flags f LEFT JOIN flags.settings s ON s.flag = f.name GROUP BY f.name;
INSERT INTO flags.environments (name, production) VALUES ('dev', false), ('staging', false), ('live', true);
INSERT INTO flags.flags (name) SELECT 'flag_' || i FROM generate_series(1, 10) i;
INSERT INTO flags.settings (flag, environment, rules) SELECT f.name, e.name, '[{"if": "country", "in": ["DE"]}]' FROM
  flags.flags f, flags.environments e;
INSERT INTO flags.segments (name, keys, condition) SELECT 's' || i, ARRAY['k' || i], '$.age > 18' FROM
  generate_series(1, 4) i;
INSERT INTO flags.overrides SELECT name, 'u1', 'true' FROM flags.flags LIMIT 6;
--- migration
CREATE TABLE flags.history (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, flag text COLLATE "C" NOT NULL,
  environment text, was jsonb, at timestamptz NOT NULL DEFAULT now());
CREATE FUNCTION flags.remember() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO flags.history (flag,
  environment, was) VALUES (old.flag, old.environment, to_jsonb(old)); RETURN NULL; END $$;
CREATE TRIGGER remember AFTER UPDATE OR DELETE ON flags.settings FOR EACH ROW EXECUTE FUNCTION flags.remember();
UPDATE flags.settings SET enabled = true WHERE environment = 'dev';
--- migration
ALTER TYPE flags.value_type RENAME VALUE 'json' TO 'document';
ALTER TABLE flags.flags ADD owner text NOT NULL DEFAULT 'nobody';
ALTER TABLE flags.segments ADD included daterange, ALTER name TYPE varchar(60);
ALTER TABLE flags.settings ENABLE ALWAYS TRIGGER remember;
