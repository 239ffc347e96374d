#include "sync/carry/carry_sql.h"

#include <fmt/format.h>

#include <initializer_list>
#include <utility>

#include "storage/error.h"
#include "sync/drift/schema_queries.h"
#include "sync/formats/copy_text.h"
#include "sync/formats/text_encoding.h"

// Code of the source runs while rows are written: expressions of indexes, constraints and generated columns, queries of
// materialized views. It runs with the rights of the application's role, as in an import. But such a function can also
// change a setting of the session by which psql reads what follows: with standard_conforming_strings = off a backslash
// is an escape, and with client_encoding = SJIS a quote can be the second byte of a letter; then a name could end where
// the source likes, and what follows could be a meta-command of psql. A seed has \restrict against that, which only
// newer versions of psql know. A carry does not need it: nothing of the source is in its literals, and the few
// identifiers of the source stand right after SettleText(), which is read alike under every setting.

namespace rotv::carry {
namespace {

// How rows and the schema are written must not depend on how the source's role is set up.
constexpr std::string_view kSettings = R"sql(SET row_security = off;
SET xmloption = content;
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
SET client_min_messages = warning;
SET jit = off;
)sql";

// And for the schema alone.
constexpr std::string_view kSchemaSettings = R"sql(SET check_function_bodies = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
)sql";

constexpr std::string_view kBegin = R"sql(\set ON_ERROR_STOP on
{settle}{settings}SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
DO $rotv$
BEGIN
  PERFORM pg_catalog.set_config('transaction_timeout', '0', false)
  WHERE pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL;
END $rotv$;
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
)sql";

// rotv_table has one row: the table that is being changed.
constexpr std::string_view kProcedures = R"sql(DO $rotv$
BEGIN
  IF pg_catalog.current_setting('session_replication_role') <> 'replica' THEN
    RAISE 'rotv: triggers would fire: session_replication_role has to be replica';
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtenabled IN ('A', 'R')) THEN
    RAISE 'rotv: an event trigger would fire';
  END IF;
END $rotv$;
CREATE TEMPORARY TABLE rotv_table (name regclass, keys text[], filter text) ON COMMIT DROP;
CREATE TEMPORARY TABLE rotv_silenced (restore text) ON COMMIT DROP;
CREATE TEMPORARY TABLE rotv_sequence (name regclass, value bigint, called boolean) ON COMMIT DROP;
CREATE TEMPORARY TABLE rotv_object (object oid, was boolean, is_there boolean) ON COMMIT DROP;
CREATE TEMPORARY TABLE rotv_page (object oid, start bigint, data bytea) ON COMMIT DROP;
CREATE TEMPORARY TABLE rotv_comment (object oid, comment text) ON COMMIT DROP;
CREATE TEMPORARY TABLE rotv_view (place integer, name regclass) ON COMMIT DROP;
{statement_table}

-- Disables what fires in spite of session_replication_role, and remembers how it was.
CREATE PROCEDURE pg_temp.rotv_begin() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $rotv$
DECLARE
  tables oid[];
  change record;
