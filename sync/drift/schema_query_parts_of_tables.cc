#include "sync/drift/schema_query_parts.h"

namespace rotv::drift {

const char* const kTablePartObjects = R"sql(
UNION ALL
  -- Constraints of tables and domains, without what partitions and children have from their parents; but a partition's
  -- key may have an index that is stored in its own way.
  SELECT 'constraint', format('%s.%I', owner.name, conname), quote_ident(conname), owner.kind || ' ' || owner.name,
    CASE WHEN conparentid = 0 THEN concat_ws(' ', pg_get_constraintdef(c.oid), i.words) ELSE i.words END,
    CASE WHEN conparentid = 0 THEN
      format('ALTER %s %s ADD CONSTRAINT %I %s', owner.what, owner.name, conname, pg_get_constraintdef(c.oid)) END,
    CASE WHEN conparentid = 0 THEN format('ALTER %s %s DROP CONSTRAINT %I', owner.what, owner.name, conname) END,
    jsonb_build_object('type', contype, 'table', owner.name, 'core', pg_get_constraintdef(c.oid),
      'settings_only', CASE WHEN conparentid <> 0 THEN 'true' END,
      'references', CASE WHEN confrelid <> 0 THEN 'table ' || confrelid::regclass END, 'columns',
      (SELECT jsonb_agg(quote_ident(attname)) FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY
        (conkey))::text),
    i.settings, c.oid::bigint
  FROM pg_constraint c JOIN (
    SELECT oid AS relation, 0::oid AS domain, kind, name, 'TABLE' AS what FROM rel
    UNION ALL SELECT 0, t.oid, 'type', format('%I.%I', nspname, typname), 'DOMAIN'
    FROM pg_type t JOIN space n ON n.oid = typnamespace
    WHERE typtype = 'd' AND (('pg_type'::regclass)::oid, t.oid) NOT IN (SELECT classid, objid FROM member)) AS owner
    ON owner.relation = conrelid AND owner.domain = contypid
  LEFT JOIN index_setting i ON i.index = conindid AND contype IN ('p', 'u', 'x')
  WHERE contype IN ('c', 'f', 'p', 'u', 'x') AND c.oid >= 16384
    AND (conislocal AND conparentid = 0 OR conparentid <> 0 AND i.words IS NOT NULL)
UNION ALL
  -- Indexes, without those of constraints. A partitioned table's index is valid once each partition has one that is
  -- attached to it; then theirs are its own doing, unless they are stored in another way. An invalid index of another
  -- table is no part of a dump.
  SELECT 'index', i.name, quote_ident(i.relname), i.kind || ' ' || i.relation,
    CASE i.shown WHEN 'settings' THEN words ELSE concat_ws(' ', core, 'ATTACHED' || left(attached, 0), words) END,
    CASE i.shown WHEN 'whole' THEN concat_ws(E';\n', def, format('ALTER INDEX %s ATTACH PARTITION %s', attached, i.name)
                                                         || left(attached, 0)) END,
    CASE WHEN i.shown = 'whole' AND attached IS NULL THEN 'DROP INDEX ' || i.name END,
    jsonb_build_object('core', core, 'settings_only', CASE i.shown WHEN 'settings' THEN 'true' END), settings,
    i.indexrelid::bigint
  FROM (
    SELECT i.indexrelid, format('%I.%I', s.nspname, c.relname) AS name, c.relname, r.kind, r.name AS relation, d.def,
      replace(d.def, format(' INDEX %I ON ', c.relname), ' INDEX ON ') AS core, p.attached, o.words, o.settings,
      CASE WHEN p.attached IS NULL OR NOT p.valid THEN 'whole'
           WHEN p.rest <> split_part(d.def, ' USING ', 2) THEN 'own'
           WHEN o.words IS NOT NULL THEN 'settings' END AS shown
    FROM rel r JOIN pg_index i ON indrelid = r.oid JOIN pg_class c ON c.oid = indexrelid
    JOIN space s ON s.oid = c.relnamespace
    LEFT JOIN index_setting o ON o.index = i.indexrelid
    LEFT JOIN LATERAL (
      SELECT indisvalid AS valid, inhparent::regclass::text AS attached,
        split_part(pg_get_indexdef(inhparent), ' USING ', 2) AS rest
      FROM pg_inherits JOIN pg_index p ON p.indexrelid = inhparent WHERE inhrelid = i.indexrelid) AS p ON true,
    LATERAL (SELECT CASE WHEN indisvalid THEN replace(pg_get_indexdef(i.indexrelid), format(' ON ONLY %s ', r.name),
      format(' ON %s ', r.name)) ELSE pg_get_indexdef(i.indexrelid) END AS def) AS d
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid AND contype IN ('p', 'u', 'x'))
      AND (indisvalid OR r.relkind = 'p')) AS i
  WHERE shown IS NOT NULL
