#include "sync/drift/schema_queries.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "storage/error.h"

namespace rotv::drift {
namespace {

// All definitions are PostgreSQL's own wording (pg_get_…), so two databases on one server describe equal objects
// equally. Objects with oids below 16384 are initdb's. Each branch returns kind, name, own name, parent, definition,
// create, drop, parts and the number that orders it.
constexpr std::string_view kQuery = R"sql(
WITH member AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
space AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
rel AS (
  SELECT c.*, format('%I.%I', nspname, relname) AS name,
    CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
      WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'table' END AS kind,
    CASE WHEN reloptions IS NOT NULL THEN format('WITH (%s)', array_to_string(reloptions, ', ')) END AS options
  FROM pg_class c JOIN space n ON n.oid = relnamespace
  WHERE c.oid >= 16384 AND relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
    AND (('pg_class'::regclass)::oid, c.oid) NOT IN (SELECT classid, objid FROM member)),
object AS (
  -- Schemas. public is read although initdb creates it: it may have been dropped.
  SELECT 'schema' AS kind, quote_ident(nspname) AS name, NULL AS own, NULL AS parent, '' AS definition,
    format('CREATE SCHEMA %I', nspname) AS make, format('DROP SCHEMA %I', nspname) AS unmake, NULL::jsonb AS parts,
    oid::bigint AS number
  FROM space
  WHERE (oid >= 16384 OR nspname = 'public')
    AND (('pg_namespace'::regclass)::oid, oid) NOT IN (SELECT classid, objid FROM member)
UNION ALL
  SELECT 'extension', quote_ident(extname), NULL, NULL, format('SCHEMA %I', nspname),
    format('CREATE EXTENSION %I SCHEMA %I', extname, nspname), format('DROP EXTENSION %I', extname),
    jsonb_build_object('schema', quote_ident(nspname)), e.oid::bigint
  FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE e.oid >= 16384
UNION ALL
  -- Enums, domains and ranges. A domain's constraints and a row type's attributes are objects of their own.
  SELECT 'type', t.name, NULL, NULL, t.definition, format('CREATE %s %s AS %s', t.what, t.name, t.definition),
    format('DROP %s %s', t.what, t.name), t.parts, t.oid::bigint
  FROM (
    SELECT t.oid, format('%I.%I', nspname, typname) AS name,
      CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END AS what,
      CASE typtype
        WHEN 'e' THEN format('ENUM (%s)', (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
                                           FROM pg_enum WHERE enumtypid = t.oid))
        WHEN 'd' THEN concat_ws(' ', format_type(typbasetype, typtypmod),
          CASE WHEN typcollation <> (SELECT b.typcollation FROM pg_type b WHERE b.oid = t.typbasetype)
               THEN 'COLLATE ' || typcollation::regcollation END,
          'DEFAULT ' || typdefault, CASE WHEN typnotnull THEN 'NOT NULL' END)
        ELSE (SELECT format('RANGE (subtype = %s%s%s)', format_type(rngsubtype, NULL),
                CASE WHEN rngcanonical <> 0 THEN ', canonical = ' || rngcanonical END,
                CASE WHEN rngsubdiff <> 0 THEN ', subtype_diff = ' || rngsubdiff END)
              FROM pg_range WHERE rngtypid = t.oid)
      END AS definition,
      CASE typtype
        WHEN 'e' THEN jsonb_build_object('labels', (SELECT jsonb_agg(enumlabel ORDER BY enumsortorder)
                                                    FROM pg_enum WHERE enumtypid = t.oid)::text)
        WHEN 'd' THEN jsonb_build_object('base', format_type(typbasetype, typtypmod), 'default', typdefault,
                                         'not_null', typnotnull::text)
      END AS parts
    FROM pg_type t JOIN space n ON n.oid = typnamespace
    WHERE t.oid >= 16384 AND typtype IN ('e', 'd', 'r')
      AND (('pg_type'::regclass)::oid, t.oid) NOT IN (SELECT classid, objid FROM member)) AS t
UNION ALL
  SELECT kind, name, NULL, NULL, 'ROW', 'CREATE TYPE ' || name || ' AS ()', 'DROP TYPE ' || name, NULL, oid::bigint
  FROM rel WHERE relkind = 'c'
UNION ALL
  SELECT 'attribute', format('%s.%I', r.name, attname), NULL, 'type ' || r.name, format_type(atttypid, atttypmod),
    format('ALTER TYPE %s ADD ATTRIBUTE %I %s', r.name, attname, format_type(atttypid, atttypmod)),
    format('ALTER TYPE %s DROP ATTRIBUTE %I', r.name, attname), NULL, attnum::bigint
  FROM rel r JOIN pg_attribute ON attrelid = r.oid AND attnum > 0 AND NOT attisdropped WHERE relkind = 'c'
UNION ALL
  -- Sequences, without those of identity columns.
  SELECT r.kind, r.name, NULL, owner.parent, d.definition, format('CREATE SEQUENCE %s %s', r.name, d.definition),
    'DROP SEQUENCE ' || r.name, jsonb_build_object('owned_by', owner.name), r.oid::bigint
  FROM rel r JOIN pg_sequence s ON seqrelid = r.oid
  LEFT JOIN LATERAL (
    SELECT format('column %s.%I', t.name, attname) AS parent, format('%s.%I', t.name, attname) AS name
    FROM pg_depend d JOIN rel t ON t.oid = refobjid JOIN pg_attribute ON attrelid = t.oid AND attnum = refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype = 'a'
      AND refclassid = 'pg_class'::regclass) AS owner ON true,
  LATERAL (SELECT format('AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s %s',
      format_type(seqtypid, NULL), seqincrement, seqmin, seqmax, seqstart, seqcache,
      CASE WHEN seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END) AS definition) AS d
  WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND deptype = 'i')
UNION ALL
  -- Functions and procedures. Constructors of ranges belong to their type. The body is a part of its own, since only its
  -- language decides what is formatting.
  SELECT CASE prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, f.name, NULL, NULL, f.definition, f.definition,
    format('DROP %s %s', CASE prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, f.name),
    jsonb_build_object('result', pg_get_function_result(f.oid),
      'arguments', pg_get_function_identity_arguments(f.oid), 'language', lanname, 'body', prosrc,
      'head', CASE WHEN prosrc = '' THEN f.definition ELSE replace(f.definition, prosrc, '') END), f.oid::bigint
  FROM (
    SELECT p.*, format('%I.%I(%s)', nspname, proname, oidvectortypes(proargtypes)) AS name,
      pg_get_functiondef(p.oid) AS definition
    FROM pg_proc p JOIN space n ON n.oid = pronamespace
    WHERE p.oid >= 16384 AND prokind <> 'a'
      AND (('pg_proc'::regclass)::oid, p.oid) NOT IN (SELECT classid, objid FROM member)
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND deptype = 'i')) AS f
  JOIN pg_language l ON l.oid = prolang
UNION ALL
  SELECT 'aggregate', f.name, NULL, NULL, f.definition, format('CREATE AGGREGATE %s (%s)', f.name, f.definition),
    'DROP AGGREGATE ' || f.name, NULL, f.oid::bigint
  FROM (
    SELECT p.oid, format('%I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(p.oid)) AS name,
      concat_ws(', ', 'SFUNC = ' || aggtransfn, 'STYPE = ' || format_type(aggtranstype, NULL),
        'FINALFUNC = ' || NULLIF(aggfinalfn, 0), 'COMBINEFUNC = ' || NULLIF(aggcombinefn, 0),
        'INITCOND = ' || quote_literal(agginitval), 'SORTOP = OPERATOR(' || NULLIF(aggsortop, 0)::regoperator || ')',
        'PARALLEL = ' || CASE proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' END) AS definition
    FROM pg_proc p JOIN space n ON n.oid = pronamespace JOIN pg_aggregate ON aggfnoid = p.oid
    WHERE p.oid >= 16384 AND (('pg_proc'::regclass)::oid, p.oid) NOT IN (SELECT classid, objid FROM member)) AS f
UNION ALL
  -- Tables. A partition's columns are its parent's.
  SELECT kind, name, NULL, NULL,
    concat_ws(' ', CASE relpersistence WHEN 'u' THEN 'UNLOGGED' END, tail, options,
      CASE WHEN relrowsecurity THEN 'ROW LEVEL SECURITY' END, CASE WHEN relforcerowsecurity THEN 'FORCED' END),
    NULL, format('DROP %s %s', upper(kind), name),
    jsonb_build_object('unlogged', (relpersistence = 'u')::text, 'tail', tail, 'options', options,
      'row_security', relrowsecurity::text, 'force_row_security', relforcerowsecurity::text,
      'partition', relispartition::text), oid::bigint
  FROM rel,
  LATERAL (SELECT NULLIF(concat_ws(' ',
    CASE WHEN relispartition THEN
      (SELECT format('PARTITION OF %s', inhparent::regclass) FROM pg_inherits WHERE inhrelid = rel.oid)
      || ' ' || pg_get_expr(relpartbound, oid)
    ELSE (SELECT format('INHERITS (%s)', string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno))
          FROM pg_inherits WHERE inhrelid = rel.oid HAVING count(*) > 0) END,
    CASE WHEN relkind = 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(oid) END,
    (SELECT format('SERVER %I', srvname) FROM pg_foreign_table JOIN pg_foreign_server s ON s.oid = ftserver
     WHERE ftrelid = rel.oid)), '') AS tail) AS t
  WHERE relkind IN ('r', 'p', 'f')
UNION ALL
  SELECT 'column', c.name, NULL, c.parent,
    concat_ws(' ', c.type, 'COLLATE ' || c.collation, 'GENERATED ALWAYS AS (' || c.generated || ') ' || c.stored,
      'DEFAULT ' || c.value, 'GENERATED ' || c.identity || ' AS IDENTITY', CASE WHEN attnotnull THEN 'NOT NULL' END),
    NULL, format('ALTER TABLE %s DROP COLUMN %I', c.relation, c.attname),
    jsonb_build_object('table', c.relation, 'column', quote_ident(c.attname), 'type', c.type, 'collation', c.collation,
      'generated', c.generated, 'default', c.value, 'identity', c.identity,
      'not_null', CASE WHEN c.in_key THEN 'by key' ELSE attnotnull::text END), attnum::bigint
  FROM (
    SELECT a.*, format('%s.%I', r.name, attname) AS name, r.name AS relation, r.kind || ' ' || r.name AS parent,
      format_type(atttypid, atttypmod) AS type,
      CASE WHEN attcollation <> 0 AND attcollation <> (SELECT typcollation FROM pg_type WHERE oid = atttypid)
           THEN attcollation::regcollation END AS collation,
      CASE WHEN attgenerated <> '' THEN pg_get_expr(adbin, adrelid) END AS generated,
      CASE attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END AS stored,
      CASE WHEN attgenerated = '' THEN pg_get_expr(adbin, adrelid) END AS value,
      CASE attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END AS identity,
      EXISTS (SELECT FROM pg_index WHERE indrelid = r.oid AND indisprimary AND attnum = ANY (indkey)) AS in_key
    FROM rel r JOIN pg_attribute a ON attrelid = r.oid AND attnum > 0 AND NOT attisdropped AND attislocal
    LEFT JOIN pg_attrdef ON adrelid = r.oid AND adnum = attnum
    WHERE relkind IN ('r', 'p', 'f') AND NOT relispartition) AS c
UNION ALL
  -- Constraints of tables and domains, without what partitions and children have from their parents.
  SELECT 'constraint', format('%s.%I', owner.name, conname), quote_ident(conname), owner.kind || ' ' || owner.name,
    pg_get_constraintdef(c.oid),
    format('ALTER %s %s ADD CONSTRAINT %I %s', owner.what, owner.name, conname, pg_get_constraintdef(c.oid)),
    format('ALTER %s %s DROP CONSTRAINT %I', owner.what, owner.name, conname),
    jsonb_build_object('type', contype, 'table', owner.name,
      'references', CASE WHEN confrelid <> 0 THEN 'table ' || confrelid::regclass END, 'columns',
      (SELECT jsonb_agg(quote_ident(attname)) FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey))::text),
    c.oid::bigint
  FROM pg_constraint c JOIN (
    SELECT oid AS relation, 0::oid AS domain, kind, name, 'TABLE' AS what FROM rel
    UNION ALL SELECT 0, t.oid, 'type', format('%I.%I', nspname, typname), 'DOMAIN'
    FROM pg_type t JOIN space n ON n.oid = typnamespace
    WHERE typtype = 'd' AND (('pg_type'::regclass)::oid, t.oid) NOT IN (SELECT classid, objid FROM member)) AS owner
    ON owner.relation = conrelid AND owner.domain = contypid
  WHERE contype IN ('c', 'f', 'p', 'u', 'x') AND conislocal AND conparentid = 0 AND c.oid >= 16384
UNION ALL
  -- Views. Those that use others were created after them.
  SELECT kind, name, NULL, NULL, concat_ws(' ', options, pg_get_viewdef(oid)),
    format('CREATE %s %s %s AS %s', CASE relkind WHEN 'v' THEN 'OR REPLACE VIEW' ELSE 'MATERIALIZED VIEW' END, name,
      options, rtrim(pg_get_viewdef(oid), ';')),
    format('DROP %s %s', upper(kind), name), NULL, oid::bigint
  FROM rel WHERE relkind IN ('v', 'm')
UNION ALL
  SELECT 'index', format('%I.%I', s.nspname, i.relname), quote_ident(i.relname), r.kind || ' ' || r.name,
    replace(d, format(' INDEX %I ON ', i.relname), ' INDEX ON '), d,
    format('DROP INDEX %I.%I', s.nspname, i.relname), NULL, i.oid::bigint
  FROM rel r JOIN pg_index ON indrelid = r.oid JOIN pg_class i ON i.oid = indexrelid JOIN space s ON s.oid = i.relnamespace,
  LATERAL (SELECT replace(pg_get_indexdef(i.oid), format(' ON ONLY %s ', r.name), format(' ON %s ', r.name)) AS d) AS d
  WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.oid AND contype IN ('p', 'u', 'x'))
    AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = i.oid)
