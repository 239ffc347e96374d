// Values of every type that the random workload uses, as SQL expressions (standard_conforming_strings on) with their
// type, and the types themselves.

#pragma once

#include <string>

#include "tests/support/random/dice.h"
#include "tests/support/random/random_catalog.h"

namespace rotv::testing {

// The largest allowed size of a value: indexed values must fit into a page.
enum class ValueSize { kSmall, kAny };

class RandomValues {
 public:
  // Both arguments must outlive this object.
  RandomValues(Dice& dice, const RandomCatalog& catalog) : dice_(dice), catalog_(catalog) {}

  // A type for a new column: any type, including those of the database; an ordered one for keys.
  std::string Type();
  std::string KeyType();

  // A value that is not NULL, unless NULL belongs to the type.
  std::string Value(const std::string& type, ValueSize size = ValueSize::kAny);
  // A value that fits the column: NULL where the column allows it, a key of the referenced table, or a value that a
  // partition accepts.
  std::string ValueFor(const RandomTable& table, const RandomColumn& column);
  // A value for DEFAULT: mostly the same in every row, now and then one that differs from row to row.
  std::string Default(const std::string& type);

  // A literal without its type, made of characters that are easily garbled.
  std::string Text();

 private:
  std::string Array(const std::string& element, ValueSize size);
  std::string OwnValue(const RandomType& type, ValueSize size);
  std::string TextOf(ValueSize size);
  std::string Digits(int most);

  Dice& dice_;
  const RandomCatalog& catalog_;
};

// True if a btree index takes this type.
bool CanBeKey(const std::string& type, const RandomCatalog& catalog);

}  // namespace rotv::testing
