#include "sync/drift/schema_query_parts.h"

namespace rotv::drift {

const char* const kRelationObjects = R"sql(
UNION ALL
  -- Sequences, without those of identity columns.
  SELECT r.kind, r.name, NULL, owner.parent, concat_ws(' ', r.unlogged, d.definition, 'OWNED BY ' || owner.name),
    format('CREATE %s %s %s', concat_ws(' ', r.unlogged, 'SEQUENCE'), r.name, d.definition), 'DROP SEQUENCE ' || r.name,
    jsonb_build_object('owned_by', owner.name, 'sequence', d.definition),
    CASE WHEN r.unlogged IS NOT NULL THEN jsonb_build_object('unlogged', jsonb_build_array(
      format('ALTER SEQUENCE %s SET UNLOGGED', r.name), format('ALTER SEQUENCE %s SET LOGGED', r.name), true)) END,
    r.oid::bigint
  FROM rel r JOIN pg_sequence s ON seqrelid = r.oid
  LEFT JOIN LATERAL (
    SELECT format('column %s.%I', t.name, attname) AS parent, format('%s.%I', t.name, attname) AS name
    FROM pg_depend d JOIN rel t ON t.oid = refobjid JOIN pg_attribute ON attrelid = t.oid AND attnum = refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype = 'a'
      AND refclassid = 'pg_class'::regclass) AS owner ON true,
  LATERAL (SELECT format('AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s %s',
      format_type(seqtypid, NULL), seqincrement, seqmin, seqmax, seqstart, seqcache,
      CASE WHEN seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END) AS definition) AS d
  WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND deptype =
    'i')
UNION ALL
  -- Tables. A partition's columns are its parent's.
  SELECT kind, name, NULL, NULL, concat_ws(' ', unlogged, tail, w.words), NULL, format('DROP %s %s', upper(kind), name),
    jsonb_build_object('unlogged', (unlogged IS NOT NULL)::text, 'tail', tail, 'options', concat_ws(' ', options,
      'OPTIONS (' || fdw.list || ')'), 'partition', relispartition::text), w.settings, rel.oid::bigint
  FROM rel
  LEFT JOIN LATERAL (SELECT srvname, ftoptions FROM pg_foreign_table JOIN pg_foreign_server s ON s.oid = ftserver
                     WHERE ftrelid = rel.oid) AS f ON true,
  LATERAL (SELECT string_agg(format('%I %L', option_name, option_value), ', ' ORDER BY option_name) AS list
           FROM pg_options_to_table(ftoptions)) AS fdw,
  LATERAL (SELECT NULLIF(concat_ws(' ',
    CASE WHEN relispartition THEN
      (SELECT format('PARTITION OF %s', inhparent::regclass) FROM pg_inherits WHERE inhrelid = rel.oid)
      || ' ' || pg_get_expr(relpartbound, oid)
    ELSE (SELECT format('INHERITS (%s)', string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno))
          FROM pg_inherits WHERE inhrelid = rel.oid HAVING count(*) > 0) END,
    CASE WHEN relkind = 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(oid) END,
    'SERVER ' || quote_ident(srvname)), '') AS tail) AS t,
  LATERAL (
    SELECT string_agg(s.words, ' ' ORDER BY s.n) AS words,
      jsonb_object_agg(s.key, jsonb_build_array(s.set, s.reset, s.inline)) FILTER (WHERE s.set IS NOT NULL) AS settings
    FROM (
      SELECT 1 AS n, 'of' AS key, 'OF ' || reloftype::regtype AS words,
        format('ALTER TABLE %s OF %s', name, reloftype::regtype) AS set, format('ALTER TABLE %s NOT OF', name) AS reset,
        false AS inline WHERE reloftype <> 0
      UNION ALL SELECT 2, 'access method', 'USING ' || access,
        format('ALTER TABLE %s SET ACCESS METHOD %s', name, access),
        format('ALTER TABLE %s SET ACCESS METHOD %s', name, CASE relkind WHEN 'p' THEN 'DEFAULT' ELSE 'heap' END), false
        WHERE access IS NOT NULL
      UNION ALL SELECT 3, '', options, NULL, NULL, NULL
      UNION ALL SELECT 3, key, NULL, format('ALTER TABLE %s SET (%s = %L)', name, key, value),
        format('ALTER TABLE %s RESET (%s)', name, key), true FROM option WHERE relation = rel.oid
      UNION ALL SELECT 3, '', 'OPTIONS (' || fdw.list || ')', NULL, NULL, NULL
      UNION ALL SELECT 3, 'option ' || option_name || option_value, NULL,
        format('ALTER FOREIGN TABLE %s OPTIONS (ADD %I %L)', name, option_name, option_value),
        format('ALTER FOREIGN TABLE %s OPTIONS (DROP %I)', name, option_name), true FROM pg_options_to_table(ftoptions)
      UNION ALL SELECT 4, 'row security', 'ROW LEVEL SECURITY',
        format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name),
        format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', name), false WHERE relrowsecurity
      UNION ALL SELECT 5, 'force row security', 'FORCED', format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name),
        format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', name), false WHERE relforcerowsecurity) AS s) AS w
  WHERE relkind IN ('r', 'p', 'f')
