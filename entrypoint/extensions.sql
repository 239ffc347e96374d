-- Creates the extensions of a seed (superuser.sh) as the superuser, in a database without any of the source's code. The
-- plan follows this file as rows of COPY.

\o /dev/null
SELECT set_config('rotv.app_role', :'user', false), set_config('rotv.trust', :'trust', false),
  set_config('rotv.skip', :'skip', false);
\o
CREATE TEMP TABLE plan (step int, kind text, name text, value text);
CREATE TEMP TABLE left_out (name text);

-- Creates one extension. A trusted one is created by the application's role, which then owns it. Returns false for one
-- that only a trusted source may have: it brings a language whose functions can do what the server's user can do, or it
-- requires an extension that was left out.
CREATE FUNCTION pg_temp.make_extension(extension text, schema text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
  app_role text := pg_catalog.current_setting('rotv.app_role');
  ordinary bool;
  needs name[];
BEGIN
  SELECT v.trusted OR NOT v.superuser, v.requires INTO ordinary, needs
  FROM pg_catalog.pg_available_extensions a JOIN pg_catalog.pg_available_extension_versions v
    ON v.name = a.name AND v.version = a.default_version
  WHERE a.name = extension;
  IF EXISTS (SELECT FROM pg_temp.left_out l WHERE l.name = ANY (SELECT 'EXTENSION ' || n FROM pg_catalog.unnest(needs) n)) THEN
    RETURN false;
  END IF;
  IF schema <> '' AND schema !~ '^pg_' THEN
    EXECUTE pg_catalog.format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', schema, app_role);
  END IF;
  IF ordinary THEN
    EXECUTE pg_catalog.format('SET LOCAL ROLE %I', app_role);
  END IF;
  EXECUTE pg_catalog.format('CREATE EXTENSION IF NOT EXISTS %I', extension)
    || CASE schema WHEN '' THEN '' ELSE pg_catalog.format(' SCHEMA %I', schema) END;
  RESET ROLE;
  IF pg_catalog.current_setting('rotv.trust') <> 'yes'
    AND EXISTS (SELECT FROM pg_catalog.pg_language WHERE NOT lanpltrusted AND lanname NOT IN ('internal', 'c')) THEN
    RAISE SQLSTATE 'RV001';  -- This rolls the creation back.
  END IF;
  RETURN true;
EXCEPTION WHEN SQLSTATE 'RV001' THEN
  RETURN false;
END $$;

CREATE FUNCTION pg_temp.make_extensions() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  one record;
BEGIN
  FOR one IN SELECT * FROM pg_temp.plan WHERE kind = 'extension'
    AND name <> ALL (pg_catalog.string_to_array(pg_catalog.current_setting('rotv.skip'), E'\n')) ORDER BY step LOOP
    IF NOT pg_temp.make_extension(one.name, one.value) THEN
      INSERT INTO pg_temp.left_out VALUES ('EXTENSION ' || one.name);
    END IF;
  END LOOP;
  FOR one IN SELECT p.* FROM pg_temp.plan p JOIN pg_catalog.pg_extension e ON e.extname = p.name WHERE p.kind = 'comment' LOOP
    EXECUTE pg_catalog.format('COMMENT ON EXTENSION %I IS %L', one.name, one.value);
  END LOOP;
  -- The application's role may read all of their tables, and write to those of which a dump has rows.
  FOR one IN
    SELECT c.oid::pg_catalog.regclass AS member,
      CASE WHEN c.relkind = 'S' OR c.oid = ANY (e.extconfig) THEN 'ALL' ELSE 'SELECT' END AS rights
    FROM pg_catalog.pg_depend d
      JOIN pg_catalog.pg_class c ON c.oid = d.objid
      JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 AND d.deptype = 'e'
      AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
  LOOP
    EXECUTE pg_catalog.format('GRANT %s ON TABLE %s TO %I', one.rights, one.member, pg_catalog.current_setting('rotv.app_role'));
  END LOOP;
END $$;

COPY pg_temp.plan FROM stdin;
