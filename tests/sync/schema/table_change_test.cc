#include "sync/schema/table_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace rotv {
namespace {

constexpr uint32_t kTable = 7;

// One table with columns id (1) and name (2), streamed by id; the tests change it.
class TableChangeTest : public ::testing::Test {
 protected:
  TableChangeTest() {
    before_ = Schema(1, {{1, "id"}, {2, "name"}});
    now_ = before_;
  }

  struct ColumnOf {
    uint32_t number;
    std::string name;
  };

  proto::SchemaVersion Schema(uint32_t shape_id, const std::vector<ColumnOf>& columns) {
    proto::SchemaVersion schema;
    proto::Table* table = schema.add_tables();
    table->set_id(kTable);
    table->set_quoted_name("public.t");
    table->set_follow(proto::FOLLOW_KEY);
    table->add_key_columns(0);
    table->add_key_is_integer(true);
    table->set_shape(shape_id);
    table->mutable_state()->set_file(100);
    table->mutable_state()->set_constraint_oid(50);
    table->mutable_state()->set_membership("1:2");
    proto::Shape shape;
    shape.set_id(shape_id);
    shape.set_table(kTable);
    for (const ColumnOf& spec : columns) {
      shape.add_columns()->set_number(spec.number);
      shape.mutable_columns(shape.columns_size() - 1)->set_name(spec.name);
      proto::ColumnState* state = table->mutable_state()->add_columns();
      state->set_number(spec.number);
      state->set_type_oid(25);
      state->set_xmin(900);
      table->mutable_state()->set_last_column(spec.number);
    }
    shapes_.Add(shape);
    return schema;
  }

  proto::Table& now() { return *now_.mutable_tables(0); }
  proto::TableState& state() { return *now().mutable_state(); }

  schema::TableChange Change() {
    return schema::CompareTables({.before = before_,
                                  .now = now_,
                                  .shapes = shapes_,
                                  .must_copy = to_resync_,
                                  .text_changed = text_changed_})
        .at(0);
  }
  schema::Fate FateOf() { return Change().fate; }
  void ExpectResync(const std::string& reason) {
    schema::TableChange change = Change();
    EXPECT_EQ(change.fate, schema::Fate::kCopy);
    EXPECT_THAT(change.reason, ::testing::HasSubstr(reason));
  }

