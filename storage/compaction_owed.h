// How much there is to merge in a store.

#pragma once

namespace rotv {

enum class CompactionOwed {
  kNothing,
  kSome,  // Reading is somewhat slower than it could be.
  kMuch,  // Reading also takes more memory.
};

}  // namespace rotv
