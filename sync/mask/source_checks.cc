#include "sync/mask/source_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>

namespace rotv::mask {
namespace {

// {0} are the tables. An expression is judged by its tree, as the server stores it: every object in it is named by its
// oid, whatever the search path was, and from FirstNormalObjectId (16384) on objects are users'. Type modifiers and
// positions in a text are no oids; the type of a column is judged by itself. Those of PostgreSQL's own functions that
// are not immutable may run SQL that they are given (query_to_xml, ts_stat), look up what a user has created
// (table_to_xml, pg_input_is_valid), or have side effects (pg_terminate_backend): of these only functions about points
// in time are accepted. The statement contains no backslash: the source may read strings with
// standard_conforming_strings off.
constexpr const char* kChecksSql = R"sql(
WITH expression AS (
  SELECT 'c' AS kind, conrelid AS relation, contypid AS type, 0 AS number, conname::text AS name, conbin AS tree,
    NULL::pg_catalog.pg_node_tree AS predicate
  FROM pg_catalog.pg_constraint c
  WHERE contype = 'c' AND (contypid <> 0 OR conrelid = ANY ('{{{0}}}')) AND convalidated
    AND coalesce(pg_catalog.to_jsonb(c) ->> 'conenforced', 'true') = 'true'
  UNION ALL
  SELECT 'g', adrelid, 0, adnum, '', adbin, NULL
  FROM pg_catalog.pg_attrdef
  JOIN pg_catalog.pg_attribute ON attrelid = adrelid AND attnum = adnum AND attgenerated <> ''
  WHERE adrelid = ANY ('{{{0}}}')
  UNION ALL
  SELECT 'i', indrelid, 0, 0, pg_catalog.quote_ident(relname), indexprs, indpred
  FROM pg_catalog.pg_index JOIN pg_catalog.pg_class ON pg_class.oid = indexrelid
  WHERE indrelid = ANY ('{{{0}}}') AND indisvalid AND (indexprs IS NOT NULL OR indpred IS NOT NULL)),
whole AS (
  SELECT expression.*, coalesce(tree::text, '') || coalesce(predicate::text, '') AS trees FROM expression),
plain (types) AS (
  SELECT ARRAY['date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval', 'text', 'int4', 'int8', 'float8',
               'numeric', 'bool']::pg_catalog.regtype[]::pg_catalog.oid[])
SELECT kind, relation, type, number, CASE WHEN type = 0 THEN name ELSE pg_catalog.format_type(type, NULL) END,
  pg_catalog.pg_get_expr(tree, relation), pg_catalog.pg_get_expr(predicate, relation),
  pg_catalog.array_to_string(ARRAY(
    SELECT DISTINCT m[1] FROM pg_catalog.regexp_matches(trees, ':varattno (-?[0-9]+)', 'g') m), ' '),
  trees NOT LIKE '%(o %'
  AND NOT EXISTS (
    SELECT FROM pg_catalog.regexp_matches(
      pg_catalog.regexp_replace(trees, 'COERCETODOMAINVALUE :typeId [0-9]+', '', 'g'), ':([a-zA-Z_]+) ([0-9]+)', 'g') m
    WHERE m[2]::numeric >= 16384 AND m[1] NOT IN ('vartype', 'location') AND m[1] !~* '(typmod|typemod)$')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.regexp_matches(trees, ':(?:funcid|opfuncid) ([0-9]+)', 'g') m
    LEFT JOIN pg_catalog.pg_proc p ON p.oid = m[1]::pg_catalog.oid
    WHERE p.oid IS NULL OR NOT (
      p.provolatile = 'i' OR p.proname = 'now'
      OR p.provolatile = 's' AND p.prorettype = ANY (types) AND p.proargtypes::pg_catalog.oid[] <@ types
         AND p.proargtypes::pg_catalog.oid[] && types[1:6]))
FROM whole, plain;

WITH RECURSIVE chain AS (
  SELECT attrelid, attnum, atttypid AS type, atttypmod AS modifier, ''::text AS domains
  FROM pg_catalog.pg_attribute WHERE attrelid = ANY ('{{{0}}}') AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT attrelid, attnum, t.typbasetype, CASE WHEN modifier >= 0 THEN modifier ELSE t.typtypmod END,
         domains || ' ' || t.oid::text
  FROM chain JOIN pg_catalog.pg_type t ON t.oid = type AND t.typtype = 'd')
SELECT chain.attrelid, chain.attnum, pg_catalog.format_type(type, modifier), type < 16384,
  CASE WHEN t.typtype = 'e' THEN t.oid ELSE 0 END, domains,
  a.attnotnull AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint c WHERE c.conrelid = a.attrelid AND c.contype = 'n'
    AND c.conkey[1] = a.attnum AND NOT c.convalidated),
  a.attgenerated,
  CASE WHEN t.oid = ANY (ARRAY['varchar', 'bpchar', 'bit', 'varbit']::pg_catalog.regtype[]::pg_catalog.oid[])
       THEN t.typname::text ELSE '' END, modifier
