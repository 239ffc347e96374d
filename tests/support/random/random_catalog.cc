#include "tests/support/random/random_catalog.h"

#include <algorithm>
#include <map>

namespace rotv::testing {
namespace {

// Tables of the workload's own schemas; objects of extensions are left out.
constexpr const char* kTables = R"(
  SELECT n.nspname, c.relname, c.relkind, c.relpersistence, coalesce(p.partstrat, ' '),
    CASE WHEN c.relispartition THEN (SELECT format('"%s"."%s"', replace(rn.nspname, '"', '""'),
        replace(r.relname, '"', '""')) FROM pg_inherits i JOIN pg_class r ON r.oid = i.inhparent
        JOIN pg_namespace rn ON rn.oid = r.relnamespace WHERE i.inhrelid = c.oid) END,
    CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
    NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid),
    EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
  WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema)'
  ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C")";

constexpr const char* kColumns = R"(
  SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    a.atthasdef AND a.attgenerated = '', a.attidentity <> '', a.attgenerated <> '', a.attinhcount > 0,
    a.attnum = ANY ((SELECT p.partattrs::int2[] FROM pg_partitioned_table p WHERE p.partrelid IN (c.oid,
      (SELECT inhparent FROM pg_inherits WHERE inhrelid = c.oid LIMIT 1)) LIMIT 1)::int2[]),
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND a.attnum = ANY (i.indkey::int2[])),
    EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
      AND d.refobjsubid = a.attnum AND (d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass,
      'pg_trigger'::regclass) OR d.classid = 'pg_attrdef'::regclass AND d.deptype = 'n' OR
      d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid > 0)),
    f.target, f.target_column
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (SELECT format('"%s"."%s"', replace(rn.nspname, '"', '""'), replace(r.relname, '"', '""')) target,
      ra.attname target_column
    FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
    JOIN pg_attribute ra ON ra.attrelid = k.confrelid AND ra.attnum = k.confkey[1]
    WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conkey[1] = a.attnum ORDER BY k.conname LIMIT 1) f ON true
  WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema)' AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attnum)";

constexpr const char* kIndexes = R"(
  SELECT n.nspname, c.relname, x.relname, i.indisprimary, EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid
    AND k.contype IN ('p', 'u', 'x')), i.indisunique, i.indimmediate, i.indexprs IS NULL AND i.indpred IS NULL,
    i.indisunique AND i.indimmediate AND i.indisvalid AND i.indexprs IS NULL AND i.indpred IS NULL
    AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
      AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) AND NOT a.attnotnull)
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema)'
    AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = x.oid)
  ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", x.relname COLLATE "C")";

constexpr const char* kNamesOnTables = R"(
  SELECT n.nspname, c.relname, 'constraint', k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE k.contype IN ('c', 'f') AND k.coninhcount = 0 AND n.nspname !~ '^(pg_|information_schema)'
  UNION ALL
  SELECT n.nspname, c.relname, 'trigger', t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND n.nspname !~ '^(pg_|information_schema)'
  ORDER BY 1, 2, 3, 4)";

constexpr const char* kTypes = R"(
  SELECT format_type(t.oid, NULL), t.typtype, CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
  WHERE (t.typtype IN ('e', 'd') OR c.relkind = 'c') AND n.nspname !~ '^(pg_|information_schema)'
  ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C")";

constexpr const char* kTypeParts = R"(
  SELECT format_type(e.enumtypid, NULL), e.enumlabel, NULL, e.enumsortorder FROM pg_enum e
  UNION ALL
  SELECT format_type(c.reltype, NULL), a.attname, format_type(a.atttypid, a.atttypmod), a.attnum
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'c' AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^(pg_|information_schema)'
  ORDER BY 1, 4)";

constexpr const char* kNames = R"(
  SELECT 'schema', format('%I', nspname) FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'
  UNION ALL
  SELECT c.relkind::text, format('%I.%I', n.nspname, c.relname) FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^(pg_|information_schema)' AND (c.relkind IN
    ('v', 'm') OR c.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
      AND d.objid = c.oid AND d.deptype IN ('a', 'i')))
  UNION ALL
  SELECT 'function', format('%I.%I', n.nspname, p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname !~ '^(pg_|information_schema)' AND p.prorettype = 'trigger'::regtype
  UNION ALL SELECT 'large object', oid::text FROM pg_largeobject_metadata
  ORDER BY 1, 2)";