UNION ALL
  -- Extended statistics. The order of their columns does not matter.
  SELECT 'statistics', format('%I.%I', nspname, stxname), NULL, r.kind || ' ' || r.name,
    concat_ws(' ', stxkind, (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname) FROM pg_attribute
      WHERE attrelid = stxrelid AND attnum = ANY (stxkeys)), pg_get_statisticsobjdef_expressions(s.oid)),
    pg_get_statisticsobjdef(s.oid), format('DROP STATISTICS %I.%I', nspname, stxname), NULL, s.oid::bigint
  FROM pg_statistic_ext s JOIN rel r ON r.oid = stxrelid JOIN space n ON n.oid = stxnamespace
UNION ALL
  SELECT 'rule', format('%s.%I', r.name, rulename), NULL, r.kind || ' ' || r.name, pg_get_ruledef(w.oid),
    rtrim(pg_get_ruledef(w.oid), ';'), format('DROP RULE %I ON %s', rulename, r.name), NULL, w.oid::bigint
  FROM pg_rewrite w JOIN rel r ON r.oid = ev_class WHERE rulename <> '_RETURN'
UNION ALL
  SELECT 'trigger', format('%s.%I', r.name, tgname), NULL, r.kind || ' ' || r.name,
    concat_ws(' ', pg_get_triggerdef(t.oid), CASE tgenabled WHEN 'D' THEN 'DISABLED' WHEN 'A' THEN 'ALWAYS'
                                                            WHEN 'R' THEN 'REPLICA' END),
    concat_ws(E';\n', pg_get_triggerdef(t.oid), format('ALTER TABLE %s ', r.name)
      || CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' END
      || format(' TRIGGER %I', tgname)),
    format('DROP TRIGGER %I ON %s', tgname, r.name), NULL, t.oid::bigint
  FROM pg_trigger t JOIN rel r ON r.oid = tgrelid WHERE NOT tgisinternal AND tgparentid = 0
