// Labels: tsan

#include "sync/subset/choose_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/no_progress.h"
#include "tests/sync/store_source.h"

namespace rotv::subset {
namespace {

using rotv::testing::AddTable;
using rotv::testing::CodeOf;
using rotv::testing::ColumnSpec;
using rotv::testing::kInt4Oid;
using rotv::testing::NoProgress;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Lines = std::vector<std::string>;

// Tables public.NAME with an integer key `id` as their first column, in a store at 1000.
class ChooseRowsTest : public ::testing::Test {
 protected:
  ChooseRowsTest() { described_.schema.set_standard_strings(true); }

  void Table(uint32_t id, const std::string& name, const std::vector<std::string>& columns) {
    std::vector<ColumnSpec> specs = {{"id", kInt4Oid}};
    for (const std::string& column : columns) specs.push_back({column, kInt4Oid});
    AddTable(&described_, id, name, specs, {0});
    ids_[name] = id;
  }
  void ForeignKey(const std::string& table, const std::string& columns, const std::string& referenced,
                  const std::string& others = "id") {
    described_.schema.mutable_post_data()->append("ALTER TABLE ONLY public." + table + "\n    ADD CONSTRAINT " + table +
                                                  "_fkey FOREIGN KEY (" + columns + ") REFERENCES public." +
                                                  referenced + "(" + others + ");\n");
  }
  void Row(const std::string& table, const std::string& line) { rows_.emplace_back(ids_.at(table), line); }

  void Partition(const std::string& table, const std::string& of) {
    described_.schema.mutable_pre_data()->append("ALTER TABLE ONLY public." + of + " ATTACH PARTITION public." + table +
                                                 " FOR VALUES IN (1);\n");
  }

  // `files`: of the store, one after the other.
  void Publish(size_t files = 1) {
    for (size_t file = 0; file < files; ++file) {
      VersionBuffer buffer(VersionBuffer::Index::kNewest);
      for (size_t i = rows_.size() * file / files; i < rows_.size() * (file + 1) / files; ++i) {
        const auto& [table, line] = rows_[i];
        const std::string key = rotv::testing::IntegerKey(std::stoll(line));
        buffer.Put({.table = table, .epoch = 0, .row_key = key, .commit_lsn = Lsn(10)},
                   {.shape = table + 1000, .text = line});
      }
      store_->Write(buffer);
      if (file + 1 < files) store_->Publish(rotv::testing::StateAt(100 + file), {});
    }
    proto::Manifest manifest = rotv::testing::ManifestAt(1000);
    rotv::testing::AddHistories(described_.schema, &manifest);
    store_->Publish(StoreState::FromStored(manifest),
                    {.schema = {{Lsn(100), described_.schema}},
                     .sequences = {},
                     .shapes = {described_.new_shapes.begin(), described_.new_shapes.end()}});
  }

  static SubsetTable Entry(const std::string& table) {
    return {.pattern = "public." + table, .parts = {"public", table}};
  }
  static SubsetTable Where(const std::string& table, const std::string& condition) {
    SubsetTable entry = Entry(table);
    entry.where = {condition};
    return entry;
  }
  static SubsetTable Limit(const std::string& table, uint64_t limit) {
    SubsetTable entry = Entry(table);
    entry.limit = limit;
    return entry;
  }
  static SubsetTable Taken(const std::string& table, SubsetTable::Take take) {
    SubsetTable entry = Entry(table);
    entry.take = take;
    return entry;
  }

  // The first fields of each table's rows that were chosen.
  std::map<std::string, Lines> Choose(const std::vector<SubsetTable>& tables, uint64_t small = 0) {
    if (!store_->state().head_lsn().value()) Publish();
    chosen_ =
        ChooseRows(*store_, Lsn(1000), {.declared = true, .tables = tables, .small = small}, progress_, interrupt_);
    std::map<std::string, Lines> lines;
    for (const auto& [name, id] : ids_) {
      const auto some = chosen_.tables.find(id);
      const bool whole = chosen_.whole.count(id) > 0;
      if (some != chosen_.tables.end() && some->second.has_lines) ExpectLines(id, some->second);
      const std::unique_ptr<RowScan> scan = store_->ScanAt({.table = id, .epoch = 0, .lsn = Lsn(1000)});
      for (uint64_t row = 0; scan->Next(); ++row) {
        if (!whole && (some == chosen_.tables.end() || !some->second.rows.Has(row))) continue;
        lines[name].emplace_back(scan->line().substr(0, scan->line().find('\t')));
      }
    }
    return lines;
  }