BEGIN
  SELECT ARRAY(SELECT relid::oid FROM pg_partition_tree(name)) || name::oid INTO STRICT tables FROM rotv_table;
  FOR change IN
    SELECT format('ALTER TABLE ONLY %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) AS silence,
           format('ALTER TABLE ONLY %s ENABLE %s TRIGGER %I', tgrelid::regclass,
                  CASE tgenabled WHEN 'A' THEN 'ALWAYS' ELSE 'REPLICA' END, tgname) AS restore
    FROM pg_trigger
    WHERE tgrelid = ANY (tables) AND (NOT tgisinternal OR tgparentid <> 0) AND tgenabled IN ('A', 'R')
    UNION ALL
    SELECT format('ALTER TABLE ONLY %s DISABLE RULE %I', ev_class::regclass, rulename),
           format('ALTER TABLE ONLY %s ENABLE %s RULE %I', ev_class::regclass,
                  CASE ev_enabled WHEN 'A' THEN 'ALWAYS' ELSE 'REPLICA' END, rulename)
    FROM pg_rewrite
    WHERE ev_class = ANY (tables) AND ev_enabled IN ('A', 'R')
  LOOP
    EXECUTE change.silence;
    INSERT INTO rotv_silenced VALUES (change.restore);
  END LOOP;
END $rotv$;

-- Creates rotv_key, with the columns of the table's key.
CREATE PROCEDURE pg_temp.rotv_await_keys() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $rotv$
DECLARE
  changed rotv_table;
BEGIN
  SELECT * INTO STRICT changed FROM rotv_table;
  EXECUTE format('CREATE TEMPORARY TABLE rotv_key ON COMMIT DROP AS SELECT %s FROM ONLY %s WITH NO DATA',
                 (SELECT string_agg(format('%I AS k%s', name, number), ', ' ORDER BY number)
                  FROM unnest(changed.keys) WITH ORDINALITY key (name, number)), changed.name);
END $rotv$;

-- Removes the rows with the keys in rotv_key. Rows are found by the index that keeps the key unique, with the operator
-- that is "equal" for it: by its name alone another operator might be found, as for a citext.
CREATE PROCEDURE pg_temp.rotv_remove(expected bigint) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $rotv$
DECLARE
  changed rotv_table;
  condition text;
  removed bigint;
BEGIN
  SELECT * INTO STRICT changed FROM rotv_table;
  SELECT string_agg(format('t.%I OPERATOR(%I.%s) k.k%s', a.attname, n.nspname, o.oprname,
                           array_position(changed.keys, a.attname::text COLLATE "C")), ' AND ') INTO condition
  FROM (SELECT indkey::int2[] AS columns, indclass::oid[] AS classes, indnkeyatts
        FROM pg_index i
        WHERE i.indrelid = changed.name AND indisunique AND indisvalid AND indpred IS NULL AND indexprs IS NULL AND
              indnkeyatts = cardinality(changed.keys) AND
              indnkeyatts = (SELECT count(*) FROM pg_attribute
                             WHERE attrelid = changed.name AND attname::text COLLATE "C" = ANY (changed.keys) AND
                                   attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
        ORDER BY indisprimary DESC, indexrelid LIMIT 1) found
  CROSS JOIN unnest(found.columns[0:found.indnkeyatts - 1], found.classes[0:found.indnkeyatts - 1]) key (number, class)
  JOIN pg_attribute a ON a.attrelid = changed.name AND a.attnum = key.number
  JOIN pg_opclass c ON c.oid = key.class
  JOIN pg_amop m ON m.amopfamily = c.opcfamily AND m.amoplefttype = c.opcintype AND m.amoprighttype = c.opcintype AND
                    m.amopstrategy = 3
  JOIN pg_operator o ON o.oid = m.amopopr
  JOIN pg_namespace n ON n.oid = o.oprnamespace;
  IF condition IS NULL THEN
    RAISE 'rotv: % has no index of its key', changed.name;
  END IF;
  EXECUTE format('DELETE FROM ONLY %s t USING rotv_key k WHERE %s', changed.name, condition);
  GET DIAGNOSTICS removed = ROW_COUNT;
  IF removed <> expected THEN
    RAISE 'rotv: % has % of the % rows that are removed', changed.name, removed, expected;
  END IF;
  DROP TABLE rotv_key;
END $rotv$;

-- Removes all rows. TRUNCATE refuses a table that others reference, even if they have no rows.
CREATE PROCEDURE pg_temp.rotv_empty() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $rotv$
DECLARE
  changed rotv_table;
  tables oid[];
  target text;
BEGIN
  SELECT * INTO STRICT changed FROM rotv_table;
  tables := ARRAY(SELECT relid::oid FROM pg_partition_tree(changed.name)) || changed.name::oid;
  target := CASE WHEN (SELECT relkind = 'p' FROM pg_class WHERE oid = changed.name) THEN '' ELSE 'ONLY ' END ||
            changed.name;
  IF changed.filter <> '' OR EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = ANY (tables) AND
                                     conrelid <> ALL (tables)) THEN
    EXECUTE format('DELETE FROM %s%s', target, changed.filter);
  ELSE
    EXECUTE 'TRUNCATE ' || target;
  END IF;
END $rotv$;

CREATE PROCEDURE pg_temp.rotv_end() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $rotv$
BEGIN
  DELETE FROM rotv_table;
END $rotv$;

-- setval() alone is not undone with the transaction. RESTART gives the sequence a new file, which is.
CREATE PROCEDURE pg_temp.rotv_set_sequences() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $rotv$
DECLARE
  wanted record;
  differs boolean;
BEGIN
  FOR wanted IN SELECT name, value, called FROM rotv_sequence LOOP
    EXECUTE format('SELECT last_value <> $1 OR is_called <> $2 FROM %s', wanted.name) INTO STRICT differs
      USING wanted.value, wanted.called;
    CONTINUE WHEN NOT differs;
    EXECUTE format('ALTER SEQUENCE %s RESTART', wanted.name);
    PERFORM setval(wanted.name, wanted.value, wanted.called);
  END LOOP;
END $rotv$;

CREATE PROCEDURE pg_temp.rotv_change_objects() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $rotv$
DECLARE
  changed record;
  descriptor integer;
BEGIN
  FOR changed IN SELECT object, was, is_there FROM rotv_object LOOP
    IF changed.was <> EXISTS (SELECT FROM pg_largeobject_metadata WHERE oid = changed.object) THEN
      RAISE 'rotv: large object % is there or not there, and should be otherwise', changed.object;
    END IF;
    IF NOT changed.was THEN
      PERFORM lo_create(changed.object);
    ELSIF NOT changed.is_there THEN
      PERFORM lo_unlink(changed.object);
    ELSE
      descriptor := lo_open(changed.object, 131072);
      PERFORM lo_truncate(descriptor, 0);
      PERFORM lo_close(descriptor);
    END IF;
  END LOOP;
  PERFORM lo_put(object, start, data) FROM rotv_page WHERE length(data) > 0;
  FOR changed IN SELECT object, comment FROM rotv_comment LOOP
    EXECUTE format('COMMENT ON LARGE OBJECT %s IS %L', changed.object, changed.comment);
  END LOOP;
END $rotv$;

CREATE PROCEDURE pg_temp.rotv_refresh() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $rotv$
DECLARE
  filled regclass;
BEGIN
  FOR filled IN SELECT name FROM rotv_view ORDER BY place LOOP
    EXECUTE format('REFRESH MATERIALIZED VIEW %s', filled);
  END LOOP;
END $rotv$;

CREATE PROCEDURE pg_temp.rotv_restore() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $rotv$
DECLARE
  statement text;
BEGIN
  FOR statement IN SELECT restore FROM rotv_silenced LOOP
    EXECUTE statement;
  END LOOP;
END $rotv$;

)sql";

