#include "sync/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

namespace rotv {
namespace {

// The schemas that pg_dump leaves out, and what belongs to other sessions.
constexpr const char* kUserSchema = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

constexpr const char* kTablesSql = R"(
SELECT c.oid, n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind, c.relpersistence,
       c.relreplident,
       EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
               AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'),
       EXISTS (SELECT 1 FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig)),
       pg_has_role(c.relowner, 'USAGE'), has_table_privilege(c.oid, 'SELECT'), row_security_active(c.oid),
       greatest(c.reltuples, 0)::bigint,
       CASE WHEN c.relkind = 'r' THEN pg_table_size(c.oid) ELSE 0 END, quote_ident(pg_get_userbyid(c.relowner))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND {};
SELECT a.attrelid, a.attnum, a.attname, quote_ident(a.attname), a.atttypid, a.atttypmod, a.attgenerated <> ''
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped AND {}
ORDER BY a.attrelid, a.attnum;
SELECT i.indrelid, quote_ident(x.relname), i.indisprimary, i.indisreplident, i.indimmediate, i.indisvalid,
       array_to_string(i.indkey::int2[], ' ')
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
WHERE (i.indisprimary OR i.indisreplident) AND {};
SELECT c.oid, n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       has_sequence_privilege(c.oid, 'SELECT')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {}
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                      AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e');
SELECT count(*), quote_ident(current_user) FROM pg_catalog.pg_largeobject_metadata
)";

constexpr const char* kExcluded = "excluded in rotv.toml";

constexpr uint32_t kInt8 = 20, kInt2 = 21, kInt4 = 23;

bool IsInteger(uint32_t type_oid) { return type_oid == kInt2 || type_oid == kInt4 || type_oid == kInt8; }

std::vector<int> ParseNumbers(std::string_view text) {
  std::vector<int> numbers;
  while (!text.empty()) {
    int number = 0;
    const char* end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
    numbers.push_back(number);
    text.remove_prefix(std::min(text.size(), static_cast<size_t>(end - text.data()) + 1));
  }
  return numbers;
}

CatalogTable TableOf(const PgResult& rows, int row) {
  CatalogTable table;
  table.oid = rows.Oid(row, 0);
  table.schema = rows.Get(row, 1);
  table.name = rows.Get(row, 2);
  table.quoted_name = rows.Get(row, 3);
  table.kind = rows.Text(row, 4)[0];
  table.persistence = rows.Text(row, 5)[0];
  table.replica_identity = rows.Text(row, 6)[0];
  table.of_extension = rows.Bool(row, 7);
  table.is_extension_config = rows.Bool(row, 8);
  table.owned = rows.Bool(row, 9);
  table.readable = rows.Bool(row, 10);
  table.row_security = rows.Bool(row, 11);
  table.rows_estimate = rows.Int(row, 12);
  table.bytes = rows.Int(row, 13);
  table.quoted_owner = rows.Get(row, 14);
  return table;
}

template <typename Object>
void SortByName(std::vector<Object>* objects) {
  std::sort(objects->begin(), objects->end(),
            [](const Object& a, const Object& b) { return std::tie(a.schema, a.name) < std::tie(b.schema, b.name); });
}

// The index that names a row, as the server itself chooses it; null if there is none.
const CatalogIndex* IdentityIndex(const CatalogTable& table) {
  for (const CatalogIndex& index : table.indexes) {
    bool chosen = table.replica_identity == 'i' ? index.is_replica_identity : index.is_primary;
    if (chosen && index.is_immediate && index.is_valid) return &index;
  }
  return nullptr;
}

bool HasGeneratedColumn(const CatalogTable& table, const CatalogIndex& index) {
  return std::any_of(table.columns.begin(), table.columns.end(), [&](const CatalogColumn& column) {
    const std::vector<int>& numbers = index.column_numbers;
    return column.is_generated && std::find(numbers.begin(), numbers.end(), column.number) != numbers.end();
  });
}

