#include "storage/shape_map.h"

#include <gtest/gtest.h>

#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using testing::CodeOf;

struct ColumnOf {
  uint32_t number;
  std::string name;
  std::optional<std::string> missing = {};
};

proto::Shape Shape(uint32_t id, const std::vector<ColumnOf>& columns) {
  proto::Shape shape;
  shape.set_id(id);
  shape.set_table(7);
  for (const ColumnOf& spec : columns) {
    proto::Column* column = shape.add_columns();
    column->set_number(spec.number);
    column->set_name(spec.name);
    if (spec.missing) column->set_missing(*spec.missing);
  }
  return shape;
}

class ShapeMapTest : public ::testing::Test {
 protected:
  ShapeMapTest() {
    shapes_.Add(Shape(1, {{1, "a"}, {2, "b"}}));
    shapes_.Add(Shape(2, {{1, "a"}, {2, "b"}, {3, "c", "7"}, {4, "d"}}));
    shapes_.Add(Shape(3, {{2, "b"}, {3, "c", "7"}}));
    shapes_.Add(Shape(4, {{1, "x"}, {2, "y"}}));
    shapes_.Add(Shape(5, {}));
    shapes_.Add(Shape(6, {{9, "e", ""}}));
  }

  std::string Convert(uint32_t from, uint32_t to, const std::string& line) {
    std::string scratch;
    return std::string(shapes_.Convert(from, to, line, &scratch));
  }

  ShapeMap shapes_;
};

TEST_F(ShapeMapTest, ANewColumnGetsItsValueForOlderRows) {
  EXPECT_EQ(Convert(1, 2, "one\ttwo"), "one\ttwo\t7\t\\N");
  EXPECT_EQ(Convert(5, 6, ""), "");
  EXPECT_EQ(Convert(5, 1, ""), "\\N\t\\N");
}

TEST_F(ShapeMapTest, DroppedColumnsAreRemovedFromRows) {
  EXPECT_EQ(Convert(2, 3, "one\ttwo\tthree\tfour"), "two\tthree");
  EXPECT_EQ(Convert(1, 3, "one\ttwo"), "two\t7");
  EXPECT_EQ(Convert(1, 5, "one\ttwo"), "");
}

TEST_F(ShapeMapTest, RenamedColumnsAreTheSame) { EXPECT_EQ(Convert(1, 4, "one\ttwo"), "one\ttwo"); }

TEST_F(ShapeMapTest, AShapeDoesNotChange) {
  shapes_.Add(Shape(5, {}));
  EXPECT_EQ(CodeOf([&] { shapes_.Add(Shape(5, {{1, "a"}})); }), ErrorCode::kCorrupt);
  EXPECT_EQ(Convert(5, 6, ""), "");
}

TEST_F(ShapeMapTest, ARowThatDoesNotFitItsShapeIsCorrupt) {
  EXPECT_EQ(CodeOf([&] { Convert(1, 2, "one"); }), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf([&] { Convert(1, 2, "one\ttwo\tthree"); }), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf([&] { Convert(77, 2, "one"); }), ErrorCode::kCorrupt);
}

TEST_F(ShapeMapTest, AConverterServesRowsOfSeveralShapes) {
  ShapeConverter converter(shapes_, 2);
  EXPECT_EQ(converter.Convert(1, "one\ttwo"), "one\ttwo\t7\t\\N");
  EXPECT_EQ(converter.Convert(2, "1\t2\t3\t4"), "1\t2\t3\t4");
  EXPECT_EQ(converter.Convert(3, "two\tthree"), "\\N\ttwo\tthree\t\\N");
  EXPECT_EQ(converter.Convert(4, "x\ty"), "x\ty\t7\t\\N");
}

TEST_F(ShapeMapTest, UnchangedColumnsAreTakenFromAnOlderRowOfAnotherShape) {
  std::string partial = "new\t\\u\t\\u\t4";
  EXPECT_TRUE(shapes_.FillUnchanged(2, &partial, {.shape = 1, .text = "old\ttwo"}));
  EXPECT_EQ(partial, "new\ttwo\t7\t4");
  partial = "new\t\\u\t\\u\t4";
  EXPECT_FALSE(shapes_.FillUnchanged(2, &partial, {.shape = 1, .text = "old\t\\u"}));
  EXPECT_EQ(partial, "new\t\\u\t7\t4");
}

TEST_F(ShapeMapTest, AShapeIsFoundByNamesNumbersAndTypesOfItsColumns) {
  EXPECT_EQ(shapes_.Find(Shape(0, {{1, "a"}, {2, "b"}})), 1u);
  EXPECT_EQ(shapes_.Find(Shape(0, {{1, "x"}, {2, "y"}})), 4u);
  EXPECT_EQ(shapes_.Find(Shape(0, {{1, "a"}, {3, "b"}})), std::nullopt);
  proto::Shape of_another_table = Shape(0, {{1, "a"}, {2, "b"}});
  of_another_table.set_table(8);
  EXPECT_EQ(shapes_.Find(of_another_table), std::nullopt);
}

}  // namespace
}  // namespace rotv
