#include "sync/schema/schema_version.h"

#include <algorithm>
#include <map>
#include <set>

#include "sync/formats/copy_text.h"
#include "sync/postgres/large_objects.h"
#include "sync/schema/follow.h"
#include "sync/schema/schema_check.h"

namespace rotv::schema {
namespace {

bool IsMasked(const proto::TableMask& mask) {
  return mask.columns_size() > 0 || mask.sample_percent() > 0 || mask.conditions_size() > 0 || mask.dropped();
}

constexpr uint32_t kInt8 = 20, kInt2 = 21, kInt4 = 23, kBytea = 17, kOid = 26;

bool IsInteger(uint32_t type_oid) { return type_oid == kInt2 || type_oid == kInt4 || type_oid == kInt8; }

class Describer {
 public:
  Describer(const postgres::Catalog& catalog, const SourceConfig& source, const ShapeMap& known)
      : catalog_(catalog), source_(source), known_(known), last_shape_(known.greatest_id()) {}

  DescribedSchema Run() {
    for (const postgres::CatalogTable& table : catalog_.tables) AddTable(table);
    AddLargeObjects();
    AddReferences();
    result_.schema.set_large_object_pages(catalog_.large_object_pages_readable);
    for (const postgres::CatalogSequence& sequence : catalog_.sequences) {
      proto::Sequence* described = result_.schema.add_sequences();
      described->set_id(sequence.oid);
      described->set_schema(sequence.schema);
      described->set_name(sequence.name);
      described->set_quoted_name(sequence.quoted_name);
    }
    for (const postgres::CatalogEnumLabel& label : catalog_.enum_labels) {
      proto::EnumLabel* described = result_.schema.add_enum_labels();
      described->set_oid(label.oid);
      described->set_type_oid(label.type_oid);
      described->set_label(label.label);
    }
    if (catalog_.mask_record.ByteSizeLong() > 0) *result_.schema.mutable_mask_record() = catalog_.mask_record;
    if (catalog_.database.server_version() > 0) *result_.schema.mutable_database() = catalog_.database;
    return std::move(result_);
  }

 private:
  void AddTable(const postgres::CatalogTable& table) {
    FollowDecision decision = Decide(table, source_);
    proto::Table* described = result_.schema.add_tables();
    described->set_id(table.oid);
    described->set_schema(table.schema);
    described->set_name(table.name);
    described->set_quoted_name(table.quoted_name);
    described->set_follow(decision.follow);
    described->set_follow_reason(decision.way.empty() ? decision.reason : decision.way);
    described->set_follow_advice(decision.advice);
    described->set_filter(decision.filter);
    described->set_load_through(table.load_through);
    proto::Shape shape;
    shape.set_table(table.oid);
    std::string list;
    for (const postgres::CatalogColumn& column : table.columns) {
      if (column.is_generated) continue;  // It is in neither pgoutput nor COPY.
      AddColumn(column, &shape);
      list += (list.empty() ? "(" : ", ") + column.quoted_name;
    }
    if (!list.empty()) list += ")";
    described->set_copy_columns(list);
    described->set_shape(Number(std::move(shape), described, decision.column_numbers));
    *described->mutable_state() = StateOf(table, decision);
    if (IsMasked(table.mask)) *described->mutable_mask() = table.mask;
  }

  // The value of a column in rows older than the column is remembered from when it was added: a rewrite of the table
  // puts it into all rows, and removes it from the catalogue.
  void AddColumn(const postgres::CatalogColumn& column, proto::Shape* shape) const {
    proto::Column* stored = shape->add_columns();
    stored->set_name(column.name);
    stored->set_type_oid(column.type_oid);
    stored->set_type_modifier(column.type_modifier);
    stored->set_number(static_cast<uint32_t>(column.number));
    if (const proto::Column* before = known_.FindColumn(shape->table(), stored->number())) {
      if (before->has_missing()) stored->set_missing(before->missing());
      return;
    }
    if (!column.missing) return;
    std::string field;
    formats::AppendCopyEscaped(*column.missing, &field);
    stored->set_missing(field);
  }

