-- Gives this database, and the one for tests, the source's settings (twin.sh), as the superuser, without any of the
-- source's code in them. The settings follow this file as rows of COPY. Names and values are the source's owner's.

SET client_encoding = 'UTF8';
\o /dev/null
SELECT set_config('rotv.app_role', :'user', false), set_config('rotv.trust', :'trust', false),
  set_config('rotv.test', :'test', false);
\o
CREATE TEMP TABLE wanted (name text, value text);
CREATE TEMP TABLE without_locale (name text, locale text);

CREATE FUNCTION pg_temp.alter_both(change text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE pg_catalog.format('ALTER DATABASE %I ', pg_catalog.current_database()) || change;
  EXECUTE pg_catalog.format('ALTER DATABASE %I ', pg_catalog.current_setting('rotv.test')) || change;
END $$;

-- Returns what is wrong, or NULL.
CREATE FUNCTION pg_temp.apply_setting(setting text, wanted text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  trusted bool := pg_catalog.current_setting('rotv.trust') = 'yes';
  app_role text := pg_catalog.current_setting('rotv.app_role');
  change text := pg_catalog.format('SET %I = %L', setting, wanted);
BEGIN
  IF setting = ANY ('{role,session_authorization,session_replication_role}') THEN
    RETURN 'it is about roles that do not log in here';
  ELSIF setting = ANY ('{session_preload_libraries,local_preload_libraries,shared_preload_libraries,dynamic_library_path,jit_provider}') THEN
    RETURN pg_catalog.format('it loads programs; settings = { %s = "..." } in [app] of rotv.toml does it', setting);
  ELSIF setting <> 'search_path' AND pg_catalog.current_setting(setting, true) = wanted THEN
    RETURN NULL;
  END IF;
  -- These name objects: a value that does not fit is a notice at ALTER DATABASE, and then a warning in every session. A
  -- list is stored with quotes around its elements, and would be taken for one element.
  IF setting = ANY ('{search_path,temp_tablespaces,default_tablespace,default_table_access_method}') THEN
    PERFORM pg_catalog.set_config(setting, wanted, true);
    change := pg_catalog.format('SET %I FROM CURRENT', setting);
  END IF;
  -- A superuser alone may set a parameter that nobody knows yet. That of an extension, or of a language that is installed
  -- later, may be one that runs code.
  IF setting LIKE '%.%' AND pg_catalog.current_setting(setting, true) IS NULL
    AND setting !~ '^pl(perl|tcl|java|python|v8|rust|lua|r|sh)' AND setting ~ '^[a-z_]\w*(\.[a-z_]\w*)+$'
    AND pg_catalog.split_part(setting, '.', 1) NOT IN (SELECT name FROM pg_catalog.pg_available_extensions) THEN
    trusted := true;
  END IF;
  BEGIN
    IF NOT trusted THEN
      EXECUTE pg_catalog.format('SET LOCAL ROLE %I', app_role);
    END IF;
    PERFORM pg_temp.alter_both(change);
    RESET ROLE;
    RETURN NULL;
  EXCEPTION WHEN insufficient_privilege THEN
    -- Only a superuser may set them, but they do nothing that an ordinary role could misuse.
    IF setting <> ALL ('{lc_messages,lo_compat_privileges,plpgsql.variable_conflict}') THEN
      RETURN SQLERRM;
    END IF;
  END;
  PERFORM pg_temp.alter_both(change);
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RETURN SQLERRM;
END $$;

-- Values of an application's own parameters may be secrets, and are not shown.
CREATE FUNCTION pg_temp.apply_settings() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  one record;
  problem text;
BEGIN
  FOR one IN SELECT * FROM pg_temp.wanted ORDER BY name LOOP
    problem := pg_temp.apply_setting(one.name, one.value);
    CONTINUE WHEN problem IS NULL;
    IF one.name LIKE 'lc\_%' AND problem LIKE 'invalid value%' THEN
      INSERT INTO pg_temp.without_locale VALUES (one.name, one.value);
      CONTINUE;
    END IF;
    RETURN NEXT pg_catalog.translate(pg_catalog.format('the source''s setting %s%s cannot be had here (%s): %s', one.name,
      CASE WHEN one.name LIKE '%.%' THEN '' ELSE ' = ' || pg_catalog.left(one.value, 100) END, problem,
      CASE one.name
        WHEN 'timezone' THEN 'times are shown in another zone'
        WHEN 'search_path' THEN 'names without a schema mean other objects'
        WHEN 'default_text_search_config' THEN 'text search finds other words'
        ELSE 'what depends on it may behave differently'
      END), E'\n\r', '  ');
  END LOOP;
  RETURN QUERY SELECT pg_catalog.translate(pg_catalog.format(
      'the source''s %s: the locale %s is not here. What they format (messages, amounts of money, numbers and dates by to_char()) looks otherwise',
      pg_catalog.string_agg(w.name, ', ' ORDER BY w.name), pg_catalog.left(w.locale, 100)), E'\n\r', '  ')
    FROM pg_temp.without_locale w GROUP BY w.locale ORDER BY w.locale;
END $$;

COPY pg_temp.wanted FROM stdin;
