// Copies every type's samples through the baseline and through the stream.

#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/e2e/type_samples.h"

namespace rotv::testing {

// For each type: a table with it in a column, one in its primary key, one without a key.
class TypesTest : public FollowTest {
 protected:
  explicit TypesTest(const PostgresOptions& postgres = {}) : FollowTest(FollowOptions(postgres)) {}

  void MakeTables() {
    std::string statements = kTypeSamplesSetup;
    for (size_t i = 0; i < samples_.size(); ++i) {
      const std::string& type = samples_[i].type;
      statements += fmt::format("CREATE TABLE column_{0} (id int PRIMARY KEY, v {1}, other int);", i, type);
      statements += fmt::format("CREATE TABLE bag_{0} (v {1}, other int);", i, type);
      statements += fmt::format("ALTER TABLE bag_{} REPLICA IDENTITY FULL;", i);
      if (samples_[i].order == Order::kNotSortable) continue;
      statements += fmt::format("CREATE TABLE key_{0} (other int, v {1} PRIMARY KEY);", i, type);
    }
    Exec(statements);
  }

  // Inserts a NULL and every value, with ids from `first_id` on.
  void InsertValues(int first_id) {
    std::string statements = "BEGIN;";
    for (size_t i = 0; i < samples_.size(); ++i) {
      int id = first_id;
      statements +=
          fmt::format("INSERT INTO column_{0} VALUES ({1}, NULL, 0); INSERT INTO bag_{0} VALUES (NULL, 0);", i, id++);
      for (const std::string& value : samples_[i].values) {
        statements += fmt::format("INSERT INTO column_{0} VALUES ({1}, {2}, 0); INSERT INTO bag_{0} VALUES ({2}, 0);",
                                  i, id++, value);
      }
    }
    Exec(statements + "COMMIT");
  }

  void InsertKeys() {
    std::string statements = "BEGIN;";
    for (size_t i = 0; i < samples_.size(); ++i) {
      if (samples_[i].order == Order::kNotSortable) continue;
      for (const std::string& value : samples_[i].values) {
        statements += fmt::format("INSERT INTO key_{} VALUES (0, {});", i, value);
      }
    }
    Exec(statements + "COMMIT");
  }

  void ForEachKeyTable(const std::string& statement) {
    std::string statements = "BEGIN;";
    for (size_t i = 0; i < samples_.size(); ++i) {
      if (samples_[i].order == Order::kSortable) statements += fmt::format(fmt::runtime(statement), i) + ";";
    }
    Exec(statements + "COMMIT");
  }
  void ForEachOtherTable(const std::string& statement) {
    std::string statements = "BEGIN;";
    for (size_t i = 0; i < samples_.size(); ++i) statements += fmt::format(fmt::runtime(statement), i) + ";";
    Exec(statements + "COMMIT");
  }

  void EveryValueIsFollowed() {
    MakeTables();
    InsertValues(1);
    InsertKeys();
    BaselineIsDump();

    InsertValues(1001);
    ForEachKeyTable("UPDATE key_{} SET other = 1");
    PullIsDump();

    // Each row gets another row's value; NULLs too.
    ForEachOtherTable("UPDATE column_{0} a SET v = (SELECT v FROM column_{0} b WHERE b.id = a.id - 1000)");
    ForEachOtherTable("UPDATE column_{0} a SET v = (SELECT v FROM column_{0} b WHERE b.id = a.id + 1) WHERE id < 1000");
    ForEachOtherTable("UPDATE bag_{} SET other = 1 WHERE v IS NULL");
    ForEachKeyTable("DELETE FROM key_{}");
    PullIsDump();

    InsertKeys();
    ForEachOtherTable("DELETE FROM column_{} WHERE id % 2 = 0");
    ForEachOtherTable("DELETE FROM bag_{0} WHERE ctid IN (SELECT min(ctid) FROM bag_{0} GROUP BY v::text)");
    PullIsDump({.import = Import::kEmptyAndOverOlder});
  }

 private:
  const std::vector<TypeSample> samples_ = TypeSamples();
};

}  // namespace rotv::testing
