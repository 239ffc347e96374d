// Shared by the generators of random statements: the dice, the catalogue as last read, values, and names for new
// objects.

#pragma once

#include <string>
#include <vector>

#include "tests/support/random/random_values.h"

namespace rotv::testing {

class RandomWorld {
 public:
  explicit RandomWorld(uint64_t seed) : dice(seed), values(dice, catalog) {}
  RandomWorld(const RandomWorld&) = delete;
  RandomWorld& operator=(const RandomWorld&) = delete;

  // A name that was never used, now and then with odd characters or 63 bytes long; or one that another object had
  // before.
  std::string NewName(const std::string& kind);
  std::string Schema() { return dice.Pick(catalog.schemas); }
  // A qualified name in any schema, as SQL.
  std::string NewObject(const std::string& kind) { return Schema() + "." + SqlName(NewName(kind)); }
  int NextNumber() { return ++number_; }

  // One of the matching tables; nullptr if there is none.
  template <typename Fits>
  const RandomTable* Table(Fits fits);
  // One of its matching columns; nullptr if there is none.
  template <typename Fits>
  const RandomColumn* Column(const RandomTable& table, Fits fits);

  // The table that was picked last, as SQL: a table that changed just now is worth changing again.
  const std::string& last_table() const { return last_table_; }

  Dice dice;
  RandomCatalog catalog;
  RandomValues values;

 private:
  int number_ = 0;
  std::vector<std::string> names_;
  std::string last_table_;
};

template <typename Fits>
const RandomTable* RandomWorld::Table(Fits fits) {
  std::vector<const RandomTable*> found;
  for (const RandomTable& table : catalog.tables) {
    if (fits(table)) found.push_back(&table);
  }
  if (found.empty()) return nullptr;
  const RandomTable* table = dice.Pick(found);
  last_table_ = table->Sql();
  return table;
}

template <typename Fits>
const RandomColumn* RandomWorld::Column(const RandomTable& table, Fits fits) {
  std::vector<const RandomColumn*> found;
  for (const RandomColumn& column : table.columns) {
    if (fits(column)) found.push_back(&column);
  }
  return found.empty() ? nullptr : dice.Pick(found);
}

// One or several statements of SQL; empty if there is no object to change.
template <typename Maker>
struct RandomChange {
  int weight;
  std::string (Maker::*make)();
};

// Tries generators until one gives a statement; weights are relative.
template <typename Maker, size_t N>
std::string PickChange(Dice& dice, Maker& maker, const RandomChange<Maker> (&changes)[N]) {
  int sum = 0;
  for (const auto& change : changes) sum += change.weight;
  for (int tries = 0; tries < 20; ++tries) {
    int at = dice.Below(sum);
    for (const auto& change : changes) {
      at -= change.weight;
      if (at >= 0) continue;
      if (std::string sql = (maker.*change.make)(); !sql.empty()) return sql;
      break;
    }
  }
  return "";
}

}  // namespace rotv::testing
