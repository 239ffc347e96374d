#include "sync/drift/schema_queries.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "storage/error.h"
#include "sync/drift/schema_query_parts.h"

namespace rotv::drift {
namespace {

// All definitions are PostgreSQL's own wording (pg_get_…), so two databases on one server describe equal objects
// equally. Objects with oids below 16384 are initdb's. The branches are in schema_query_*.cc; each returns:
//   kind, name, own, parent, definition, make, unmake: as SchemaObject has them;
//   parts: "core" is the definition without what `settings` change; "settings_only" marks objects that have nothing
//   else; settings: name → [statement that sets, statement that resets, whether `make` contains it], unless it is the
//   default.
constexpr std::string_view kHead = R"sql(
WITH member AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
space AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
rel AS (
  SELECT c.*, format('%I.%I', nspname, c.relname) AS name,
    CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
      WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'table' END AS kind,
    CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END AS unlogged,
    (SELECT quote_ident(amname) FROM pg_am a WHERE a.oid = c.relam AND amname <> 'heap') AS access,
    'WITH (' || (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions || ARRAY(SELECT 'toast.' || o
                 FROM unnest(t.reloptions) AS o)) AS o) || ')' AS options
  FROM pg_class c JOIN space n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
  WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
    AND (('pg_class'::regclass)::oid, c.oid) NOT IN (SELECT classid, objid FROM member)),
-- The storage options of tables, also those of their TOAST tables.
option AS (
  SELECT r.oid AS relation, quote_ident(option_name) AS key, option_value AS value
  FROM rel r, pg_options_to_table(reloptions)
  UNION ALL SELECT r.oid, 'toast.' || quote_ident(option_name), option_value
  FROM rel r JOIN pg_class t ON t.oid = r.reltoastrelid, pg_options_to_table(t.reloptions)),
-- What can be changed of an index, beside what it indexes. A key's options are not in the words of its constraint.
index_setting AS (
  SELECT indexrelid AS index, string_agg(s.words, ' ' ORDER BY s.n, s.key) AS words,
    jsonb_object_agg(s.key, jsonb_build_array(s.set, s.reset, false)) AS settings
  FROM pg_index JOIN rel r ON r.oid = indrelid JOIN pg_class c ON c.oid = indexrelid,
  LATERAL (SELECT format('%s', indexrelid::regclass) AS name) AS d,
  LATERAL (
    SELECT 1 AS n, option_name AS key, format('WITH (%s=%s)', option_name, option_value) AS words,
      format('ALTER INDEX %s SET (%I = %L)', d.name, option_name, option_value) AS set,
      format('ALTER INDEX %s RESET (%I)', d.name, option_name) AS reset
    FROM pg_options_to_table(c.reloptions)
    WHERE EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
    UNION ALL SELECT 2, 'cluster', 'CLUSTERED', format('ALTER TABLE %s CLUSTER ON %I', r.name, c.relname),
      format('ALTER TABLE %s SET WITHOUT CLUSTER', r.name) WHERE indisclustered
    UNION ALL SELECT 3, 'statistics ' || attnum, format('STATISTICS %s=%s', attnum, attstattarget),
      format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', d.name, attnum, attstattarget),
      format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS -1', d.name, attnum)
    FROM pg_attribute WHERE attrelid = indexrelid AND attstattarget >= 0) AS s
  GROUP BY indexrelid),
-- The members of operator families; `class` is the operator class that they belong to, `gone` what DROP calls them.
support AS (
  SELECT amopfamily AS family, d.class, concat_ws(' ', 'OPERATOR', amopstrategy, amopopr::regoperator,
      (SELECT format('FOR ORDER BY %I.%I', nspname, opfname) FROM pg_opfamily f
       JOIN pg_namespace n ON n.oid = opfnamespace WHERE f.oid = amopsortfamily)) AS text,
    format('OPERATOR %s (%s, %s)', amopstrategy, format_type(amoplefttype, NULL), format_type(amoprighttype, NULL)) AS
      gone
  FROM pg_amop a LEFT JOIN LATERAL (SELECT refobjid AS class FROM pg_depend WHERE classid = 'pg_amop'::regclass
    AND objid = a.oid AND refclassid = 'pg_opclass'::regclass) AS d ON true WHERE oid >= 16384
  UNION ALL SELECT amprocfamily, d.class, concat_ws(' ', p.place, amproc::regprocedure), p.place
  FROM pg_amproc a LEFT JOIN LATERAL (SELECT refobjid AS class FROM pg_depend WHERE classid = 'pg_amproc'::regclass
    AND objid = a.oid AND refclassid = 'pg_opclass'::regclass) AS d ON true,
  LATERAL (SELECT format('FUNCTION %s (%s, %s)', amprocnum, format_type(amproclefttype, NULL),
    format_type(amprocrighttype, NULL)) AS place) AS p WHERE oid >= 16384),
-- Columns; `own`: not what a partition or a child has from its parent, and not a view's.
col AS (
  SELECT a.attrelid, a.attnum, a.attname, a.attnotnull, a.attoptions, a.attfdwoptions,
    format('%s.%I', r.name, a.attname)
      AS name, r.name AS relation, r.kind || ' ' || r.name AS parent,
    relkind IN ('r', 'p', 'f') AND a.attislocal AND NOT relispartition AS own,
    format_type(a.atttypid, a.atttypmod) AS type,
    CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation THEN a.attcollation::regcollation END AS
      collated,
    CASE WHEN a.attgenerated = '' THEN pg_get_expr(adbin, adrelid) END AS value, p.value AS parent_value,
    CASE WHEN a.attgenerated <> '' THEN format('(%s) %s', pg_get_expr(adbin, adrelid),
      CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END) END AS generated, p.generated AS parent_generated,
    CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END AS identity, s.options AS identity_options,
    s.set AS identity_set, EXISTS (SELECT FROM pg_index WHERE indrelid = r.oid AND indisprimary AND a.attnum = ANY
      (indkey))
      AS in_key,
    coalesce(p.attnotnull, false) AS parent_not_null,
    (SELECT NULLIF(concat_ws(' ', CASE WHEN connoinherit THEN 'NO INHERIT' END, CASE WHEN NOT convalidated THEN
      'NOT VALID'
       END), '') FROM pg_constraint WHERE conrelid = r.oid AND contype = 'n' AND conkey = ARRAY[a.attnum]
       AND conislocal) AS weak,
    a.attstorage, CASE WHEN relkind = 'v' THEN a.attstorage ELSE coalesce(p.attstorage, t.typstorage) END AS
      base_storage,
    CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' ELSE 'default' END AS compression,
    CASE p.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' ELSE 'default' END AS base_compression,
    a.attstattarget AS statistics
  FROM rel r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef ON adrelid = r.oid AND adnum = a.attnum
  LEFT JOIN LATERAL (
    SELECT p.attnotnull, p.attstorage, p.attcompression,
      CASE WHEN p.attgenerated = '' THEN pg_get_expr(adbin, adrelid) END AS value,
      CASE WHEN p.attgenerated <> '' THEN format('(%s) %s', pg_get_expr(adbin, adrelid),
        CASE p.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END) END AS generated
    FROM pg_inherits JOIN pg_attribute p ON p.attrelid = inhparent LEFT JOIN pg_attrdef ON adrelid = inhparent
      AND adnum = p.attnum WHERE inhrelid = r.oid AND p.attname = a.attname AND (relispartition OR NOT a.attislocal)
    ORDER BY inhseqno LIMIT 1) AS p ON true
  LEFT JOIN LATERAL (
    SELECT '(' || NULLIF(concat_ws(' ', CASE WHEN seqincrement <> 1 THEN 'INCREMENT BY ' || seqincrement END,
        CASE WHEN seqmin <> CASE WHEN seqincrement > 0 THEN 1 ELSE lowest END THEN 'MINVALUE ' || seqmin END,
        CASE WHEN seqmax <> CASE WHEN seqincrement > 0 THEN highest ELSE -1 END THEN 'MAXVALUE ' || seqmax END,
        CASE WHEN seqstart <> CASE WHEN seqincrement > 0 THEN seqmin ELSE seqmax END THEN 'START WITH ' || seqstart END,
        CASE WHEN seqcache <> 1 THEN 'CACHE ' || seqcache END, CASE WHEN seqcycle THEN 'CYCLE' END), '') || ')' AS
          options,
      format('SET INCREMENT BY %s SET MINVALUE %s SET MAXVALUE %s SET START WITH %s SET CACHE %s SET %sCYCLE',
        seqincrement,
        seqmin, seqmax, seqstart, seqcache, CASE WHEN NOT seqcycle THEN 'NO ' END) AS set
    FROM pg_depend d JOIN pg_sequence ON seqrelid = objid, LATERAL (
      SELECT CASE seqtypid WHEN 21 THEN -32768 WHEN 23 THEN -2147483648 ELSE -9223372036854775808 END AS lowest,
        CASE seqtypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 ELSE 9223372036854775807 END AS highest) AS l
    WHERE d.classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjid = r.oid
      AND refobjsubid = a.attnum AND d.deptype = 'i') AS s ON a.attidentity <> ''
  WHERE relkind IN ('r', 'p', 'f', 'v', 'm')),
object AS ()sql";

constexpr std::string_view kTail = R"sql(
)
SELECT coalesce(json_agg(json_build_object('kind', kind, 'name', name, 'own_name', own, 'parent', parent,
  'definition', definition, 'create', make, 'drop', unmake, 'parts', parts, 'settings', settings)
  ORDER BY number, kind, name), '[]')
FROM object
)sql";

std::string TextOf(const nlohmann::json& row, const char* field) {
  const nlohmann::json& value = row.at(field);
  return value.is_null() ? std::string() : value.get<std::string>();
}

}  // namespace

std::string_view SchemaQuery() {
  static const std::string query =
      fmt::format("{}{}{}{}{}{}{}{}", kHead, kTypeObjects, kRoutineObjects, kRelationObjects, kColumnObjects,
                  kTablePartObjects, kOtherObjects, kTail);
  return query;
}

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
                          .parts = {},
                          .settings = {}};
      for (const auto& [name, value] : row.at("parts").items()) {
        if (!value.is_null()) object.parts.emplace(name, value.get<std::string>());
      }
      for (const auto& [name, value] : row.at("settings").items()) {
        object.settings.emplace(name, Setting{.set = value.at(0).get<std::string>(),
                                              .reset = value.at(1).get<std::string>(),
                                              .created = value.at(2).get<bool>()});
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
