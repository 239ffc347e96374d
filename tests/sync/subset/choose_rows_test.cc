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

  void Publish() {
    VersionBuffer buffer(VersionBuffer::Index::kNewest);
    for (const auto& [table, line] : rows_) {
      const std::string key = rotv::testing::IntegerKey(std::stoll(line));
      buffer.Put({.table = table, .epoch = 0, .row_key = key, .commit_lsn = Lsn(10)},
                 {.shape = table + 1000, .text = line});
    }
    store_->Write(buffer);
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

}  // namespace
}  // namespace rotv::subset
