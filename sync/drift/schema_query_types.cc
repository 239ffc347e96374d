#include "sync/drift/schema_query_parts.h"

namespace rotv::drift {

const char* const kTypeObjects = R"sql(
  -- Schemas. public is read although initdb creates it: it may have been dropped.
  SELECT 'schema' AS kind, quote_ident(nspname) AS name, NULL AS own, NULL AS parent, '' AS definition,
    format('CREATE SCHEMA %I', nspname) AS make, format('DROP SCHEMA %I', nspname) AS unmake, NULL::jsonb AS parts,
    NULL::jsonb AS settings, oid::bigint AS number
  FROM space
  WHERE (oid >= 16384 OR nspname = 'public')
    AND (('pg_namespace'::regclass)::oid, oid) NOT IN (SELECT classid, objid FROM member)
UNION ALL
  SELECT 'extension', quote_ident(extname), NULL, NULL, format('SCHEMA %I', nspname),
    format('CREATE EXTENSION %I SCHEMA %I', extname, nspname), format('DROP EXTENSION %I', extname),
    jsonb_build_object('schema', quote_ident(nspname)), NULL, e.oid::bigint
  FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE e.oid >= 16384
UNION ALL
  -- Enums, domains, ranges, base types and shells of them. A domain's constraints and a row type's attributes are
  -- objects of their own. A base type needs functions that need its shell: it is created by hand.
  SELECT 'type', t.name, NULL, NULL, t.definition,
    CASE WHEN typtype = 'p' THEN 'CREATE TYPE ' || t.name
         WHEN typtype <> 'b' THEN format('CREATE %s %s AS %s', t.what, t.name, t.definition) END,
    format('DROP %s %s', t.what, t.name), t.parts, NULL, t.oid::bigint
  FROM (
    SELECT t.oid, typtype, format('%I.%I', nspname, typname) AS name,
      CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END AS what,
      CASE typtype
        WHEN 'e' THEN format('ENUM (%s)', (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
                                           FROM pg_enum WHERE enumtypid = t.oid))
        WHEN 'd' THEN concat_ws(' ', b.base, 'DEFAULT ' || typdefault, CASE WHEN typnotnull THEN 'NOT NULL' END)
        WHEN 'r' THEN (SELECT format('RANGE (%s)', concat_ws(', ', 'subtype = ' || format_type(rngsubtype, NULL),
            CASE WHEN NOT opcdefault THEN format('subtype_opclass = %I.%I', s.nspname, opcname) END,
            CASE WHEN rngcollation <> (SELECT typcollation FROM pg_type WHERE oid = rngsubtype)
                 THEN 'collation = ' || rngcollation::regcollation END,
            'canonical = ' || NULLIF(rngcanonical, 0)::regproc, 'subtype_diff = ' || NULLIF(rngsubdiff, 0)::regproc,
            'multirange_type_name = ' || format_type(rngmultitypid, NULL)))
          FROM pg_range JOIN pg_opclass o ON o.oid = rngsubopc JOIN pg_namespace s ON s.oid = opcnamespace
          WHERE rngtypid = t.oid)
        WHEN 'p' THEN 'SHELL'
        ELSE format('(%s)', concat_ws(', ', 'INPUT = ' || typinput, 'OUTPUT = ' || typoutput,
          'RECEIVE = ' || NULLIF(typreceive, 0)::regproc, 'SEND = ' || NULLIF(typsend, 0)::regproc,
          'TYPMOD_IN = ' || NULLIF(typmodin, 0)::regproc, 'TYPMOD_OUT = ' || NULLIF(typmodout, 0)::regproc,
          'ANALYZE = ' || NULLIF(typanalyze, 0)::regproc, 'SUBSCRIPT = ' || NULLIF(typsubscript, 0)::regproc,
          'INTERNALLENGTH = ' || CASE typlen WHEN -1 THEN 'VARIABLE' ELSE typlen::text END,
          CASE WHEN typbyval THEN 'PASSEDBYVALUE' END, format('ALIGNMENT = %s', typalign),
            format('STORAGE = %s', typstorage),
          format('CATEGORY = %L', typcategory), CASE WHEN typispreferred THEN 'PREFERRED' END,
          'DEFAULT = ' || quote_literal(typdefault), 'ELEMENT = ' || format_type(NULLIF(typelem, 0), NULL),
          format('DELIMITER = %L', typdelim), CASE WHEN typcollation <> 0 THEN 'COLLATABLE' END))
      END AS definition,
      CASE typtype
        WHEN 'e' THEN jsonb_build_object('labels', (SELECT jsonb_agg(enumlabel ORDER BY enumsortorder)
                                                    FROM pg_enum WHERE enumtypid = t.oid)::text)
        WHEN 'd' THEN jsonb_build_object('base', b.base, 'default', typdefault,
                                         'not_null', typnotnull::text)
      END AS parts
    FROM pg_type t JOIN space n ON n.oid = typnamespace,
    LATERAL (SELECT concat_ws(' ', format_type(typbasetype, typtypmod), CASE WHEN typcollation <>
      (SELECT b.typcollation FROM pg_type b WHERE b.oid = t.typbasetype) THEN 'COLLATE ' || typcollation::regcollation
        END)
      AS base) AS b
    WHERE t.oid >= 16384 AND (typtype IN ('e', 'd', 'r', 'b') OR typtype = 'p' AND NOT typisdefined)
      AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
      AND (('pg_type'::regclass)::oid, t.oid) NOT IN (SELECT classid, objid FROM member)) AS t
UNION ALL
  -- The order of a row type's attributes counts: a row is written without their names.
  SELECT kind, name, NULL, NULL,
    format('ROW (%s)', (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
                        WHERE attrelid = rel.oid AND NOT attisdropped)),
    'CREATE TYPE ' || name || ' AS ()', 'DROP TYPE ' || name,
    jsonb_build_object('attributes', (SELECT coalesce(jsonb_agg(quote_ident(attname) ORDER BY attnum), '[]')
                                      FROM pg_attribute WHERE attrelid = rel.oid AND NOT attisdropped)::text),
    NULL, oid::bigint
  FROM rel WHERE relkind = 'c'
UNION ALL
  SELECT 'attribute', format('%s.%I', r.name, attname), NULL, 'type ' || r.name, d,
    format('ALTER TYPE %s ADD ATTRIBUTE %I %s', r.name, attname, d),
    format('ALTER TYPE %s DROP ATTRIBUTE %I', r.name, attname), jsonb_build_object('attribute', quote_ident(attname)),
    NULL, attnum::bigint
  FROM rel r JOIN pg_attribute ON attrelid = r.oid AND attnum > 0 AND NOT attisdropped,
  LATERAL (SELECT concat_ws(' ', format_type(atttypid, atttypmod),
    CASE WHEN attcollation <> 0 AND attcollation <> (SELECT typcollation FROM pg_type WHERE oid = atttypid)
         THEN 'COLLATE ' || attcollation::regcollation END) AS d) AS d
  WHERE relkind = 'c'
)sql";

