#include "sync/schema/follow.h"

#include <gtest/gtest.h>

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

void ExpectCopied(const FollowDecision& decision, const std::string& advice) {
  EXPECT_EQ(decision.follow, proto::FOLLOW_COPY);
  EXPECT_NE(decision.reason, "");
  EXPECT_NE(decision.advice.find(advice), std::string::npos) << decision.advice;
}

TEST(FollowTest, APrimaryKeyIsFollowed) {
  FollowDecision decision = Decide(Table({PrimaryKey({3, 1})}), {});
  EXPECT_EQ(decision.follow, proto::FOLLOW_KEY);
  EXPECT_EQ(decision.way, "by primary key");
  EXPECT_EQ(decision.reason, "t_pkey");
  EXPECT_EQ(decision.column_numbers, (std::vector<int>{3, 1}));
}

TEST(FollowTest, AChosenUniqueIndexComesBeforeThePrimaryKey) {
  CatalogTable table = Table({PrimaryKey({1}), IdentityIndex({3})});
  EXPECT_EQ(Decide(table, {}).reason, "t_pkey");
  table.replica_identity = 'i';
  FollowDecision decision = Decide(table, {});
  EXPECT_EQ(decision.follow, proto::FOLLOW_KEY);
  EXPECT_EQ(decision.way, "by index t_key");
  EXPECT_EQ(decision.column_numbers, std::vector<int>{3});
}

TEST(FollowTest, WithoutAUsablePrimaryKeyItIsCopied) {
  CatalogIndex deferrable = PrimaryKey({1}), invalid = PrimaryKey({1});
  deferrable.is_immediate = false;
  invalid.is_valid = false;
  for (const CatalogTable& table : {Table({}), Table({deferrable}), Table({invalid}), Table({IdentityIndex({1})})}) {
    ExpectCopied(Decide(table, {}), "ALTER TABLE public.\"T\" REPLICA IDENTITY FULL");
  }
}

TEST(FollowTest, WithAnIdentityIndexThatIsGoneItIsCopiedAlthoughThereIsAPrimaryKey) {
  CatalogTable table = Table({PrimaryKey({1})});
  table.replica_identity = 'i';
  ExpectCopied(Decide(table, {}), "REPLICA IDENTITY FULL");
}

TEST(FollowTest, WithIdentityNothingItIsCopied) {
  CatalogTable table = Table({PrimaryKey({1})});
  table.replica_identity = 'n';
  ExpectCopied(Decide(table, {}), "REPLICA IDENTITY DEFAULT");
}

TEST(FollowTest, UnderIdentityFullAnImmediatePrimaryKeyServes) {
  CatalogTable table = Table({PrimaryKey({1})});
  table.replica_identity = 'f';
  EXPECT_EQ(Decide(table, {}).follow, proto::FOLLOW_KEY);
  EXPECT_EQ(Decide(table, {}).column_numbers, std::vector<int>{1});
}

TEST(FollowTest, UnderIdentityFullWithoutAUsableKeyItIsABag) {
  CatalogIndex deferrable = PrimaryKey({1}), invalid = PrimaryKey({1});
  deferrable.is_immediate = false;
  invalid.is_valid = false;
  for (CatalogTable table :
       {Table({}), Table({deferrable}), Table({invalid}), Table({PrimaryKey({1, 4})}), Table({IdentityIndex({1})})}) {
    table.replica_identity = 'f';
    EXPECT_EQ(Decide(table, {}).follow, proto::FOLLOW_BAG);
    EXPECT_EQ(Decide(table, {}).way, "as a bag");
  }
}

TEST(FollowTest, AGeneratedColumnCannotIdentifyARow) {
  ExpectCopied(Decide(Table({PrimaryKey({1, 4})}), {}), "REPLICA IDENTITY FULL");
}

TEST(FollowTest, IdentityFullIsOfNoUseWhereTheServerCountsGeneratedColumnsIn) {
  CatalogTable table = Table({PrimaryKey({1})});
  table.full_identity_serves = false;
  EXPECT_EQ(Decide(table, {}).follow, proto::FOLLOW_KEY);
  table.replica_identity = 'f';
  ExpectCopied(Decide(table, {}), "REPLICA IDENTITY DEFAULT");
}

TEST(FollowTest, AnUnloggedTableIsCopied) {
  CatalogTable table = Table({PrimaryKey({1})});
  table.persistence = 'u';
  ExpectCopied(Decide(table, {}), "SET LOGGED");
}

TEST(FollowTest, AnExcludedTableIsLeftOutWhateverItIs) {
  CatalogTable table = Table({});
  table.persistence = 'u';
  SourceConfig source;
  source.exclude = {"public.t", "other.T", "public.T"};
  EXPECT_EQ(Decide(table, source).follow, proto::FOLLOW_SCHEMA_ONLY);
  EXPECT_EQ(Decide(table, source).reason, "excluded in rotv.toml");
  source.exclude.pop_back();
}

TEST(FollowTest, PartitionedAndForeignTablesHaveNoRowsOfTheirOwn) {
  for (char kind : {'p', 'f'}) {
    CatalogTable table = Table({PrimaryKey({1})});
    table.kind = kind;
    EXPECT_EQ(Decide(table, {}).follow, proto::FOLLOW_SCHEMA_ONLY);
  }
}

TEST(FollowTest, AnExtensionsTableIsMadeByTheExtension) {
  CatalogTable table = Table({});
  table.of_extension = true;
  EXPECT_EQ(Decide(table, {}).follow, proto::FOLLOW_SCHEMA_ONLY);
  table.is_extension_config = true;
  EXPECT_EQ(Decide(table, {}).follow, proto::FOLLOW_COPY);
  EXPECT_EQ(Decide(table, {}).filter, "");
  table.extension_filter = "WHERE NOT builtin";
  EXPECT_EQ(Decide(table, {}).filter, " WHERE NOT builtin");
}

TEST(FollowTest, ACopyIsKeptByTheTablesPrimaryKeyIfItHasOne) {
  CatalogTable table = Table({PrimaryKey({3})});
  table.persistence = 'u';
  EXPECT_EQ(Decide(table, {}).column_numbers, std::vector<int>{3});
  table.indexes[0].is_immediate = false;
  EXPECT_EQ(Decide(table, {}).column_numbers, std::vector<int>{3}) << "it is unique once a transaction has ended";
  table.indexes[0].is_valid = false;
  EXPECT_TRUE(Decide(table, {}).column_numbers.empty());
}

TEST(FollowTest, TablesAreStreamedUnderTheirNames) {
  proto::SchemaVersion a, b;
  a.add_tables()->set_id(1);
  a.mutable_tables(0)->set_follow(proto::FOLLOW_KEY);
  b = a;
  b.add_tables()->set_follow(proto::FOLLOW_COPY);
  EXPECT_TRUE(SameTablesAreStreamed(a, b));
  b.mutable_tables(1)->set_follow(proto::FOLLOW_BAG);
  EXPECT_FALSE(SameTablesAreStreamed(a, b));
  b = a;
  b.mutable_tables(0)->set_quoted_name("renamed");
  EXPECT_FALSE(SameTablesAreStreamed(a, b));
}

}  // namespace
}  // namespace rotv
