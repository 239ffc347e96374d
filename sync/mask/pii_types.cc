#include "sync/mask/pii_types.h"

#include <algorithm>
#include <string_view>

#include "sync/mask/type_names.h"

namespace rotv::mask {
namespace {

// Returns a value of a type that has no parts.
std::string ConstantOf(const std::string& name, char category) {
  if (IsOneOf(name, {"json", "jsonb"})) return "{}";
  if (name == "xml") return "<x/>";
  if (name == "hstore") return "\"x\"=>NULL";
  if (name == "bytea") return "\\x00";
  if (name == "tsvector") return "x";
  if (name == "uuid") return "00000000-0000-0000-0000-000000000000";
  if (IsOneOf(name, {"inet", "cidr"})) return "0.0.0.0";
  if (name == "macaddr") return "00:00:00:00:00:00";
  if (name == "macaddr8") return "00:00:00:00:00:00:00:00";
  if (category == 'N') return "0";
  if (category == 'S') return "-";
  if (category == 'D') return "1970-01-01";
  return "";
}

}  // namespace

// Each type is taken apart step by step. `outer_type` is the column's type without its domains. PostgreSQL has no row
// type that contains itself in any way; the depth is bounded all the same.
const char* const kTypePartsSql = R"sql(
WITH RECURSIVE part AS (
  SELECT DISTINCT a.atttypid AS root, a.atttypid AS outer_type, a.atttypid AS type, ARRAY[]::text[] AS attributes,
         0 AS depth
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT p.root, CASE WHEN t.typtype = 'd' AND p.outer_type = p.type THEN t.typbasetype ELSE p.outer_type END,
         step.type, p.attributes || step.attribute, p.depth + 1
  FROM part p
  JOIN pg_catalog.pg_type t ON t.oid = p.type
  CROSS JOIN LATERAL (
    SELECT t.typbasetype AS type, ARRAY[]::text[] AS attribute WHERE t.typtype = 'd'
    UNION ALL
    SELECT t.typelem, ARRAY[]::text[] WHERE t.typtype <> 'd' AND t.typcategory = 'A' AND t.typelem <> 0
    UNION ALL
    SELECT a.atttypid, ARRAY[a.attname::text COLLATE pg_catalog."default"] FROM pg_catalog.pg_attribute a
    WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT r.rngsubtype, ARRAY[]::text[] FROM pg_catalog.pg_range r
    WHERE (t.typtype = 'r' AND r.rngtypid = t.oid) OR (t.typtype = 'm' AND r.rngmultitypid = t.oid)) step
  WHERE p.depth < 32)
SELECT p.root, pg_catalog.array_to_string(p.attributes, '.'), t.typname, t.typtype, t.typcategory,
  CASE WHEN o.typtype = 'c' THEN '(' || pg_catalog.repeat(',', (
         SELECT pg_catalog.count(*)::int - 1 FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = o.typrelid AND a.attnum > 0 AND NOT a.attisdropped)) || ')'
       WHEN o.typtype = 'r' THEN 'empty'
       WHEN o.typtype = 'm' OR o.typcategory = 'A' THEN '{}' END
FROM part p
JOIN pg_catalog.pg_type t ON t.oid = p.type
JOIN pg_catalog.pg_type o ON o.oid = p.outer_type
WHERE t.typtype IN ('b', 'e') AND NOT (t.typcategory = 'A' AND t.typelem <> 0)
ORDER BY p.root, p.attributes
)sql";

TypePart::Kind KindOfType(const std::string& name, char type, char category) {
  using Kind = TypePart::Kind;
  if (type == 'e') return Kind::kNone;
  switch (category) {
    case 'S':
      return Kind::kText;
    case 'N':
      return name == "oid" || name.starts_with("reg") ? Kind::kNone : Kind::kNumber;
    case 'D':
      return name == "time" || name == "timetz" ? Kind::kNone : Kind::kDate;
    case 'I':
      return Kind::kNetwork;
    case 'B':  // boolean
    case 'G':  // point, polygon
    case 'T':  // interval
    case 'V':  // bit
    case 'Z':  // "char", and internal types of the server.
      return Kind::kNone;
    default:
      break;
  }
  if (name == "uuid") return Kind::kUuid;
  if (IsOneOf(name, {"macaddr", "macaddr8"})) return Kind::kNetwork;
  // These are numbers in another form, places, and numbers of books and goods.
  const bool harmless = IsOneOf(
      name, {"tid",       "xid",     "xid8",     "cid",     "pg_lsn", "txid_snapshot", "pg_snapshot", "geometry",
             "geography", "raster",  "box2d",    "box3d",   "cube",   "seg",           "vector",      "halfvec",
             "sparsevec", "isbn",    "isbn13",   "ismn",    "ismn13", "issn",          "issn13",      "ean13",
             "upc",       "tsquery", "jsonpath", "aclitem", "ltree",  "lquery"});
  return harmless ? Kind::kNone : Kind::kText;
}

std::map<uint32_t, TypeParts> ParseTypeParts(const postgres::PgResult& rows) {
  std::map<uint32_t, TypeParts> types;
  for (int row = 0; row < rows.rows(); ++row) {
    TypeParts& type = types[rows.Oid(row, 0)];
    const std::string name = rows.Get(row, 2);
    const char category = rows.Text(row, 4)[0];
    type.parts.push_back({.kind = KindOfType(name, rows.Text(row, 3)[0], category), .attributes = rows.Get(row, 1)});
    type.constant = rows.IsNull(row, 5) ? ConstantOf(name, category) : rows.Get(row, 5);
  }
  return types;
}

}  // namespace rotv::mask
