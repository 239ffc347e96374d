#include "sync/mask/read_mask_facts.h"

#include <algorithm>
#include <iterator>
#include <sstream>

#include "sync/mask/unique_uses.h"

namespace rotv::mask {
namespace {

// Domains are followed to their base types; the first length on the way counts. A column is unique if an index says so,
// alone or together with others, or by an expression that uses it (an index depends on such columns). Tables list what
// they inherit from, and so do partitions, which inherit their ancestors' partition keys as well.
constexpr const char* kFactsSql = R"sql(
WITH RECURSIVE base AS (
  SELECT a.attrelid, a.attnum, a.attname, t.oid AS type, t.typname, t.typtype, t.typbasetype,
         a.atttypmod AS modifier, a.attnotnull AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_constraint n WHERE n.conrelid = a.attrelid AND n.contype = 'n'
             AND n.conkey[1] = a.attnum AND NOT n.convalidated) AS not_null,
         a.attgenerated <> '' AS generated, a.attcollation AS collation
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT b.attrelid, b.attnum, b.attname, t.oid, t.typname, t.typtype, t.typbasetype,
         CASE WHEN b.modifier >= 0 THEN b.modifier ELSE d.typtypmod END, b.not_null OR d.typnotnull, b.generated,
         b.collation
  FROM base b
  JOIN pg_catalog.pg_type d ON d.oid = b.type
  JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype
  WHERE b.typtype = 'd')
SELECT attrelid, attnum, attname, typname, modifier, not_null, generated,
  EXISTS (SELECT FROM pg_catalog.pg_index i
          WHERE i.indrelid = attrelid AND (i.indisunique OR i.indisexclusion)
            AND (attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                 OR (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) AND EXISTS (
              SELECT FROM pg_catalog.pg_depend d
              WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
                AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = attrelid
                AND d.refobjsubid = attnum))),
  EXISTS (SELECT FROM pg_catalog.pg_partition_ancestors(attrelid) p
          JOIN pg_catalog.pg_partitioned_table t ON t.partrelid = p.relid
          JOIN pg_catalog.pg_attribute pa ON pa.attrelid = p.relid AND pa.attname = base.attname
          WHERE pa.attnum = ANY (t.partattrs) OR EXISTS (
              SELECT FROM pg_catalog.pg_depend d
              WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = p.relid AND d.objsubid = 0
                AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = p.relid
                AND d.refobjsubid = pa.attnum)),
  coalesce(j.co ->> 'colllocale', j.co ->> 'colliculocale', j.co ->> 'collcollate'), NOT c.collisdeterministic
FROM base
LEFT JOIN pg_catalog.pg_collation c ON c.oid = base.collation AND c.collprovider <> 'd'
CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(c) AS co) AS j
WHERE typtype <> 'd';

WITH RECURSIVE up AS (
  SELECT c.oid AS relation, c.oid AS ancestor, 0 AS distance
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  WHERE c.relkind IN ('r', 'p')
  UNION ALL
  SELECT up.relation, i.inhparent, up.distance + 1
  FROM up
  JOIN pg_catalog.pg_inherits i ON i.inhrelid = up.ancestor)
SELECT up.relation, n.nspname, c.relname
FROM up
JOIN pg_catalog.pg_class c ON c.oid = up.ancestor
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY up.relation, up.distance;

SELECT conrelid, k.key, confrelid, k.fkey, c.oid, pg_catalog.quote_ident(conname), confmatchtype = 'f',
  convalidated AND coalesce(pg_catalog.to_jsonb(c) ->> 'conenforced', 'true') = 'true'
FROM pg_catalog.pg_constraint c
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(conkey), pg_catalog.unnest(confkey)) AS k (key, fkey)
WHERE contype = 'f'
)sql";

