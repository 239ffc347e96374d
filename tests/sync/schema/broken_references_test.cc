#include "sync/schema/broken_references.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/error.h"

namespace rotv::schema {
namespace {

using ::testing::HasSubstr;

constexpr int kOldServer = 170005, kServer18 = 180001;

class BrokenReferencesTest : public ::testing::Test {
 protected:
  postgres::CatalogTable& Add(uint32_t oid, const std::string& name, char kind = 'r', uint32_t partition_of = 0) {
    postgres::CatalogTable table;
    table.oid = oid;
    table.schema = "public";
    table.name = name;
    table.quoted_name = "public." + name;
    table.kind = kind;
    table.partition_of = partition_of;
    // Each table has its columns under other numbers.
    const int first = static_cast<int>(oid) * 10;
    for (const std::string column : {"x", "y"}) {
      table.columns.push_back(
          {.name = column, .quoted_name = column, .number = first + (column == "y"), .missing = {}});
    }
    catalog_.tables.push_back(table);
    return catalog_.tables.back();
  }
  postgres::CatalogReference& Reference(uint32_t from, uint32_t to) {
    const int first = static_cast<int>(from) * 10;
    catalog_.references.push_back(
        {.table = from, .referenced_table = to, .name = "k", .column_numbers = {first, first + 1}});
    return catalog_.references.back();
  }
  void Mask(uint32_t oid, const std::string& column, const std::string& rule = "null") {
    for (postgres::CatalogTable& table : catalog_.tables) {
      if (table.oid != oid) continue;
      proto::MaskedColumn* masked = table.mask.add_columns();
      masked->set_name(column);
      masked->mutable_rule()->set_name(rule);
    }
  }

  // The error; empty if there is none.
  std::string Problem(int version = kOldServer) {
    try {
      SettleReferences(source_, version, &catalog_);
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      EXPECT_THAT(error.hint(), HasSubstr("missing_references = \"not_valid\" in [sources.production]"));
      return error.what();
    }
  }

  postgres::Catalog catalog_;
  SourceConfig source_{.name = "production"};
};

TEST_F(BrokenReferencesTest, RowsThatAreLeftOutMustNotBeReferenced) {
  Add(1, "users");
  Add(2, "orders");
  Reference(2, 1);
  EXPECT_EQ(Problem(), "");
  source_.exclude = {"public.users"};
  EXPECT_EQ(
      Problem(),
      "a seed could not be imported: public.orders (x, y) references public.users, which is excluded: foreign key k");
  source_.exclude = {"public.users", "public.orders"};
  EXPECT_EQ(Problem(), "");
  source_.exclude = {};
  catalog_.tables[0].dropped = true;
  EXPECT_THAT(Problem(), HasSubstr("public.users, whose rows a masking rule drops"));
  catalog_.tables[0].dropped = false;
  catalog_.tables[0].mask.set_sample_percent(5);
  EXPECT_THAT(Problem(), HasSubstr("keeps a sample"));
  catalog_.tables[0].mask.set_sample_percent(0);
  catalog_.tables[0].mask.add_conditions();
  EXPECT_THAT(Problem(), HasSubstr("keeps the rows of a condition"));
  catalog_.tables[1].kind = 'f';
  EXPECT_EQ(Problem(), "");
}

TEST_F(BrokenReferencesTest, AReferenceToTheTableItselfBreaksOnlyIfSomeRowsStay) {
  Add(1, "tree");
  Reference(1, 1);
  source_.exclude = {"public.tree"};
  EXPECT_EQ(Problem(), "");
  source_.exclude = {};
  catalog_.tables[0].mask.set_sample_percent(5);
  EXPECT_NE(Problem(), "");
}

TEST_F(BrokenReferencesTest, WhatAnImportDoesNotCheckCounts) {
  Add(1, "users");
  Add(2, "orders");
  source_.exclude = {"public.users"};
  Reference(2, 1).is_checked = false;
  Reference(99, 1);  // A table that is not in the catalogue.
  EXPECT_EQ(Problem(), "");
  Reference(2, 1);
  Mask(2, "x", "hash");
  EXPECT_NE(Problem(), "");
  Mask(2, "y");
  EXPECT_EQ(Problem(), "");
  catalog_.references.back().match_full = true;
  EXPECT_NE(Problem(), "");
  Mask(2, "x");
  EXPECT_EQ(Problem(), "");
}

TEST_F(BrokenReferencesTest, PartitionsCountByTheKeyOfTheirTable) {
  Add(1, "r", 'p');
  Add(2, "r_half", 'p', 1);
  Add(3, "r_leaf", 'r', 2);
  Add(4, "r_other", 'r', 1);
  Add(5, "p", 'p');
  Add(6, "p_leaf", 'r', 5);
  Reference(5, 1);
  source_.exclude = {"public.r"};  // It has no rows of its own.
  EXPECT_EQ(Problem(), "");
  source_.exclude = {"public.r_leaf"};
  EXPECT_THAT(Problem(), HasSubstr("public.p_leaf (x, y) references public.r_leaf, which is excluded"));
  Mask(6, "y");
  EXPECT_EQ(Problem(), "");
}

TEST_F(BrokenReferencesTest, TheyAreNotValidIfTheConfigSaysSo) {
  Add(1, "users");
  Add(2, "orders");
  Add(3, "p", 'p');
  Add(4, "p_leaf", 'r', 3);
  source_.exclude = {"public.users"};
  source_.missing_references = MissingReferences::kNotValid;
  Reference(2, 1);
  EXPECT_EQ(Problem(), "");
  ASSERT_EQ(catalog_.not_valid.size(), 1u);
  EXPECT_EQ(NotValidText(catalog_), "k of public.orders");
  Reference(3, 1);
  EXPECT_THAT(Problem(), HasSubstr("cannot be NOT VALID, since its table is partitioned"));
  EXPECT_EQ(Problem(kServer18), "");
  EXPECT_EQ(NotValidText(catalog_), "k of public.orders, k of public.p");

  proto::SchemaVersion schema;
  EXPECT_TRUE(ReferencesAreSettled(schema, {}));
  schema.add_not_valid();
  EXPECT_TRUE(ReferencesAreSettled(schema, source_));
  EXPECT_FALSE(ReferencesAreSettled(schema, {}));
}

}  // namespace
}  // namespace rotv::schema
