// Statements that change the columns of existing tables.

#pragma once

#include <string>

#include "tests/support/random/random_world.h"

namespace rotv::testing {

class RandomColumns {
 public:
  explicit RandomColumns(RandomWorld& world) : world_(world) {}

  std::string Change();

 private:
  std::string Add();
  std::string AddSpecial();
  std::string Drop();
  std::string Rename();
  std::string ExchangeNames();
  std::string DropExpression();
  std::string Retype();
  std::string SetNotNull();
  std::string SetDefault();
  std::string SetIdentity();
  std::string SetStorage();
  std::string Several();

  // A table that may change its own columns.
  const RandomTable* Table();

  RandomWorld& world_;
};

}  // namespace rotv::testing