// Reads the keys of unique indexes and exclusion constraints, with those of materialized views of which a column is one
// of a table's (an import makes their rows of masked ones; a grouped query's rows stay unique); generated columns and
// what they are computed from, which depends on the column before PostgreSQL 15 and on its expression since; and what
// the database's lower() does. Catalogue columns that only newer servers have are looked up in the row as JSON.
constexpr const char* kUniqueSql = R"sql(
SELECT i.indrelid,
  CASE WHEN i.indisexclusion THEN 'exclusion constraint ' ELSE 'unique index ' END || pg_catalog.quote_ident(c.relname),
  coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false),
  k.attnum, pg_catalog.pg_get_indexdef(i.indexrelid, k.position::int4, false), coalesce(o.oprname, '='),
  coalesce(j.co ->> 'colllocale', j.co ->> 'colliculocale', j.co ->> 'collcollate'),
  (SELECT pg_catalog.string_agg(d.refobjsubid::text, ' ') FROM pg_catalog.pg_depend d
   WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
     AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0),
  CASE WHEN k.position = 1 THEN pg_catalog.pg_get_expr(i.indpred, i.indrelid) END,
  e.equal >= 16384 AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_operator'::regclass AND d.objid = e.equal AND d.deptype = 'e')
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
LEFT JOIN pg_catalog.pg_constraint x ON x.conindid = i.indexrelid AND x.contype = 'x'
LEFT JOIN pg_catalog.pg_operator o ON o.oid = x.conexclop[k.position]
LEFT JOIN pg_catalog.pg_opclass oc ON oc.oid = i.indclass[k.position - 1]
CROSS JOIN LATERAL (
  SELECT coalesce(o.oid, (SELECT amopopr FROM pg_catalog.pg_amop
                          WHERE amopfamily = oc.opcfamily AND amopstrategy = 3 AND amoplefttype = oc.opcintype
                            AND amoprighttype = oc.opcintype)) AS equal) AS e
LEFT JOIN pg_catalog.pg_collation co ON co.oid = i.indcollation[k.position - 1] AND NOT co.collisdeterministic
CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(co) AS co) AS j
WHERE (i.indisunique OR i.indisexclusion) AND k.position <= i.indnkeyatts
UNION ALL
SELECT origin[1]::pg_catalog.oid,
  'unique index ' || pg_catalog.quote_ident(c.relname) || ' of the materialized view '
    || pg_catalog.quote_ident(v.relname),
  coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false), origin[2]::int2, '', '=', NULL, NULL, NULL,
  false
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class v ON v.oid = i.indrelid AND v.relkind = 'm' AND v.relispopulated
JOIN pg_catalog.pg_rewrite r ON r.ev_class = v.oid
CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
CROSS JOIN LATERAL pg_catalog.regexp_matches(r.ev_action::text, ':resno ' || k.attnum ||
  ' :resname [^:]* :ressortgroupref [0-9]+ :resorigtbl ([1-9][0-9]*) :resorigcol ([1-9][0-9]*) ', 'g') AS origin
WHERE i.indisunique AND k.position <= i.indnkeyatts
  AND r.ev_action::text !~ ':(groupClause|distinctClause|groupingSets) [(]';

SELECT a.attrelid, a.attnum, pg_catalog.pg_get_expr(e.adbin, e.adrelid),
  (SELECT pg_catalog.string_agg(DISTINCT d.refobjsubid::text, ' ') FROM pg_catalog.pg_depend d
   WHERE ((d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = e.oid)
          OR (d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = a.attrelid AND d.objsubid = a.attnum))
     AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = a.attrelid
     AND d.refobjsubid NOT IN (0, a.attnum))
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
WHERE a.attgenerated <> '' AND NOT a.attisdropped;

SELECT pg_catalog.lower('I') = 'i' AND pg_catalog.upper('i') = 'I'
       AND (pg_catalog.getdatabaseencoding() = 'UTF8' OR datctype IN ('C', 'POSIX')),
  pg_catalog.getdatabaseencoding() = 'UTF8' AND pg_catalog.lower(pg_catalog.chr(201)) = pg_catalog.chr(233)
FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
)sql";

constexpr int kModifierHeader = 4;  // VARHDRSZ, which stored lengths include.

void SetLengths(int modifier, MaskColumn* column) {
  if (modifier < kModifierHeader) return;
  modifier -= kModifierHeader;
  if (column->type == "varchar" || column->type == "bpchar") column->limit = modifier;
  if (column->type == "numeric") {
    column->precision = modifier >> 16 & 0xFFFF;
    // Since PostgreSQL 15 the scale is eleven bits with a sign.
    column->scale = ((modifier & 0x7FF) ^ 1024) - 1024;
  }
}

// Sets how texts that are equal in this column may differ: by its type, or by a collation that is not deterministic.
void SetEquality(Lowering lowering, bool deterministic, MaskColumn* column) {
  if (column->type == "citext") {
    column->ignores_case = true;
    column->equality = std::max(lowering, Lowering::kAscii);
    column->equality_known = lowering != Lowering::kUnknown;
  } else if (!deterministic && OnlyIgnoresCase(column->locale)) {
    column->ignores_case = true;
    column->equality = lowering == Lowering::kUnknown ? Lowering::kAscii : Lowering::kUnicode;
  } else if (!deterministic) {
    column->equality_known = false;
  }
}