FollowDecision Problem(const CatalogTable& table, const std::string& problem, const std::string& statement) {
  FollowDecision decision;
  decision.reason = problem;
  decision.problem = fmt::format("{} {}", table.quoted_name, problem);
  decision.fix =
      fmt::format("{}; or leave its rows out: exclude = [\"{}.{}\"] in rotv.toml", statement, table.schema, table.name);
  return decision;
}

FollowDecision SchemaOnly(const std::string& reason) {
  FollowDecision decision;
  decision.reason = reason;
  return decision;
}

FollowDecision ByIndex(const CatalogTable& table, const CatalogIndex& index) {
  FollowDecision decision;
  decision.follow = proto::FOLLOW_KEY;
  decision.way = index.is_primary ? "by primary key" : "by index " + index.quoted_name;
  decision.reason = index.is_primary ? index.quoted_name : "it is the table's replica identity";
  decision.column_numbers = index.column_numbers;
  if (HasGeneratedColumn(table, index)) {
    return Problem(table, "is identified by a generated column, which the server does not send",
                   fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL", table.quoted_name));
  }
  return decision;
}

}  // namespace

Catalog ReadCatalog(PgConnection& connection) {
  std::vector<PgResult> results =
      connection.QueryAll(fmt::format(fmt::runtime(kTablesSql), kUserSchema, kUserSchema, kUserSchema, kUserSchema));
  Catalog catalog;
  std::map<uint32_t, CatalogTable> tables;
  for (int row = 0; row < results[0].rows(); ++row) tables.emplace(results[0].Oid(row, 0), TableOf(results[0], row));
  const PgResult& columns = results[1];
  for (int row = 0; row < columns.rows(); ++row) {
    auto table = tables.find(columns.Oid(row, 0));
    if (table == tables.end()) continue;  // Made between two of the statements.
    table->second.columns.push_back({.name = columns.Get(row, 2),
                                     .quoted_name = columns.Get(row, 3),
                                     .number = static_cast<int>(columns.Int(row, 1)),
                                     .type_oid = columns.Oid(row, 4),
                                     .type_modifier = static_cast<int32_t>(columns.Int(row, 5)),
                                     .is_generated = columns.Bool(row, 6)});
  }
  const PgResult& indexes = results[2];
  for (int row = 0; row < indexes.rows(); ++row) {
    auto table = tables.find(indexes.Oid(row, 0));
    if (table == tables.end()) continue;
    table->second.indexes.push_back({.quoted_name = indexes.Get(row, 1),
                                     .is_primary = indexes.Bool(row, 2),
                                     .is_replica_identity = indexes.Bool(row, 3),
                                     .is_immediate = indexes.Bool(row, 4),
                                     .is_valid = indexes.Bool(row, 5),
                                     .column_numbers = ParseNumbers(indexes.Text(row, 6))});
  }
  for (auto& [oid, table] : tables) catalog.tables.push_back(std::move(table));
  const PgResult& sequences = results[3];
  for (int row = 0; row < sequences.rows(); ++row) {
    catalog.sequences.push_back({.oid = sequences.Oid(row, 0),
                                 .schema = sequences.Get(row, 1),
                                 .name = sequences.Get(row, 2),
                                 .quoted_name = sequences.Get(row, 3),
                                 .readable = sequences.Bool(row, 4)});
  }
  catalog.large_objects = results[4].Int(0, 0);
  catalog.quoted_user = results[4].Get(0, 1);
  SortByName(&catalog.tables);
  SortByName(&catalog.sequences);
  return catalog;
}

