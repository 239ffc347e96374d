#include "tests/support/random/row_changes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>

namespace rotv::testing {
namespace {

// Columns of tables, in their order. A column that references others in a key of several columns is left as it is.
constexpr const char* kChangeableColumns = R"sql(
SELECT c.oid::regclass, quote_ident(attname), format_type(atttypid, atttypmod),
  CASE WHEN b.typtype = 'e' THEN 'enum' WHEN b.typcategory = 'A' THEN 'array' ELSE format_type(b.oid, NULL) END,
  (SELECT format('SELECT %I FROM %s', k.attname, confrelid::regclass) FROM pg_constraint f JOIN pg_attribute k
     ON k.attrelid = confrelid AND k.attnum = confkey[1]
   WHERE conrelid = c.oid AND contype = 'f' AND conkey = ARRAY[a.attnum] LIMIT 1),
  attnotnull,
  EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND (indisunique OR indisexclusion) AND a.attnum = ANY (indkey)),
  attgenerated <> '' OR attidentity <> '' OR coalesce(pg_get_expr(adbin, adrelid) ~ 'nextval|gen_random_uuid', false)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0
  AND NOT attisdropped
JOIN pg_type t ON t.oid = atttypid JOIN pg_type b ON b.oid = coalesce(NULLIF(t.typbasetype, 0), t.oid)
LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname !~ '^pg_' AND nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND deptype = 'e')
ORDER BY n.nspname, relname, attnum
)sql";

// Runs a statement; returns how many rows it has changed, and 0 if it fails.
int RowsOf(Connection& connection, const std::string& sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.raw(), sql.c_str()), &PQclear);
  return PQresultStatus(result.get()) == PGRES_COMMAND_OK ? std::atoi(PQcmdTuples(result.get())) : 0;
}

}  // namespace

RowChanges::RowChanges(Connection& connection, uint64_t seed) : connection_(connection), dice_(seed) {
  for (const Row& row : connection.Query(kChangeableColumns)) {
    if (tables_.empty() || tables_.back().name != *row[0]) tables_.push_back({.name = *row[0], .columns = {}});
    tables_.back().columns.push_back({.name = *row[1],
                                      .type = *row[2],
                                      .base = *row[3],
                                      .reference = row[4].value_or(""),
                                      .not_null = row[5] == "t",
                                      .unique = row[6] == "t",
                                      .by_itself = row[7] == "t"});
  }
}

std::vector<std::string> RowChanges::Make(int count) {
  std::vector<std::string> made;
  for (int tried = 0; static_cast<int>(made.size()) < count; ++tried) {
    if (tried > 60 * count) throw std::runtime_error("nearly all changes are refused: " + Statement());
    const std::string statement = Statement();
    if (!statement.empty() && RowsOf(connection_, statement) > 0) made.push_back(statement);
  }
  return made;
}

std::string RowChanges::Statement() {
  const Table& table = dice_.Pick(tables_);
  const int kind = dice_.Below(8);
  if (kind < 3) return Insert(table);
  if (kind < 7) return Update(table);
  return fmt::format("DELETE FROM {} t WHERE (tableoid, ctid) = (SELECT tableoid, ctid FROM {} r {})", table.name,
                     table.name, OrderOfChance("r"));
}

std::string RowChanges::OrderOfChance(const std::string& row) {
  return fmt::format("ORDER BY md5({}::text || '{}') LIMIT 1", row, dice_.Below(1000));
}

// The row is like another one, but for its keys and some other columns.
std::string RowChanges::Insert(const Table& table) {
  std::vector<std::string> names, values;
  for (const Column& column : table.columns) {
    if (column.by_itself) continue;
    std::string value;
    if (!column.reference.empty()) {
      value = fmt::format("({} k {})", column.reference, OrderOfChance("k"));
    } else if (column.unique || dice_.OneIn(3)) {
      value = Other(column);
    }
    names.push_back(column.name);
    values.push_back(value.empty() ? column.name : value);
  }
  if (names.empty()) return fmt::format("INSERT INTO {} DEFAULT VALUES", table.name);
  return fmt::format("INSERT INTO {} ({}) SELECT {} FROM {} r {}", table.name, fmt::join(names, ", "),
                     fmt::join(values, ", "), table.name, OrderOfChance("r"));
}

std::string RowChanges::Update(const Table& table) {
  std::vector<std::string> changes;
  for (int i = dice_.Below(2); i >= 0; --i) {
    const Column& column = dice_.Pick(table.columns);
    if (column.by_itself) continue;
    const std::string value = !column.not_null && dice_.OneIn(8) ? "NULL"
                              : column.reference.empty()
                                  ? Other(column)
                                  : fmt::format("({} k {})", column.reference, OrderOfChance("k"));
    if (!value.empty()) changes.push_back(fmt::format("{} = {}", column.name, value));
  }
  if (changes.empty()) return "";
  return fmt::format("UPDATE {} SET {} WHERE (tableoid, ctid) = (SELECT tableoid, ctid FROM {} r {})", table.name,
                     fmt::join(changes, ", "), table.name, OrderOfChance("r"));
}

std::string RowChanges::Other(const Column& column) {
  const std::string& base = column.base;
  const std::string& name = column.name;
  const int n = 1 + dice_.Below(50);
  std::string value;
  if (base == "smallint" || base == "integer" || base == "bigint" || base == "numeric" || base == "real" ||
      base == "double precision" || base == "money") {
    value = fmt::format("coalesce({}, '0') + {}::{}", name, n, base == "money" ? "text::money" : "int");
  } else if (base == "text" || base == "character varying" || base == "character" || base == "name" ||
             base.ends_with("citext")) {
    value = fmt::format("coalesce({}, '') || {}", name, n);
  } else if (base == "boolean") {
    value = fmt::format("NOT coalesce({}, false)", name);
  } else if (base == "date") {
    value = fmt::format("coalesce({}, '2026-06-01') + {}", name, n);
  } else if (base.starts_with("timestamp")) {
    value = fmt::format("coalesce({}, '2026-06-01 12:00') + interval '{} hours'", name, n);
  } else if (base.starts_with("time") || base == "interval") {
    value = fmt::format("coalesce({}, '10:00') + interval '{} minutes'", name, n);
  } else if (base == "uuid") {
    value = fmt::format("md5('{}' || coalesce({}::text, ''))::uuid", n, name);
  } else if (base == "bytea") {
    value = fmt::format(R"(coalesce({}, '') || '\x{:02x}'::bytea)", name, n);
  } else if (base == "jsonb") {
    value = fmt::format(R"(CASE jsonb_typeof({0}) WHEN 'array' THEN {0} || '{1}' ELSE '{{"n": {1}}}' END)", name, n);
  } else if (base == "inet") {
    value = fmt::format("coalesce({}, '10.0.0.1') + {}", name, n);
  } else if (base == "array") {
    value = fmt::format("{0} || {0}[1:1]", name);
  } else if (base == "enum") {
    value = fmt::format("(enum_range(NULL::{0}))[1 + {1} % cardinality(enum_range(NULL::{0}))]", column.type, n);
  } else if (base.ends_with("hstore")) {
    value = fmt::format("{} || hstore('n', '{}')", name, n);
  } else {
    return "";
  }
  return fmt::format("({})::{}", value, column.type);
}

}  // namespace rotv::testing