std::string TextOf(const postgres::PgResult& result, int row, int column) {
  return result.IsNull(row, column) ? std::string() : result.Get(row, column);
}

std::vector<int> NumbersOf(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<int>(stream), std::istream_iterator<int>()};
}

void AddColumns(const postgres::PgResult& result, Lowering lowering, MaskFacts* facts) {
  for (int row = 0; row < result.rows(); ++row) {
    MaskColumn column{.name = result.Get(row, 2),
                      .type = result.Get(row, 3),
                      .not_null = result.Bool(row, 5),
                      .unique = result.Bool(row, 7),
                      .generated = result.Bool(row, 6),
                      .partition_key = result.Bool(row, 8)};
    SetLengths(static_cast<int>(result.Int(row, 4)), &column);
    column.locale = TextOf(result, row, 9);
    SetEquality(lowering, result.IsNull(row, 10) || !result.Bool(row, 10), &column);
    if (column.type == "name") column.limit = 63;
    facts->tables[result.Oid(row, 0)].columns[static_cast<int>(result.Int(row, 1))] = std::move(column);
  }
}

std::vector<UniqueKey> KeysOf(const postgres::PgResult& result) {
  std::vector<UniqueKey> keys;
  for (int row = 0; row < result.rows(); ++row) {
    const auto number = static_cast<int>(result.Int(row, 3));
    const std::vector<int> depends_on = NumbersOf(TextOf(result, row, 7));
    UniqueKey key{.table = result.Oid(row, 0),
                  .index = result.Get(row, 1),
                  .kind = number != 0 ? UniqueKey::Kind::kColumn : UniqueKey::Kind::kExpression,
                  .text = result.Get(row, 4),
                  .columns = number != 0 ? std::vector<int>{number} : depends_on,
                  .operation = result.Get(row, 5),
                  .nulls_equal = result.Bool(row, 2),
                  .collation = TextOf(result, row, 6),
                  .own_equality = !result.IsNull(row, 9) && result.Bool(row, 9)};
    keys.push_back(key);
    if (result.IsNull(row, 8)) continue;
    keys.push_back({.table = key.table,
                    .index = key.index,
                    .kind = UniqueKey::Kind::kPredicate,
                    .text = result.Get(row, 8),
                    .columns = depends_on,
                    .collation = {}});
  }
  return keys;
}

std::vector<GeneratedColumn> GeneratedOf(const postgres::PgResult& result) {
  std::vector<GeneratedColumn> generated;
  for (int row = 0; row < result.rows(); ++row) {
    generated.push_back({.table = result.Oid(row, 0),
                         .column = static_cast<int>(result.Int(row, 1)),
                         .text = result.Get(row, 2),
                         .columns = NumbersOf(TextOf(result, row, 3))});
  }
  return generated;
}

Lowering LoweringOf(const postgres::PgResult& result) {
  if (!result.Bool(0, 0)) return Lowering::kUnknown;
  return result.Bool(0, 1) ? Lowering::kUnicode : Lowering::kAscii;
}

}  // namespace

MaskFacts ReadMaskFacts(postgres::PgConnection& connection) {
  const std::vector<postgres::PgResult> results =
      connection.QueryAll(std::string(kFactsSql) + ";" + kUniqueSql + ";" + kTypePartsSql);
  const Lowering lowering = LoweringOf(results[5]);
  MaskFacts facts;
  AddColumns(results[0], lowering, &facts);
  for (int row = 0; row < results[1].rows(); ++row) {
    facts.tables[results[1].Oid(row, 0)].names.emplace_back(results[1].Get(row, 1), results[1].Get(row, 2));
  }
  for (int row = 0; row < results[2].rows(); ++row) {
    facts.references.push_back({.table = results[2].Oid(row, 0),
                                .column = static_cast<int>(results[2].Int(row, 1)),
                                .referenced_table = results[2].Oid(row, 2),
                                .referenced_column = static_cast<int>(results[2].Int(row, 3)),
                                .constraint = results[2].Oid(row, 4),
                                .name = results[2].Get(row, 5),
                                .match_full = results[2].Bool(row, 6),
                                .enforced = results[2].Bool(row, 7)});
  }
  AddUniqueUses(KeysOf(results[3]), GeneratedOf(results[4]), lowering, &facts);
  facts.types = ParseTypeParts(results[6]);
  return facts;
}

}  // namespace rotv::mask
