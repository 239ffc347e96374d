#include <gtest/gtest.h>

#include "sync/catalog.h"

namespace rotv {
namespace {

CatalogIndex PrimaryKey(const std::vector<int>& column_numbers) {
  return {.quoted_name = "t_pkey",
          .is_primary = true,
          .is_immediate = true,
          .is_valid = true,
          .column_numbers = column_numbers};
}

CatalogIndex IdentityIndex(const std::vector<int>& column_numbers) {
  return {.quoted_name = "t_key",
          .is_replica_identity = true,
          .is_immediate = true,
          .is_valid = true,
          .column_numbers = column_numbers};
}

// Columns id (1), a dropped one (2), name (3), total (4, generated).
CatalogTable Table(const std::vector<CatalogIndex>& indexes) {
  CatalogTable table;
  table.oid = 16400;
  table.schema = "public";
  table.name = "T";
  table.quoted_name = "public.\"T\"";
  table.columns = {{.name = "id", .quoted_name = "id", .number = 1, .type_oid = 23},
                   {.name = "Name", .quoted_name = "\"Name\"", .number = 3, .type_oid = 25},
                   {.name = "total", .quoted_name = "total", .number = 4, .type_oid = 23, .is_generated = true}};
  table.indexes = indexes;
  return table;
}

void ExpectProblem(const FollowDecision& decision, const std::string& fix) {
  EXPECT_EQ(decision.follow, proto::FOLLOW_SCHEMA_ONLY);
  EXPECT_NE(decision.problem.find("public.\"T\""), std::string::npos) << decision.problem;
  EXPECT_NE(decision.fix.find(fix), std::string::npos) << decision.fix;
  EXPECT_NE(decision.fix.find("exclude = [\"public.T\"]"), std::string::npos) << decision.fix;
}

TEST(CatalogDecideTest, APrimaryKeyIsFollowed) {
  FollowDecision decision = Decide(Table({PrimaryKey({3, 1})}), {});
  EXPECT_EQ(decision.follow, proto::FOLLOW_KEY);
  EXPECT_EQ(decision.way, "by primary key");
  EXPECT_EQ(decision.reason, "t_pkey");
  EXPECT_EQ(decision.column_numbers, (std::vector<int>{3, 1}));
  EXPECT_EQ(decision.problem, "");
}

TEST(CatalogDecideTest, AChosenUniqueIndexComesBeforeThePrimaryKey) {
  CatalogTable table = Table({PrimaryKey({1}), IdentityIndex({3})});
  EXPECT_EQ(Decide(table, {}).reason, "t_pkey");
  table.replica_identity = 'i';
  FollowDecision decision = Decide(table, {});
  EXPECT_EQ(decision.follow, proto::FOLLOW_KEY);
  EXPECT_EQ(decision.way, "by index t_key");
  EXPECT_EQ(decision.column_numbers, std::vector<int>{3});
}

TEST(CatalogDecideTest, WithoutAUsablePrimaryKeyTheSourceWouldRefuseChanges) {
  CatalogIndex deferrable = PrimaryKey({1}), invalid = PrimaryKey({1});
  deferrable.is_immediate = false;
  invalid.is_valid = false;
  for (const CatalogTable& table : {Table({}), Table({deferrable}), Table({invalid}), Table({IdentityIndex({1})})}) {
    ExpectProblem(Decide(table, {}), "ALTER TABLE public.\"T\" REPLICA IDENTITY FULL");
  }
}

TEST(CatalogDecideTest, AnIdentityIndexThatIsGoneIsAProblemAlthoughThereIsAPrimaryKey) {
  CatalogTable table = Table({PrimaryKey({1})});
  table.replica_identity = 'i';
  ExpectProblem(Decide(table, {}), "REPLICA IDENTITY FULL");
}

TEST(CatalogDecideTest, IdentityNothingIsAProblem) {
  CatalogTable table = Table({PrimaryKey({1})});
  table.replica_identity = 'n';
  ExpectProblem(Decide(table, {}), "REPLICA IDENTITY DEFAULT");
}

TEST(CatalogDecideTest, UnderIdentityFullAnImmediatePrimaryKeyServes) {
  CatalogTable table = Table({PrimaryKey({1})});
  table.replica_identity = 'f';
  EXPECT_EQ(Decide(table, {}).follow, proto::FOLLOW_KEY);
  EXPECT_EQ(Decide(table, {}).column_numbers, std::vector<int>{1});
}

TEST(CatalogDecideTest, UnderIdentityFullWithoutAUsableKeyItIsABag) {
  CatalogIndex deferrable = PrimaryKey({1}), invalid = PrimaryKey({1});
  deferrable.is_immediate = false;
  invalid.is_valid = false;
  for (CatalogTable table :
       {Table({}), Table({deferrable}), Table({invalid}), Table({PrimaryKey({1, 4})}), Table({IdentityIndex({1})})}) {
    table.replica_identity = 'f';
    EXPECT_EQ(Decide(table, {}).follow, proto::FOLLOW_BAG);
    EXPECT_EQ(Decide(table, {}).way, "as a bag");
    EXPECT_EQ(Decide(table, {}).problem, "");
  }
}

TEST(CatalogDecideTest, AGeneratedColumnCannotIdentifyARow) {
  ExpectProblem(Decide(Table({PrimaryKey({1, 4})}), {}), "REPLICA IDENTITY FULL");
}

TEST(CatalogDecideTest, AnUnloggedTableIsAProblem) {
  CatalogTable table = Table({PrimaryKey({1})});
  table.persistence = 'u';
  ExpectProblem(Decide(table, {}), "SET LOGGED");
}

TEST(CatalogDecideTest, AnExcludedTableIsNoProblemWhateverIsWrongWithIt) {
  CatalogTable table = Table({});
  table.persistence = 'u';
  SourceConfig source;
  source.exclude = {"public.t", "other.T", "public.T"};
  EXPECT_EQ(Decide(table, source).follow, proto::FOLLOW_SCHEMA_ONLY);
  EXPECT_EQ(Decide(table, source).problem, "");
  EXPECT_EQ(Decide(table, source).reason, "excluded in rotv.toml");
  source.exclude.pop_back();
  EXPECT_NE(Decide(table, source).problem, "");
}

TEST(CatalogDecideTest, PartitionedAndForeignTablesHaveNoRowsOfTheirOwn) {
  for (char kind : {'p', 'f'}) {
    CatalogTable table = Table({PrimaryKey({1})});
    table.kind = kind;
    EXPECT_EQ(Decide(table, {}).follow, proto::FOLLOW_SCHEMA_ONLY);
    EXPECT_EQ(Decide(table, {}).problem, "");
    EXPECT_EQ(Decide(table, {}).lacking, "");
  }
}

TEST(CatalogDecideTest, AnExtensionsTableIsMadeByTheExtension) {
  CatalogTable table = Table({});
  table.of_extension = true;
  EXPECT_EQ(Decide(table, {}).follow, proto::FOLLOW_SCHEMA_ONLY);
  EXPECT_EQ(Decide(table, {}).problem, "");
  EXPECT_EQ(Decide(table, {}).lacking, "");
  table.is_extension_config = true;
  EXPECT_NE(Decide(table, {}).lacking.find("public.\"T\""), std::string::npos);
}

TEST(CatalogDecideTest, TheDescriptionLeavesGeneratedColumnsOutAndCountsKeysAmongTheOthers) {
  Catalog catalog;
  catalog.tables = {Table({PrimaryKey({3, 1})})};
  catalog.sequences = {{.oid = 7, .schema = "s", .name = "Q", .quoted_name = "s.\"Q\""}};
  proto::SchemaVersion schema = DescribeSchema(catalog, {});
  ASSERT_EQ(schema.tables_size(), 1);
  const proto::Table& table = schema.tables(0);
  EXPECT_EQ(table.id(), 16400u);
  EXPECT_EQ(table.copy_columns(), "(id, \"Name\")");
  ASSERT_EQ(table.key_columns_size(), 2);
  EXPECT_EQ(table.key_columns(0), 1u);
  EXPECT_EQ(table.key_columns(1), 0u);
  EXPECT_FALSE(table.key_is_integer(0));
  EXPECT_TRUE(table.key_is_integer(1));
  ASSERT_EQ(schema.shapes_size(), 1);
  EXPECT_EQ(schema.shapes(0).id(), table.shape());
  ASSERT_EQ(schema.shapes(0).columns_size(), 2);
  EXPECT_EQ(schema.shapes(0).columns(1).name(), "Name");
  ASSERT_EQ(schema.sequences_size(), 1);
  EXPECT_EQ(schema.sequences(0).quoted_name(), "s.\"Q\"");
  EXPECT_TRUE(IsFollowed(table));
}

TEST(CatalogDecideTest, ATableWithoutColumnsHasNoListOfColumns) {
  Catalog catalog;
  catalog.tables = {Table({})};
  catalog.tables[0].columns.clear();
  catalog.tables[0].replica_identity = 'f';
  proto::SchemaVersion schema = DescribeSchema(catalog, {});
  EXPECT_EQ(schema.tables(0).copy_columns(), "");
  EXPECT_EQ(schema.tables(0).follow(), proto::FOLLOW_BAG);
}

}  // namespace
}  // namespace rotv