UNION ALL
  -- By which columns changed rows are named. An object of its own, which a pattern can ignore: it matters to those who
  -- follow a database more than to its application.
  SELECT 'replica identity', name, NULL, kind || ' ' || name, d.words,
    format('ALTER TABLE ONLY %s REPLICA IDENTITY %s', name, CASE WHEN relreplident = 'i' THEN
      (SELECT format('USING INDEX %I', relname) FROM pg_index JOIN pg_class i ON i.oid = indexrelid
       WHERE indrelid = rel.oid AND indisreplident) ELSE d.words END),
    format('ALTER TABLE ONLY %s REPLICA IDENTITY DEFAULT', name), NULL, NULL, oid::bigint
  FROM rel, LATERAL (SELECT CASE relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' WHEN 'i' THEN
    (SELECT format('USING INDEX (%s)', string_agg(pg_get_indexdef(indexrelid, k, false), ', ' ORDER BY k))
     FROM pg_index, generate_series(1, indnkeyatts) AS k WHERE indrelid = rel.oid AND indisreplident
     HAVING count(*) > 0) END AS words) AS d
  WHERE relkind IN ('r', 'p', 'm') AND d.words IS NOT NULL
UNION ALL
  -- Views. Those that use others were created after them.
  SELECT kind, name, NULL, NULL, concat_ws(' ', 'USING ' || access, options, pg_get_viewdef(oid)),
    format('CREATE %s %s %s AS %s', CASE relkind WHEN 'v' THEN 'OR REPLACE VIEW' ELSE 'MATERIALIZED VIEW' END, name,
      concat_ws(' ', 'USING ' || access, options), rtrim(pg_get_viewdef(oid), ';')),
    format('DROP %s %s', upper(kind), name),
    CASE relkind WHEN 'm' THEN jsonb_build_object('core', concat_ws(' ', access, pg_get_viewdef(oid))) ELSE
      jsonb_build_object('columns', (SELECT jsonb_agg(concat_ws(' ', quote_ident(attname),
        format_type(atttypid, atttypmod), attcollation::regcollation) ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = rel.oid AND attnum > 0)::text) END,
    CASE relkind WHEN 'm' THEN (SELECT jsonb_object_agg(key, jsonb_build_array(
      format('ALTER MATERIALIZED VIEW %s SET (%s = %L)', name, key, value),
      format('ALTER MATERIALIZED VIEW %s RESET (%s)', name, key), true)) FROM option WHERE relation = rel.oid) END,
    oid::bigint
  FROM rel WHERE relkind IN ('v', 'm')
)sql";

}  // namespace rotv::drift
