#include "sync/carry/schema_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/support/files/thrown.h"
#include "tests/sync/store_source.h"

namespace rotv::carry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

proto::SchemaVersion Schema() {
  schema::DescribedSchema described;
  testing::AddTable(&described, 1, "a", {{"id", testing::kInt4Oid}, {"name"}}, {0});
  proto::SchemaVersion schema = described.schema;
  schema.set_standard_strings(true);
  schema.set_pre_data("-- Dumped by pg_dump version 15.1\n\nSET x = 1;\nCREATE TABLE a ();\n");
  schema.set_post_data("CREATE INDEX i ON a (name);\n");
  schema.add_sequences()->set_quoted_name("public.s");
  schema.mutable_database()->set_server_version(150001);
  return schema;
}

constexpr const char* kChanged = "the schema changed";

std::string WhyNotAfter(const std::function<void(proto::SchemaVersion&)>& change) {
  proto::SchemaVersion changed = Schema();
  change(changed);
  const std::string why = WhyNeverCarried(Schema(), changed);
  EXPECT_EQ(why, WhyNeverCarried(changed, Schema())) << "it depends on the direction";
  const bool same = SameSchema(Schema(), changed);
  EXPECT_EQ(same, SameSchema(changed, Schema())) << "it depends on the direction";
  return same ? why : kChanged;
}

TEST(SchemaMatchTest, WhatASeedHasInItsSchemaIsCompared) {
  EXPECT_EQ(WhyNotAfter([](auto&) {}), "");
  EXPECT_EQ(WhyNotAfter([](auto& schema) { schema.mutable_pre_data()->append("CREATE TABLE b ();\n"); }), kChanged);
  EXPECT_EQ(WhyNotAfter([](auto& schema) { schema.set_post_data(""); }), kChanged);
  EXPECT_EQ(WhyNotAfter([](auto& schema) { schema.set_standard_strings(false); }), kChanged);
  EXPECT_EQ(WhyNotAfter([](auto& schema) { schema.mutable_tables(0)->set_follow(proto::FOLLOW_SCHEMA_ONLY); }),
            kChanged);
  EXPECT_EQ(WhyNotAfter([](auto& schema) { schema.mutable_tables(0)->set_copy_columns("(name, id)"); }), kChanged);
  EXPECT_EQ(WhyNotAfter([](auto& schema) { schema.mutable_tables(0)->set_load_through("public.root"); }), kChanged);
  EXPECT_EQ(WhyNotAfter([](auto& schema) { schema.mutable_tables(0)->set_filter(" WHERE false"); }), kChanged);
  EXPECT_EQ(WhyNotAfter([](auto& schema) { schema.add_sequences()->set_quoted_name("public.t"); }), kChanged);
  EXPECT_NE(WhyNotAfter([](auto& schema) { schema.mutable_tables(0)->mutable_mask()->set_sample_percent(5); }), "");
  EXPECT_NE(WhyNotAfter([](auto& schema) { schema.add_not_valid()->set_name("k"); }), "");
  EXPECT_NE(WhyNotAfter([](auto& schema) { schema.mutable_database()->add_roles("r"); }), "");
}

TEST(SchemaMatchTest, WhatASeedDoesNotHaveIsNotCompared) {
  // A TRUNCATE gives a table another file, a table that is created again has another id.
  EXPECT_EQ(WhyNotAfter([](auto& schema) { schema.mutable_tables(0)->mutable_state()->set_file(7); }), "");
  EXPECT_EQ(WhyNotAfter([](auto& schema) { schema.mutable_tables(0)->set_id(7); }), "");
  EXPECT_EQ(WhyNotAfter([](auto& schema) { schema.mutable_tables(0)->set_content("7"); }), "");
  EXPECT_EQ(WhyNotAfter([](auto& schema) {
              schema.set_pre_data("-- Dumped by pg_dump version 15.2\n\nSET x = 1;\nCREATE TABLE a ();\n");
            }),
            "");
}

TEST(SchemaMatchTest, LargeObjectsOfTheTextAreNoPartOfTheSchema) {
  constexpr const char* kObjects =
      "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = '7';\nSET x = 1;\n"
      "CREATE TABLE a ();\n--\n-- Name: 7; Type: BLOB; Schema: -; Owner: -\n--\n\n"
      "SELECT pg_catalog.lo_create('7');\n\nCOMMENT ON LARGE OBJECT 7 IS 'a; comment';\n";
  EXPECT_EQ(WhyNotAfter([&](auto& schema) { schema.set_pre_data(kObjects); }), "");
  EXPECT_EQ(WhyNotAfter([](auto& schema) { schema.add_large_objects()->add_objects()->set_oid(7); }), "");
}

TEST(ObjectCommentsTest, AreReadFromTheText) {
  proto::SchemaVersion schema = Schema();
  EXPECT_THAT(ObjectComments(schema), IsEmpty());
  schema.set_pre_data(
      "COMMENT ON TABLE a IS 'COMMENT ON LARGE OBJECT 1 IS ''no'';';\n"
      "COMMENT ON LARGE OBJECT 7 IS 'it''s \\ a; line\nand another';\nCOMMENT ON LARGE OBJECT 4294967295 IS '';\n");
  EXPECT_THAT(ObjectComments(schema), ElementsAre(Pair(7, "it's \\ a; line\nand another"), Pair(4294967295U, "")));
  schema.set_standard_strings(false);
  schema.set_pre_data("COMMENT ON LARGE OBJECT 7 IS 'it''s \\\\ a';\n");
  EXPECT_THAT(ObjectComments(schema), ElementsAre(Pair(7, "it's \\ a")));
  schema.set_pre_data("COMMENT ON LARGE OBJECT 7 IS NULL;\n");
  EXPECT_EQ(testing::CodeOf([&] { ObjectComments(schema); }), ErrorCode::kCorrupt);
  schema.set_pre_data("COMMENT ON LARGE OBJECT x IS 'x';\n");
  EXPECT_EQ(testing::CodeOf([&] { ObjectComments(schema); }), ErrorCode::kCorrupt);
}

TEST(ObjectCommentsTest, AreReadFromTheGroups) {
  proto::SchemaVersion schema = Schema();
  proto::LargeObjectGroup* group = schema.add_large_objects();
  group->add_objects()->set_oid(7);
  group->add_objects()->set_oid(8);
  group->mutable_objects(1)->set_comment("it's");
  EXPECT_THAT(ObjectComments(schema), ElementsAre(Pair(8, "it's")));
}

}  // namespace
}  // namespace rotv::carry
