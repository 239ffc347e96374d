// The error for a store whose content contradicts its format.

#pragma once

#include <string>

#include "storage/error.h"

namespace rotv {

// Throws kCorrupt: "the store holds `what`".
[[noreturn]] inline void ThrowCorrupt(const char* what) {
  throw Error(ErrorCode::kCorrupt, std::string("the store holds ") + what,
              "take a new baseline: rotv-sync baseline --force");
}

}  // namespace rotv
