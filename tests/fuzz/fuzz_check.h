// Checks a claim of a fuzzer, in every kind of build.

#pragma once

#include <cstdlib>

namespace rotv {

inline void FuzzCheck(bool holds) {
  if (!holds) std::abort();
}

}  // namespace rotv