// Statements of the source run one by one, as in an import: with its search_path, and whatever their functions' bodies
// name. A superuser would create what an import leaves out; in the scratch database that is left out, too.
constexpr std::string_view kStatementTable = R"sql(
CREATE TEMPORARY TABLE rotv_statement (place integer, text text) ON COMMIT DROP;
CREATE PROCEDURE pg_temp.rotv_run(without_rights text) LANGUAGE plpgsql AS $rotv$
DECLARE
  statements text[];
  statement text;
BEGIN
  IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) THEN
    RAISE 'rotv: a superuser would change the schema';
  END IF;
  statements := ARRAY(SELECT s.text FROM pg_temp.rotv_statement s ORDER BY s.place);
  DELETE FROM pg_temp.rotv_statement;
  FOREACH statement IN ARRAY statements LOOP
    BEGIN
      EXECUTE statement;
    EXCEPTION WHEN insufficient_privilege THEN
      IF without_rights <> 'skipped' THEN
        RAISE;
      END IF;
    END;
  END LOOP;
END $rotv$;
)sql";

// The database has the encoding, locale and settings of the one that is carried, as far as a schema's text depends on
// them. PostgreSQL 17 calls a column of pg_database otherwise than 16 does.
constexpr std::string_view kScratchBegin = R"sql(\set ON_ERROR_STOP on
SELECT pg_catalog.current_database() AS rotv_database, pg_catalog.current_setting('lc_monetary') AS rotv_monetary,
  pg_catalog.current_setting('TimeZone') AS rotv_zone \gset
SELECT pg_catalog.format('CREATE DATABASE rotv_next TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
    pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype) || CASE r.own->>'datlocprovider'
  WHEN 'c' THEN ' LOCALE_PROVIDER libc'
  WHEN 'b' THEN pg_catalog.format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', r.own->>'datlocale')
  WHEN 'i' THEN pg_catalog.format(' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(r.own->>'datlocale', r.own->>'daticulocale')) ||
    CASE WHEN r.own->>'daticurules' <> '' THEN pg_catalog.format(' ICU_RULES %L', r.own->>'daticurules') ELSE '' END
  ELSE '' END
FROM pg_catalog.pg_database d, LATERAL (SELECT pg_catalog.to_jsonb(d) AS own) r
WHERE d.datname = pg_catalog.current_database() \gexec
\connect rotv_next
{settle}SET lc_monetary = :'rotv_monetary';
SET timezone = :'rotv_zone';
{settings}{schema_settings}BEGIN;
{statement_table}
)sql";

constexpr std::string_view kScratchEnd = R"sql(SELECT ({schema}) AS rotv_schema \gset
ROLLBACK;
\connect :"rotv_database"
DROP DATABASE rotv_next;
)sql";

constexpr std::string_view kCompare = R"sql(CALL pg_temp.rotv_restore();
CREATE PROCEDURE pg_temp.rotv_compare(wanted text) LANGUAGE plpgsql AS $rotv$
BEGIN
  IF wanted IS DISTINCT FROM ({schema}) THEN
    RAISE 'rotv: the schema would not be that of the wanted state';
  END IF;
END $rotv$;
CALL pg_temp.rotv_compare(:'rotv_schema');
DROP PROCEDURE pg_temp.rotv_compare(text);
)sql";

