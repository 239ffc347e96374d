#include "tests/support/random/random_world.h"

namespace rotv::testing {

std::string RandomWorld::NewName(const std::string& kind) {
  if (!names_.empty() && dice.OneIn(10)) {
    const std::string old = dice.Pick(names_);
    if (old.starts_with(kind)) return old;
  }
  static const std::vector<std::string> kOdd = {" a b",   "\"q\"", "'s",     ".dot", "Ümläut",
                                                "\\back", "%s",    "SELECT", "\n"};
  std::string name = kind + std::to_string(NextNumber());
  if (dice.OneIn(6)) name += dice.Pick(kOdd);
  if (dice.OneIn(25)) name.resize(63, 'x');
  names_.push_back(name);
  return name;
}

}  // namespace rotv::testing