FollowDecision Decide(const CatalogTable& table, const SourceConfig& source) {
  if (table.kind == 'p') return SchemaOnly("partitioned: its rows are in its partitions");
  if (table.kind == 'f') return SchemaOnly("foreign: its rows are elsewhere");
  if (IsExcluded(source, table.schema, table.name)) return SchemaOnly(kExcluded);
  if (table.of_extension) {
    FollowDecision decision = SchemaOnly("belongs to an extension");
    if (table.is_extension_config) {
      decision.lacking =
          fmt::format("rows that were added to {}, an extension's configuration table", table.quoted_name);
    }
    return decision;
  }
  if (table.persistence == 'u') {
    return Problem(table, "is unlogged, so its changes are not sent",
                   fmt::format("ALTER TABLE {} SET LOGGED", table.quoted_name));
  }
  const CatalogIndex* index = IdentityIndex(table);
  std::string full = fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL", table.quoted_name);
  switch (table.replica_identity) {
    case 'n':
      return Problem(table,
                     "has REPLICA IDENTITY NOTHING: the server would refuse UPDATE and DELETE once it is published",
                     fmt::format("ALTER TABLE {} REPLICA IDENTITY DEFAULT", table.quoted_name));
    case 'f': {
      if (index != nullptr && !HasGeneratedColumn(table, *index)) return ByIndex(table, *index);
      FollowDecision decision;
      decision.follow = proto::FOLLOW_BAG;
      decision.way = "as a bag";
      decision.reason = "identity FULL and no usable primary key";
      return decision;
    }
    default:
      if (index != nullptr) return ByIndex(table, *index);
      return Problem(
          table,
          table.replica_identity == 'i'
              ? "has a replica identity index that is gone or not valid"
              : "has no primary key (or a deferrable one): the server would refuse UPDATE and DELETE once it "
                "is published",
          full);
  }
}

bool IsExcluded(const SourceConfig& source, const std::string& schema, const std::string& name) {
  return std::find(source.exclude.begin(), source.exclude.end(), schema + "." + name) != source.exclude.end();
}

std::vector<std::string> ExclusionChanges(const proto::SchemaVersion& schema, const SourceConfig& source) {
  std::vector<std::string> changed;
  for (const proto::Table& table : schema.tables()) {
    bool was = table.follow_reason() == kExcluded;
    bool could_be = was || IsFollowed(table);
    if (could_be && was != IsExcluded(source, table.schema(), table.name())) changed.push_back(table.quoted_name());
  }
  return changed;
}

bool IsFollowed(const proto::Table& table) {
  return table.follow() == proto::FOLLOW_KEY || table.follow() == proto::FOLLOW_BAG;
}

proto::SchemaVersion DescribeSchema(const Catalog& catalog, const SourceConfig& source) {
  proto::SchemaVersion schema;
  for (const CatalogTable& table : catalog.tables) {
    FollowDecision decision = Decide(table, source);
    proto::Table* described = schema.add_tables();
    described->set_id(table.oid);
    described->set_schema(table.schema);
    described->set_name(table.name);
    described->set_quoted_name(table.quoted_name);
    described->set_follow(decision.follow);
    described->set_follow_reason(decision.way.empty() ? decision.reason : decision.way);
    proto::Shape* shape = schema.add_shapes();
    shape->set_id(static_cast<uint32_t>(schema.shapes_size()));
    described->set_shape(shape->id());
    std::string list;
    std::map<int, uint32_t> places;  // By attnum.
    std::map<int, bool> integers;
    for (const CatalogColumn& column : table.columns) {
      if (column.is_generated) continue;  // In neither pgoutput nor COPY.
      places[column.number] = static_cast<uint32_t>(shape->columns_size());
      integers[column.number] = IsInteger(column.type_oid);
      proto::Column* stored = shape->add_columns();
      stored->set_name(column.name);
      stored->set_type_oid(column.type_oid);
      stored->set_type_modifier(column.type_modifier);
      list += (list.empty() ? "(" : ", ") + column.quoted_name;
    }
    if (!list.empty()) list += ")";
    described->set_copy_columns(list);
    for (int number : decision.column_numbers) {
      described->add_key_columns(places.at(number));
      described->add_key_is_integer(integers.at(number));
    }
  }
  for (const CatalogSequence& sequence : catalog.sequences) {
    proto::Sequence* described = schema.add_sequences();
    described->set_id(sequence.oid);
    described->set_schema(sequence.schema);
    described->set_name(sequence.name);
    described->set_quoted_name(sequence.quoted_name);
  }
  return schema;
}

}  // namespace rotv
