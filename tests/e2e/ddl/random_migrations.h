// Random transactions of schema changes and data changes, the same for the same number. Three tables, each followed in
// another way, always have the same rows in the same columns, so that a torn state is recognized without a dump.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"

namespace rotv::testing {

class RandomMigrations {
 public:
  explicit RandomMigrations(unsigned number) : random_(number) {}

  // A table followed by its primary key, one as a multiset, and one that is resynced.
  static std::string Tables() {
    std::string sql;
    for (const char* table : kTables) {
      sql += fmt::format(
          "CREATE TABLE {0} (id int NOT NULL, v text, big text); ALTER TABLE {0} ALTER big SET STORAGE EXTERNAL;",
          table);
    }
    return sql + "ALTER TABLE keyed ADD PRIMARY KEY (id); ALTER TABLE bag REPLICA IDENTITY FULL;";
  }

  // Returns the statements of the next transaction.
  std::string Transaction() {
    std::string sql;
    for (int i = Below(4); i >= 0; --i) {
      const std::string statement = Statement();
      for (const char* table : kTables) sql += fmt::format(fmt::runtime(statement), fmt::arg("t", table)) + "; ";
    }
    return sql;
  }

  // Checks that the three tables of a seed are equal.
  static void ExpectWhole(std::string_view seed) {
    const auto rows = [&](std::string_view table) {
      const std::string begin = fmt::format("\nCOPY public.{} ", table);
      size_t at = seed.find(begin);
      if (at == std::string_view::npos) throw std::runtime_error("the seed has no table " + std::string(table));
      const std::string_view block = seed.substr(at + begin.size(), seed.find("\n\\.", at) - at - begin.size());
      std::vector<std::string_view> lines;  // Includes the columns' names.
      for (at = 0; at < block.size(); at = std::min(block.find('\n', at), block.size()) + 1) {
        lines.push_back(block.substr(at, std::min(block.find('\n', at), block.size()) - at));
      }
      std::sort(lines.begin(), lines.end());
      return lines;
    };
    const auto keyed = rows("keyed");
    EXPECT_TRUE(keyed == rows("bag")) << "keyed and bag differ";
    EXPECT_TRUE(keyed == rows("no_key")) << "keyed and no_key differ";
  }

 private:
  static constexpr const char* kTables[] = {"keyed", "bag", "no_key"};
  struct Column {
    std::string name;
    std::string type;
  };

  int Below(int end) { return static_cast<int>(random_() % static_cast<unsigned>(end)); }
  std::string Some() {
    const int of = 2 + Below(9);
    return fmt::format("id % {} = {}", of, Below(of));
  }
  static std::string Value(const std::string& type, int number) {
    if (type == "text") return fmt::format("E'\\t{}\\\\'", number);
    if (type == "text[]") return fmt::format("ARRAY['a,', NULL, '{}']", number);
    return std::to_string(number);
  }

  std::string Statement() {
    const int kind = Below(20);
    if (kind < 6 || next_id_ < 50) return Insert();
    if (kind < 8) return "UPDATE {t} SET v = v || 'x' WHERE " + Some();
    if (kind == 8) return "UPDATE {t} SET big = reverse(big) WHERE " + Some();
    if (kind == 9) return "DELETE FROM {t} WHERE " + Some();
    if (kind == 10) return "UPDATE {t} SET id = id + 1000000 WHERE id < 1000000 AND " + Some();
    if (kind == 11) return Below(4) == 0 ? "TRUNCATE {t}" : Insert();
    if (kind < 14 || columns_.empty()) return columns_.size() < 12 ? Add() : Drop();
    if (kind == 14) return Drop();
    if (kind == 15) return Rename();
    if (kind == 16) return Retype();
    if (kind == 17) return Below(2) == 0 ? "ALTER TABLE {t} RENAME v TO w; ALTER TABLE {t} RENAME w TO v" : Swap();
    const Column& column = columns_[Below(static_cast<int>(columns_.size()))];
    return fmt::format("UPDATE {{t}} SET {} = {} WHERE {}", column.name, Value(column.type, Below(100)), Some());
  }
  std::string Insert() {
    const int first = next_id_;
    next_id_ += 1 + Below(60);
    return fmt::format(
        "INSERT INTO {{t}} (id, v, big) SELECT n, 'v' || n, CASE WHEN n % 9 = 0 THEN repeat(md5(n::text), 150) END "
        "FROM "
        "generate_series({}, {}) n",
        first, next_id_ - 1);
  }
  std::string Add() {
    static const std::vector<std::string> kTypes = {"int", "text", "text[]", "numeric"};
    const std::string& type = kTypes[Below(4)];
    columns_.push_back({fmt::format("c{}", next_column_++), type});
    const std::string add = fmt::format("ALTER TABLE {{t}} ADD {} {}", columns_.back().name, type);
    return Below(2) == 0 ? add : add + " DEFAULT " + Value(type, Below(100));
  }
  std::string Drop() {
    const auto column = columns_.begin() + Below(static_cast<int>(columns_.size()));
    const std::string name = column->name;
    columns_.erase(column);
    return "ALTER TABLE {t} DROP " + name;
  }
  std::string Rename() {
    Column& column = columns_[Below(static_cast<int>(columns_.size()))];
    const std::string old = column.name;
    column.name = fmt::format("c{}", next_column_++);
    return fmt::format("ALTER TABLE {{t}} RENAME {} TO {}", old, column.name);
  }
  std::string Swap() {
    if (columns_.size() < 2) return Add();
    std::swap(columns_.front().type, columns_.back().type);
    return fmt::format(
        "ALTER TABLE {{t}} RENAME {0} TO tmp; ALTER TABLE {{t}} RENAME {1} TO {0}; ALTER TABLE {{t}} RENAME tmp TO {1}",
        columns_.front().name, columns_.back().name);
  }
  // Every type converts to text; a default would prevent the conversion.
  std::string Retype() {
    Column& column = columns_[Below(static_cast<int>(columns_.size()))];
    const std::string use =
        column.type == "text" ? fmt::format("upper({0} || 'u')", column.name) : column.name + "::text";
    column.type = "text";
    return fmt::format("ALTER TABLE {{t}} ALTER {0} DROP DEFAULT, ALTER {0} TYPE text USING {1}", column.name, use);
  }

  std::mt19937 random_;
  std::vector<Column> columns_;
  int next_id_ = 1;
  int next_column_ = 0;
};

}  // namespace rotv::testing
