#include "sync/drift/schema_query_parts.h"

namespace rotv::drift {

// Objects that only superusers make, mostly, and others that have no columns.
const char* const kOtherObjects = R"sql(
UNION ALL
  SELECT i.type, CASE o.what WHEN 'TRANSFORM' THEN o.name ELSE i.identity END, NULL, NULL,
    concat_ws(' ', o.core, words),
    coalesce(o.make, format('CREATE %s %s %s', o.what, coalesce(o.name, i.identity),
      concat_ws(' ', o.core, o.options))),
    format('DROP %s %s', o.what, coalesce(o.dropped, o.name, i.identity)), jsonb_build_object('core', o.core), settings,
    o.oid::bigint
  FROM (
    -- Columns: name and dropped, where CREATE and DROP want another name than identity; core, what follows CREATE and
    -- the name; make, where CREATE has another form; options, what follows and can be changed; its settings.
    SELECT 'pg_cast'::regclass::oid AS class, oid, 'CAST' AS what, NULL AS name, NULL AS dropped,
      CASE castmethod WHEN 'f' THEN 'WITH FUNCTION ' || castfunc::regprocedure WHEN 'i' THEN 'WITH INOUT'
                      ELSE 'WITHOUT FUNCTION' END
      || CASE castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END AS core,
      NULL AS make, NULL AS options, NULL AS words, NULL::jsonb AS settings
    FROM pg_cast
    WHERE NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_cast'::regclass AND d.objid = pg_cast.oid AND deptype = 'i')
  UNION ALL
    SELECT 'pg_operator'::regclass, o.oid, 'OPERATOR', format('%I.%s', nspname, oprname), o.oid::regoperator::text,
      format('(%s)', concat_ws(', ', 'FUNCTION = ' || oprcode, 'LEFTARG = ' || format_type(NULLIF(oprleft, 0), NULL),
        'RIGHTARG = ' || format_type(NULLIF(oprright, 0), NULL),
        'COMMUTATOR = ' || (SELECT format('OPERATOR(%I.%s)', s.nspname, p.oprname) FROM pg_operator p
                            JOIN pg_namespace s ON s.oid = p.oprnamespace WHERE p.oid = o.oprcom),
        'NEGATOR = ' || (SELECT format('OPERATOR(%I.%s)', s.nspname, p.oprname) FROM pg_operator p
                         JOIN pg_namespace s ON s.oid = p.oprnamespace WHERE p.oid = o.oprnegate),
        'RESTRICT = ' || NULLIF(oprrest, 0)::regproc, 'JOIN = ' || NULLIF(oprjoin, 0)::regproc, CASE WHEN oprcanmerge
          THEN 'MERGES' END,
        CASE WHEN oprcanhash THEN 'HASHES' END)), NULL, NULL, NULL, NULL
    FROM pg_operator o JOIN pg_namespace n ON n.oid = oprnamespace WHERE oprcode <> 0
  UNION ALL
    -- The members of a family that belong to no class.
    SELECT 'pg_opfamily'::regclass, f.oid, 'OPERATOR FAMILY', NULL, NULL, format('USING %I', amname),
      format('CREATE OPERATOR FAMILY %s', d.name), NULL, m.words, m.settings
    FROM pg_opfamily f JOIN pg_namespace n ON n.oid = opfnamespace JOIN pg_am a ON a.oid = opfmethod,
    LATERAL (SELECT format('%I.%I USING %I', nspname, opfname, amname) AS name) AS d,
    LATERAL (SELECT string_agg(text, ', ' ORDER BY text) AS words, jsonb_object_agg(text, jsonb_build_array(
        format('ALTER OPERATOR FAMILY %s ADD %s', d.name, text),
          format('ALTER OPERATOR FAMILY %s DROP %s', d.name, gone),
        false)) AS settings FROM support WHERE family = f.oid AND class IS NULL) AS m
  UNION ALL
    SELECT 'pg_opclass'::regclass, c.oid, 'OPERATOR CLASS', format('%I.%I', n.nspname, opcname),
      format('%I.%I USING %I', n.nspname, opcname, amname),
      concat_ws(' ', CASE WHEN opcdefault THEN 'DEFAULT' END, 'FOR TYPE', format_type(opcintype, NULL),
        format('USING %I FAMILY %I.%I AS', amname, s.nspname, opfname),
        concat_ws(', ', 'STORAGE ' || CASE WHEN opckeytype <> 0 THEN format_type(opckeytype, NULL)
                                           WHEN m.members IS NULL THEN format_type(opcintype, NULL) END, m.members)),
      NULL, NULL, NULL, NULL
    FROM pg_opclass c JOIN pg_namespace n ON n.oid = opcnamespace JOIN pg_am a ON a.oid = opcmethod
    JOIN pg_opfamily f ON f.oid = opcfamily JOIN pg_namespace s ON s.oid = opfnamespace,
    LATERAL (SELECT string_agg(text, ', ' ORDER BY text) AS members FROM support WHERE class = c.oid) AS m
  UNION ALL
    -- Which of these columns a collation has depends on the server's version.
    SELECT 'pg_collation'::regclass, oid, 'COLLATION', NULL, NULL,
      format('(%s)', concat_ws(', ', 'PROVIDER = ' || CASE collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin'
                                                                        WHEN 'd' THEN 'default' ELSE 'libc' END,
        'LOCALE = ' || quote_literal(coalesce(j->>'colllocale', j->>'colliculocale',
                                              CASE WHEN collcollate = collctype THEN collcollate END)),
        CASE WHEN collcollate <> collctype THEN format('LC_COLLATE = %L, LC_CTYPE = %L', collcollate, collctype) END,
        CASE WHEN NOT collisdeterministic THEN 'DETERMINISTIC = false' END,
        'RULES = ' || quote_literal(j->>'collicurules'))), NULL, NULL, NULL, NULL
    FROM pg_collation c, to_jsonb(c) AS j
  UNION ALL
    SELECT 'pg_conversion'::regclass, c.oid, 'CONVERSION', NULL, NULL, d.core,
      format('CREATE%s CONVERSION %I.%I FOR %L TO %L FROM %s', CASE WHEN condefault THEN ' DEFAULT' END, nspname,
        conname,
        pg_encoding_to_char(conforencoding), pg_encoding_to_char(contoencoding), conproc), NULL, NULL, NULL
    FROM pg_conversion c JOIN pg_namespace n ON n.oid = connamespace,
    LATERAL (SELECT concat_ws(' ', CASE WHEN condefault THEN 'DEFAULT' END, format('FOR %L TO %L FROM %s',
      pg_encoding_to_char(conforencoding), pg_encoding_to_char(contoencoding), conproc)) AS core) AS d
  UNION ALL
    SELECT 'pg_language'::regclass, oid, 'LANGUAGE', NULL, NULL,
      concat_ws(' ', CASE WHEN lanpltrusted THEN 'TRUSTED' END, d),
      format('CREATE OR REPLACE%s LANGUAGE %I %s', CASE WHEN lanpltrusted THEN ' TRUSTED' END, lanname, d), NULL, NULL,
        NULL
    FROM pg_language,
    LATERAL (SELECT concat_ws(' ', 'HANDLER ' || NULLIF(lanplcallfoid, 0)::regproc, 'INLINE ' ||
      NULLIF(laninline, 0)::regproc, 'VALIDATOR ' || NULLIF(lanvalidator, 0)::regproc) AS d) AS d
  UNION ALL
    SELECT 'pg_transform'::regclass, t.oid, 'TRANSFORM', d.name, NULL,
      format('(%s)', concat_ws(', ', 'FROM SQL WITH FUNCTION ' || NULLIF(trffromsql, 0)::regprocedure,
                               'TO SQL WITH FUNCTION ' || NULLIF(trftosql, 0)::regprocedure)), NULL, NULL, NULL, NULL
    FROM pg_transform t JOIN pg_language l ON l.oid = trflang,
    LATERAL (SELECT format('FOR %s LANGUAGE %I', format_type(trftype, NULL), lanname) AS name) AS d
  UNION ALL
    SELECT 'pg_am'::regclass, oid, 'ACCESS METHOD', NULL, NULL,
      format('TYPE %s HANDLER %s', CASE amtype WHEN 'i' THEN 'INDEX' ELSE 'TABLE' END, amhandler), NULL, NULL, NULL,
        NULL
    FROM pg_am
  UNION ALL
    SELECT 'pg_ts_parser'::regclass, oid, 'TEXT SEARCH PARSER', NULL, NULL, format('(%s)', concat_ws(', ',
      'START = ' || prsstart, 'GETTOKEN = ' || prstoken, 'END = ' || prsend, 'LEXTYPES = ' || prslextype,
      'HEADLINE = ' || NULLIF(prsheadline, 0)::regproc)), NULL, NULL, NULL, NULL
    FROM pg_ts_parser
  UNION ALL
    SELECT 'pg_ts_template'::regclass, oid, 'TEXT SEARCH TEMPLATE', NULL, NULL,
      format('(%s)', concat_ws(', ', 'INIT = ' || NULLIF(tmplinit, 0)::regproc, 'LEXIZE = ' || tmpllexize)), NULL,
        NULL, NULL, NULL
    FROM pg_ts_template
  UNION ALL
    SELECT 'pg_ts_dict'::regclass, d.oid, 'TEXT SEARCH DICTIONARY', NULL, NULL,
      format('(TEMPLATE = %I.%I)', s.nspname, tmplname), format('CREATE TEXT SEARCH DICTIONARY %I.%I (%s)', n.nspname,
        dictname, concat_ws(', ', format('TEMPLATE = %I.%I', s.nspname, tmplname), dictinitoption)), NULL, o.words,
      o.settings
    FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = dictnamespace JOIN pg_ts_template t ON t.oid = dicttemplate
    JOIN pg_namespace s ON s.oid = tmplnamespace, LATERAL (
      SELECT string_agg(format('%s = %s', m[1], m[2]), ', ' ORDER BY m[1]) AS words, jsonb_object_agg(m[1],
        jsonb_build_array(format('ALTER TEXT SEARCH DICTIONARY %I.%I (%s = %s)', n.nspname, dictname, m[1], m[2]),
          format('ALTER TEXT SEARCH DICTIONARY %I.%I (%s)', n.nspname, dictname, m[1]), true))
          FILTER (WHERE m[1] IS NOT NULL) AS settings
      FROM regexp_matches(dictinitoption, '("(?:[^"]|"")+"|\w+) = (E?''(?:[^'']|'''')*''|[^,]+)', 'g') AS m) AS o
  UNION ALL
    SELECT 'pg_ts_config'::regclass, c.oid, 'TEXT SEARCH CONFIGURATION', NULL, NULL,
      format('(PARSER = %I.%I)', s.nspname, prsname), NULL, NULL, m.words, m.settings
    FROM pg_ts_config c JOIN pg_namespace n ON n.oid = cfgnamespace JOIN pg_ts_parser p ON p.oid = cfgparser
    JOIN pg_namespace s ON s.oid = prsnamespace,
    LATERAL (
      SELECT string_agg(words, ', ' ORDER BY alias) AS words, jsonb_object_agg(words, jsonb_build_array(
        format('ALTER TEXT SEARCH CONFIGURATION %I.%I ADD %s', n.nspname, cfgname, words),
        format('ALTER TEXT SEARCH CONFIGURATION %I.%I DROP MAPPING FOR %I', n.nspname, cfgname, alias), false)) AS
          settings
      FROM (SELECT alias, format('MAPPING FOR %I WITH %s', alias,
              string_agg(mapdict::regdictionary::text, ', ' ORDER BY mapseqno)) AS words
            FROM pg_ts_config_map JOIN ts_token_type(cfgparser) ON tokid = maptokentype WHERE mapcfg = c.oid
            GROUP BY alias HAVING count(*) > 0) AS w) AS m
  UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 'FOREIGN DATA WRAPPER', NULL, NULL,
      concat_ws(' ', 'HANDLER ' || NULLIF(fdwhandler, 0)::regproc, 'VALIDATOR ' || NULLIF(fdwvalidator, 0)::regproc),
        NULL,
      'OPTIONS (' || o.list || ')', 'OPTIONS (' || o.list || ')', o.settings
    FROM pg_foreign_data_wrapper w, LATERAL (
      SELECT string_agg(format('%I %L', option_name, option_value), ', ' ORDER BY option_name) AS list,
        jsonb_object_agg(option_name || option_value, jsonb_build_array(
          format('ALTER FOREIGN DATA WRAPPER %I OPTIONS (ADD %I %L)', fdwname, option_name, option_value),
          format('ALTER FOREIGN DATA WRAPPER %I OPTIONS (DROP %I)', fdwname, option_name), true))
          FILTER (WHERE option_name IS NOT NULL) AS settings
      FROM pg_options_to_table(fdwoptions)) AS o
  UNION ALL
    SELECT 'pg_foreign_server'::regclass, s.oid, 'SERVER', NULL, NULL,
      concat_ws(' ', 'TYPE ' || quote_literal(srvtype), format('FOREIGN DATA WRAPPER %I', fdwname)),
      format('CREATE SERVER %I %s', srvname, concat_ws(' ', 'TYPE ' || quote_literal(srvtype),
        'VERSION ' || quote_literal(srvversion), format('FOREIGN DATA WRAPPER %I', fdwname),
        'OPTIONS (' || o.list || ')')), NULL,
      NULLIF(concat_ws(' ', 'VERSION ' || quote_literal(srvversion), 'OPTIONS (' || o.list || ')'), ''),
      coalesce(o.settings, '{}') || CASE WHEN srvversion IS NULL THEN '{}' ELSE
        jsonb_build_object('version', jsonb_build_array(format('ALTER SERVER %I VERSION %L', srvname, srvversion),
                                                        format('ALTER SERVER %I VERSION NULL', srvname), true)) END
    FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = srvfdw, LATERAL (
      SELECT string_agg(format('%I %L', option_name, option_value), ', ' ORDER BY option_name) AS list,
        jsonb_object_agg(option_name || option_value, jsonb_build_array(
          format('ALTER SERVER %I OPTIONS (ADD %I %L)', srvname, option_name, option_value),
          format('ALTER SERVER %I OPTIONS (DROP %I)', srvname, option_name), true))
          FILTER (WHERE option_name IS NOT NULL) AS settings
      FROM pg_options_to_table(srvoptions)) AS o
  UNION ALL
    -- A mapping's options may hold a password: their values are neither shown nor compared.
    SELECT 'pg_user_mapping'::regclass, m.umid, 'USER MAPPING', d.name, NULL, d.name,
      format('CREATE USER MAPPING %s', d.name), NULL, o.words, o.settings
    FROM pg_user_mappings m,
    LATERAL (SELECT format('FOR %s SERVER %I', CASE umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(usename) END, srvname)
             AS name) AS d,
    LATERAL (SELECT 'OPTIONS (' || string_agg(quote_ident(option_name), ', ' ORDER BY option_name) || ')' AS words,
      jsonb_object_agg(option_name, jsonb_build_array(
        format('-- by hand: ALTER USER MAPPING %s OPTIONS (ADD %I ''…'')', d.name, option_name),
        format('ALTER USER MAPPING %s OPTIONS (DROP %I)', d.name, option_name), false))
        FILTER (WHERE option_name IS NOT NULL) AS settings
     FROM pg_options_to_table(umoptions)) AS o
  UNION ALL
    SELECT 'pg_event_trigger'::regclass, e.oid, 'EVENT TRIGGER', NULL, NULL, d, NULL, NULL, state,
      CASE WHEN state IS NOT NULL THEN jsonb_build_object('enabled', jsonb_build_array(
        format('ALTER EVENT TRIGGER %I %s', evtname, state), format('ALTER EVENT TRIGGER %I ENABLE', evtname), false))
          END
    FROM pg_event_trigger e,
    LATERAL (SELECT format('ON %s%s EXECUTE FUNCTION %s()', evtevent,
        (SELECT format(' WHEN TAG IN (%s)', string_agg(quote_literal(tag), ', ')) FROM unnest(evttags) AS tag
         HAVING count(*) > 0), evtfoid::regproc) AS d,
      CASE evtenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' END AS state)
      AS d
  ) AS o, LATERAL pg_identify_object(o.class, o.oid, 0) AS i
  WHERE o.oid >= 16384 AND (o.class, o.oid) NOT IN (SELECT classid, objid FROM member)
UNION ALL
  -- Objects that go with an extension though they are not part of it.
  SELECT 'dependency', format('%s %s on %I', i.type, i.identity, extname), NULL, NULL, '',
    format('ALTER %s %s DEPENDS ON EXTENSION %I', upper(i.type), i.identity, extname),
    format('ALTER %s %s NO DEPENDS ON EXTENSION %I', upper(i.type), i.identity, extname), NULL, NULL, objid::bigint
  FROM pg_depend JOIN pg_extension e ON e.oid = refobjid, LATERAL pg_identify_object(classid, objid, objsubid) AS i
  WHERE deptype = 'x' AND refclassid = 'pg_extension'::regclass
)sql";

}  // namespace rotv::drift
