#include "sync/seed/table_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sync/postgres/large_objects.h"

namespace rotv::seed {
namespace {

using ::testing::ElementsAre;

class TableOrderTest : public ::testing::Test {
 protected:
  void Add(uint32_t id, const std::string& name, const std::vector<uint32_t>& after = {},
           proto::Follow follow = proto::FOLLOW_COPY) {
    proto::Table* table = schema_.add_tables();
    table->set_id(id);
    table->set_name(name);
    table->set_follow(follow);
    for (uint32_t other : after) table->add_rows_after(other);
  }
  std::vector<std::string> Order() const {
    std::vector<std::string> names;
    for (const proto::Table* table : TablesInOrder(schema_)) names.push_back(table->name());
    return names;
  }

  proto::SchemaVersion schema_;
};

TEST_F(TableOrderTest, WithoutKeysItIsByName) {
  Add(1, "a");
  Add(2, "b", {}, proto::FOLLOW_SCHEMA_ONLY);
  Add(3, "c", {}, proto::FOLLOW_KEY);
  Add(postgres::kLargeObjectTable, "pg_largeobject");
  EXPECT_THAT(Order(), ElementsAre("a", "c"));
}

// As pg_dump has them: it fills the places from the last one on.
TEST_F(TableOrderTest, ReferencedRowsComeFirst) {
  Add(1, "a", {3});
  Add(2, "b");
  Add(3, "c", {5});
  Add(4, "d");
  Add(5, "e");
  EXPECT_THAT(Order(), ElementsAre("e", "c", "a", "b", "d"));
}

TEST_F(TableOrderTest, TablesWithoutRowsAndTheTableItselfAreNotWaitedFor) {
  Add(1, "a", {1, 2, 99});
  Add(2, "b", {}, proto::FOLLOW_SCHEMA_ONLY);
  Add(3, "c", {1, 1});
  EXPECT_THAT(Order(), ElementsAre("a", "c"));
}

TEST_F(TableOrderTest, ACircleEndsAtItsLastTable) {
  Add(1, "a", {2});
  Add(2, "b", {3});
  Add(3, "c", {1});
  Add(4, "d", {4});
  EXPECT_THAT(Order(), ElementsAre("b", "a", "c", "d"));
}

}  // namespace
}  // namespace rotv::seed
