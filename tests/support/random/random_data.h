// Statements that change rows of the tables that a catalogue names.

#pragma once

#include <string>

#include "tests/support/random/random_world.h"

namespace rotv::testing {

class RandomData {
 public:
  // `world` must outlive this object.
  explicit RandomData(RandomWorld& world)
      : world_(world), dice_(world.dice), catalog_(world.catalog), values_(world.values) {}

  // One statement, which the server may refuse; empty if there is no table.
  std::string Change();
  // Rows for this table.
  std::string Insert(const RandomTable& table);
  std::string Truncate();

 private:
  const RandomTable& Table();
  const RandomTable& Top(const RandomTable& table) const;
  std::string Update(const RandomTable& table);
  std::string UpdateKey(const RandomTable& table);
  std::string Delete(const RandomTable& table);
  std::string Where(const RandomTable& table);
  std::string ValueList(const RandomTable& table, const std::vector<const RandomColumn*>& columns,
                        const RandomColumn* counted);

  RandomWorld& world_;
  Dice& dice_;
  const RandomCatalog& catalog_;
  RandomValues& values_;
};

}  // namespace rotv::testing
