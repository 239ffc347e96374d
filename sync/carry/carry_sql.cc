#include "sync/carry/carry_sql.h"

#include <fmt/format.h>

#include "storage/error.h"
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

constexpr std::string_view kBegin = R"sql(\set ON_ERROR_STOP on
{settle}SET row_security = off;
SET xmloption = content;
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
SET client_min_messages = warning;
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET jit = off;
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

constexpr std::string_view kEnd = R"sql(CALL pg_temp.rotv_restore();
DROP PROCEDURE pg_temp.rotv_begin(), pg_temp.rotv_await_keys(), pg_temp.rotv_remove(bigint), pg_temp.rotv_empty(),
  pg_temp.rotv_end(), pg_temp.rotv_set_sequences(), pg_temp.rotv_change_objects(), pg_temp.rotv_refresh(),
  pg_temp.rotv_restore();
COMMIT;
)sql";

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
  std::string text(kBegin);
  constexpr std::string_view kPlace = "{settle}";
  text.replace(text.find(kPlace), kPlace.size(), SettleText(encoding));
  return text.append(kProcedures);
}

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
