#include "sync/drift/schema_query_parts.h"

namespace rotv::drift {

const char* const kColumnObjects = R"sql(
UNION ALL
  -- Columns. Of one that a partition or a child has from its parent, and of a view's, only what is its own: a default,
  -- NOT NULL, how it is stored.
  SELECT 'column', c.name, NULL, c.parent, CASE WHEN own THEN concat_ws(' ', head, words, not_null) ELSE words END,
    NULL,
    CASE WHEN own THEN format('ALTER TABLE %s DROP COLUMN %I', relation, attname) END,
    CASE WHEN own THEN jsonb_build_object('table', relation, 'column', quote_ident(attname), 'type', type,
      'collation', collated, 'generated', generated, 'default', value, 'identity', identity, 'identity_options',
        identity_options,
      'inline', concat_ws(' ', head, not_null),
      'not_null', CASE WHEN in_key THEN 'by key' ELSE (not_null IS NOT NULL)::text END)
    ELSE jsonb_build_object('settings_only', 'true') END, settings, attnum::bigint
  FROM (
    SELECT c.*, format('ALTER TABLE ONLY %s ALTER COLUMN %I ', relation, attname) AS prefix,
      CASE WHEN attnotnull AND weak IS NULL THEN 'NOT NULL' END AS not_null,
      concat_ws(' ', type, 'COLLATE ' || collated, 'GENERATED ALWAYS AS ' || generated, 'DEFAULT ' || value,
        'GENERATED ' || identity || ' AS IDENTITY', identity_options) AS head
    FROM col c) AS c
  JOIN LATERAL (
    SELECT string_agg(s.words, ' ' ORDER BY s.n, s.key) AS words,
      jsonb_object_agg(s.key, jsonb_build_array(s.set, s.reset, s.n = 0)) FILTER (WHERE s.set IS NOT NULL) AS settings
    FROM (
      SELECT 0 AS n, 'identity' AS key, NULL AS words, prefix || identity_set AS set,
        prefix || 'SET INCREMENT BY 1 SET NO MINVALUE SET NO MAXVALUE SET START WITH 1 SET CACHE 1 SET NO CYCLE' AS
          reset
        WHERE identity_options IS NOT NULL
      UNION ALL SELECT 1, 'default', coalesce('DEFAULT ' || value, 'NO DEFAULT'),
        prefix || coalesce('SET DEFAULT ' || value, 'DROP DEFAULT'),
        prefix || coalesce('SET DEFAULT ' || parent_value, 'DROP DEFAULT')
        WHERE NOT own AND value IS DISTINCT FROM parent_value
      UNION ALL SELECT 2, 'generated', 'GENERATED ALWAYS AS ' || coalesce(generated, '(nothing)'),
        format('-- by hand: create the %s again, with its own expression of %I', parent, attname),
        format('-- by hand: create the %s again, with its parent''s expression of %I', parent, attname)
        WHERE NOT own AND generated IS DISTINCT FROM parent_generated
      UNION ALL SELECT 3, 'storage', 'STORAGE ' || st.storage, prefix || 'SET STORAGE ' || st.storage,
        prefix || 'SET STORAGE ' || st.base FROM (SELECT
          CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END AS
            storage,
          CASE base_storage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END AS
            base)
          AS st
        WHERE attstorage <> base_storage
      UNION ALL SELECT 4, 'compression', 'COMPRESSION ' || compression, prefix || 'SET COMPRESSION ' || compression,
        prefix || 'SET COMPRESSION ' || base_compression WHERE compression <> base_compression
      UNION ALL SELECT 5, 'statistics', 'STATISTICS ' || statistics, prefix || 'SET STATISTICS ' || statistics,
        prefix || 'SET STATISTICS -1' WHERE statistics >= 0
      UNION ALL SELECT 6, 'set ' || option_name, format('(%I=%s)', option_name, option_value),
        format('%sSET (%I = %L)', prefix, option_name, option_value), format('%sRESET (%I)', prefix, option_name)
        -- The server's own mark of a column's form (17.12), which pg_dump leaves out, too.
        FROM pg_options_to_table(attoptions) WHERE option_name <> 'pg_attver'
      UNION ALL SELECT 7, 'option ' || option_name || option_value,
        format('OPTIONS (%I %L)', option_name, option_value),
        format('%sOPTIONS (ADD %I %L)', prefix, option_name, option_value),
          format('%sOPTIONS (DROP %I)', prefix, option_name)
        FROM pg_options_to_table(attfdwoptions)
      UNION ALL SELECT 8, 'not null', 'NOT NULL', prefix || 'SET NOT NULL', prefix || 'DROP NOT NULL'
        WHERE NOT own AND attnotnull AND weak IS NULL AND NOT in_key AND NOT parent_not_null
      UNION ALL SELECT 9, 'not null ' || weak, 'NOT NULL ' || weak,
        format('ALTER TABLE %s ADD NOT NULL %I %s', relation, attname, weak),
          format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', relation, attname)
        WHERE weak IS NOT NULL) AS s) AS w ON own OR w.words IS NOT NULL
)sql";

}  // namespace rotv::drift
