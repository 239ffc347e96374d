#include "sync/formats/foreign_keys.h"

#include <gtest/gtest.h>

namespace rotv::formats {
namespace {

TEST(ForeignKeysTest, ColumnsAndTablesAreReadWithoutQuotes) {
  const std::optional<ForeignKeyText> key = ForeignKeyOf(
      "ALTER TABLE ONLY a.\"T.1\"\n    ADD CONSTRAINT \"k; 1\" FOREIGN KEY (x, \"y, \"\"z\"\"\") REFERENCES "
      "\"B\".r(id, \"I d\") MATCH FULL ON DELETE SET NULL (x) DEFERRABLE;");
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->constraint(), (ConstraintName{"a", "T.1", "k; 1"}));
  EXPECT_EQ(key->columns, (std::vector<std::string>{"x", "y, \"z\""}));
  EXPECT_EQ(key->referenced, (TableName{"B", "r"}));
  EXPECT_EQ(key->referenced_columns, (std::vector<std::string>{"id", "I d"}));
  EXPECT_TRUE(key->is_checked);
}

TEST(ForeignKeysTest, WhatAnImportDoesNotCheckIsKnown) {
  const std::string key = "ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES a.r(id)";
  EXPECT_TRUE(ForeignKeyOf(key + " ON DELETE CASCADE;")->is_checked);
  EXPECT_FALSE(ForeignKeyOf(key + " ON DELETE CASCADE NOT VALID;")->is_checked);
  EXPECT_FALSE(ForeignKeyOf(key + " NOT ENFORCED;")->is_checked);
}

TEST(ForeignKeysTest, APeriodIsNoColumnToCompare) {
  const std::optional<ForeignKeyText> key = ForeignKeyOf(
      "ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k FOREIGN KEY (x, PERIOD valid) REFERENCES a.r(id, PERIOD valid);");
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->columns, std::vector<std::string>{"x"});
  EXPECT_EQ(key->referenced_columns, std::vector<std::string>{"id"});
  EXPECT_EQ(
      ForeignKeyOf("ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k FOREIGN KEY (period) REFERENCES a.r(period);")->columns,
      std::vector<std::string>{"period"});
}

TEST(ForeignKeysTest, OtherStatementsAreNone) {
  EXPECT_FALSE(ForeignKeyOf("ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k PRIMARY KEY (id);"));
  EXPECT_FALSE(ForeignKeyOf("ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k FOREIGN KEY (a b) REFERENCES a.r(id);"));
  EXPECT_FALSE(ForeignKeyOf("CREATE TABLE a.t (id integer);"));
  EXPECT_EQ(ForeignKeysIn("SELECT 'ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES a.r(id);';\n"
                          "ALTER TABLE a.p\n    ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES a.r(id);\n",
                          true)
                .size(),
            1U);
}

TEST(ForeignKeysTest, PartitionsAreFoundWithTheirTables) {
  const std::vector<PartitionText> partitions = PartitionsIn(
      "CREATE TABLE a.p (id integer) PARTITION BY LIST (id);\n"
      "ALTER TABLE ONLY a.p ATTACH PARTITION a.\"p.1\" FOR VALUES IN (1);\n"
      "ALTER TABLE ONLY a.p ALTER COLUMN id SET STATISTICS 5;\n",
      true);
  ASSERT_EQ(partitions.size(), 1U);
  EXPECT_EQ(partitions[0].partition, (TableName{"a", "p.1"}));
  EXPECT_EQ(partitions[0].of, (TableName{"a", "p"}));
}

}  // namespace
}  // namespace rotv::formats