  // Sets the table's key. Returns the number of the shape, which is a new one if the shape is.
  uint32_t Number(proto::Shape shape, proto::Table* table, const std::vector<int>& key) {
    for (int number : key) {
      auto column = std::find_if(shape.columns().begin(), shape.columns().end(), [&](const proto::Column& candidate) {
        return candidate.number() == static_cast<uint32_t>(number);
      });
      table->add_key_columns(static_cast<uint32_t>(column - shape.columns().begin()));
      table->add_key_is_integer(IsInteger(column->type_oid()));
    }
    if (std::optional<uint32_t> known = known_.Find(shape)) return *known;
    shape.set_id(++last_shape_);
    result_.new_shapes.push_back(std::move(shape));
    return last_shape_;
  }

  proto::TableState StateOf(const postgres::CatalogTable& table, const FollowDecision& decision) const {
    proto::TableState state;
    for (const postgres::CatalogColumn& column : table.columns) {
      proto::ColumnState* described = state.add_columns();
      described->set_number(static_cast<uint32_t>(column.number));
      described->set_name(column.name);
      described->set_type_oid(column.type_oid);
      described->set_type_modifier(column.type_modifier);
      described->set_generated(column.is_generated);
      described->set_xmin(column.xmin);
      auto type = catalog_.types.find(column.type_oid);
      if (type == catalog_.types.end()) continue;
      described->set_type_fingerprint(type->second.fingerprint);
      for (uint32_t enum_type : type->second.enums) described->add_enums(enum_type);
      described->set_by_name(type->second.by_name);
    }
    state.set_last_column(static_cast<uint32_t>(table.last_column));
    state.set_file(table.file);
    state.set_constraint_oid(decision.constraint_oid);
    state.set_membership(table.membership);
    return state;
  }

  // pg_dump writes rows of extensions' tables after those that they reference: CREATE EXTENSION has made the keys by
  // then. A table's reference to itself is checked when its rows are there.
  void AddReferences() {
    std::map<uint32_t, proto::Table*> tables;
    for (proto::Table& table : *result_.schema.mutable_tables()) tables[table.id()] = &table;
    std::set<uint32_t> of_extensions;
    for (const postgres::CatalogTable& table : catalog_.tables) {
      if (table.is_extension_config) of_extensions.insert(table.oid);
    }
    for (const postgres::CatalogReference& reference : catalog_.references) {
      if (reference.table == reference.referenced_table || !reference.to_extension) continue;
      if (of_extensions.count(reference.table) == 0 || of_extensions.count(reference.referenced_table) == 0) continue;
      tables.at(reference.table)->add_rows_after(reference.referenced_table);
    }
    for (const postgres::CatalogReference& reference : catalog_.not_valid) {
      const auto table = tables.find(reference.table);
      if (table == tables.end()) continue;
      proto::ForeignKey* key = result_.schema.add_not_valid();
      key->set_schema(table->second->schema());
      key->set_table(table->second->name());
      key->set_name(reference.name);
    }
  }

  // Large objects are rows of (object, offset, bytes), as pg_dump reads them.
  void AddLargeObjects() {
    proto::Table* described = result_.schema.add_tables();
    described->set_id(postgres::kLargeObjectTable);
    described->set_schema("pg_catalog");
    described->set_name("pg_largeobject");
    described->set_quoted_name("pg_catalog.pg_largeobject");
    described->set_follow(proto::FOLLOW_COPY);
    described->set_follow_reason("large objects: logical replication does not send their changes");
    proto::Shape shape;
    shape.set_table(postgres::kLargeObjectTable);
    AddColumn({.name = "loid", .quoted_name = "", .number = 1, .type_oid = kOid, .missing = {}}, &shape);
    AddColumn({.name = "offset", .quoted_name = "", .number = 2, .type_oid = kInt8, .missing = {}}, &shape);
    AddColumn({.name = "data", .quoted_name = "", .number = 3, .type_oid = kBytea, .missing = {}}, &shape);
    described->set_shape(Number(std::move(shape), described, {1, 2}));
    described->set_key_is_integer(0, true);  // An oid is an integer as well.
  }

  const postgres::Catalog& catalog_;
  const SourceConfig& source_;
  const ShapeMap& known_;
  uint32_t last_shape_;
  DescribedSchema result_;
};

}  // namespace

DescribedSchema DescribeSchema(const postgres::Catalog& catalog, const SourceConfig& source, const ShapeMap& known) {
  DescribedSchema described = Describer(catalog, source, known).Run();
  CheckSchemaNames(described.schema);
  return described;
}

}  // namespace rotv::schema