  proto::SchemaVersion before_, now_;
  ShapeMap shapes_;
  std::set<TableId> to_resync_;
  bool text_changed_ = true;
};

TEST_F(TableChangeTest, NothingOrNamesAloneKeepTheRows) {
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
  now().set_quoted_name("other.u");
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
  now_ = Schema(2, {{1, "id"}, {2, "title"}});
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
}

TEST_F(TableChangeTest, NewTablesAndTablesWithoutStoredRowsAreCopied) {
  now().set_id(8);
  ExpectResync("new");
  now().set_id(kTable);
  before_.mutable_tables(0)->set_follow(proto::FOLLOW_SCHEMA_ONLY);
  ExpectResync("not kept");
  now().set_follow(proto::FOLLOW_SCHEMA_ONLY);
  EXPECT_EQ(FateOf(), schema::Fate::kNoRows);
}

TEST_F(TableChangeTest, ATableWithLostChangesIsResynced) {
  to_resync_ = {kTable};
  ExpectResync("could not be followed");
}

TEST_F(TableChangeTest, AnotherIdentityNeedsAResync) {
  now().set_follow(proto::FOLLOW_BAG);
  ExpectResync("another way");
  now() = before_.tables(0);
  now().set_key_columns(0, 1);
  ExpectResync("other columns");
  now() = before_.tables(0);
  now().set_key_is_integer(0, false);
  ExpectResync("other columns");
  now() = before_.tables(0);
  state().set_constraint_oid(51);
  ExpectResync("created again");
}

TEST_F(TableChangeTest, ATableThatLeftThePublicationForAWhileIsResynced) {
  state().set_membership("3:4");
  ExpectResync("in the publication");
}

TEST_F(TableChangeTest, ColumnsAddedInPlaceKeepTheRows) {
  now_ = Schema(2, {{1, "id"}, {2, "name"}, {3, "more"}});
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
  state().set_file(101);
  ExpectResync("rewritten");
}

TEST_F(TableChangeTest, DroppedColumnsKeepTheRows) {
  now_ = Schema(2, {{1, "id"}});
  state().set_last_column(2);
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
}

TEST_F(TableChangeTest, ColumnsThatCouldBeConfusedNeedAResync) {
  now_ = Schema(2, {{1, "id"}, {3, "name"}});
  ExpectResync("added and dropped");
  now_ = Schema(3, {{1, "id"}, {2, "name"}, {4, "more"}});
  ExpectResync("added and dropped again");
}

TEST_F(TableChangeTest, AMultisetIsResyncedWhenItsRowsGetOtherColumns) {
  for (proto::SchemaVersion* schema : {&before_, &now_}) {
    schema->mutable_tables(0)->set_follow(proto::FOLLOW_BAG);
    schema->mutable_tables(0)->clear_key_columns();
    schema->mutable_tables(0)->clear_key_is_integer();
  }
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
  now_ = Schema(2, {{1, "id"}, {2, "name"}, {3, "more"}});
  now().set_follow(proto::FOLLOW_BAG);
  now().clear_key_columns();
  now().clear_key_is_integer();
  ExpectResync("other columns");
}

TEST_F(TableChangeTest, AnotherTypeNeedsAResyncAndAnotherLengthDoesNot) {
  state().mutable_columns(1)->set_type_modifier(24);
  state().mutable_columns(1)->set_xmin(901);
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
  state().mutable_columns(1)->set_type_oid(20);
  ExpectResync("another type");
}

TEST_F(TableChangeTest, AChangedTypeDefinitionNeedsAResync) {
  state().mutable_columns(1)->set_type_fingerprint("other");
  ExpectResync("has changed");
}

TEST_F(TableChangeTest, ARenamedEnumLabelNeedsAResyncAndAnAddedOneDoesNot) {
  for (proto::SchemaVersion* schema : {&before_, &now_}) {
    schema->mutable_tables(0)->mutable_state()->mutable_columns(1)->add_enums(30);
    for (uint32_t oid : {31u, 32u}) {
      proto::EnumLabel* label = schema->add_enum_labels();
      label->set_oid(oid);
      label->set_type_oid(oid - 1);
      label->set_label("label");
    }
  }
  proto::EnumLabel* added = now_.add_enum_labels();
  added->set_oid(33);
  added->set_type_oid(30);
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
  now_.mutable_enum_labels(1)->set_label("of another type");
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
  now_.mutable_enum_labels(0)->set_label("renamed");
  ExpectResync("has changed");
}

TEST_F(TableChangeTest, ValuesThatNameOtherObjectsAreResyncedIfNamesMayHaveChanged) {
  state().mutable_columns(1)->set_by_name(true);
  ExpectResync("refers to other objects");
  text_changed_ = false;
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
}

TEST_F(TableChangeTest, ANewFileWithANewDefinitionKeepsTheRowsOnlyIfProven) {
  state().set_file(101);
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
  state().mutable_columns(1)->set_xmin(901);
  EXPECT_EQ(FateOf(), schema::Fate::kKeepIfProven);
  state().set_file(100);
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
}

TEST_F(TableChangeTest, ATableThatIsNotStreamedIsResyncedWhenItsContentChanged) {
  for (proto::SchemaVersion* schema : {&before_, &now_}) {
    schema->mutable_tables(0)->set_follow(proto::FOLLOW_COPY);
    schema->mutable_tables(0)->set_content("1:2");
  }
  EXPECT_EQ(FateOf(), schema::Fate::kKeep);
  now().set_content("1:3");
  ExpectResync("has changed");
  now().set_content("1:2");
  now().set_filter(" WHERE true");
  ExpectResync("other rows");
}

}  // namespace
}  // namespace rotv