std::string Text(const std::optional<std::string>& value) { return value.value_or(""); }
bool True(const std::optional<std::string>& value) { return value == "t"; }

using ByName = std::map<std::string, RandomTable*>;

std::string Sql(const Row& row) { return SqlName(*row[0]) + "." + SqlName(*row[1]); }

void ReadTables(Connection& connection, RandomCatalog& catalog) {
  for (const Row& row : connection.Query(kTables)) {
    RandomTable table{.schema = *row[0], .name = *row[1], .kind = row[2]->at(0), .persistence = row[3]->at(0)};
    table.strategy = row[4]->empty() ? ' ' : row[4]->at(0);
    table.root = Text(row[5]);
    table.bound = Text(row[6]);
    table.inherits = True(row[7]);
    table.has_children = True(row[8]);
    catalog.tables.push_back(std::move(table));
  }
}

void ReadPartsOfTables(Connection& connection, const ByName& tables) {
  for (const Row& row : connection.Query(kColumns)) {
    tables.at(Sql(row))->columns.push_back({.name = *row[2],
                                            .type = *row[3],
                                            .not_null = True(row[4]),
                                            .has_default = True(row[5]),
                                            .identity = True(row[6]),
                                            .generated = True(row[7]),
                                            .inherited = True(row[8]),
                                            .partition_key = True(row[9]),
                                            .in_key = True(row[10]),
                                            .used = True(row[11]),
                                            .foreign = Text(row[12]),
                                            .foreign_column = Text(row[13])});
  }
  for (const Row& row : connection.Query(kIndexes)) {
    tables.at(Sql(row))->indexes.push_back({.name = *row[2],
                                            .primary = True(row[3]),
                                            .constraint = True(row[4]),
                                            .unique = True(row[5]),
                                            .immediate = True(row[6]),
                                            .plain = True(row[7]),
                                            .can_identify = True(row[8])});
  }
  for (const Row& row : connection.Query(kNamesOnTables)) {
    // Views have triggers too.
    if (const auto table = tables.find(Sql(row)); table != tables.end()) {
      (row[2] == "trigger" ? table->second->triggers : table->second->constraints).push_back(*row[3]);
    }
  }
}

void ReadTypes(Connection& connection, RandomCatalog& catalog) {
  for (const Row& row : connection.Query(kTypes)) {
    catalog.types.push_back({.sql = *row[0], .kind = row[1]->at(0), .base = Text(row[2])});
  }
  for (const Row& row : connection.Query(kTypeParts)) {
    for (RandomType& type : catalog.types) {
      if (type.sql != *row[0]) continue;
      if (row[2]) {
        type.attributes.push_back(*row[1]);
        type.attribute_types.push_back(*row[2]);
      } else {
        type.labels.push_back(*row[1]);
      }
    }
  }
}

void ReadNames(Connection& connection, RandomCatalog& catalog) {
  std::map<std::string, std::vector<std::string>*> lists = {
      {"schema", &catalog.schemas},       {"v", &catalog.views},
      {"m", &catalog.materialized_views}, {"S", &catalog.sequences},
      {"function", &catalog.functions},   {"large object", &catalog.large_objects}};
  for (const Row& row : connection.Query(kNames)) lists.at(*row[0])->push_back(*row[1]);
}

}  // namespace

bool RandomTable::HasPrimaryKey() const {
  return std::any_of(indexes.begin(), indexes.end(), [](const RandomIndex& index) { return index.primary; });
}

const RandomTable* RandomCatalog::FindTable(const std::string& sql) const {
  const auto found = std::find_if(tables.begin(), tables.end(), [&](const auto& table) { return table.Sql() == sql; });
  return found == tables.end() ? nullptr : &*found;
}

const RandomType* RandomCatalog::FindType(const std::string& sql) const {
  const auto found = std::find_if(types.begin(), types.end(), [&](const auto& type) { return type.sql == sql; });
  return found == types.end() ? nullptr : &*found;
}

RandomCatalog ReadCatalog(Connection& connection) {
  RandomCatalog catalog;
  ReadTables(connection, catalog);
  ByName tables;
  for (RandomTable& table : catalog.tables) tables[table.Sql()] = &table;
  ReadPartsOfTables(connection, tables);
  ReadTypes(connection, catalog);
  ReadNames(connection, catalog);
  return catalog;
}

}  // namespace rotv::testing
