// Proves on the store that no value of a masked column is left.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "sync/context/context.h"
#include "sync/mask/mask_history.h"

namespace rotv {

struct MaskedColumnCheck {
  std::string column;     // public.users.email, quoted if necessary.
  std::string rule;       // "email"
  uint64_t sampled = 0;   // Values of the source that are not NULL.
  uint64_t masked = 0;    // Those whose row has exactly the value that the rule makes.
  uint64_t unmasked = 0;  // Those whose row has the source's value.
  // The rows of all others have changed since the last pull, or are not there yet.
};

// Sampled values of a masked column that occur in a column without a rule, alone or within a larger value.
struct MaskLeak {
  std::string column;
  std::string found_in;  // A column, a column in earlier states, or the path of a seed.
  uint64_t rows = 0;     // Lines, for a seed.
};

struct MaskCheckResult {
  Lsn lsn;  // The head, which was checked.
  std::vector<MaskedColumnCheck> columns;
  std::vector<MaskLeak> leaks;
  std::vector<mask::MaskHistory::Lost> lost;
  std::vector<std::string> carried_masks;  // Like PullResult's.
  uint64_t rows = 0;                       // Rows that were searched.
  uint64_t versions = 0;                   // Versions of rows in earlier states that were searched.
  std::vector<std::string> seeds;          // Seeds that were searched: those of the source in HOME.
  double seconds = 0;

  bool clean() const;
};

// Samples at most kMaskCheckRows rows of each table with rules on the source, compares them with their rows at the
// head, and searches for their values (of at least eight bytes, and no words that fake values are made of) in every
// other column of the head, in all versions of rows that the store has, and in the source's seeds in HOME. The stored
// schemas decide which columns are masked, including by rules that the config does not have. Changes nothing. Throws
// kUsage if there is no baseline, or nothing is masked; and what SourceSession throws.
MaskCheckResult CheckMasks(const Context& context);

inline constexpr int kMaskCheckRows = 500;

}  // namespace rotv
