// Statements that change rows, made for the tables that a catalogue names.

#pragma once

#include <string>

#include "tests/support/random_values.h"

namespace rotv::testing {

class RandomData {
 public:
  // All outlive this.
  RandomData(Dice& dice, const RandomCatalog& catalog, RandomValues& values)
      : dice_(dice), catalog_(catalog), values_(values) {}

  // One statement, which the server may refuse; empty where there is no table.
  std::string Change();
  // Rows for this table.
  std::string Insert(const RandomTable& table);
  std::string Truncate();

 private:
  const RandomTable& Table();
  std::string Update(const RandomTable& table);
  std::string UpdateKey(const RandomTable& table);
  std::string Delete(const RandomTable& table);
  std::string Where(const RandomTable& table);
  std::string ValueList(const RandomTable& table, const std::vector<const RandomColumn*>& columns,
                        const RandomColumn* counted);

  Dice& dice_;
  const RandomCatalog& catalog_;
  RandomValues& values_;
};

}  // namespace rotv::testing
