-- Finds the source's collations of libc whose locale is not here (twin.sh), as the superuser, in a database without any of
-- the source's code. The collations follow this file as rows of COPY.

SET client_encoding = 'UTF8';
CREATE TEMP TABLE wanted (schema text, name text, lc_collate text, lc_ctype text);

-- A collation of pg_catalog is made if it is missing: from its locale, else as one that sorts by bytes. Returns those
-- whose locale is missing.
CREATE FUNCTION pg_temp.make_collations() RETURNS TABLE (schema text, name text, locale text) LANGUAGE plpgsql AS $$
DECLARE
  one record;
BEGIN
  FOR one IN SELECT * FROM pg_temp.wanted LOOP
    CONTINUE WHEN one.schema = 'pg_catalog' AND EXISTS (
      SELECT FROM pg_catalog.pg_collation c
      WHERE c.collname = one.name AND c.collnamespace = 'pg_catalog'::pg_catalog.regnamespace
        AND c.collencoding IN (-1, (SELECT d.encoding FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())));
    BEGIN
      EXECUTE pg_catalog.format('CREATE COLLATION pg_temp.rotv_try (LC_COLLATE = %L, LC_CTYPE = %L)', one.lc_collate, one.lc_ctype);
      DROP COLLATION pg_temp.rotv_try;
      IF one.schema = 'pg_catalog' THEN
        EXECUTE pg_catalog.format('CREATE COLLATION pg_catalog.%I (LC_COLLATE = %L, LC_CTYPE = %L)', one.name, one.lc_collate, one.lc_ctype);
      END IF;
    EXCEPTION WHEN OTHERS THEN
      IF one.schema = 'pg_catalog' THEN
        EXECUTE pg_catalog.format('CREATE COLLATION pg_catalog.%I FROM pg_catalog."C"', one.name);
      END IF;
      schema := one.schema; name := one.name; locale := one.lc_collate;
      RETURN NEXT;
    END;
  END LOOP;
END $$;

COPY pg_temp.wanted FROM stdin;
