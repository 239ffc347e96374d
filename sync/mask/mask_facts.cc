#include "sync/mask/mask_facts.h"

namespace rotv {
namespace {

// Domains are followed to what they are made of; the first length on the way counts. A column is unique if an index
// says so, alone or together with others, or by an expression that it is a part of (an index depends on such columns).
// Tables say what they inherit from, partitions too, which are divided by what any of those is divided by.
constexpr const char* kSql = R"sql(
WITH RECURSIVE base AS (
  SELECT a.attrelid, a.attnum, a.attname, t.oid AS type, t.typname, t.typtype, t.typbasetype,
         a.atttypmod AS modifier, a.attnotnull AS not_null, a.attgenerated <> '' AS generated
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT b.attrelid, b.attnum, b.attname, t.oid, t.typname, t.typtype, t.typbasetype,
         CASE WHEN b.modifier >= 0 THEN b.modifier ELSE d.typtypmod END, b.not_null OR d.typnotnull, b.generated
  FROM base b
  JOIN pg_catalog.pg_type d ON d.oid = b.type
  JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype
  WHERE b.typtype = 'd')
SELECT attrelid, attnum, attname, typname, modifier, not_null, generated,
  EXISTS (SELECT FROM pg_catalog.pg_index i
          WHERE i.indrelid = attrelid AND (i.indisunique OR i.indisexclusion)
            AND (attnum = ANY (i.indkey) OR EXISTS (
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
                AND d.refobjsubid = pa.attnum))
FROM base WHERE typtype <> 'd';

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

SELECT conrelid, k.key, confrelid, k.fkey
FROM pg_catalog.pg_constraint
CROSS JOIN LATERAL ROWS FROM (unnest(conkey), unnest(confkey)) AS k (key, fkey)
WHERE contype = 'f'
)sql";

constexpr int kModifierHeader = 4;  // VARHDRSZ, which lengths are kept with.

void SetLengths(int modifier, MaskColumn* column) {
  if (modifier < kModifierHeader) return;
  modifier -= kModifierHeader;
  if (column->type == "varchar" || column->type == "bpchar") column->limit = modifier;
  if (column->type == "numeric") {
    column->precision = modifier >> 16 & 0xFFFF;
    // Since PostgreSQL 15 eleven bits with a sign.
    column->scale = ((modifier & 0x7FF) ^ 1024) - 1024;
  }
}

}  // namespace

MaskFacts ReadMaskFacts(PgConnection& connection) {
  const std::vector<PgResult> results = connection.QueryAll(std::string(kSql) + ";" + kTypePartsSql);
  MaskFacts facts;
  for (int row = 0; row < results[0].rows(); ++row) {
    const PgResult& result = results[0];
    MaskColumn column{.name = result.Get(row, 2),
                      .type = result.Get(row, 3),
                      .not_null = result.Bool(row, 5),
                      .unique = result.Bool(row, 7),
                      .generated = result.Bool(row, 6),
                      .partition_key = result.Bool(row, 8)};
    SetLengths(static_cast<int>(result.Int(row, 4)), &column);
    if (column.type == "name") column.limit = 63;
    facts.tables[result.Oid(row, 0)].columns[static_cast<int>(result.Int(row, 1))] = std::move(column);
  }
  for (int row = 0; row < results[1].rows(); ++row) {
    facts.tables[results[1].Oid(row, 0)].names.emplace_back(results[1].Get(row, 1), results[1].Get(row, 2));
  }
  for (int row = 0; row < results[2].rows(); ++row) {
    facts.references.push_back({.table = results[2].Oid(row, 0),
                                .column = static_cast<int>(results[2].Int(row, 1)),
                                .referenced_table = results[2].Oid(row, 2),
                                .referenced_column = static_cast<int>(results[2].Int(row, 3))});
  }
  facts.types = ParseTypeParts(results[3]);
  return facts;
}

}  // namespace rotv
