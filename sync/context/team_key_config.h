// Where the key of a remote is, as rotv.toml says it. Plain data.

#pragma once

#include <string>

namespace rotv {

struct TeamKeyConfig {
  std::string file;      // Its path; empty if it is in a variable, or if there is none.
  std::string variable;  // The name of the environment's variable that has it,
  std::string value;     // and what that has; empty if it is not set.

  bool is_set() const { return !file.empty() || !variable.empty(); }
};

}  // namespace rotv