FROM chain JOIN pg_catalog.pg_type t ON t.oid = type AND t.typtype <> 'd'
JOIN pg_catalog.pg_attribute a ON a.attrelid = chain.attrelid AND a.attnum = chain.attnum
)sql";

template <typename Number>
std::vector<Number> Numbers(const std::string& text) {
  std::vector<Number> numbers;
  std::istringstream stream(text);
  for (Number number = 0; stream >> number;) numbers.push_back(number);
  return numbers;
}

std::string TextOrEmpty(const postgres::PgResult& result, int row, int column) {
  return result.IsNull(row, column) ? std::string() : result.Get(row, column);
}

// Returns a condition that is true for each row for which the server can compute an index's expressions, which it does
// for the rows that meet the predicate, and its predicate.
std::string Evaluated(const postgres::PgResult& expressions, int row) {
  const std::string keys = TextOrEmpty(expressions, row, 5), predicate = TextOrEmpty(expressions, row, 6);
  if (keys.empty() || predicate.empty()) return fmt::format("pg_catalog.num_nulls({}{}) >= 0", keys, predicate);
  return fmt::format("CASE WHEN {} THEN pg_catalog.num_nulls({}) >= 0 ELSE true END", predicate, keys);
}

}  // namespace

SourceChecks ReadSourceChecks(postgres::PgConnection& connection, const std::vector<uint32_t>& tables) {
  const std::vector<postgres::PgResult> results = connection.QueryAll(fmt::format(kChecksSql, fmt::join(tables, ",")));
  SourceChecks checks;
  const postgres::PgResult& columns = results[1];
  for (int row = 0; row < columns.rows(); ++row) {
    const std::string generated = columns.Get(row, 7);
    checks.columns[{columns.Oid(row, 0), static_cast<int>(columns.Int(row, 1))}] = {
        .type = columns.Get(row, 2),
        .built_in = columns.Bool(row, 3),
        .enum_type = columns.Oid(row, 4),
        .domains = Numbers<uint32_t>(columns.Get(row, 5)),
        .not_null = columns.Bool(row, 6),
        .generated = generated.empty() ? '\0' : generated[0],
        .generation = {},
        .length_function = columns.Get(row, 8),
        .modifier = static_cast<int32_t>(columns.Int(row, 9))};
  }
  const postgres::PgResult& expressions = results[0];
  for (int row = 0; row < expressions.rows(); ++row) {
    const std::string kind = expressions.Get(row, 0);
    SourceExpression expression{.text = kind == "i" ? Evaluated(expressions, row) : TextOrEmpty(expressions, row, 5),
                                .columns = Numbers<int>(expressions.Get(row, 7)),
                                .built_in = expressions.Bool(row, 8)};
    expression.built_in &= !expression.text.empty();
    const uint32_t table = expressions.Oid(row, 1);
    const uint32_t domain = expressions.Oid(row, 2);
    if (kind == "i") {
      checks.of_indexes[table].push_back({.name = expressions.Get(row, 4), .condition = std::move(expression)});
    } else if (kind == "g") {
      checks.columns[{table, static_cast<int>(expressions.Int(row, 3))}].generation = std::move(expression);
    } else {
      (domain != 0 ? checks.of_domains[domain] : checks.of_tables[table])
          .push_back({.name = expressions.Get(row, 4), .condition = std::move(expression)});
    }
  }
  return checks;
}

}  // namespace rotv::mask
