// Statements that create, change and remove objects other than tables: types, views, functions, sequences, large
// objects.

#pragma once

#include <string>

#include "tests/support/random/random_world.h"

namespace rotv::testing {

class RandomObjects {
 public:
  explicit RandomObjects(RandomWorld& world) : world_(world) {}

  std::string Change();
  // A use of the new value must not follow in the same transaction.
  std::string CreateType();

 private:
  std::string ChangeEnum();
  std::string ChangeComposite();
  std::string ChangeDomain();
  std::string MoveType();
  std::string DropType();
  std::string CreateView();
  std::string ChangeView();
  std::string CreateMaterializedView();
  std::string ChangeMaterializedView();
  std::string CreateTrigger();
  std::string ChangeTrigger();
  std::string CreateSequence();
  std::string UseSequence();
  std::string ChangeSequence();
  std::string LargeObject();
  std::string Comment();
  std::string Policy();
  std::string ChangeSchema();
  std::string Other();

  const RandomType* Type(char kind);

  RandomWorld& world_;
};

}  // namespace rotv::testing
