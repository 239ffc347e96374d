#include "sync/schema/schema_version.h"

#include <gtest/gtest.h>

#include <memory>

#include "sync/schema/follow.h"

namespace rotv {
namespace {

// Columns id (1), a dropped one (2), name (3), total (4, generated); the key is (name, id).
postgres::Catalog CatalogOfOne() {
  postgres::CatalogTable table;
  table.oid = 16400;
  table.schema = "public";
  table.name = "T";
  table.quoted_name = "public.\"T\"";
  table.last_column = 4;
  table.columns = {
      {.name = "id", .quoted_name = "id", .number = 1, .type_oid = 23, .missing = {}},
      {.name = "Name", .quoted_name = "\"Name\"", .number = 3, .type_oid = 25, .missing = {}},
      {.name = "total", .quoted_name = "total", .number = 4, .type_oid = 23, .is_generated = true, .missing = {}}};
  table.indexes = {
      {.quoted_name = "t_pkey", .is_primary = true, .is_immediate = true, .is_valid = true, .column_numbers = {3, 1}}};
  postgres::Catalog catalog;
  catalog.tables = {table};
  return catalog;
}

std::unique_ptr<ShapeMap> ShapesOf(const schema::DescribedSchema& described) {
  auto shapes = std::make_unique<ShapeMap>();
  for (const proto::Shape& shape : described.new_shapes) shapes->Add(shape);
  return shapes;
}

TEST(SchemaVersionTest, GeneratedColumnsAreLeftOutOfColumnsAndKeyPositions) {
  postgres::Catalog catalog = CatalogOfOne();
  catalog.sequences = {{.oid = 7, .schema = "s", .name = "Q", .quoted_name = "s.\"Q\""}};
  schema::DescribedSchema described = schema::DescribeSchema(catalog, {}, {});
  ASSERT_EQ(described.schema.tables_size(), 2) << "the second has the large objects";
  const proto::Table& table = described.schema.tables(0);
  EXPECT_EQ(table.id(), 16400u);
  EXPECT_EQ(table.copy_columns(), "(id, \"Name\")");
  ASSERT_EQ(table.key_columns_size(), 2);
  EXPECT_EQ(table.key_columns(0), 1u);
  EXPECT_EQ(table.key_columns(1), 0u);
  EXPECT_FALSE(table.key_is_integer(0));
  EXPECT_TRUE(table.key_is_integer(1));
  const proto::Shape shape = ShapesOf(described)->Get(table.shape());
  ASSERT_EQ(shape.columns_size(), 2);
  EXPECT_EQ(shape.columns(1).name(), "Name");
  EXPECT_EQ(shape.columns(1).number(), 3u);
  EXPECT_EQ(table.state().columns_size(), 3);
  EXPECT_EQ(table.state().last_column(), 4u);
  ASSERT_EQ(described.schema.sequences_size(), 1);
  EXPECT_EQ(described.schema.sequences(0).quoted_name(), "s.\"Q\"");
  EXPECT_TRUE(schema::IsStreamed(table));
}

TEST(SchemaVersionTest, ATableWithoutColumnsHasNoColumnList) {
  postgres::Catalog catalog = CatalogOfOne();
  catalog.tables[0].columns.clear();
  catalog.tables[0].indexes.clear();
  catalog.tables[0].replica_identity = 'f';
  proto::SchemaVersion schema = schema::DescribeSchema(catalog, {}, {}).schema;
  EXPECT_EQ(schema.tables(0).copy_columns(), "");
  EXPECT_EQ(schema.tables(0).follow(), proto::FOLLOW_BAG);
}

TEST(SchemaVersionTest, AKnownShapeKeepsItsNumber) {
  postgres::Catalog catalog = CatalogOfOne();
  schema::DescribedSchema first = schema::DescribeSchema(catalog, {}, {});
  const std::unique_ptr<ShapeMap> known = ShapesOf(first);
  schema::DescribedSchema again = schema::DescribeSchema(catalog, {}, *known);
  EXPECT_TRUE(again.new_shapes.empty());
  EXPECT_EQ(again.schema.tables(0).shape(), first.schema.tables(0).shape());

  catalog.tables[0].columns[0].name = "number";
  schema::DescribedSchema renamed = schema::DescribeSchema(catalog, {}, *known);
  ASSERT_EQ(renamed.new_shapes.size(), 1u);
  EXPECT_GT(renamed.new_shapes[0].id(), known->greatest_id());
}

TEST(SchemaVersionTest, ANewColumnsValueForOlderRowsIsRemembered) {
  postgres::Catalog catalog = CatalogOfOne();
  const std::unique_ptr<ShapeMap> known = ShapesOf(schema::DescribeSchema(catalog, {}, {}));
  catalog.tables[0].columns.push_back(
      {.name = "more", .quoted_name = "more", .number = 5, .type_oid = 25, .missing = "a\tb"});
  schema::DescribedSchema added = schema::DescribeSchema(catalog, {}, *known);
  ASSERT_EQ(added.new_shapes.size(), 1u);
  EXPECT_EQ(added.new_shapes[0].columns(2).missing(), "a\\tb");
  known->Add(added.new_shapes[0]);

  // VACUUM FULL puts the value into the rows and forgets it.
  catalog.tables[0].columns[3].missing.reset();
  catalog.tables[0].columns[3].name = "renamed";
  schema::DescribedSchema later = schema::DescribeSchema(catalog, {}, *known);
  ASSERT_EQ(later.new_shapes.size(), 1u);
  EXPECT_EQ(later.new_shapes[0].columns(2).missing(), "a\\tb");
}

}  // namespace
}  // namespace rotv
