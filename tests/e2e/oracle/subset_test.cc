// Subsets: their seeds import with all foreign keys valid, and have the rows that they should.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/e2e/oracle/subset_model.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uint64_t kDice = 20;
constexpr int kWorlds = 16;

class SubsetTest : public ::testing::Test {
 protected:
  void Configure(const std::string& subset) {
    rotv.Configure({});
    WriteFile(rotv.config(), ReadFile(rotv.config()) + "[subset]\n" + subset);
  }
  std::string Subset(const std::string& name = "subset.sql") const { return ReadFile(rotv.Seed(name, {"--subset"})); }
  // Imports the seed into a new database of this name.
  void Import(const std::string& database) {
    rotv.server().CreateDatabase(database, "postgres");
    const Result psql =
        rotv.server().Psql(rotv.directory() / "subset.sql", {database, "postgres"}, {"--single-transaction"});
    ASSERT_TRUE(psql.ok()) << psql.err;
    EXPECT_EQ(rotv.server().Value("SELECT count(*) FROM pg_constraint WHERE NOT convalidated", {database, "postgres"}),
              "0");
  }
  Result Refused(const std::string& subset) {
    Configure(subset);
    Result result = rotv.Sync({"materialize", "--subset"});
    EXPECT_EQ(result.exit_status, 2) << result.out << result.err;
    return result;
  }

  RotvHome rotv{{.binary = ROTV_SYNC_BINARY, .way = Way::kDirect}};
};

TEST_F(SubsetTest, RandomForeignKeysHoldAndNothingElseIsThere) {
  Dice dice(kDice);
  std::vector<SubsetWorld> worlds;
  std::string config = "small = 0\n";
  for (int i = 0; i < kWorlds; ++i) {
    worlds.emplace_back("w" + std::to_string(i), i % 2 == 0 ? SubsetWorld::Limits::kNone : SubsetWorld::Limits::kSome,
                        dice);
    worlds.back().Create(rotv.server());
    config += worlds.back().Config();
  }
  rotv.MustSync({"baseline"});
  Configure(config);
  const std::string subset = Subset();
  Import("copy");
  size_t rows = 0, all_rows = 0, limited = 0;
  for (size_t i = 0; i < worlds.size(); ++i) {
    const SubsetWorld::Rows has = worlds[i].RowsIn(rotv.server(), "copy");
    const SubsetWorld::Rows all = worlds[i].RowsIn(rotv.server(), "rotv");
    if (i % 2 == 0) {
      EXPECT_EQ(has, worlds[i].Expected(rotv.server())) << "world " << i << "\n" << worlds[i].Config();
    }
    const SubsetWorld::Rows started = worlds[i].Started(rotv.server());
    for (const auto& [table, lines] : has) {
      const auto& of_all = all.at(table);
      EXPECT_TRUE(std::includes(of_all.begin(), of_all.end(), lines.begin(), lines.end())) << table;
      const auto start = started.find(table);
      if (start != started.end()) {
        EXPECT_TRUE(std::includes(lines.begin(), lines.end(), start->second.begin(), start->second.end())) << table;
      }
      rows += lines.size();
      all_rows += of_all.size();
    }
    for (const SubsetWorldTable& table : worlds[i].tables()) {
      if (!table.limit || worlds[i].IsReferenced(table)) continue;
      EXPECT_LE(has.at(table.name).size(), static_cast<size_t>(*table.limit)) << table.name;
      ++limited;
    }
  }
  EXPECT_GT(rows, size_t{kWorlds} * 4);
  EXPECT_LT(rows, all_rows);
  EXPECT_GT(limited, 0U);

  EXPECT_EQ(Subset("again.sql"), subset);
  rotv.MustSync({"baseline", "--force"});
  EXPECT_EQ(Subset("again.sql"), subset) << "another baseline of the same rows";
}

TEST_F(SubsetTest, AChangeOfAnotherRowChangesNothing) {
  rotv.server().Exec(
      "CREATE TABLE users (id int PRIMARY KEY, name text, invited_by int REFERENCES users);"
      "CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, note text);"
      "INSERT INTO users SELECT i, 'user ' || i, nullif(i / 10, 0) FROM generate_series(1, 1000) i;"
      "INSERT INTO orders SELECT i, i % 1000 + 1, 'x' FROM generate_series(1, 5000) i");
  rotv.MustSync({"baseline"});
  Configure("\"public.users\" = { percent = 1.5 }\n\"public.orders\" = { limit = 20 }\n");
  const std::string subset = Subset();
  Import("copy");
  const Login copy{"copy", "postgres"};
  EXPECT_EQ(rotv.server().Value("SELECT count(*) FROM orders", copy), "20");
  const std::string ids = rotv.server().Value("SELECT string_agg(id::text, ',') FROM users", copy);
  const std::string order_ids = rotv.server().Value("SELECT string_agg(id::text, ',') FROM orders", copy);

  rotv.server().Exec("UPDATE users SET name = 'other', invited_by = NULL WHERE id NOT IN (" + ids + ");" +
                     "UPDATE orders SET note = 'other' WHERE id NOT IN (" + order_ids + ")");
  rotv.MustSync({"pull"});
  EXPECT_EQ(Subset("after.sql"), subset);
  rotv.server().Exec("UPDATE users SET name = 'changed' WHERE id = (SELECT max(id) FROM users WHERE id IN (" + ids +
                     "))");
  rotv.MustSync({"pull"});
  EXPECT_NE(Subset("after.sql"), subset);
}

TEST_F(SubsetTest, WhatDoesNotFitIsRefused) {
  rotv.server().Exec("CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'x')");
  rotv.MustSync({"baseline"});
  const std::filesystem::path seed = rotv.home() / "seed-data+subset.sql";
  WriteFile(seed, "-- somebody's\n");
  Refused("\"public.user\" = { percent = 5 }\n");
  EXPECT_EQ(ReadFile(seed), "-- somebody's\n") << "it is not given another name for nothing";
  std::filesystem::remove(seed);
  EXPECT_THAT(Refused("").err, AllOf(HasSubstr("[subset] does not say where to start"), HasSubstr("hint: ")));
  EXPECT_THAT(
      Refused("\"public.user\" = { percent = 5 }\n").err,
      AllOf(HasSubstr("[subset] names public.user, which there is not"), HasSubstr("the tables are: public.users")));
  EXPECT_THAT(Refused("\"public.users\" = { where = \"nmae = 'x'\" }\n").err,
              AllOf(HasSubstr("a condition on nmae of public.users, which there is not"),
                    HasSubstr("its columns are: id, name")));
  EXPECT_THAT(Refused("\"public.users\" = { where = \"id > x\" }\n").err, HasSubstr("id: "));
  EXPECT_THAT(Refused("\"public.users\" = { percent = 101 }\n").err, HasSubstr("rotv.toml:"));
  EXPECT_FALSE(std::filesystem::exists(seed));

  Configure("\"public.users\" = { where = \"name = 'x'\" }\n");
  const nlohmann::json written = nlohmann::json::parse(rotv.MustSync({"--json", "materialize", "--subset"}));
  EXPECT_EQ(written["path"], (rotv.home() / "seed-data+subset.sql").native());
  EXPECT_EQ(written["rows"], 1);
  EXPECT_EQ(written["subset"].get<std::string>().size(), 16U);
}

}  // namespace
}  // namespace rotv::testing
