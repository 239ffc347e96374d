-- Creates the roles that the source's objects name (superuser.sh), because a dump has no roles. They may not log in; the
-- application's role may become any of them. The names follow this file as rows of COPY.

SET client_encoding = 'UTF8';
\o /dev/null
SELECT set_config('rotv.app_role', :'user', false);
\o
CREATE TEMP TABLE wanted (name text);

-- Returns what is wrong.
CREATE FUNCTION pg_temp.make_roles() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  role text;
  how text := CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000
                   THEN 'GRANT %I TO %I WITH INHERIT FALSE, SET TRUE' ELSE 'GRANT %I TO %I' END;
BEGIN
  FOR role IN SELECT name FROM pg_temp.wanted LOOP
    BEGIN
      EXECUTE pg_catalog.format('CREATE ROLE %I', role);
      EXECUTE pg_catalog.format(how, role, pg_catalog.current_setting('rotv.app_role'));
    EXCEPTION WHEN OTHERS THEN
      RETURN NEXT pg_catalog.translate(pg_catalog.format('the role %s cannot be created: %s', role, SQLERRM), E'\n\r', '  ');
    END;
  END LOOP;
END $$;

COPY pg_temp.wanted FROM stdin;