  // The lines that are known must be those that a scan gives.
  void ExpectLines(uint32_t table, const ChosenTable& chosen) {
    std::string known, read;
    for (const RowRange& range : chosen.ranges) known += range.lines;
    const std::unique_ptr<RowScan> scan = store_->ScanAt({.table = table, .epoch = 0, .lsn = Lsn(1000)});
    for (uint64_t row = 0; scan->Next(); ++row) {
      if (chosen.rows.Has(row)) read.append(scan->line()).push_back('\n');
    }
    EXPECT_EQ(known, read);
    ++known_tables_;
  }

  int known_tables_ = 0;
  rotv::testing::StoreFixture store_;
  schema::DescribedSchema described_;
  std::map<std::string, uint32_t> ids_;
  std::vector<std::pair<uint32_t, std::string>> rows_;
  NoProgress progress_;
  Interrupt interrupt_;
  ChosenRows chosen_;
};

// A shop: orders of users, items of orders, and of products, which have categories in a tree.
class ShopSubsetTest : public ChooseRowsTest {
 protected:
  ShopSubsetTest() {
    Table(1, "users", {"country"});
    Table(2, "orders", {"user_id"});
    Table(3, "items", {"order_id", "product_id"});
    Table(4, "products", {"category"});
    Table(5, "categories", {"parent"});
    Table(6, "countries", {});
    Table(7, "log", {});
    ForeignKey("users", "country", "countries");
    ForeignKey("orders", "user_id", "users");
    ForeignKey("items", "order_id", "orders");
    ForeignKey("items", "product_id", "products");
    ForeignKey("products", "category", "categories");
    ForeignKey("categories", "parent", "categories");
    for (const char* user : {"1\t7", "2\t7", "3\t8", "4\t\\N"}) Row("users", user);
    for (const char* order : {"10\t1", "11\t1", "12\t2", "13\t3", "14\t\\N"}) Row("orders", order);
    for (const char* item : {"100\t10\t50", "101\t11\t51", "102\t12\t50", "103\t13\t52"}) Row("items", item);
    for (const char* product : {"50\t90", "51\t91", "52\t92", "53\t90"}) Row("products", product);
    for (const char* category : {"90\t95", "91\t\\N", "92\t91", "95\t96", "96\t\\N"}) Row("categories", category);
    for (const char* country : {"7", "8", "9"}) Row("countries", country);
    for (const char* entry : {"1", "2", "3", "4"}) Row("log", entry);
  }
};

TEST_F(ShopSubsetTest, RowsThatReferenceComeDownAndReferencedOnesUp) {
  std::map<std::string, Lines> rows = Choose({Where("users", "id = 1")});
  EXPECT_THAT(rows["users"], ElementsAre("1")) << "the other user of the country does not come";
  EXPECT_THAT(rows["orders"], ElementsAre("10", "11"));
  EXPECT_THAT(rows["items"], ElementsAre("100", "101"));
  EXPECT_THAT(rows["products"], ElementsAre("50", "51"));
  EXPECT_THAT(rows["categories"], ElementsAre("90", "91", "95", "96"));
  EXPECT_THAT(rows["countries"], ElementsAre("7"));
  EXPECT_THAT(rows["log"], IsEmpty());
  EXPECT_EQ(known_tables_, 5) << "all but the categories, which reference each other, need not be read again";
  EXPECT_THAT(chosen_.remarks, ElementsAre(HasSubstr("are empty: public.log")));
}

TEST_F(ShopSubsetTest, SmallTablesAreTakenWholeUnlessRowsLeadToThem) {
  std::map<std::string, Lines> rows = Choose({Where("users", "id = 4")}, 4);
  EXPECT_THAT(rows["countries"], ElementsAre("7", "8", "9"));
  EXPECT_THAT(rows["log"], ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(rows["products"], ElementsAre("50", "51", "52", "53"));
  EXPECT_THAT(rows["categories"], ElementsAre("90", "91", "92", "95", "96")) << "the products ask for them";
  EXPECT_THAT(rows["users"], ElementsAre("4"));
  EXPECT_THAT(rows["orders"], IsEmpty());
  EXPECT_THAT(chosen_.remarks, IsEmpty());
}

TEST_F(ShopSubsetTest, ALimitKeepsTheRestAwayButNotWhatIsReferenced) {
  std::map<std::string, Lines> rows = Choose({Where("users", "country = 7"), Limit("orders", 1)});
  EXPECT_THAT(rows["users"], ElementsAre("1", "2"));
  EXPECT_EQ(rows["orders"].size(), 1U);
  EXPECT_EQ(rows["items"].size(), 1U);
  EXPECT_THAT(chosen_.remarks, Contains(HasSubstr("the limit of public.orders leaves out 2 rows")));
  const Lines orders = rows["orders"];
  EXPECT_EQ(Choose({Where("users", "country = 7"), Limit("orders", 1)})["orders"], orders);

  rows = Choose({Where("items", "id >= 100"), Limit("orders", 1)});
  EXPECT_THAT(rows["orders"], ElementsAre("10", "11", "12", "13"));
  rows = Choose({Where("items", "id >= 100"), Where("users", "id = 4"), Limit("orders", 1)});
  EXPECT_THAT(chosen_.remarks, Contains(HasSubstr("public.orders has 4 rows, which is above its limit of 1")));
}

TEST_F(ShopSubsetTest, WholeAndExcludedTables) {
  using Take = SubsetTable::Take;
  std::map<std::string, Lines> rows =
      Choose({Where("users", "id = 3"), Taken("orders", Take::kWhole), Taken("items", Take::kExclude)});
  EXPECT_THAT(rows["orders"], ElementsAre("10", "11", "12", "13", "14"));
  EXPECT_THAT(rows["users"], ElementsAre("1", "2", "3")) << "the orders' users";
  EXPECT_THAT(rows["countries"], ElementsAre("7", "8"));
  EXPECT_THAT(rows["items"], IsEmpty());
  rows = Choose({Where("items", "id = 103"), Taken("users", Take::kExclude)});
  EXPECT_THAT(rows["users"], ElementsAre("3"));
  EXPECT_THAT(chosen_.remarks, Contains(HasSubstr("public.users is excluded, but 1 of its rows are referenced")));
}

TEST_F(ShopSubsetTest, WhatTheSchemaDoesNotHaveIsRefused) {
  const auto code = [this](const std::vector<SubsetTable>& tables) { return CodeOf([&] { Choose(tables); }); };
  EXPECT_EQ(code({Where("user", "id = 1")}), ErrorCode::kUsage);
  EXPECT_EQ(code({Where("users", "name = 1")}), ErrorCode::kUsage);
  EXPECT_EQ(code({Where("users", "id = x")}), ErrorCode::kUsage);
  EXPECT_EQ(code({Limit("users", 5)}), ErrorCode::kUsage);
  SubsetTable one{.pattern = "public.*", .parts = {"public", "*"}, .limit = 1};
  SubsetTable two{.pattern = "*.orders", .parts = {"*", "orders"}, .limit = 1};
  EXPECT_EQ(code({Where("users", "id = 1"), one, two}), ErrorCode::kUsage);
}

TEST_F(ChooseRowsTest, ALongChainAndACircleAreFollowedToTheirEnds) {
  Table(1, "versions", {"before"});
  ForeignKey("versions", "before", "versions");
  // Neither walk, up or down, has the rows in order.
  constexpr int kRows = 400;
  const auto id = [](int place) { return std::to_string(place * 7919 % 401 + 1); };
  for (int i = 1; i < kRows; ++i) Row("versions", id(i) + "\t" + id(i - 1));
  Row("versions", id(0) + "\t\\N");
  Row("versions", "1001\t1002");
  Row("versions", "1002\t1001");
  Row("versions", "1003\t1001");
  EXPECT_EQ(Choose({Where("versions", "id = " + id(0))})["versions"].size(), size_t{kRows});
  EXPECT_EQ(Choose({Where("versions", "id = " + id(kRows - 1))})["versions"].size(), size_t{kRows});
  EXPECT_THAT(Choose({Where("versions", "id = 1003")})["versions"], ElementsAre("1001", "1002", "1003"));
  EXPECT_THAT(Choose({Where("versions", "id = 1002")})["versions"], ElementsAre("1001", "1002", "1003"));
}

TEST_F(ChooseRowsTest, APartOfTheRowsIsOneByTheirKeys) {
  Table(1, "a", {"x"});
  Table(2, "b", {});
  constexpr int kRows = 2000;
  for (int i = 1; i <= kRows; ++i) {
    Row("a", std::to_string(i) + "\t0");
    Row("b", std::to_string(i));
  }
  const auto percent = [](const std::string& table, uint32_t millionths) {
    SubsetTable entry = Entry(table);
    entry.percent_millionths = millionths;
    return entry;
  };
  const Lines five = Choose({percent("a", 5'000'000)})["a"];
  EXPECT_GT(five.size(), 60U);
  EXPECT_LT(five.size(), 140U);
  const Lines six = Choose({percent("a", 6'000'000)})["a"];
  EXPECT_GT(six.size(), five.size());
  EXPECT_TRUE(std::includes(six.begin(), six.end(), five.begin(), five.end(),
                            [](const std::string& a, const std::string& b) { return std::stoi(a) < std::stoi(b); }));
  EXPECT_NE(Choose({percent("b", 5'000'000)})["b"], five) << "another table has others";
  EXPECT_EQ(Choose({percent("a", 100'000'000)})["a"].size(), size_t{kRows});
}

TEST_F(ChooseRowsTest, ColumnsThatAreNotStoredTakeWhatTheyReferenceWhole) {
  Table(1, "parents", {});
  Table(2, "children", {"x"});
  ForeignKey("children", "generated", "parents");
  for (const char* row : {"1", "2"}) Row("parents", row);
  for (const char* row : {"5\t0", "6\t0"}) Row("children", row);
  std::map<std::string, Lines> rows = Choose({Where("children", "id = 5")});
  EXPECT_THAT(rows["parents"], ElementsAre("1", "2"));
  EXPECT_THAT(chosen_.remarks, Contains(HasSubstr("values of children_fkey of public.children cannot be compared")));
  EXPECT_THAT(Choose({Where("parents", "id = 1")})["children"], IsEmpty());
}

TEST_F(ChooseRowsTest, PartitionsOnBothSidesOfAReference) {
  constexpr int kPartitions = 50;
  const auto name = [](const std::string& of, int number) { return of + "_" + std::to_string(number); };
  for (int i = 0; i < kPartitions; ++i) {
    Table(static_cast<uint32_t>(100 + i), name("orders", i), {});
    Table(static_cast<uint32_t>(200 + i), name("items", i), {"order_id"});
    Partition(name("orders", i), "orders");
    Partition(name("items", i), "items");
    for (int row = i; row < 10 * kPartitions; row += kPartitions) {
      Row(name("orders", i), std::to_string(row));
      // The item is in another partition than its order.
      Row(name("items", i), std::to_string(row) + "\t" + std::to_string((row * 7 + 3) % (10 * kPartitions)));
    }
  }
  ForeignKey("items", "order_id", "orders");
  std::map<std::string, Lines> rows = Choose({Where("orders", "id < 120")});
  EXPECT_EQ(known_tables_, 2 * kPartitions) << "no table need be read again";
  size_t items = 0;
  for (int i = 0; i < kPartitions; ++i) {
    EXPECT_EQ(rows[name("orders", i)].size(), i < 20 ? 3U : 2U) << i;
    for (const std::string& item : rows[name("items", i)]) EXPECT_LT((std::stoi(item) * 7 + 3) % 500, 120);
    items += rows[name("items", i)].size();
  }
  EXPECT_EQ(items, 120U);

  // Up, from all partitions.
  rows = Choose({Where("items", "order_id >= 490")});
  size_t orders = 0;
  for (int i = 0; i < kPartitions; ++i) orders += rows[name("orders", i)].size();
  EXPECT_EQ(orders, 10U);
}

TEST_F(ChooseRowsTest, TheRowsOfALimitAreAmongThoseOfALargerOne) {
  Table(1, "users", {});
  Table(2, "orders_1", {"user_id"});
  Table(3, "orders_2", {"user_id"});
  Partition("orders_1", "orders");
  Partition("orders_2", "orders");
  ForeignKey("orders", "user_id", "users");
  for (const char* user : {"1", "2"}) Row("users", user);
  for (int i = 0; i < 300; ++i)
    Row(i % 3 == 0 ? "orders_1" : "orders_2", std::to_string(i) + "\t" + (i % 2 == 0 ? "1" : "2"));
  Lines before;
  for (const uint64_t limit : {0, 1, 7, 40, 149, 1000}) {
    std::map<std::string, Lines> rows = Choose({Where("users", "id = 1"), Limit("orders", limit)});
    Lines orders = rows["orders_1"];
    orders.insert(orders.end(), rows["orders_2"].begin(), rows["orders_2"].end());
    std::sort(orders.begin(), orders.end());
    EXPECT_EQ(orders.size(), std::min<uint64_t>(limit, 150));
    EXPECT_TRUE(std::includes(orders.begin(), orders.end(), before.begin(), before.end())) << limit;
    if (limit < 150) {
      EXPECT_THAT(chosen_.remarks, Contains(HasSubstr("leaves out " + std::to_string(150 - limit) + " rows")));
    }
    before = orders;
  }
}

TEST_F(ChooseRowsTest, PartsOfATableAreOneTable) {
  Table(1, "users", {});
  Table(2, "orders", {"user_id"});
  ForeignKey("orders", "user_id", "users");
  constexpr int kRows = 200;
  for (int i = 0; i < kRows; ++i) Row("users", std::to_string(i));
  for (int i = 0; i < kRows; ++i) Row("orders", std::to_string(i) + "\t" + std::to_string(kRows - 1 - i));
  Publish(8);
  std::map<std::string, Lines> rows = Choose({Where("users", "id >= 120")});
  EXPECT_GT(chosen_.tables.at(1).ranges.size(), 1U);
  EXPECT_GT(chosen_.tables.at(2).ranges.size(), 1U);
  Lines users, orders;
  for (int i = 0; i < kRows; ++i) {
    if (i >= 120) users.push_back(std::to_string(i));
    if (i < 80) orders.push_back(std::to_string(i));
  }
  EXPECT_EQ(rows["users"], users);
  EXPECT_EQ(rows["orders"], orders);
  EXPECT_EQ(known_tables_, 2);

  const Lines some = Choose({Where("users", "id >= 120"), Limit("orders", 30)})["orders"];
  EXPECT_EQ(some.size(), 30U);
  for (const std::string& order : some) EXPECT_LT(std::stoi(order), 80);
  rows = Choose({Where("orders", "id < 150")});
  EXPECT_EQ(rows["users"].size(), 150U);
  EXPECT_EQ(rows["users"].front(), "50");
}

TEST_F(ChooseRowsTest, WhatTablesOfAnExtensionReferenceIsTakenWhole) {
  Table(1, "kinds", {});
  Table(2, "settings", {"kind"});
  Table(3, "users", {});
  described_.schema.mutable_tables(1)->add_rows_after(1);
  for (const char* kind : {"1", "2"}) Row("kinds", kind);
  for (const char* setting : {"5\t1", "6\t2"}) Row("settings", setting);
  Row("users", "1");
  std::map<std::string, Lines> rows = Choose({Where("users", "id = 1"), Taken("settings", SubsetTable::Take::kWhole)});
  EXPECT_THAT(rows["kinds"], ElementsAre("1", "2"));
  EXPECT_THAT(chosen_.remarks, Contains(HasSubstr("the extension's foreign keys of public.settings")));
  rows = Choose({Where("users", "id = 1")});
  EXPECT_THAT(rows["kinds"], IsEmpty());
  EXPECT_THAT(rows["settings"], IsEmpty());
}

TEST_F(ChooseRowsTest, ADomainWhoseEqualValuesMayLookDifferentTakesItsTableWhole) {
  AddTable(&described_, 1, "a", {{"id", kInt4Oid}, {"length", 16400}}, {0});
  AddTable(&described_, 2, "b", {{"id", kInt4Oid}, {"length", 16400}}, {0});
  ids_ = {{"a", 1}, {"b", 2}};
  ForeignKey("b", "length", "a", "length");
  for (const char* row : {"1\t1 mon", "2\t1 day"}) Row("a", row);
  Row("b", "5\t30 days");
  described_.schema.set_pre_data("CREATE DOMAIN public.length AS interval\n\tCONSTRAINT x CHECK (true);\n");
  EXPECT_THAT(Choose({Where("b", "id = 5")})["a"], ElementsAre("1", "2"));
}

}  // namespace
}  // namespace rotv::subset
