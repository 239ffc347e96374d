// Helpers for the tests of what is inside sync/: a described table, and hand-made rows of pgoutput.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "sync/formats/pgoutput.h"
#include "sync/schema/schema_version.h"
#include "tests/storage/store_fixture.h"

namespace rotv::testing {

inline constexpr uint32_t kInt4Oid = 23;
inline constexpr uint32_t kTextOid = 25;

struct ColumnSpec {
  std::string name;
  uint32_t type_oid = kTextOid;
};

// A shape with columns numbered from 1.
inline proto::Shape ShapeOf(uint32_t id, uint32_t table, const std::vector<ColumnSpec>& columns) {
  proto::Shape shape;
  shape.set_id(id);
  shape.set_table(table);
  for (const ColumnSpec& spec : columns) {
    proto::Column* column = shape.add_columns();
    column->set_name(spec.name);
    column->set_type_oid(spec.type_oid);
    column->set_number(static_cast<uint32_t>(shape.columns_size()));
  }
  return shape;
}

// Adds a table and its shape. Without key columns the table is a multiset.
inline proto::Table* AddTable(schema::DescribedSchema* described, uint32_t id, const std::string& name,
                              const std::vector<ColumnSpec>& columns, const std::vector<uint32_t>& key_columns) {
  described->new_shapes.push_back(ShapeOf(id + 1000, id, columns));
  const proto::Shape* shape = &described->new_shapes.back();
  std::string list;
  for (const ColumnSpec& column : columns) list += (list.empty() ? "(" : ", ") + column.name;
  proto::Table* table = described->schema.add_tables();
  table->set_id(id);
  table->set_schema("public");
  table->set_name(name);
  table->set_quoted_name("public." + name);
  table->set_copy_columns(list.empty() ? "" : list + ")");
  table->set_shape(shape->id());
  table->set_follow(key_columns.empty() ? proto::FOLLOW_BAG : proto::FOLLOW_KEY);
  for (uint32_t column : key_columns) {
    table->add_key_columns(column);
    table->add_key_is_integer(columns.at(column).type_oid == kInt4Oid);
  }
  return table;
}

// Adds a first epoch for each table of `schema`.
inline void AddHistories(const proto::SchemaVersion& schema, proto::Manifest* manifest) {
  for (const proto::Table& table : schema.tables()) {
    proto::TableHistory* history = manifest->add_tables();
    history->set_table(table.id());
    history->add_epochs()->set_number(0);
  }
}

inline const std::string kNullValue = "<null>";
inline const std::string kToast = "<toast>";

// A row from its columns' text, kNullValue or kToast. It points into `values`.
inline formats::pgoutput::Tuple TupleOf(const std::vector<std::string>& values) {
  formats::pgoutput::Tuple tuple;
  for (const std::string& value : values) {
    if (value == kNullValue) {
      tuple.push_back({formats::pgoutput::Column::Kind::kNull, {}});
    } else if (value == kToast) {
      tuple.push_back({formats::pgoutput::Column::Kind::kUnchangedToast, {}});
    } else {
      tuple.push_back({formats::pgoutput::Column::Kind::kText, value});
    }
  }
  return tuple;
}

}  // namespace rotv::testing