// Beside what is compared of two schemas: comments, and the order of columns.
constexpr std::string_view kSchemaHash =
    R"sql(SELECT pg_catalog.md5(pg_catalog.string_agg(o.what, E'\n' ORDER BY o.what COLLATE "C")) FROM (
  SELECT e.value::text AS what FROM pg_catalog.json_array_elements(({query})) e
  UNION ALL
  SELECT 'columns ' || c.oid::pg_catalog.regclass::text || ' ' ||
    pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ',' ORDER BY a.attnum)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
  WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND
    a.attnum > 0 AND NOT a.attisdropped
  GROUP BY c.oid
  UNION ALL
  SELECT 'comment ' || pg_catalog.pg_describe_object(classoid, objoid, objsubid) || ' ' || description
  FROM pg_catalog.pg_description d
  WHERE (objoid >= 16384 OR classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass) AND
    classoid <> 'pg_catalog.pg_extension'::pg_catalog.regclass AND
    classoid <> 'pg_catalog.pg_largeobject'::pg_catalog.regclass AND
    NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = d.classoid AND m.objid = d.objoid AND m.deptype = 'e')
) o)sql";

constexpr std::string_view kEnd = R"sql(CALL pg_temp.rotv_restore();
DROP PROCEDURE pg_temp.rotv_begin(), pg_temp.rotv_await_keys(), pg_temp.rotv_remove(bigint), pg_temp.rotv_empty(),
  pg_temp.rotv_end(), pg_temp.rotv_set_sequences(), pg_temp.rotv_change_objects(), pg_temp.rotv_refresh(),
  pg_temp.rotv_restore(), pg_temp.rotv_run(text);
COMMIT;
)sql";

// Puts texts into the places with their names.
std::string Filled(std::string_view pattern,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> places) {
  std::string text(pattern);
  for (const auto& [place, filling] : places) text.replace(text.find(place), place.size(), filling);
  return text;
}

std::string SchemaHash() { return Filled(kSchemaHash, {{"{query}", drift::SchemaQuery()}}); }

}  // namespace

std::string SettleText(std::string_view encoding) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  formats::EncodingNamed(encoding);  // Throws unless databases can have it.
  if (encoding.find_first_not_of(kLetters) != std::string_view::npos) {
    throw Error(ErrorCode::kCorrupt, "the store names an encoding that is none");
  }
  return fmt::format("SET client_encoding = '{}';\nSET standard_conforming_strings = on;\nSET search_path = '';\n",
                     encoding);
}

std::string BeginText(std::string_view encoding) {
  return Filled(
      std::string(kBegin).append(kProcedures),
      {{"{settle}", SettleText(encoding)}, {"{settings}", kSettings}, {"{statement_table}", kStatementTable}});
}

std::string RunText(std::string_view encoding, const std::vector<std::string>& statements, bool standard_strings,
                    WithoutRights without_rights) {
  if (statements.empty()) return "";
  std::string text = SettleText(encoding).append("COPY pg_temp.rotv_statement FROM stdin;\n");
  for (size_t i = 0; i < statements.size(); ++i) text += CopyRow({std::to_string(i), statements[i]});
  text += "\\.\n";
  text.append(kSettings).append(kSchemaSettings);
  if (!standard_strings) text += "SET standard_conforming_strings = off;\n";
  text += without_rights == WithoutRights::kSkipped ? "CALL pg_temp.rotv_run('skipped');\n"
                                                    : "CALL pg_temp.rotv_run('failed');\n";
  return text.append(SettleText(encoding));
}

std::string ScratchText(std::string_view encoding, const std::vector<std::string>& statements, bool standard_strings) {
  return Filled(kScratchBegin, {{"{settle}", SettleText(encoding)},
                                {"{settings}", kSettings},
                                {"{schema_settings}", kSchemaSettings},
                                {"{statement_table}", kStatementTable}}) +
         RunText(encoding, statements, standard_strings, WithoutRights::kSkipped) +
         Filled(kScratchEnd, {{"{schema}", SchemaHash()}});
}

std::string CompareText() { return Filled(kCompare, {{"{schema}", SchemaHash()}}); }

std::string_view EndText() { return kEnd; }

std::string ArrayText(const std::vector<std::string>& elements) {
  std::string text = "{";
  for (const std::string& element : elements) {
    text += text.size() == 1 ? "\"" : ",\"";
    for (char byte : element) {
      if (byte == '"' || byte == '\\') text += '\\';
      text += byte;
    }
    text += '"';
  }
  return text + "}";
}

std::string CopyRow(const std::vector<std::string>& fields) {
  std::string row;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) row += '\t';
    formats::AppendCopyEscaped(fields[i], &row);
  }
  return row + "\n";
}

}  // namespace rotv::carry
