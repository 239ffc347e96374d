#include "sync/schema/follow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rotv {
namespace {

postgres::CatalogIndex PrimaryKey(const std::vector<int>& column_numbers) {
  return {.quoted_name = "t_pkey",
          .is_primary = true,
          .is_immediate = true,
          .is_valid = true,
          .column_numbers = column_numbers};
}

postgres::CatalogIndex IdentityIndex(const std::vector<int>& column_numbers) {
  return {.quoted_name = "t_key",
          .is_replica_identity = true,
          .is_immediate = true,
          .is_valid = true,
          .column_numbers = column_numbers};
}

// Columns id (1), a dropped one (2), name (3), total (4, generated).
postgres::CatalogTable Table(const std::vector<postgres::CatalogIndex>& indexes) {
  postgres::CatalogTable table;
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

void ExpectResync(const schema::FollowDecision& decision, const std::string& advice) {
  EXPECT_EQ(decision.follow, proto::FOLLOW_COPY);
  EXPECT_NE(decision.reason, "");
  EXPECT_THAT(decision.advice, ::testing::HasSubstr(advice));
}

TEST(FollowTest, APrimaryKeyIsFollowed) {
  schema::FollowDecision decision = schema::Decide(Table({PrimaryKey({3, 1})}), {});
  EXPECT_EQ(decision.follow, proto::FOLLOW_KEY);
  EXPECT_EQ(decision.way, "by primary key");
  EXPECT_EQ(decision.reason, "t_pkey");
  EXPECT_EQ(decision.column_numbers, (std::vector<int>{3, 1}));
}

TEST(FollowTest, AReplicaIdentityIndexOverridesThePrimaryKey) {
  postgres::CatalogTable table = Table({PrimaryKey({1}), IdentityIndex({3})});
  EXPECT_EQ(schema::Decide(table, {}).reason, "t_pkey");
  table.replica_identity = 'i';
  schema::FollowDecision decision = schema::Decide(table, {});
  EXPECT_EQ(decision.follow, proto::FOLLOW_KEY);
  EXPECT_EQ(decision.way, "by index t_key");
  EXPECT_EQ(decision.column_numbers, std::vector<int>{3});
}

TEST(FollowTest, WithoutAUsablePrimaryKeyItIsResynced) {
  postgres::CatalogIndex deferrable = PrimaryKey({1}), invalid = PrimaryKey({1});
  deferrable.is_immediate = false;
  invalid.is_valid = false;
  for (const postgres::CatalogTable& table :
       {Table({}), Table({deferrable}), Table({invalid}), Table({IdentityIndex({1})})}) {
    ExpectResync(schema::Decide(table, {}), "ALTER TABLE public.\"T\" REPLICA IDENTITY FULL");
  }
}

TEST(FollowTest, WithADroppedIdentityIndexItIsResyncedDespiteAPrimaryKey) {
  postgres::CatalogTable table = Table({PrimaryKey({1})});
  table.replica_identity = 'i';
  ExpectResync(schema::Decide(table, {}), "REPLICA IDENTITY DEFAULT");
  table.indexes.clear();
  ExpectResync(schema::Decide(table, {}), "REPLICA IDENTITY FULL");
}

TEST(FollowTest, AnIdentityThatMayHoldNullIsResynced) {
  postgres::CatalogTable table = Table({IdentityIndex({1})});
  table.replica_identity = 'i';
  EXPECT_EQ(schema::Decide(table, {}).follow, proto::FOLLOW_KEY);
  table.indexes[0].may_hold_null = true;
  ExpectResync(schema::Decide(table, {}), "REPLICA IDENTITY FULL");
  EXPECT_THAT(schema::Decide(table, {}).reason, ::testing::HasSubstr("NOT VALID"));
}

// Whatever a table has, its advice makes it one that is streamed: no statement leads to another one.
TEST(FollowTest, AdviceNeverGoesRoundInACircle) {
  for (const char identity : {'d', 'n', 'f', 'i'}) {
    for (const bool primary : {false, true}) {
      for (const bool unique : {false, true}) {
        for (const bool full_serves : {false, true}) {
          for (const char persistence : {'p', 'u'}) {
            postgres::CatalogTable table = Table({});
            if (primary) table.indexes.push_back(PrimaryKey({1}));
            if (unique) table.identity_index = "by_name";
            table.replica_identity = identity;
            table.full_identity_serves = full_serves;
            table.persistence = persistence;
            const schema::FollowDecision decision = schema::Decide(table, {});
            if (decision.follow != proto::FOLLOW_COPY) continue;
            const bool can_be = primary || unique || full_serves;
            EXPECT_EQ(decision.advice.empty(), !can_be) << decision.reason << ": " << decision.advice;
            // What the statements do to the table.
            table.persistence = 'p';
            if (decision.advice.ends_with("IDENTITY DEFAULT")) table.replica_identity = 'd';
            if (decision.advice.ends_with("IDENTITY FULL")) table.replica_identity = 'f';
            if (decision.advice.ends_with("USING INDEX by_name")) {
              table.replica_identity = 'i';
              table.indexes.push_back(IdentityIndex({3}));
            }
            EXPECT_EQ(schema::Decide(table, {}).follow == proto::FOLLOW_COPY, !can_be) << decision.advice;
          }
        }
      }
    }
  }
}

TEST(FollowTest, WithIdentityNothingItIsResynced) {
  postgres::CatalogTable table = Table({PrimaryKey({1})});
  table.replica_identity = 'n';
  ExpectResync(schema::Decide(table, {}), "REPLICA IDENTITY DEFAULT");
}

TEST(FollowTest, UnderIdentityFullAnImmediatePrimaryKeyIsUsed) {
  postgres::CatalogTable table = Table({PrimaryKey({1})});
  table.replica_identity = 'f';
  EXPECT_EQ(schema::Decide(table, {}).follow, proto::FOLLOW_KEY);
  EXPECT_EQ(schema::Decide(table, {}).column_numbers, std::vector<int>{1});
}

TEST(FollowTest, UnderIdentityFullWithoutAUsableKeyItIsAMultiset) {
  postgres::CatalogIndex deferrable = PrimaryKey({1}), invalid = PrimaryKey({1});
  deferrable.is_immediate = false;
  invalid.is_valid = false;
  for (postgres::CatalogTable table :
       {Table({}), Table({deferrable}), Table({invalid}), Table({PrimaryKey({1, 4})}), Table({IdentityIndex({1})})}) {
    table.replica_identity = 'f';
    EXPECT_EQ(schema::Decide(table, {}).follow, proto::FOLLOW_BAG);
    EXPECT_EQ(schema::Decide(table, {}).way, "as a multiset");
  }
}

TEST(FollowTest, AGeneratedColumnCannotIdentifyARow) {
  ExpectResync(schema::Decide(Table({PrimaryKey({1, 4})}), {}), "REPLICA IDENTITY FULL");
}

TEST(FollowTest, IdentityFullIsUnusableIfTheServerIncludesGeneratedColumns) {
  postgres::CatalogTable table = Table({PrimaryKey({1})});
  table.full_identity_serves = false;
  EXPECT_EQ(schema::Decide(table, {}).follow, proto::FOLLOW_KEY);
  table.replica_identity = 'f';
  ExpectResync(schema::Decide(table, {}), "REPLICA IDENTITY DEFAULT");
}

TEST(FollowTest, AnUnloggedTableIsResynced) {
  postgres::CatalogTable table = Table({PrimaryKey({1})});
  table.persistence = 'u';
  ExpectResync(schema::Decide(table, {}), "SET LOGGED");
}

TEST(FollowTest, AnExcludedTableIsAlwaysLeftOut) {
  postgres::CatalogTable table = Table({});
  table.persistence = 'u';
  SourceConfig source;
  source.exclude = {"public.t", "other.T", "public.T"};
  EXPECT_EQ(schema::Decide(table, source).follow, proto::FOLLOW_SCHEMA_ONLY);
  EXPECT_EQ(schema::Decide(table, source).reason, "excluded in rotv.toml");
  source.exclude.pop_back();
}

TEST(FollowTest, PartitionedAndForeignTablesHaveNoRowsOfTheirOwn) {
  for (char kind : {'p', 'f'}) {
    postgres::CatalogTable table = Table({PrimaryKey({1})});
    table.kind = kind;
    EXPECT_EQ(schema::Decide(table, {}).follow, proto::FOLLOW_SCHEMA_ONLY);
  }
}

TEST(FollowTest, AnExtensionsTableIsCreatedByTheExtension) {
  postgres::CatalogTable table = Table({});
  table.of_extension = true;
  EXPECT_EQ(schema::Decide(table, {}).follow, proto::FOLLOW_SCHEMA_ONLY);
  table.is_extension_config = true;
  EXPECT_EQ(schema::Decide(table, {}).follow, proto::FOLLOW_COPY);
  EXPECT_EQ(schema::Decide(table, {}).filter, "");
  table.extension_filter = "WHERE NOT builtin";
  EXPECT_EQ(schema::Decide(table, {}).filter, " WHERE NOT builtin");
}

TEST(FollowTest, AResyncedTableIsStoredByItsPrimaryKeyIfItHasOne) {
  postgres::CatalogTable table = Table({PrimaryKey({3})});
  table.persistence = 'u';
  EXPECT_EQ(schema::Decide(table, {}).column_numbers, std::vector<int>{3});
  table.indexes[0].is_immediate = false;
  EXPECT_EQ(schema::Decide(table, {}).column_numbers, std::vector<int>{3})
      << "it is unique once a transaction has ended";
  table.indexes[0].is_valid = false;
  EXPECT_TRUE(schema::Decide(table, {}).column_numbers.empty());
}

TEST(FollowTest, TablesAreStreamedUnderTheirNames) {
  proto::SchemaVersion a, b;
  a.add_tables()->set_id(1);
  a.mutable_tables(0)->set_follow(proto::FOLLOW_KEY);
  b = a;
  b.add_tables()->set_follow(proto::FOLLOW_COPY);
  EXPECT_TRUE(schema::SameTablesAreStreamed(a, b));
  b.mutable_tables(1)->set_follow(proto::FOLLOW_BAG);
  EXPECT_FALSE(schema::SameTablesAreStreamed(a, b));
  b = a;
  b.mutable_tables(0)->set_quoted_name("renamed");
  EXPECT_FALSE(schema::SameTablesAreStreamed(a, b));
}

}  // namespace
}  // namespace rotv
