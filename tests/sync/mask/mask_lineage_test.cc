// Tests what is remembered of masks, and how a lost mask is recognized. Pure.

#include "sync/mask/mask_lineage.h"

#include <gmock/gmock.h>

#include "sync/mask/mask_history.h"
#include "sync/mask/mask_suspicion.h"
#include "sync/mask/rule_text.h"

namespace rotv {
namespace {

MaskRule LineageRule(MaskKind kind, const std::string& name) {
  return {.kind = kind, .name = name, .pattern = {}, .parts = {}};
}

// A table (id 1, email 2 masked by "email", note 3) in the form of the store.
proto::Table StoredTable(uint32_t oid, const std::string& name) {
  proto::Table table;
  table.set_id(oid);
  table.set_schema("public");
  table.set_name(name);
  table.set_quoted_name("public." + name);
  table.set_follow(proto::FOLLOW_KEY);
  const char* const columns[] = {"id", "email", "note"};
  for (uint32_t i = 0; i < 3; ++i) {
    proto::ColumnState* column = table.mutable_state()->add_columns();
    column->set_number(i + 1);
    column->set_name(columns[i]);
  }
  proto::MaskedColumn* masked = table.mutable_mask()->add_columns();
  masked->set_number(2);
  masked->set_name("email");
  masked->set_type("text");
  masked->mutable_rule()->set_name("email");
  table.mutable_mask()->set_secret_id("secret");
  return table;
}

postgres::CatalogTable TableNow(uint32_t oid, const std::string& name,
                                const std::vector<std::pair<int, std::string>>& columns) {
  postgres::CatalogTable table;
  table.oid = oid;
  table.schema = "public";
  table.name = name;
  for (const auto& [number, column] : columns) {
    table.columns.push_back({.name = column, .quoted_name = column, .number = number, .missing = {}});
  }
  return table;
}

proto::SchemaVersion Before() {
  proto::SchemaVersion schema;
  *schema.add_tables() = StoredTable(10, "people");
  return schema;
}

TEST(MaskLineageTest, ARenamedColumnKeepsItsMask) {
  const mask::MaskLineage lineage(Before());
  const postgres::CatalogTable renamed = TableNow(10, "members", {{1, "id"}, {2, "contact"}, {3, "email"}});
  ASSERT_NE(lineage.MaskOf(renamed, renamed.columns[1]), nullptr);
  EXPECT_EQ(lineage.MaskOf(renamed, renamed.columns[1])->rule().name(), "email");
  EXPECT_EQ(lineage.MaskOf(renamed, renamed.columns[2]), nullptr) << "it existed before, unmasked";
  const postgres::CatalogTable remade = TableNow(11, "people", {{1, "email"}});
  EXPECT_NE(lineage.MaskOf(remade, remade.columns[0]), nullptr) << "a new table under its name";
}

TEST(MaskLineageTest, AnotherDatabaseIsMatchedByNames) {
  const mask::MaskLineage lineage(Before(), mask::MaskLineage::Database::kOther);
  postgres::Catalog catalog;
  catalog.tables = {TableNow(10, "orders", {{2, "email"}}), TableNow(99, "people", {{7, "email"}})};
  EXPECT_EQ(lineage.MaskOf(catalog.tables[0], catalog.tables[0].columns[0]), nullptr);
  EXPECT_NE(lineage.MaskOf(catalog.tables[1], catalog.tables[1].columns[0]), nullptr);
  const mask::MaskSuspicion suspicion(lineage, catalog);
  EXPECT_FALSE(suspicion.Of(catalog.tables[0], catalog.tables[0].columns[0], {.type = "text"}))
      << "every table is new there";
}

TEST(MaskLineageTest, DroppedTablesLeaveOneMaskPerName) {
  proto::SchemaVersion schema;
  for (uint32_t day = 0; day < 100; ++day) *schema.add_tables() = StoredTable(10 + day, "day_" + std::to_string(day));
  const mask::MaskLineage lineage(schema);
  proto::SchemaVersion after;
  for (const proto::FormerMask& former : lineage.FormerAfter({}, {}))
    *after.mutable_mask_record()->add_former() = former;
  ASSERT_EQ(after.mask_record().former_size(), 1);
  // The table stays suspicious in later versions.
  const mask::MaskLineage later(after);
  postgres::Catalog catalog;
  catalog.tables = {TableNow(500, "copy", {{1, "Email"}})};
  const auto reason =
      mask::MaskSuspicion(later, catalog).Of(catalog.tables[0], catalog.tables[0].columns[0], {.type = "text"});
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->text, "is new, and has the name of public.day_99.email, which was masked by \"email\"");
}

TEST(MaskSuspicionTest, ATableLikeOneWithMasksMayBeACopyOfIt) {
  const mask::MaskLineage lineage(Before());
  struct Case {
    std::vector<postgres::CatalogTable> now;  // The last table is the one asked about, with its last column.
    bool suspicious;
  };
  const postgres::CatalogTable people = TableNow(10, "people", {{1, "id"}, {2, "email"}, {3, "note"}});
  const std::vector<Case> cases = {
      {{people, TableNow(11, "persons", {{1, "id"}, {2, "note"}, {3, "contact"}})}, true},
      {{people, TableNow(11, "orders", {{1, "id"}, {2, "total"}})}, false},
      {{people, TableNow(11, "orders", {{1, "id"}, {2, "note"}, {3, "a"}, {4, "b"}})}, false},
      {{TableNow(11, "persons", {{1, "id"}, {2, "note"}, {3, "a"}, {4, "b"}})}, true},
      {{TableNow(11, "people", {{1, "contact"}})}, true},
      {{TableNow(10, "people", {{1, "id"}, {3, "note"}, {4, "contact"}})}, true},
      {{TableNow(10, "people", {{1, "id"}, {2, "email"}, {3, "note"}, {4, "contact"}})}, false},
      // A copy of a table in which the masked column was replaced.
      {{TableNow(10, "people", {{1, "id"}, {3, "note"}, {4, "contact"}}), TableNow(11, "x", {{1, "contact"}})}, true},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    postgres::Catalog catalog;
    catalog.tables = cases[i].now;
    const postgres::CatalogTable& table = catalog.tables.back();
    EXPECT_EQ(mask::MaskSuspicion(lineage, catalog).Of(table, table.columns.back(), {.type = "text"}).has_value(),
              cases[i].suspicious)
        << "case " << i;
  }
}

TEST(MaskHistoryTest, AMaskIsLostUnlessAKeepRuleEndedIt) {
  proto::SchemaVersion masked = Before(), bare = Before();
  bare.mutable_tables(0)->clear_mask();
  mask::MaskHistory history;
  history.Add(Lsn(100), masked);
  EXPECT_TRUE(history.LostMasks().empty());
  history.Add(Lsn(200), bare);
  ASSERT_EQ(history.LostMasks().size(), 1U);
  EXPECT_EQ(history.LostMasks()[0].column, "public.people.email");
  EXPECT_TRUE(history.WasMasked(10, 2, Lsn(99))) << "masked since the copy at 100";
  EXPECT_TRUE(history.WasMasked(10, 2, Lsn(150)));
  EXPECT_FALSE(history.WasMasked(10, 2, Lsn(199)));
  EXPECT_FALSE(history.WasMasked(10, 3, Lsn(150)));
  proto::ConfigMaskRule* keep = bare.mutable_mask_record()->add_rules();
  keep->set_pattern("public.people.email");
  keep->mutable_rule()->set_name("keep");
  history.Add(Lsn(300), bare);
  EXPECT_TRUE(history.LostMasks().empty());
}

TEST(RuleTextTest, IsAcceptedByTheConfig) {
  MaskRule hash = LineageRule(MaskKind::kHash, "hash");
  hash.length = 40;
  EXPECT_EQ(mask::RuleLine(mask::RulePattern("public", "users", "token"), hash),
            "\"public.users.token\" = { rule = \"hash\", length = 40 }");
  EXPECT_EQ(mask::RuleLine(mask::RulePattern("s", "Odd.Name", "a\"b"), LineageRule(MaskKind::kEmail, "email")),
            "'s.\"Odd.Name\".\"a\"\"b\"' = \"email\"");
  MaskRule constant = LineageRule(MaskKind::kConstant, "constant");
  constant.value = "a\"\n\\";
  EXPECT_EQ(mask::RuleLine("s.it's\"x", constant),
            "\"s.it's\\\"x\" = { rule = \"constant\", value = \"a\\\"\\u000A\\\\\" }");
  MaskRule json = LineageRule(MaskKind::kJson, "json");
  json.paths.push_back({"$..mail", LineageRule(MaskKind::kEmail, "email")});
  EXPECT_EQ(mask::RuleText(json), "{ rule = \"json\", paths = { \"$..mail\" = \"email\" } }");
}

}  // namespace
}  // namespace rotv