UNION ALL
  -- Extended statistics. The order of their columns does not matter.
  SELECT 'statistics', format('%I.%I', nspname, stxname), NULL, r.kind || ' ' || r.name, concat_ws(' ', core,
      'STATISTICS ' || target), pg_get_statisticsobjdef(s.oid), format('DROP STATISTICS %I.%I', nspname, stxname),
    jsonb_build_object('core', core), CASE WHEN target >= 0 THEN jsonb_build_object('statistics', jsonb_build_array(
      format('ALTER STATISTICS %I.%I SET STATISTICS %s', nspname, stxname, target),
      format('ALTER STATISTICS %I.%I SET STATISTICS -1', nspname, stxname), false)) END, s.oid::bigint
  FROM pg_statistic_ext s JOIN rel r ON r.oid = stxrelid JOIN space n ON n.oid = stxnamespace,
  LATERAL (SELECT concat_ws(' ', stxkind, (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname)
    FROM pg_attribute WHERE attrelid = stxrelid AND attnum = ANY (stxkeys)), pg_get_statisticsobjdef_expressions(s.oid))
    AS core, CASE WHEN stxstattarget >= 0 THEN stxstattarget END AS target) AS d
UNION ALL
  SELECT 'rule', format('%s.%I', r.name, rulename), NULL, r.kind || ' ' || r.name,
    concat_ws(' ', pg_get_ruledef(w.oid), state), rtrim(pg_get_ruledef(w.oid), ';'),
    format('DROP RULE %I ON %s', rulename, r.name), jsonb_build_object('core', pg_get_ruledef(w.oid)),
    CASE WHEN state IS NOT NULL THEN jsonb_build_object('enabled', jsonb_build_array(
      format('ALTER TABLE %s %s RULE %I', r.name, state, rulename),
      format('ALTER TABLE %s ENABLE RULE %I', r.name, rulename), false)) END, w.oid::bigint
  FROM pg_rewrite w JOIN rel r ON r.oid = ev_class, LATERAL (SELECT CASE ev_enabled WHEN 'D' THEN 'DISABLE'
    WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' END AS state) AS d
  WHERE rulename <> '_RETURN'
UNION ALL
  SELECT 'trigger', format('%s.%I', r.name, tgname), NULL, r.kind || ' ' || r.name,
    concat_ws(' ', pg_get_triggerdef(t.oid), CASE tgenabled WHEN 'D' THEN 'DISABLED' WHEN 'A' THEN 'ALWAYS'
                                                            WHEN 'R' THEN 'REPLICA' END), pg_get_triggerdef(t.oid),
    format('DROP TRIGGER %I ON %s', tgname, r.name), jsonb_build_object('core', pg_get_triggerdef(t.oid)),
    CASE WHEN tgenabled <> 'O' THEN jsonb_build_object('enabled', jsonb_build_array(
      format('ALTER TABLE %s %s TRIGGER %I', r.name, CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN
        'ENABLE ALWAYS'
                                                                    ELSE 'ENABLE REPLICA' END, tgname),
      format('ALTER TABLE %s ENABLE TRIGGER %I', r.name, tgname), false)) END, t.oid::bigint
  FROM pg_trigger t JOIN rel r ON r.oid = tgrelid WHERE NOT tgisinternal AND tgparentid = 0
UNION ALL
  -- A partition's trigger is its parent's; but it may be enabled or disabled by itself. Those of foreign keys have
  -- names
  -- that mean nothing.
  SELECT 'trigger', format('%s.%I', r.name, t.tgname), NULL, r.kind || ' ' || r.name, own.state || 'D', NULL, NULL,
    jsonb_build_object('settings_only', 'true'), jsonb_build_object('enabled', jsonb_build_array(
      format('ALTER TABLE %s %s TRIGGER %I', r.name, own.state, t.tgname),
      format('ALTER TABLE %s %s TRIGGER %I', r.name, parent.state, t.tgname), false)), t.oid::bigint
  FROM pg_trigger t JOIN rel r ON r.oid = tgrelid JOIN pg_trigger p ON p.oid = t.tgparentid,
  LATERAL (SELECT CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA'
                                   ELSE 'ENABLE' END AS state) AS own,
  LATERAL (SELECT CASE p.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA'
                                   ELSE 'ENABLE' END AS state) AS parent
  WHERE t.tgenabled <> p.tgenabled
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.oid = t.tgconstraint AND contype = 'f')
UNION ALL
  SELECT 'policy', format('%s.%I', r.name, polname), NULL, r.kind || ' ' || r.name, d,
    format('CREATE POLICY %I ON %s %s', polname, r.name, d), format('DROP POLICY %I ON %s', polname, r.name), NULL,
      NULL,
    p.oid::bigint
  FROM pg_policy p JOIN rel r ON r.oid = polrelid,
  LATERAL (SELECT concat_ws(' ', CASE WHEN NOT polpermissive THEN 'AS RESTRICTIVE' END,
    'FOR ' || CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                          ELSE 'ALL' END,
    'TO ' || (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE role::regrole::text END, ', ' ORDER BY role)
              FROM unnest(polroles) AS role),
    'USING (' || pg_get_expr(polqual, polrelid) || ')', 'WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')')
      AS d
  ) AS d
)sql";

}  // namespace rotv::drift