UNION ALL
  SELECT 'policy', format('%s.%I', r.name, polname), NULL, r.kind || ' ' || r.name, d,
    format('CREATE POLICY %I ON %s %s', polname, r.name, d), format('DROP POLICY %I ON %s', polname, r.name), NULL,
    p.oid::bigint
  FROM pg_policy p JOIN rel r ON r.oid = polrelid,
  LATERAL (SELECT concat_ws(' ', CASE WHEN NOT polpermissive THEN 'AS RESTRICTIVE' END,
    'FOR ' || CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                          ELSE 'ALL' END,
    'TO ' || (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE role::regrole::text END, ', ' ORDER BY role)
              FROM unnest(polroles) AS role),
    'USING (' || pg_get_expr(polqual, polrelid) || ')', 'WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')') AS d
  ) AS d
UNION ALL
  SELECT 'event trigger', quote_ident(evtname), NULL, NULL, d, format('CREATE EVENT TRIGGER %I %s', evtname, d),
    format('DROP EVENT TRIGGER %I', evtname), NULL, e.oid::bigint
  FROM pg_event_trigger e,
  LATERAL (SELECT format('ON %s%s EXECUTE FUNCTION %s()', evtevent,
    (SELECT format(' WHEN TAG IN (%s)', string_agg(quote_literal(tag), ', ')) FROM unnest(evttags) AS tag
     HAVING count(*) > 0), evtfoid::regproc) AS d) AS d
  WHERE e.oid >= 16384 AND (('pg_event_trigger'::regclass)::oid, e.oid) NOT IN (SELECT classid, objid FROM member)