const char* const kRoutineObjects = R"sql(
UNION ALL
  -- Functions and procedures. Constructors of ranges belong to their type. The body is a part of its own, since only
  -- its
  -- language decides what is formatting.
  SELECT CASE prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, f.name, NULL, NULL, f.definition, f.definition,
    format('DROP %s %s', CASE prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, f.name),
    jsonb_build_object('result', pg_get_function_result(f.oid), 'kind', prokind, 'defaults', pronargdefaults::text,
      'arguments', pg_get_function_identity_arguments(f.oid), 'language', lanname, 'body', prosrc,
      'head', CASE WHEN prosrc = '' THEN f.definition ELSE replace(f.definition, prosrc, '') END), NULL, f.oid::bigint
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
    'DROP AGGREGATE ' || f.name, NULL, NULL, f.oid::bigint
  FROM (
    SELECT p.oid, format('%I.%I(%s)', nspname, proname,
        CASE WHEN pronargs = 0 THEN '*' ELSE pg_get_function_identity_arguments(p.oid) END) AS name,
      concat_ws(', ', 'SFUNC = ' || aggtransfn, 'STYPE = ' || format_type(aggtranstype, NULL),
        'SSPACE = ' || NULLIF(aggtransspace, 0), 'FINALFUNC = ' || NULLIF(aggfinalfn, 0)::regproc,
        CASE WHEN aggfinalextra THEN 'FINALFUNC_EXTRA' END,
        -- A function of an ordinary aggregate may leave its state as it is, one of an ordered set may change it.
        'FINALFUNC_MODIFY = ' || CASE WHEN aggfinalmodify <> CASE aggkind WHEN 'n' THEN 'r' ELSE 'w' END THEN
          CASE aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,
        'COMBINEFUNC = ' || NULLIF(aggcombinefn, 0)::regproc, 'SERIALFUNC = ' || NULLIF(aggserialfn, 0)::regproc,
        'DESERIALFUNC = ' || NULLIF(aggdeserialfn, 0)::regproc, 'INITCOND = ' || quote_literal(agginitval),
        'MSFUNC = ' || NULLIF(aggmtransfn, 0)::regproc, 'MINVFUNC = ' || NULLIF(aggminvtransfn, 0)::regproc,
        'MSTYPE = ' || format_type(NULLIF(aggmtranstype, 0), NULL), 'MSSPACE = ' || NULLIF(aggmtransspace, 0),
        'MFINALFUNC = ' || NULLIF(aggmfinalfn, 0)::regproc, CASE WHEN aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
        'MFINALFUNC_MODIFY = ' || CASE WHEN aggmfinalfn <> 0 AND
          aggmfinalmodify <> CASE aggkind WHEN 'n' THEN 'r' ELSE 'w' END THEN
          CASE aggmfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,
        'MINITCOND = ' || quote_literal(aggminitval),
        'SORTOP = ' || (SELECT format('OPERATOR(%I.%s)', nspname, oprname) FROM pg_operator o
                        JOIN pg_namespace n ON n.oid = oprnamespace WHERE o.oid = aggsortop),
        'PARALLEL = ' || CASE proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' END,
        CASE WHEN aggkind = 'h' THEN 'HYPOTHETICAL' END) AS definition
    FROM pg_proc p JOIN space n ON n.oid = pronamespace JOIN pg_aggregate ON aggfnoid = p.oid
    WHERE p.oid >= 16384 AND (('pg_proc'::regclass)::oid, p.oid) NOT IN (SELECT classid, objid FROM member)) AS f
)sql";

}  // namespace rotv::drift
