// Values of every type that the random workload uses, as expressions of SQL (standard_conforming_strings on) which
// carry their type, and the types themselves.

#pragma once

#include <string>

#include "tests/support/random/dice.h"
#include "tests/support/random/random_catalog.h"

namespace rotv::testing {

// How large a value may be: what stands in an index must fit into a page.
enum class ValueSize { kSmall, kAny };

class RandomValues {
 public:
  // Both outlive this.
  RandomValues(Dice& dice, const RandomCatalog& catalog) : dice_(dice), catalog_(catalog) {}

  // For a new column: any type, also those of the database; one with an order, for keys.
  std::string Type();
  std::string KeyType();

  // Not NULL, unless it is the type's own way.
  std::string Value(const std::string& type, ValueSize size = ValueSize::kAny);
  // NULL where the column allows it, a key of the table that it refers to, what a partition would take.
  std::string ValueFor(const RandomTable& table, const RandomColumn& column);
  // The same value in every row, as DEFAULT can have it; now and then one that differs from row to row.
  std::string Default(const std::string& type);

  // Characters that are easily garbled; a literal without its type.
  std::string Text();

 private:
  std::string Array(const std::string& element, ValueSize size);
  std::string OwnValue(const RandomType& type, ValueSize size);
  std::string TextOf(ValueSize size);
  std::string Digits(int most);

  Dice& dice_;
  const RandomCatalog& catalog_;
};

// Whether an index of btree takes this type.
bool CanBeKey(const std::string& type, const RandomCatalog& catalog);

}  // namespace rotv::testing