UNION ALL
  -- All other objects: only their existence is compared.
  SELECT i.type, i.identity, NULL, NULL, '', NULL, NULL, NULL, o.oid::bigint
  FROM (SELECT 'pg_cast'::regclass::oid AS class, oid FROM pg_cast
      WHERE NOT EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_cast'::regclass AND d.objid = pg_cast.oid AND deptype = 'i')
    UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator
    UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass
    UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation
    UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion
    UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language
    UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict
    UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser
    UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server) AS o,
  LATERAL pg_identify_object(o.class, o.oid, 0) AS i
  WHERE o.oid >= 16384 AND (o.class, o.oid) NOT IN (SELECT classid, objid FROM member)
)
SELECT coalesce(json_agg(json_build_object('kind', kind, 'name', name, 'own_name', own, 'parent', parent,
  'definition', definition, 'create', make, 'drop', unmake, 'parts', parts) ORDER BY number, kind, name), '[]')
FROM object
)sql";

std::string TextOf(const nlohmann::json& row, const char* field) {
  const nlohmann::json& value = row.at(field);
  return value.is_null() ? std::string() : value.get<std::string>();
}

}  // namespace

std::string_view SchemaQuery() { return kQuery; }

std::vector<SchemaObject> ParseSchema(std::string_view json) {
  std::vector<SchemaObject> objects;
  try {
    for (const nlohmann::json& row : nlohmann::json::parse(json)) {
      SchemaObject object{.kind = TextOf(row, "kind"),
                          .name = TextOf(row, "name"),
                          .own_name = TextOf(row, "own_name"),
                          .parent = TextOf(row, "parent"),
                          .definition = TextOf(row, "definition"),
                          .create = TextOf(row, "create"),
                          .drop = TextOf(row, "drop"),
                          .parts = {}};
      for (const auto& [name, value] : row.at("parts").items()) {
        if (!value.is_null()) object.parts.emplace(name, value.get<std::string>());
      }
      objects.push_back(std::move(object));
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kProtocol,
                fmt::format("the catalogue of the scratch database is unreadable: {}", error.what()));
  }
  return objects;
}

}  // namespace rotv::drift
